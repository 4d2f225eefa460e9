"""The simulated estate: repeatable, shaped as Azure answers, whole, and with every fault that it promises."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from azure.mgmt.appcontainers import models as app_models
from azure.mgmt.authorization.v2022_04_01 import models as authorization_models
from azure.mgmt.consumption import models as consumption_models
from azure.mgmt.monitor import models as monitor_models
from azure.mgmt.msi.v2024_11_30 import models as msi_models
from estate_reading import GUID, NOW, events, holders, job, jobs, made, rules

from audit.model import ids
from audit.sandbox.estate import build, planted_secrets, policy_toml
from audit.sandbox.options import SandboxOptions


@pytest.fixture(scope="module")
def story():
    return made()


@pytest.fixture(scope="module")
def fleet():
    return made(jobs=300, subscriptions=4)


@pytest.fixture(params=["story", "fleet"])
def estate(request):
    return request.getfixturevalue(request.param)


def as_bytes(estate):
    return msgspec.json.encode({**vars(estate), "graph_lag": sorted(estate.graph_lag)}, enc_hook=dict)


def test_equal_options_make_equal_estates():
    assert as_bytes(made()) == as_bytes(made())
    assert as_bytes(made(jobs=40, subscriptions=3)) == as_bytes(made(jobs=40, subscriptions=3))


def test_another_seed_has_other_ids_and_other_secrets_but_the_same_story():
    one, two = made(), made(seed=8)
    assert not {each["subscriptionId"] for each in one.subscriptions} & {
        each["subscriptionId"] for each in two.subscriptions
    }
    assert not set(planted_secrets(one)) & set(planted_secrets(two))
    assert [body["name"] for body in jobs(one)] == [body["name"] for body in jobs(two)]


def test_time_comes_from_the_options_alone():
    later = build(SandboxOptions(now=NOW + timedelta(days=400)))
    assert max(event["eventTimestamp"] for log in later.activity.values() for event in log) > "2027-04"
    leap = build(SandboxOptions(now=datetime(2028, 2, 29, 6, tzinfo=UTC)))
    assert leap.budgets


def test_an_estate_is_json_and_nothing_else(estate):
    assert json.loads(as_bytes(estate))["tenant_id"] == estate.tenant_id


def test_every_event_lies_in_the_ninety_days_before_now_newest_first(estate):
    for log in estate.activity.values():
        stamps = [event["eventTimestamp"] for event in log]
        assert stamps == sorted(stamps, reverse=True)
        assert (NOW - timedelta(days=90)).isoformat()[:19] < stamps[-1]
        assert stamps[0] < NOW.isoformat()[:19]


def test_ids_are_unique_and_found_under_their_lower_case_form(estate):
    assert all(key == body["id"].lower() for key, body in estate.resources.items())
    names = [event["eventDataId"] for log in estate.activity.values() for event in log]
    assert len(names) == len(set(names))
    assignments = [body["id"].lower() for body in estate.role_assignments]
    assert len(assignments) == len(set(assignments))
    principals = [body["id"] for body in estate.directory.values()]
    assert len(principals) == len(set(principals))
    assert all(GUID.fullmatch(each) for each in (*names, *principals, estate.tenant_id))


def test_every_job_points_at_what_exists(estate):
    known = {ids.key(body["id"]) for body in estate.resources.values()}
    groups = {ids.key(body["id"]) for body in estate.resource_groups}
    for body in jobs(estate):
        assert ids.key(body["properties"]["environmentId"]) in known
        assert ids.key(body["id"].partition("/providers/")[0]) in groups
        for identity, held in (body["identity"].get("userAssignedIdentities") or {}).items():
            assert ids.key(identity) in known
            assert estate.resources[identity.lower()]["properties"]["principalId"] == held["principalId"]
            assert held["principalId"] in estate.directory
        if "SystemAssigned" in body["identity"]["type"]:
            default = estate.system_identities[body["id"].lower()]
            assert default["properties"]["principalId"] == body["identity"]["principalId"]
            assert body["identity"]["principalId"] in estate.directory
        secrets = {secret["name"] for secret in body["properties"]["configuration"]["secrets"] or []}
        template = body["properties"]["template"]
        asked = {env.get("secretRef") for each in template["containers"] for env in each.get("env", ())}
        if body["properties"]["configuration"]["triggerType"] == "Event":
            asked |= {auth["secretRef"] for rule in rules(body) for auth in rule["auth"] or ()}
        assert asked - {None} <= secrets
        for registry in body["properties"]["configuration"]["registries"] or ():
            assert registry["passwordSecretRef"] in ("", *secrets)


def test_every_assignment_points_at_a_definition_and_all_but_the_departed_at_someone(estate):
    unknown = Counter()
    scopes = {"/", *map(ids.key, estate.management_groups)}
    for body in estate.role_assignments:
        properties = body["properties"]
        assert ids.name_of(properties["roleDefinitionId"]) in estate.role_definitions
        assert properties["createdBy"] is None or properties["createdBy"] in estate.directory
        key = ids.key(properties["scope"])
        assert key in scopes or key.startswith("/subscriptions/")
        if properties["principalId"] not in estate.directory:
            unknown[properties["principalId"]] += 1
    assert 1 <= len(unknown) <= 2


def test_the_stock_sdk_reads_the_resources(estate):
    for body in estate.resources.values():
        if body["type"] == "Microsoft.App/jobs":
            read = app_models.Job(body)
            assert read.properties.configuration.trigger_type == body["properties"]["configuration"]["triggerType"]
            assert read.properties.template.containers[0].resources.cpu > 0
            assert read.system_data.created_at
        elif body["type"] == "Microsoft.App/managedEnvironments":
            assert app_models.ManagedEnvironment(body).properties.app_logs_configuration.destination
        elif body["type"].startswith("Microsoft.ManagedIdentity"):
            assert msi_models.Identity.deserialize(body).principal_id in estate.directory
    for body in estate.system_identities.values():
        assert msi_models.SystemAssignedIdentity.deserialize(body).client_id


def test_the_stock_sdk_reads_access_log_and_money(estate):
    for body in estate.role_assignments:
        assert authorization_models.RoleAssignment.deserialize(body).created_on.year > 2000
    for body in estate.role_definitions.values():
        assert authorization_models.RoleDefinition.deserialize(body).permissions
    for log in estate.activity.values():
        for event in log:
            read = monitor_models.EventData.deserialize(event)
            assert read.event_timestamp <= NOW
            assert read.id.endswith(event["eventDataId"] + "/ticks/" + event["id"].rsplit("/", 1)[-1])
    for body in (each for found in estate.budgets.values() for each in found):
        assert consumption_models.Budget(body).properties.time_period.start_date
    for body in (each for found in estate.action_groups.values() for each in found):
        assert monitor_models.ActionGroupResource.deserialize(body).enabled is not None


def test_events_of_one_operation_belong_together(story):
    of_operation = {}
    for event in (each for log in story.activity.values() for each in log):
        of_operation.setdefault(event["operationId"], []).append(event)
    assert {tuple(e["status"]["value"] for e in reversed(group)) for group in of_operation.values()} == {
        ("Started", "Accepted", "Succeeded"),
        ("Started", "Succeeded"),
        ("Started", "Failed"),
        ("Succeeded",),
    }
    for group in of_operation.values():
        assert len({event["correlationId"] for event in group}) == 1


def test_a_moment_is_spelled_as_each_provider_spells_it(story):
    body = job(story, "orders-fulfil")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}", body["systemData"]["createdAt"])
    assert body["location"] == "West Europe"
    assert body["properties"]["configuration"]["scheduleTriggerConfig"] is None
    event = events(story, operationName="Microsoft.App/jobs/write")[0]
    moment = datetime.fromisoformat(event["eventTimestamp"][:-2] + "+00:00")
    ticks = int(event["id"].rsplit("/", 1)[-1])
    assert ticks // 10 == (moment - datetime(1, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_every_planted_secret_is_really_there(estate):
    text = msgspec.json.encode({**vars(estate), "graph_lag": [], "planted": []}, enc_hook=dict).decode()
    secrets = planted_secrets(estate)
    assert len(secrets) == len(set(secrets)) >= 10
    for secret in secrets:
        assert len(secret) >= 20
        assert secret in text


def test_planted_keys_have_the_shape_of_real_ones(story):
    text = as_bytes(story).decode()
    assert re.search(r"AccountKey=[A-Za-z0-9+/]{86}==", text)
    assert re.search(r"SharedAccessKey=[A-Za-z0-9+/]{43}=", text)
    assert re.search(r"ghp_[A-Za-z0-9]{36}", text)
    assert re.search(r"Bearer ey[\w-]+\.ey[\w-]+\.[\w-]+", text)


def test_the_collector_holds_the_role_it_is_given_above_the_subscriptions():
    asked = {
        "properties": {
            "roleName": "jobaudit reader",
            "permissions": [{"actions": ["Microsoft.App/jobs/read"], "notActions": [], "dataActions": []}],
        },
    }
    bare = {"Name": "jobaudit reader", "Actions": ["Microsoft.App/jobs/read"], "AssignableScopes": ["/"]}
    for role in (asked, asked["properties"], bare):
        estate = made(caller_role=role)
        assert holders(estate, "jobaudit reader", estate.management_groups[-1]) == [estate.collector_id]
        (held,) = [
            each for each in estate.role_definitions.values() if each["properties"]["roleName"] == "jobaudit reader"
        ]
        assert held["properties"]["permissions"][0]["actions"] == ["Microsoft.App/jobs/read"]
        assert estate.directory[estate.collector_id]["displayName"] == "jobaudit-collector"
    default = made()
    assert default.collector_id in holders(default, "Reader", default.management_groups[-1])


def test_the_policy_is_toml_and_tells_the_strange_vault_and_registry_apart(story):
    document = msgspec.toml.decode(policy_toml(story))
    policy = document["policy"]
    assert "kv-team-sandbox" not in policy["approved_vaults"]
    assert "docker.io" not in policy["approved_registries"]
    assert document["scalers"][0]["verified_on"] < NOW.date()


@pytest.mark.parametrize(("count", "subscriptions"), [(1, 1), (13, 2), (5, 9), (300, 4)])
def test_scale_spreads_as_many_jobs_as_asked(count, subscriptions):
    estate = made(jobs=count, subscriptions=subscriptions)
    spread = Counter(ids.subscription_of(body["id"]) for body in jobs(estate, "Event"))
    assert sum(spread.values()) == count
    assert len(estate.subscriptions) == subscriptions
    assert max(spread.values()) - min(spread.get(each["subscriptionId"], 0) for each in estate.subscriptions) <= 1
    assert len(jobs(estate)) - count == count // 10
    assert len({body["name"] for body in jobs(estate, "Event")}) == count


def test_scale_keeps_its_proportions(fleet):
    events_of_jobs = [event for event in events(fleet) if "/jobs/" in event["resourceId"].lower()]
    assert 9 <= len(events_of_jobs) / 300 <= 11
    kinds = Counter(body["type"] for body in fleet.resources.values())
    assert 6 <= kinds["Microsoft.App/managedEnvironments"] <= 9
    assert 90 <= kinds["Microsoft.ManagedIdentity/userAssignedIdentities"] <= 110
    assert 0.45 <= len(fleet.system_identities) / 300 <= 0.65
    assert len(fleet.resource_groups) == 12
    for body in fleet.subscriptions:
        below = [each for each in fleet.role_assignments if body["subscriptionId"] in each["properties"]["scope"]]
        assert 25 <= len(below) <= 40
        assert body["id"] in fleet.budgets
    latest = [
        body for body in jobs(fleet) if body["properties"]["template"]["containers"][0]["image"].endswith(":latest")
    ]
    assert 0.06 <= len(latest) / 300 <= 0.1


def test_a_thousand_jobs_are_made_in_time():
    before = time.process_time()
    made(jobs=1000, subscriptions=20)
    assert time.process_time() - before < 4  # typically under one second; the bound is for a slow machine
