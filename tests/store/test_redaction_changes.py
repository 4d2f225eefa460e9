"""What Resource Graph says of a change is hidden as the configuration is: by place, under the same digest."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kind import page_of, scope_of

from audit.model.marker import MARKER
from audit.store import Redactor
from audit.store.redaction.changes import steps
from audit.store.redaction.values import is_never_secret

REDACTOR = Redactor(b"k" * 32)
RULE = "properties.configuration.eventTriggerConfig.scale.rules[0]"
FIRST = "properties.template.containers[0]"


def redacted(value: Any) -> Any:
    return msgspec.json.decode(REDACTOR.page(page_of(scope_of(1), value)).body)


def changed(**paths: Any) -> dict[str, Any]:
    """Return the stored ``changes`` of values given by path: (before, after), or after alone."""
    pairs = {path: each if isinstance(each, tuple) else (None, each) for path, each in paths.items()}
    changes = {path: {"previousValue": old, "newValue": new} for path, (old, new) in pairs.items()}
    answer = redacted({"totalRecords": 1, "count": 1, "data": [{"id": "/c", "properties": {"changes": changes}}]})
    return answer["data"][0]["properties"]["changes"]


def after(path: str, value: Any, **beside: Any) -> Any:
    return changed(**{path: value}, **beside)[path]["newValue"]


def live(**first: Any) -> dict[str, Any]:
    """Return a job's first container as stored."""
    job = {"id": "/j", "details": {"template": {"containers": [{"name": "main", "image": "r.io/a:1", **first}]}}}
    return redacted(job)["details"]["template"]["containers"][0]


def digest(value: str) -> str:
    return REDACTOR.digest(value)


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("tags.owner", ("tags", "owner")),
        ("a.b[0].c[12].value", ("a", "b", 0, "c", 12, "value")),
        ("tags['a.b']", ("tags", "a.b")),
        ('tags["x"].y', ("tags", "x", "y")),
        ("", ()),
    ],
)
def test_a_path_is_taken_apart(path, way):
    assert steps(path) == way


@pytest.mark.parametrize("value", ["hunter2!hunter2", "orders-placed", "https://api.contoso.example/v1", "1234567"])
def test_an_environment_value_has_the_digest_of_the_configuration(value):
    kept = live(env=[{"name": "SETTING", "value": value}])["env"][0]["value"]
    assert after(f"{FIRST}.env[2].value", value) == kept == f"[redacted:{digest(value)}]"


def test_before_and_after_compare_by_their_digests():
    path = f"{FIRST}.env[0].value"
    one = changed(**{path: ("first-password", "second-password")})[path]
    two = changed(**{path: ("second-password", "first-password")})[path]
    assert one["previousValue"] == two["newValue"] != one["newValue"] == two["previousValue"]


@pytest.mark.parametrize("value", ["123456", "summer.sun", "0.75"])
def test_what_could_be_a_password_under_a_name_that_is_not_told_is_hidden(value):
    assert live(env=[{"name": "RETRIES", "value": value}])["env"][0]["value"] == value
    assert after(f"{FIRST}.env[0].value", value) == f"[redacted:{digest(value)}]"


@pytest.mark.parametrize("value", ["true", "off", "debug", "25", "sb-norvane.servicebus.windows.net", ""])
def test_what_is_no_secret_under_any_name_stays_readable(value):
    assert after(f"{FIRST}.env[0].value", value) == value


def test_a_name_that_is_told_beside_the_value_decides():
    path = f"{FIRST}.env[3]"
    told = changed(**{f"{path}.name": ("RETRIES", "DB_PASSWORD"), f"{path}.value": ("123456", "123456")})
    assert told[f"{path}.value"] == {
        "previousValue": "123456",
        "newValue": f"[redacted:{digest('123456')}:secret-name]",
    }
    assert told[f"{path}.name"]["newValue"] == "DB_PASSWORD"


def test_a_variable_or_all_of_them_as_an_object_or_as_text():
    variable, hidden = {"name": "DB_PASSWORD", "value": "hunter2"}, f"[redacted:{digest('hunter2')}:secret-name]"
    assert after(f"{FIRST}.env[1]", variable)["value"] == hidden
    assert json.loads(after(f"{FIRST}.env[1]", json.dumps(variable)))["value"] == hidden
    assert json.loads(after(f"{FIRST}.env", json.dumps([variable])))[0]["value"] == hidden
    assert after(FIRST, {"name": "main", "env": [variable]})["env"][0]["value"] == hidden
    assert json.loads(after(FIRST, json.dumps({"name": "main", "env": [variable]})))["env"][0]["value"] == hidden


def test_a_secret_reference_stays_readable():
    assert after(f"{FIRST}.env[1].secretRef", "queue-connection") == "queue-connection"


def test_scaler_metadata_is_hidden_by_key_and_by_value():
    connection = "DefaultEndpointsProtocol=https;AccountName=st;AccountKey=abcdefgh;EndpointSuffix=core.windows.net"
    metadata = {"connection": connection, "queueLength": "5", "password": "hunter2"}
    kept = redacted({"id": "/s", "details": {"rules": [{"metadata": metadata}]}})["details"]["rules"][0]["metadata"]
    told = changed(**{f"{RULE}.metadata.{key}": (value, value) for key, value in metadata.items()})
    for key in metadata:
        assert told[f"{RULE}.metadata.{key}"] == {"previousValue": kept[key], "newValue": kept[key]}
    assert "abcdefgh" not in kept["connection"]
    assert kept["queueLength"] == "5"


def test_a_secret_value_is_hidden_and_what_describes_it_is_not():
    path = "properties.configuration.secrets[1]"
    kept = redacted({"id": "/s", "details": {"secrets": [{"name": "n", "value": "true"}]}})["details"]["secrets"][0]
    assert after(f"{path}.value", "true") == kept["value"] == f"[redacted:{digest('true')}:secret-value]"
    assert after(f"{path}.name", "queue-connection") == "queue-connection"
    vault = "https://kv.vault.azure.net/secrets/queue"
    assert after(f"{path}.keyVaultUrl", vault) == vault
    assert after(path, {"name": "n", "value": "hunter2"})["value"] == f"[redacted:{digest('hunter2')}:secret-value]"


def test_words_of_a_command_go_by_the_word_before_as_far_as_it_is_told():
    words = ["run", "--password", "hunter", "--verbose", "fast"]
    kept = live(args=words)["args"]
    paths = {f"{FIRST}.args[{index}]": word for index, word in enumerate(words)}
    assert [each["newValue"] for each in changed(**paths).values()] == kept
    assert kept[2] == f"[redacted:{digest('hunter')}:secret-name]"
    assert after(f"{FIRST}.args[2]", "hunter") == f"[redacted:{digest('hunter')}]", "what stood before isn't told"
    assert after(f"{FIRST}.args[3]", "--verbose") == "--verbose"
    assert after(f"{FIRST}.command[0]", "/bin/sh") == "/bin/sh"


def test_a_firewall_and_a_permission_stay_readable():
    assert after("properties.networkAcls.ipRules[0].value", "203.0.113.0/27") == "203.0.113.0/27"
    assert after("properties.accessPolicies[0].permissions.secrets[0]", "get") == "get"
    assert after("properties.maxDeliveryCount", "10") == "10"


def test_the_value_of_a_pair_without_its_name_is_hidden():
    path = "properties.destinations.otlpConfigurations[0].headers[0]"
    assert after(f"{path}.value", "hunter2") == f"[redacted:{digest('hunter2')}]"
    told = changed(**{f"{path}.key": "x-api-key", f"{path}.value": "hunter2"})
    assert told[f"{path}.value"]["newValue"] == f"[redacted:{digest('hunter2')}:secret-name]"


def test_a_member_named_for_a_secret_is_hidden():
    for path in ("properties.adminPassword", "properties.connectionString", "properties.parameters.apiKey.value"):
        assert "hunter2" not in after(path, "hunter2")


def test_a_value_that_was_cut_short_loses_its_last_word():
    """A token that was cut no longer looks like one."""
    text = "see https://contoso.example/report and ask eyJhbGciOiJSUzI1Ni"
    changes = {"tags.note": {"previousValue": "x", "newValue": text, "isTruncated": "true"}}
    (stored,) = redacted({"data": [{"changes": changes}]})["data"]
    kept = stored["changes"]["tags.note"]
    assert kept["newValue"].startswith("see https://contoso.example/report and ask [redacted:")
    assert "eyJ" not in json.dumps(stored)
    assert kept["isTruncated"] == "true"


def test_an_object_that_was_cut_short_is_hidden_whole():
    text = json.dumps([{"name": "PASSWORD", "value": "hunter2"}])[:-3]
    assert MARKER.fullmatch(after(f"{FIRST}.env", text))
    assert MARKER.fullmatch(after(FIRST, text))


def test_other_members_called_changes_follow_the_general_rules():
    assert redacted({"data": {"changes": {"x": {"password": "hunter2"}, "password": "hunter2", "n": 2}}}) == {
        "data": {
            "changes": {
                "x": {"password": f"[redacted:{digest('hunter2')}:password]"},
                "password": f"[redacted:{digest('hunter2')}:password]",
                "n": 2,
            }
        }
    }


def test_without_a_secret_the_answer_stays_byte_for_byte():
    body = b'{"data": [ {"changes": {"properties.replicas":{"previousValue":"1" ,"newValue": "2"}}} ]}'
    assert REDACTOR.page(msgspec.structs.replace(page_of(scope_of(1), {}), body=body)).body == body


@settings(max_examples=200, deadline=None)
@given(
    name=st.sampled_from(["PASSWORD", "RETRIES", "LOG_LEVEL", "API_URL", "BUILD_ID", "X"]),
    value=st.one_of(
        st.text(max_size=40),
        st.from_regex(r"[A-Za-z0-9+/]{20,44}=?", fullmatch=True),
        st.sampled_from(["true", "500", "info", "a.b.example", "Endpoint=sb://x/;SharedAccessKey=abc", "$(OTHER)"]),
    ),
)
def test_with_its_name_a_variable_is_hidden_exactly_as_in_the_configuration(name, value):
    """And without it no more is shown than what is no secret under any name; what is hidden has the same digest."""
    kept = live(env=[{"name": name, "value": value}])["env"][0]["value"]
    path = f"{FIRST}.env[0]"
    told = changed(**{f"{path}.name": name, f"{path}.value": value})[f"{path}.value"]["newValue"]
    assert told == kept
    alone = after(f"{path}.value", value)
    if alone == value:
        assert kept == value or is_never_secret(value)
    elif (both := (MARKER.fullmatch(alone), MARKER.fullmatch(kept)))[0] and both[1]:
        assert both[0]["digest"] == both[1]["digest"]


class TestParameters:
    """A template's parameters."""

    @pytest.mark.parametrize("kind", ["SecureString", "securestring", "SecureObject"])
    def test_a_secure_parameter_is_hidden_whatever_it_is_called(self, kind):
        value = {"a": "b"} if kind == "SecureObject" else "plain words"
        stored = redacted({"value": [{"properties": {"parameters": {"note": {"type": kind, "value": value}}}}]})
        kept = stored["value"][0]["properties"]["parameters"]["note"]
        assert kept["type"] == kind
        assert MARKER.fullmatch(kept["value"])

    def test_a_parameter_that_should_have_been_secure_is_hidden_by_its_name(self):
        parameters = {
            "adminPassword": {"type": "String", "value": "hunter2"},
            "image": {"type": "String", "value": "r.io/a:1"},
            "maxExecutions": {"type": "Int", "value": 20},
            "token": {"type": "SecureString"},
        }
        stored = redacted({"value": [{"properties": {"parameters": parameters}}]})
        hidden = {"type": "String", "value": f"[redacted:{digest('hunter2')}:password]"}
        assert stored["value"][0]["properties"]["parameters"] == {**parameters, "adminPassword": hidden}

    def test_variables_and_arguments_in_a_parameter_are_hidden_as_in_a_job(self):
        variables = [{"name": "SETTING", "value": "orders placed"}]
        parameters = {
            "env": {"type": "Array", "value": variables},
            "args": {"type": "Array", "value": ["--password", "hunter"]},
        }
        kept = redacted({"properties": {"parameters": parameters}})["properties"]["parameters"]
        assert kept["env"]["type"] == "Array"
        assert kept["env"]["value"] == live(env=variables)["env"]
        assert kept["args"]["value"] == live(args=["--password", "hunter"])["args"]

    def test_other_members_called_parameters_follow_the_general_rules(self):
        stored = redacted({"parameters": {"password": "hunter2", "depth": 2}, "outputs": {}})
        hidden = f"[redacted:{digest('hunter2')}:password]"
        assert stored == {"parameters": {"password": hidden, "depth": 2}, "outputs": {}}
