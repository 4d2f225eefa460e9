from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
import samples
from samples import IDENTITY_ID, JOB, JOB_ID, changed, page

from audit.evidence import jobs
from audit.model import Scope

RULE = ("properties", "configuration", "eventTriggerConfig", "scale", "rules", 0)
CONTAINER = ("properties", "template", "containers", 0)


def read(item, scope=samples.SUBSCRIPTION_ID):
    found = {}
    for record in samples.rows(jobs.KIND, page({"value": [item]}, scope=scope)):
        found.setdefault(record.table, []).append(record)
    return found


def test_a_job_says_what_azure_says_and_leaves_unset_what_is_unset():
    (job,) = read(JOB)["jobs"]
    assert (job.job_id, job.subscription_id, job.resource_group) == (JOB_ID, samples.SUBSCRIPTION, "rg-orders")
    assert (job.trigger_type, job.in_scope) == ("Event", True)
    assert (job.min_executions, job.max_executions, job.parallelism) == (0, 10, 1)
    assert job.polling_interval_s is None, "the platform's default must not be filled in"
    assert job.replica_completion_count is None
    assert job.secrets_count == 2
    assert job.location == "North Europe"


def test_times_without_a_zone_are_utc_and_the_seventh_digit_is_cut_not_rounded_into_the_next_day():
    (job,) = read(JOB)["jobs"]
    assert job.created_at == datetime(2026, 3, 1, 8, 15, 27, 764110, tzinfo=UTC)
    assert job.modified_at == datetime(2026, 10, 2, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("word", ["Schedule", "Manual", "schedule", "Weekly"])
def test_jobs_of_other_trigger_types_are_listed_and_out_of_scope(word):
    (job,) = read(changed(JOB, ("properties", "configuration", "triggerType"), word))["jobs"]
    assert not job.in_scope
    assert job.trigger_type == {"schedule": "Schedule"}.get(word, word)


@pytest.mark.parametrize(
    ("asked", "in_scope"),
    [
        (("owner=orders",), True),
        (("OWNER=orders", "environment=prod"), True),
        (("owner=Orders",), False),
        (("team=orders",), False),
    ],
)
def test_a_scope_narrowed_by_tags_asks_every_tag_of_the_job_itself(asked, in_scope):
    (job,) = read(JOB, Scope(id=samples.SUBSCRIPTION_ID, ids=asked))["jobs"]
    assert job.in_scope is in_scope


@pytest.mark.parametrize("block", [None, {"type": "None"}, {"type": "None", "userAssignedIdentities": None}])
def test_no_identity_is_no_row(block):
    found = read(changed(JOB, ("identity",), block))
    assert "job_identities" not in found
    assert found["jobs"][0].identity_type == (block["type"] if block else None)


def test_identities_carry_their_lifecycle_whatever_the_casing_of_the_setting():
    system, user = read(JOB)["job_identities"]
    assert (system.kind, system.identity_id, system.lifecycle) == ("system", JOB_ID, "Main")
    assert (user.kind, user.identity_id, user.lifecycle) == ("user", IDENTITY_ID, "None")
    assert user.principal_id == samples.PRINCIPAL


AUTH = [{"secretRef": "sb-connection", "triggerParameter": "connection"}]


@pytest.mark.parametrize(
    ("rule", "method"),
    [
        ({"identity": IDENTITY_ID}, "identity"),
        ({"identity": "system", "auth": AUTH}, "identity"),
        ({"identity": "", "auth": AUTH}, "secret"),
        ({"metadata": {"connection": "Endpoint=sb://x/;SharedAccessKey=[redacted:0123456789abcdef:sas]"}}, "secret"),
        ({"metadata": {"connection": "[redacted:0123456789abcdef]"}}, "secret"),
        ({"metadata": {"connectionFromEnv": "ANYTHING"}}, "secret"),
        ({"metadata": {"passwordFromEnv": "ANYTHING"}}, "secret"),
        ({"metadata": {"addressFromEnv": "SB"}}, "secret"),
        ({"metadata": {"addressFromEnv": "API_KEY"}}, "secret"),
        ({"metadata": {"queueNameFromEnv": "QUEUE"}}, "none"),
        ({"metadata": {"queueName": "orders"}}, "none"),
        ({"metadata": None, "auth": None}, "none"),
        ({"auth": [{"triggerParameter": "x", "secretRef": None}]}, "none"),
    ],
)
def test_how_a_rule_authenticates(rule, method):
    base = {"name": "r", "type": "azure-servicebus", "metadata": {}}
    (found,) = read(changed(JOB, RULE, base | rule))["scale_rules"]
    assert found.auth_method == method


def test_values_are_listed_one_by_one_and_secret_like_ones_name_their_detector():
    found = {(each.place, each.name): each for each in read(JOB)["job_values"]}
    assert found["env", "QUEUE"].value == "orders"
    assert (found["env", "SB"].value, found["env", "SB"].secret_ref) == (None, "sb-connection")
    assert found["env", "API_KEY"].secret_like == "secret-name"
    assert found["args", "1"].value == "[redacted:0123456789abcdef]"
    assert found["args", "1"].secret_like is None, "hidden by policy is not secret-like"
    assert found["command", "0"].value == "/app/run"
    assert found["scaler_metadata", "messageCount"].owner == "orders"


def test_a_metadata_value_that_is_not_text_is_shown_as_its_json():
    found = read(changed(JOB, (*RULE, "metadata"), {"messageCount": 5, "flag": True, "gone": None}))
    assert {each.name: each.value for each in found["job_values"] if each.place == "scaler_metadata"} == {
        "messageCount": "5",
        "flag": "true",
        "gone": None,
    }


@pytest.mark.parametrize(
    ("volume", "mounted"),
    [
        (
            {"storageType": "Secret", "secrets": [{"secretRef": "sb-connection", "path": "bus"}]},
            {"bus": "sb-connection"},
        ),
        ({"storageType": "Secret", "secrets": [{"secretRef": "sb-connection"}]}, {"sb-connection": "sb-connection"}),
        ({"storageType": "secret", "secrets": None}, "all"),
        ({"storageType": "EmptyDir"}, {}),
        ({"storageType": "AzureFile", "storageName": "share"}, {}),
    ],
)
def test_secrets_that_a_volume_mounts_are_listed_by_their_file(volume, mounted):
    found = read(changed(JOB, ("properties", "template", "volumes"), [{"name": "v"} | volume]))
    names = {each.name: each.name for each in found["job_secrets"]}
    rows = {each.name: each.secret_ref for each in found["job_values"] if each.place == "volume"}
    assert names
    assert rows == (names if mounted == "all" else mounted)


@pytest.mark.parametrize(
    ("memory", "gib"),
    [("1Gi", 1.0), ("512Mi", 0.5), ("0.25Gi", 0.25), ("2Ti", 2048.0), ("1073741824", 1.0), (None, None)],
)
def test_memory_is_gib(memory, gib):
    (container,) = read(changed(JOB, (*CONTAINER, "resources", "memory"), memory))["containers"]
    assert container.memory_gib == gib


def test_memory_in_a_form_nobody_knows_is_malformed_not_unset():
    item = changed(JOB, (*CONTAINER, "resources", "memory"), "lots")
    (bad,) = samples.broken(jobs.KIND, page({"value": [item]}))
    assert bad.scope == JOB_ID
    assert bad.detail.startswith("$.value[0].properties.template.containers[0].resources.memory: ")


def test_secrets_and_registries_hold_names_and_places_only():
    found = read(JOB)
    assert [(each.name, each.key_vault_url, each.identity) for each in found["job_secrets"]] == [
        ("sb-connection", None, None),
        ("db", "https://kv.vault.azure.net/secrets/db", "system"),
    ]
    (registry,) = found["job_registries"]
    assert (registry.username, registry.password_secret_ref, registry.identity) == (None, None, IDENTITY_ID)


def test_an_init_container_is_told_from_the_others():
    item = changed(JOB, ("properties", "template", "initContainers"), [{"name": "prepare", "image": "busybox"}])
    main, prepare = read(item)["containers"]
    assert (main.init, prepare.init) == (False, True)
    assert (prepare.registry, prepare.repository, prepare.tag) == ("docker.io", "library/busybox", None)
    assert prepare.cpu is None


def test_a_job_keeps_its_row_id_when_azure_changes_the_casing():
    (one,), (other,) = (read(changed(JOB, ("id",), spelled))["jobs"] for spelled in (JOB_ID, JOB_ID.upper()))
    assert one.row_id == other.row_id
    assert other.job_id == JOB_ID.upper()


def test_a_job_outside_any_resource_group_is_malformed():
    with pytest.raises(msgspec.ValidationError, match=r"\$\.id"):
        list(jobs.normalise(msgspec.json.encode(changed(JOB, ("id",), "/jobs/x")), page(b"{}")))


def test_two_rules_of_one_name_are_told_apart_in_every_table():
    rules = [
        {"name": "queue", "type": "azure-queue", "metadata": {"queueName": "in", "accountName": "one"}},
        {"name": "Queue", "type": "azure-queue", "metadata": {"queueName": "out", "accountName": "two"}},
    ]
    found = read(changed(JOB, RULE[:-1], rules))
    assert [each.rule_name for each in found["scale_rules"]] == ["queue", "Queue (2)"]
    assert [(each.rule_name, each.entity) for each in found["rule_sources"]] == [("queue", "in"), ("Queue (2)", "out")]
    values = {(each.owner, each.name): each.value for each in found["job_values"] if each.place == "scaler_metadata"}
    assert (values["queue", "accountName"], values["Queue (2)", "accountName"]) == ("one", "two")
    assert len({each.row_id for each in found["scale_rules"]}) == 2


def test_two_containers_and_two_secrets_of_one_name_are_told_apart():
    twin = {"name": "worker", "image": "contoso.azurecr.io/other:2", "env": [{"name": "MODE", "value": "b"}]}
    item = changed(JOB, CONTAINER[:-1], [twin | {"env": [{"name": "MODE", "value": "a"}]}, twin])
    item = changed(item, ("properties", "template", "initContainers"), [twin | {"env": []}, twin | {"name": "prepare"}])
    item = changed(item, ("properties", "configuration", "secrets"), [{"name": "db"}, {"name": "db"}])
    found = read(item)
    assert [(each.container, each.init, each.position) for each in found["containers"]] == [
        ("worker", False, 0),
        ("worker (2)", False, 1),
        ("worker (3)", True, 0),
        ("prepare", True, 1),
    ]
    modes = {each.owner: each.value for each in found["job_values"] if each.name == "MODE"}
    assert modes == {"worker": "a", "worker (2)": "b", "prepare": "b"}
    assert [each.name for each in found["job_secrets"]] == ["db", "db (2)"]
