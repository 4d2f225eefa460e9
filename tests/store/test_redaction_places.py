"""What is hidden because of where it stands, and what stays readable: the rules, one case a line."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml
from store_kind import page_of, scope_of

from audit.store import Redactor

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "hidden"  # by policy; any other text is the detector's name
KEPT = "kept"


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor(b"k" * 32)


def redacted(redactor: Redactor, value: Any) -> Any:
    return msgspec.json.decode(redactor.page(page_of(scope_of(1), value)).body)


def expected(redactor: Redactor, value: str, verdict: str) -> str:
    if verdict == KEPT:
        return value
    return f"[redacted:{redactor.digest(value)}{'' if verdict == HIDDEN else ':' + verdict}]"


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("FEATURE_X", "true", KEPT),
        ("RETRIES", "250", KEPT),
        ("RATIO", "0.75", KEPT),
        ("LOG_LEVEL", "Information", KEPT),
        ("API_HOST", "api.contoso.example", KEPT),
        ("API_URL", "https://api.contoso.example", KEPT),
        ("API_URL", "https://api.contoso.example:8443/", KEPT),
        ("EMPTY_PASSWORD", "", KEPT),
        ("USE_PASSWORD", "false", KEPT),
        ("API_URL", "https://api.contoso.example/v1", HIDDEN),
        ("QUEUE", "orders-placed", HIDDEN),
        ("ORDER", "1234567", HIDDEN),
        ("AZURE_CLIENT_ID", "0f8fad5b-d9cb-469f-a165-70867728950e", HIDDEN),
        ("PASSWORD_FILE", "/mnt/secrets/password", HIDDEN),
        ("SECRET_NAME", "orders-password", HIDDEN),
        ("KEY_VAULT_URL", "https://kv.vault.azure.net", KEPT),
        ("DB_PASSWORD", "hunter2", "secret-name"),
        ("DB_PASSWORD", "123456", "secret-name"),
        ("ApiKey", "abc", "secret-name"),
        ("AccessKey_1", "orders", "secret-name"),
        ("REDIS_CONNECTION", "cache:6380", "secret-name"),
        ("PARTITION_KEY", "customerId", HIDDEN),
        ("TOKEN_COUNT", "12", KEPT),
        ("DB_PASSWORD", "$(FROM_ELSEWHERE)", HIDDEN),
        ("OPAQUE", "q7Zt0PxV2mLw9KcRb4Ye8Ns1", "high-entropy"),
        ("GIT_COMMIT", "9fceb02d0ae598e95dc970b74767f19372d61af8", HIDDEN),
    ],
)
def test_an_environment_value_is_hidden_unless_it_is_plainly_harmless(
    redactor: Redactor, name: str, value: str, verdict: str
) -> None:
    shown = expected(redactor, value, verdict)
    before = {"template": {"containers": [{"name": "c", "env": [{"name": name, "value": value}]}]}}
    after = {"template": {"containers": [{"name": "c", "env": [{"name": name, "value": shown}]}]}}
    assert redacted(redactor, before) == after
    assert redacted(redactor, {"properties": {"body": json.dumps(before)}})["properties"]["body"] == (
        json.dumps(before) if verdict == KEPT else msgspec.json.encode(after).decode()
    )
    assert redacted(redactor, after) == after


def test_a_variable_from_a_secret_stays_as_it_is(redactor: Redactor) -> None:
    job = {
        "env": [{"name": "CONNECTION", "value": "", "secretRef": "connection-secret"}, {"name": "B", "secretRef": "b"}]
    }
    assert redacted(redactor, job) == job


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("queueName", "orders-placed", KEPT),
        ("queueLength", "5", KEPT),
        ("connectionFromEnv", "ORDERS_CONNECTION", KEPT),
        ("passwordFromEnv", "ORDERS_PASSWORD", KEPT),
        ("connection", "OrdersConnection", KEPT),
        ("namespace", "sb-orders.servicebus.windows.net", KEPT),
        ("query", "SELECT count(*) FROM orders WHERE state = 'open'", KEPT),
        ("keyVaultUrl", "https://kv.vault.azure.net/secrets/x", KEPT),
        ("watchKey", "jobs/length", KEPT),
        ("tokenURI", "https://idp.example/token", KEPT),
        ("sasl", "plaintext", KEPT),
        ("password", "hunter2", "secret-name"),
        ("apiKey", "hunter2", "secret-name"),
        ("personalAccessToken", "hunter2", "secret-name"),
        ("organizationURL", "q7Zt0PxV2mLw9KcRb4Ye8Ns1", "high-entropy"),
    ],
)
def test_scaler_metadata_stays_readable_unless_it_shows_a_secret(
    redactor: Redactor, name: str, value: str, verdict: str
) -> None:
    rules = {"scale": {"rules": [{"name": "r", "type": "x", "metadata": {name: value}, "auth": [{"secretRef": "s"}]}]}}
    metadata = redacted(redactor, rules)["scale"]["rules"][0]["metadata"]
    assert metadata == {name: expected(redactor, value, verdict)}


def test_a_connection_string_in_metadata_keeps_its_harmless_part(redactor: Redactor) -> None:
    secret = "".join(("c2Vj", "cmV0" * 9, "aGVyZQ", "=" * 2))
    value = f"Endpoint=sb://ns.example/;SharedAccessKeyName=Root;SharedAccessKey={secret};EntityPath=q"
    shown = redacted(redactor, {"metadata": {"connection": value}})["metadata"]["connection"]
    marker = f"[redacted:{redactor.digest(secret)}:shared-access-key]"
    assert shown == f"Endpoint=sb://ns.example/;SharedAccessKeyName=Root;SharedAccessKey={marker};EntityPath=q"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["/bin/sh", "-c", "python", "-m", "orders.worker", "main.py"], None),
        (
            [
                "--verbose",
                "--queue=orders",
                "--batch",
                "25",
                "--no-color",
                "run-job",
                "$(QUEUE)",
                "api.contoso.example",
            ],
            None,
        ),
        (["dotnet", "Orders.Worker.dll", "/app/run.sh", "--log-level=Debug"], None),
        (["-c", "while true; do echo hello; sleep 10;done"], ["-c", HIDDEN]),
        (["--password=hunter2"], [("--password=", "hunter2", "password")]),
        (["--api-key", "hunter2", "--verbose"], ["--api-key", "secret-name", "--verbose"]),
        (["--password", "$(DB_PASSWORD)"], None),
        (["--token", "--verbose"], None),
        (["-p", "hunter2"], ["-p", HIDDEN]),
        (["-p", "8080"], None),
        (["-pHunter2", "-jar", "-phunter2"], [HIDDEN, "-jar", HIDDEN]),
        (["DB_PASSWORD=hunter2"], [("DB_PASSWORD=", "hunter2", "password")]),
        (["--query=select * from orders"], [("--query=", "select * from orders", HIDDEN)]),
        (["q7Zt0PxV2mLw9KcRb4Ye8Ns1"], ["high-entropy"]),
        (["https://contoso.example/a/b?c=d"], [HIDDEN]),
        (["ends here", 5, None], [HIDDEN, 5, None]),
    ],
)
def test_a_command_line_keeps_flags_paths_and_plain_words(
    redactor: Redactor, words: list[Any], shown: list[Any] | None
) -> None:
    for name in ("command", "args"):
        found = redacted(redactor, {"containers": [{name: words}]})["containers"][0][name]
        wanted: list[Any] = []
        for word, how in zip(words, shown or words, strict=True):
            if isinstance(how, tuple):
                wanted.append(how[0] + expected(redactor, how[1], how[2]))
            elif how == word:
                wanted.append(word)
            else:
                wanted.append(expected(redactor, word, how))
        assert found == wanted
        again = {"containers": [{name: found}]}
        assert redacted(redactor, again) == again


@pytest.mark.parametrize(
    ("before", "name", "detector"),
    [
        ({"adminPassword": "hunter2"}, "adminPassword", "password"),
        ({"primaryKey": "hunter2"}, "primaryKey", "secret-name"),
        ({"sharedKey": "hunter2"}, "sharedKey", "secret-name"),
        ({"parameters": {"clientSecret": {"value": "hunter2"}}}, "value", "secret-name"),
        (
            {"parameters": {"sqlPassword": {"type": "securestring", "defaultValue": "hunter2"}}},
            "defaultValue",
            "password",
        ),
        ({"settings": [{"name": "ClientSecret", "value": "hunter2"}]}, "value", "secret-name"),
        ({"keys": [{"keyName": "key1", "value": "hunter2"}]}, "value", "secret-name"),
        ({"configuration": {"secrets": [{"name": "n", "value": "hunter2"}]}}, "value", "secret-value"),
        ({"appSettings": [{"name": "DB_PASSWORD", "value": "hunter2"}]}, "value", "secret-name"),
        ({"password": 12345678}, "password", "password"),
        ({"blobSas": "hunter2"}, "blobSas", "secret-name"),
    ],
)
def test_a_member_that_is_named_for_a_secret_is_hidden_wherever_it_stands(
    redactor: Redactor, before: Any, name: str, detector: str
) -> None:
    secret = "12345678" if before == {"password": 12345678} else "hunter2"
    text = msgspec.json.encode(redacted(redactor, {"properties": before})).decode()
    assert secret not in text
    assert f'"{name}":"[redacted:{redactor.digest(secret)}:{detector}]"' in text


def test_references_to_secrets_stay(redactor: Redactor) -> None:
    kept = {
        "registries": [{"server": "r.azurecr.io", "username": "u", "passwordSecretRef": "registry-password"}],
        "secrets": [{"name": "n", "keyVaultUrl": "https://kv.vault.azure.net/secrets/n/0123", "identity": "system"}],
        "auth": [{"secretRef": "connection-string-secret", "triggerParameter": "connection"}],
        "clientSecret": "[parameters('clientSecret')]",
        "password": "@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/n)",
        "hasPassword": True,
        "tokenCount": 5,
        "nextLink": "https://management.azure.com/x?api-version=1&$skiptoken=bnVsbF9fMQ%3d%3d",
        "$skipToken": "ew0KICAiJGlkIjogIjEiLA0KICAiTWF4Um93cyI6IDEwMDANCn0=",
    }
    assert redacted(redactor, kept) == kept


def test_what_an_access_policy_allows_stays_and_a_list_of_secrets_does_not(redactor: Redactor) -> None:
    kept = {"permissions": {"keys": ["get"], "secrets": ["Get", "list", "purge"], "certificates": []}}
    assert redacted(redactor, kept) == kept
    text = msgspec.json.encode(redacted(redactor, {"secrets": ["get", "hunter2"]})).decode()
    assert "hunter2" not in text


HARMLESS = {
    "id": "/subscriptions/0f8fad5b-d9cb-469f-a165-70867728950e/resourceGroups/rg/providers/Microsoft.App/jobs/a"
    "/events/5b8f3c1e-1c7e-4f8a-9a3c-0d2f5b7c9e11/ticks/636528553513810679",
    "assignment": "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c",
    "image": "r.azurecr.io/team/app@sha256:" + "9f86d081884c7d659a2feaa0c55ad015" * 2,
    "digest": "sha256:" + "9f86d081884c7d659a2feaa0c55ad015" * 2,
    "customDomainVerificationId": "9F86D081884C7D659A2FEAA0C55AD015" * 2,
    "thumbprint": "A94A8FE5CCB19BA61C4C0873D391E987982FBBD3",
    "etag": "W/\"datetime'2026-11-22T06%3A00%3A00.1234567Z'\"",
    "eTag": '"1d802d572939f3d"',
    "svg": "data:image/svg+xml;base64," + "PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4" * 4,
    "correlation": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "serviceRequestId": "westeurope:0f8fad5b-d9cb-469f-a165-70867728950e",
    "msEdgeRef": "Ref A: 6D0225B4A59B4D298EEC96771F965CF0 Ref B: MNZ221060608039 Ref C: 2025-05-19T03:49:59Z",
    "condition": "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request"
    "[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals "
    "{b24988ac-6180-42a0-ab88-20f7382dd24c}))",
    "action": "Microsoft.App/jobs/listSecrets/action",
    "role": "Basic Reader of keys, tokens and passwords",
    "expression": "[resourceId('Microsoft.App/jobs', parameters('name'))]",
    "description": "Lets you manage Key Vault secrets, but not the password of a token. See https://aka.ms/x",
    "kansas": "wheat",
    "phone": "+41 44 555 01 23",
    "mail": "first.last@contoso.example",
    "principal": "first.last_gmail.com#EXT#@contoso.onmicrosoft.com",
    "storage": "https://stlogs.blob.core.windows.net/",
    "name": "sk-norvane-shared-services-westeurope-production",
    "gateway": "https://contoso.example:8443/path@v2",
    "query": "resources | where type =~ 'microsoft.app/jobs' | project id, kind=properties.configuration.triggerType",
    "odata": "$filter=eventTimestamp ge '2026-10-23T06:00:00Z' and eventTimestamp le '2026-11-22T06:00:00Z'",
    "amounts": [1.10, 100.0, 1e-7, 12345678901234567890, -0.5, True, None],
    "tags": {
        "cost-centre": "CC-4711",
        "owner": "team-orders@contoso.example",
        "runbook": "https://wiki.example/r?page=7",
    },
}


def test_facts_come_through_byte_for_byte(redactor: Redactor) -> None:
    for body in (
        msgspec.json.encode(HARMLESS),
        json.dumps(HARMLESS, indent=1).encode().replace(b"\n", b" "),
        b'{"value":[%s,{"n":1.10,"e":1E5}],"nextLink":null}' % msgspec.json.encode(HARMLESS),
    ):
        page = page_of(scope_of(1), body, url="https://arm.example/x?$filter=a%20ge%20%27b%27&api-version=1")
        assert redactor.page(page) == page


def test_recorded_answers_come_through(redactor: Redactor, recorded: Path) -> None:
    """Only the jobs' environment values and one script are hidden, and the claims of a published event are cut."""
    changed = set()
    for path in sorted(recorded.glob("*.json")):
        body = path.read_bytes().translate(bytes.maketrans(b"\r\n", b"  ")).strip()
        if redactor.page(page_of(scope_of(1), body)).body != body:
            changed.add(path.name)
    assert changed == {
        "activity-log-event.sample.json",
        "job-event-azurequeue.recorded.json",
        "job-event-servicebus-identity.example.json",
        "job-executions.sample.json",
    }
    for exchange in yaml.safe_load((recorded / "budget.recorded.yaml").read_text())["interactions"]:
        if body := exchange["response"]["body"]["string"]:
            assert redactor.page(page_of(scope_of(1), body.encode())).body == body.encode()
    event = json.loads((recorded / "activity-log-event.sample.json").read_bytes())
    shown = redacted(redactor, event)
    assert {**shown, "claims": None} == {**event, "claims": None}
    assert shown["claims"].items() < event["claims"].items()


def test_claims_are_cut_to_who_acted(redactor: Redactor) -> None:
    claims = {
        "appid": "a",
        "name": "N",
        "ipaddr": "1.2.3.4",
        "aio": "opaque",
        "uti": "opaque",
        "groups": "g",
        "xms_mirid": "/x",
    }
    kept = {"appid": "a", "name": "N", "ipaddr": "1.2.3.4", "xms_mirid": "/x"}
    event = {"authorization": {"action": "x", "scope": "/y", "evidence": {"role": "Owner"}}, "claims": claims}
    assert redacted(redactor, {"value": [event]}) == {"value": [{**event, "claims": kept}]}
    assert redacted(redactor, {"value": [{**event, "claims": json.dumps(claims)}]})["value"][0]["claims"] == kept
    assert redacted(redactor, {"claims": {}}) == {"claims": {}}


def test_numbers_keep_their_spelling_beside_a_secret(redactor: Redactor) -> None:
    body = b'{"password":"hunter2","a":1.10,"b":1E+5,"c":100.00,"d":12345678901234567890123}'
    shown = redactor.page(page_of(scope_of(1), body)).body
    assert shown.endswith(b'"a":1.10,"b":1E+5,"c":100.00,"d":12345678901234567890123}')


def test_json_that_was_cut_off_is_hidden_whole(redactor: Redactor) -> None:
    cut = '{"properties": {"template": {"containers": [{"env": [{"name": "A", "value": "hunt'
    assert redacted(redactor, {"requestbody": cut}) == {"requestbody": f"[redacted:{redactor.digest(cut)}]"}
    assert redacted(redactor, {"log": "[INFO] started {id}"}) == {"log": "[INFO] started {id}"}
    assert redacted(redactor, {"empty": ["{}", "[]", '""', ""]}) == {"empty": ["{}", "[]", '""', ""]}


def test_documents_as_deep_as_they_come_are_read_or_hidden(redactor: Redactor) -> None:
    secret = "hunter2" * 3
    deep: Any = {"password": secret}
    for _ in range(200):
        deep = [{"x": deep}]
    assert secret.encode() not in redactor.page(page_of(scope_of(1), deep)).body
    nested = json.dumps({"password": secret})
    for _ in range(8):
        nested = json.dumps({"body": nested})
    assert secret.encode() not in redactor.page(page_of(scope_of(1), nested.encode())).body
    bombs = b"[" * 5000 + b'"' + secret.encode() + b'"' + b"]" * 5000
    assert redactor.page(page_of(scope_of(1), b'{"password":%s}' % bombs)).body.count(secret.encode()) == 0


@pytest.mark.parametrize(
    "text",
    [
        "%" + "25" * 3000,
        "eyJ" * 20_000,
        "password-" * 10_000,
        '\\\\"' * 20_000 + "'",
        '"password": "' * 8_000,
        "://a:" * 15_000,
        "a=" * 30_000,
        "--token " * 10_000,
        " " * 60_000 + "password=",
        "A" * 60_000 + "=",
        "x" * 60_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
    ],
)
def test_no_text_makes_a_rule_go_round_in_circles(redactor: Redactor, text: str) -> None:
    started = time.process_time()
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert time.process_time() - started < 10


def test_equal_values_have_equal_digests_under_one_key_only(redactor: Redactor) -> None:
    other = Redactor(b"o" * 32)
    assert redactor.digest("a") == Redactor(b"k" * 32).digest("a") != other.digest("a")
    assert redactor.digest("a") != redactor.digest("b")
    assert redactor.key_id != other.key_id
    assert len(redactor.key_id) == 8
    assert len(redactor.digest("a")) == 16


def test_ten_thousand_events_are_redacted_in_the_time_that_decoding_them_takes_some_times_over(
    redactor: Redactor,
) -> None:
    """A guard against a rule that scans badly: measured at five times decoding and encoding; the limit is twenty."""
    event = {
        "authorization": {"action": "Microsoft.App/jobs/write", "scope": HARMLESS["id"]},
        "claims": {"appid": "a", "aio": "x"},
        "eventTimestamp": datetime(2026, 11, 22, tzinfo=UTC).isoformat(),
        "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
        "properties": {"statusCode": "Created", "entity": HARMLESS["id"], "message": "x" * 400},
    }
    items = [{**event, "id": f"{HARMLESS['id']}{number}", "correlationId": f"{number:036d}"} for number in range(2000)]
    body = msgspec.json.encode({"value": items})
    started = time.process_time()
    for _ in range(3):
        msgspec.json.encode(msgspec.json.decode(body))
    plain = (time.process_time() - started) / 3
    started = time.process_time()
    redactor.page(page_of(scope_of(1), body))
    assert time.process_time() - started < 20 * plain
