"""A required place that is gone or of another type is always an error that names it, never a wrong row."""

from __future__ import annotations

import json

import access_samples as access
import governance_samples as governance
import msgspec
import pytest
import reach_samples as reach
import samples
import telemetry_samples as telemetry
from hypothesis import given
from hypothesis import strategies as st
from samples import changed, page

from audit.evidence import KINDS, kind
from audit.model import Scope

C = ("properties", "configuration")
RULE = (*C, "eventTriggerConfig", "scale", "rules", 0)
MAIN = ("properties", "template", "containers", 0)
REQUIRED: dict[str, tuple[dict, list[tuple]]] = {
    "subscriptions": (samples.SUBSCRIPTION_ITEM, [("subscriptionId",)]),
    "permissions": ({"source": "permissions", "value": [{"actions": ["*"]}]}, [("source",), ("value",)]),
    "jobs": (
        samples.JOB,
        [
            ("id",), ("name",), ("properties",), C, (*C, "triggerType"), (*RULE, "name"), (*RULE, "type"),
            (*MAIN, "name"), (*MAIN, "image"), (*C, "secrets", 0, "name"), (*C, "registries", 0, "server"),
            (*C, "identitySettings", 0, "identity"), (*MAIN, "env", 0, "name"),
        ],
    ),
    "environments": (samples.ENVIRONMENT, [("id",), ("name",), ("properties",)]),
    "environment_quotas": (samples.QUOTA, [("name",), ("name", "value")]),
    "role_assignments": (
        samples.ASSIGNMENT,
        [("id",), ("properties",), *(("properties", name) for name in ("scope", "principalId", "roleDefinitionId"))],
    ),
    "deny_assignments": (
        access.DENY,
        [("id",), ("properties",), *(("properties", name) for name in ("scope", "permissions", "principals")),
         ("properties", "principals", 0, "id"), ("properties", "excludePrincipals", 0, "id")],
    ),
    "role_eligibility": (
        access.ELIGIBLE,
        [("id",), ("properties",), *(("properties", name) for name in ("scope", "principalId", "roleDefinitionId"))],
    ),
    "role_activations": (
        access.ACTIVE,
        [("id",), ("properties",), *(("properties", name) for name in ("scope", "principalId", "roleDefinitionId"))],
    ),
    "group_members": (
        access.MEMBER | {"@jobaudit.root": access.GROUP, "@jobaudit.within": access.GROUP}, [("id",)]
    ),
    "group_eligibility": (access.IN_GROUP, [("id",), ("groupId",), ("principalId",)]),
    "role_definitions": (samples.DEFINITION, [("id",), ("properties",), ("properties", "permissions")]),
    "principals": (samples.PERSON, [("id",)]),
    "activity_log": (samples.EVENT, [("id",), ("eventTimestamp",)]),
    "diagnostic_settings": (samples.SETTING, [("id",), ("name",), ("properties",)]),
    "identities": (
        {"identity": samples.IDENTITY, "credentials": [samples.CREDENTIAL]},
        [("identity",), ("identity", "id"), ("identity", "properties"), ("credentials", 0, "name"),
         ("credentials", 0, "properties", "issuer")],
    ),
    "tags": ({"id": samples.JOB_ID, "type": "Microsoft.App/jobs", "tags": {"a": "b"}}, [("id",), ("type",)]),
    "budgets": (samples.BUDGET, [("id",), ("name",), ("properties",)]),
    "action_groups": (samples.ACTION_GROUP, [("id",), ("name",), ("properties",)]),
    "alerts": (telemetry.ALERT_RULE, [("id",), ("name",), ("type",), ("properties",)]),
    "fired_alerts": (
        telemetry.FIRED_ALERT, [("id",), ("name",), ("properties",), ("properties", "essentials", "startDateTime")]
    ),
    "metrics": (
        telemetry.METRIC,
        [("id",), ("name",), ("name", "value"), ("timeseries",), ("timeseries", 0, "data", 0, "timeStamp")],
    ),
    "management_group_members": (
        samples.MEMBER, [("id",), ("properties", "parent", "id")]
    ),
    "event_sources": (  # its parts are decoded one by one: see test_event_source_rows
        {"type": "entity", "asked": "queue/orders"}, [("asked",)],
    ),
    "inventory": (
        samples.INVENTORY_ITEM, [("id",), ("name",), ("type",), ("subscriptionId",), ("resourceGroup",)]
    ),
    "image_digests": (reach.IMAGE, [("image",), ("tag", "tag", "digest"), ("manifest", "manifest", "digest")]),
    "key_vaults": (
        reach.VAULT,
        [("id",), ("name",), ("properties",), ("properties", "accessPolicies", 0, "objectId"),
         ("properties", "networkAcls", "ipRules", 0, "value")],
    ),
    "networks": (
        reach.NETWORK,
        [("id",), ("name",), ("properties",), ("properties", "subnets", 0, "id"), ("properties", "subnets", 0, "name")],
    ),
    "private_dns": (
        {"link": reach.LINK},
        [("link", "id"), ("link", "properties"), ("link", "properties", "virtualNetwork"),
         ("link", "properties", "virtualNetwork", "id")],
    ),
    "private_endpoints": (
        {"endpoint": reach.ENDPOINT, "groups": [reach.ZONE_GROUP]},
        [("endpoint",), ("groups",), ("endpoint", "id"), ("endpoint", "name"), ("endpoint", "properties"),
         ("endpoint", "properties", "privateLinkServiceConnections", 0, "name"),
         ("groups", 0, "properties", "privateDnsZoneConfigs", 0, "properties", "privateDnsZoneId")],
    ),
    "registries": (reach.REGISTRY, [("id",), ("name",), ("properties",), ("properties", "loginServer")]),
    "costs": (governance.COST, [("ResourceId",), ("Currency",)]),
    "resource_changes": (
        governance.CHANGE,
        [("id",), ("targetResourceId",), ("changeAttributes",), ("changeAttributes", "timestamp")],
    ),
    "deployments": (governance.DEPLOYMENT, [("id",), ("name",), ("properties",)]),
    "locks": (governance.LOCK, [("id",), ("name",), ("properties",)]),
    "policy_exemptions": (governance.EXEMPTION, [("id",), ("name",), ("properties",)]),
    "management_groups": (governance.ANCESTRY, [("subscriptionId",), ("chain", 0, "name")]),
    "executions": (telemetry.EXECUTION, [("id",), ("name",), ("properties",), ("properties", "status")]),
    "execution_logs": (telemetry.LOG_LINE, [("TimeGenerated",), ("Source",), ("Job",)]),
    "log_volumes": (telemetry.LOG_VOLUME, [("TimeGenerated",), ("Source",), ("Job",)]),
    "workspaces": (telemetry.WORKSPACE, [("id",), ("name",), ("properties",), ("properties", "customerId")]),
    "graph_jobs": (
        samples.GRAPH_JOB, [("id",), ("name",), ("subscriptionId",), ("resourceGroup",)]
    ),
}  # fmt: skip
OPTIONAL: dict[str, list[tuple]] = {
    "jobs": [
        ("location",), ("systemData", "createdAt"), ("identity",), ("tags",), (*C, "replicaTimeout"), (*C, "secrets"),
        (*C, "eventTriggerConfig"), (*RULE, "metadata"), (*MAIN, "env"), (*MAIN, "args"), (*MAIN, "resources", "cpu"),
    ],
    "inventory": [("kind",), ("sku",), ("tags",), ("address",), ("endpoints",), ("customerId",)],
    "key_vaults": [("location",), *(("properties", name) for name in reach.VAULT["properties"])],
    "registries": [
        ("sku",), *(("properties", name) for name in reach.REGISTRY["properties"] if name != "loginServer")
    ],
    "networks": [("properties", name) for name in ("addressSpace", "dhcpOptions", "virtualNetworkPeerings")],
    "private_endpoints": [("endpoint", "properties", name) for name in ("subnet", "customDnsConfigs")],
    "environments": [("location",), *(("properties", name) for name in samples.ENVIRONMENT["properties"])],
    "environment_quotas": [("unit",), ("name", "localizedValue")],
    "role_assignments": [("properties", "createdOn"), ("properties", "condition")],
    "deny_assignments": [
        ("properties", name)
        for name in ("denyAssignmentName", "excludePrincipals", "doNotApplyToChildScopes", "condition", "createdOn")
    ],
    "role_eligibility": [("properties", name) for name in ("principalType", "endDateTime", "memberType", "condition")],
    "role_activations": [
        ("properties", name)
        for name in ("assignmentType", "endDateTime", "originRoleAssignmentId", "linkedRoleEligibilityScheduleId")
    ],
    "group_members": [(name,) for name in access.MEMBER if name != "id"],
    "group_eligibility": [(name,) for name in ("accessId", "memberType", "startDateTime", "principal")],
    "activity_log": [("operationName",), ("status",), ("claims",), ("properties",), ("httpRequest", "method")],
    "budgets": [("properties", "amount"), ("properties", "timePeriod"), ("properties", "currentSpend", "amount")],
    "diagnostic_settings": [("properties", "logs"), ("properties", "workspaceId")],
    "principals": [("accountEnabled",), ("displayName",)],
    "tags": [("tags",)],
    "resource_changes": [("changes",), ("changeType",), ("changeAttributes", "changedBy")],
    "deployments": [("properties", name) for name in governance.DEPLOYMENT["properties"]],
    "executions": [("properties", name) for name in ("startTime", "endTime", "detailedStatus")],
    "execution_logs": [(name,) for name in ("Environment", "Execution", "Replica", "Reason", "Level", "Log", "Count")],
    "log_volumes": [("Environment",), ("Resource",)],
    "workspaces": [("location",), ("properties", "sku"), ("properties", "retentionInDays")],
    "locks": [("properties", name) for name in governance.LOCK["properties"]],
    "policy_exemptions": [("properties", name) for name in governance.EXEMPTION["properties"]],
    "management_groups": [("chain",), ("chain", 0, "displayName")],
    "alerts": [("properties", name) for name in ("enabled", "severity", "scopes", "criteria", "actions", "windowSize")],
    "fired_alerts": [
        ("properties", "essentials", name) for name in ("alertRule", "monitorConditionResolvedDateTime", "severity")
    ],
    "metrics": [("unit",), ("timeseries", 0, "metadatavalues"), ("timeseries", 0, "data", 0, "average")],
}  # fmt: skip

SCOPE = Scope(id=samples.IDENTITY_ID, ids=(samples.JOB_ID,))
PAGES = {
    "costs": page(b"{}", asked={"type": "ActualCost"}),
    "metrics": page(b"{}", scope=samples.JOB_ID, url="https://arm.test/metrics?interval=PT6H"),
}
"""Kinds whose rows rest on the request too."""
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.integers()),
    st.just(""),
)


def where(path: tuple) -> str:
    """Return a path as msgspec writes it."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def normalised(name: str, item: object) -> list:
    return list(kind(name).normalise(json.dumps(item).encode(), PAGES.get(name, page(b"{}", scope=SCOPE))))


def test_every_kind_has_its_required_places_listed():
    assert set(REQUIRED) == {each.name for each in KINDS}


@pytest.mark.parametrize("name", REQUIRED)
def test_the_sample_itself_is_well_formed(name):
    assert normalised(name, REQUIRED[name][0])


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, (_, paths) in REQUIRED.items() for path in paths])
def test_a_required_place_that_is_gone_is_named(name, path):
    with pytest.raises(msgspec.ValidationError) as error:
        normalised(name, changed(REQUIRED[name][0], path, ...))
    parent = where(path[:-1])
    assert f"`{path[-1]}`" in str(error.value)
    assert parent == "$" or f"`{parent}`" in str(error.value)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, (_, paths) in REQUIRED.items() for path in paths])
@given(junk=JUNK)
def test_a_required_place_of_another_type_is_named_never_a_wrong_row(name, path, junk):
    item = REQUIRED[name][0]
    place = item
    for step in path:
        place = place[step]
    if isinstance(place, list) and isinstance(junk, list):
        junk = None
    with pytest.raises(msgspec.ValidationError) as error:
        normalised(name, changed(item, path, junk))
    assert where(path) in str(error.value)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in OPTIONAL.items() for path in paths])
def test_an_optional_place_may_be_null_or_gone(name, path):
    item = REQUIRED[name][0]
    assert normalised(name, changed(item, path, None)) == normalised(name, changed(item, path, ...))


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in OPTIONAL.items() for path in paths])
def test_an_optional_place_of_another_type_is_an_error_not_an_unset_value(name, path):
    with pytest.raises(msgspec.ValidationError) as error:
        normalised(name, changed(REQUIRED[name][0], path, [[{"what": 1}]]))
    assert where(path) in str(error.value)


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01T00:00:00Z", "2026-10-01", "", 1761955200])
def test_a_time_that_is_none_is_named(at):
    with pytest.raises(msgspec.ValidationError, match=r"\$\.eventTimestamp"):
        normalised("activity_log", changed(samples.EVENT, ("eventTimestamp",), at))


@given(extra=st.dictionaries(st.text(min_size=1).map(lambda name: f"new {name}"), JUNK))
def test_fields_that_azure_adds_change_nothing(extra):
    plain, more = normalised("jobs", samples.JOB), normalised("jobs", samples.JOB | extra)
    assert plain == more


ROWS_IN = {
    "execution_logs": {"scope": "/workspaces/eeeeeeee-0000-4000-8000-000000000003", "asked": {"query": "x"}},
    "log_volumes": {"scope": "/workspaces/eeeeeeee-0000-4000-8000-000000000003", "asked": {"query": "x"}},
    "image_digests": {
        "scope": Scope(id=samples.IDENTITY_ID, ids=("acr.azurecr.io/orders:1",)),
        "url": "https://acr.azurecr.io/acr/v1/orders/_tags/1",
    },
}
"""Kinds whose units have pages without rows as well, and a page of theirs that has some."""


@given(body=st.binary(max_size=40))
def test_a_body_that_is_not_json_is_malformed_for_every_kind(body):
    for each in KINDS:
        unit = page(body, **ROWS_IN.get(each.name, {"scope": SCOPE}))
        found = samples.broken(each, unit)
        if not found:  # a body that happens to be a well-formed, empty answer
            assert isinstance(json.loads(body), dict)
