from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
import samples
from samples import changed, page

from audit.evidence import (
    action_groups,
    activity_log,
    budgets,
    diagnostic_settings,
    environment_quotas,
    environments,
    graph_jobs,
    identities,
    kind,
    management_group_members,
    principals,
    role_assignments,
    role_definitions,
    subscriptions,
    tags,
)
from audit.model import Scope, Window, ids


def test_an_environment_gives_logging_and_network_facts():
    (row,) = samples.rows(environments.KIND, page(samples.ENVIRONMENT, scope=samples.ENVIRONMENT_ID))
    assert (row.internal, row.public_access, row.zone_redundant) == (True, "Disabled", False)
    assert (row.log_destination, row.workspace_id) == ("log-analytics", "eeeeeeee-0000-4000-8000-000000000003")


@pytest.mark.parametrize("logs", [None, {}, {"destination": None}, {"destination": ""}])
def test_an_environment_without_logs_or_network_has_nulls_not_defaults(logs):
    bare = {"id": samples.ENVIRONMENT_ID, "name": "cae-orders", "properties": {"appLogsConfiguration": logs}}
    (row,) = samples.rows(environments.KIND, page(bare, scope=samples.ENVIRONMENT_ID))
    nothing = (row.log_destination, row.workspace_id, row.internal, row.public_access, row.zone_redundant)
    assert nothing == (None,) * 5


def test_a_quota_tells_what_may_run_and_what_does():
    (row,) = samples.rows(environment_quotas.KIND, page({"value": [samples.QUOTA]}, scope=samples.ENVIRONMENT_ID))
    assert (row.environment_id, row.name) == (samples.ENVIRONMENT_ID, "ManagedEnvironmentConsumptionCores")
    assert (row.used, row.quota, row.unit) == (3.25, 100.0, "Count")


@pytest.mark.parametrize("place", ["currentValue", "limit"])
@pytest.mark.parametrize("junk", [None, "100", [], {}, True])
def test_a_quota_without_its_figure_is_no_row(place, junk):
    with pytest.raises(msgspec.ValidationError, match="Expected `float`"):
        list(environment_quotas.normalise(json.dumps(changed(samples.QUOTA, (place,), junk)).encode(), page({})))


def test_an_inherited_assignment_has_a_row_for_each_subscription_that_lists_it():
    above = changed(samples.ASSIGNMENT, ("properties", "scope"), "/")
    other = "/subscriptions/22222222-2222-3333-4444-555555555555"
    one, two = (
        samples.rows(role_assignments.KIND, page({"value": [above]}, scope=scope))[0]
        for scope in (samples.SUBSCRIPTION_ID, other)
    )
    assert (one.assignment_id, one.role_guid) == (two.assignment_id, samples.CONTRIBUTOR)
    assert (one.subscription_id, two.subscription_id) == (samples.SUBSCRIPTION, ids.name_of(other))
    assert one.row_id != two.row_id
    assert one.created_by is None, "an empty string says nothing"


def test_a_role_keeps_its_permission_blocks_as_azure_sent_them():
    blocks = [{"actions": ["a/*"], "condition": "x"}, {"actions": [], "notActions": ["b"]}]
    item = changed(samples.DEFINITION, ("properties", "permissions"), blocks)
    (row,) = samples.rows(role_definitions.KIND, page(item))
    assert row.permissions.value == blocks
    assert (row.name, row.type, row.role_guid) == ("Contributor", "BuiltInRole", samples.CONTRIBUTOR)


def test_a_principal_that_was_asked_for_and_not_returned_is_an_unresolved_row():
    gone = "aaaaaaaa-0000-4000-8000-00000000dead"
    asked = {"ids": [samples.PRINCIPAL.upper(), gone]}
    scope = Scope(id="/principals/0", ids=tuple(asked["ids"]))
    ada, missing = samples.rows(principals.KIND, page({"value": [samples.PERSON]}, scope=scope, asked=asked))
    assert (ada.type, ada.enabled, ada.user_type, ada.resolved) == ("User", True, "Guest", True)
    assert (missing.principal_id, missing.resolved, missing.type, missing.enabled) == (gone, False, None, None)


def test_an_object_on_a_later_page_is_not_unresolved():
    asked = {"ids": [samples.PRINCIPAL]}
    pages = (page({"value": []}, asked=asked), page({"value": [samples.PERSON]}, asked=asked))
    (row,) = samples.rows(principals.KIND, *pages)
    assert row.resolved


def test_an_event_keeps_who_what_and_when():
    (row,) = samples.rows(activity_log.KIND, page({"value": [samples.EVENT]}))
    assert row.event_time == datetime(2026, 10, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert (row.operation, row.status, row.sub_status) == ("Microsoft.App/jobs/write", "Succeeded", None)
    assert (row.caller_object_id, row.client_ip) == (samples.PRINCIPAL, "203.0.113.8")
    assert (row.http_method, row.status_code) == ("PUT", "OK")


def test_an_event_cut_by_select_still_says_which_resource_from_its_id():
    bare = {"id": samples.EVENT["id"], "eventTimestamp": "2026-10-05T01:02:03Z"}
    (row,) = samples.rows(activity_log.KIND, page({"value": [bare]}))
    assert row.event_id == samples.EVENT["eventDataId"]
    assert (row.resource_id, row.resource_group) == (samples.JOB_ID, "rg-orders")
    assert row.operation is None


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("2026-10-31T23:59:59.9999999Z", True),
        ("2026-11-01T00:00:00Z", False),
        ("2026-11-01T00:00:00.0000001Z", False),
        ("2026-10-01T00:00:00Z", True),
    ],
)
def test_an_event_at_the_end_of_the_window_is_not_in_it(at, kept):
    window = Window.month(2026, 10)
    url = "https://arm.test/values?api-version=2015-04-01&%24filter=" + activity_log._filter(
        window.since, window.until
    ).replace(" ", "%20")
    item = changed(samples.EVENT, ("eventTimestamp",), at)
    assert bool(samples.rows(activity_log.KIND, page({"value": [item]}, url=url))) is kept


def test_the_window_is_asked_for_to_the_last_tick_before_its_end():
    month = Window.month(2026, 10)
    assert activity_log._filter(month.since, month.until) == (
        "eventTimestamp ge '2026-10-01T00:00:00.0000000Z' and eventTimestamp le '2026-10-31T23:59:59.9999999Z'"
    )


def test_a_diagnostic_setting_belongs_to_the_resource_that_was_asked_about():
    (row,) = samples.rows(diagnostic_settings.KIND, page({"value": [samples.SETTING]}, scope=samples.ENVIRONMENT_ID))
    assert row.resource_id == samples.ENVIRONMENT_ID
    assert (row.storage_account_id, row.event_hub_rule_id) == (None, None)
    assert row.logs.value == [{"categoryGroup": "allLogs", "enabled": True}]
    assert row.metrics.value == []


def test_a_shared_identity_has_a_row_for_each_job():
    scope = Scope(id=samples.IDENTITY_ID, ids=("/job/a", "/job/b"))
    pages = (
        page(samples.IDENTITY, scope=scope, line=1),
        page({"value": [samples.CREDENTIAL]}, scope=scope, line=2),
        page({"value": [changed(samples.CREDENTIAL, ("name",), "second")]}, scope=scope, line=3),
    )
    one, two = samples.rows(identities.KIND, *pages)
    assert (one.job_id, two.job_id) == ("/job/a", "/job/b")
    assert one.kind == "user"
    assert [each["name"] for each in one.federated_credentials.value] == ["pipeline", "second"]
    assert one.federated_credentials.value[0]["issuer"] == "https://token.actions.example"


def test_no_federated_credentials_is_an_empty_list_and_a_system_identity_has_none_to_list():
    user = Scope(id=samples.IDENTITY_ID, ids=(samples.JOB_ID,))
    (row,) = samples.rows(identities.KIND, page(samples.IDENTITY, scope=user), page({"value": []}, scope=user))
    assert row.federated_credentials.value == []
    (row,) = samples.rows(
        identities.KIND, page(samples.IDENTITY, scope=Scope(id=samples.JOB_ID, ids=(samples.JOB_ID,)))
    )
    assert (row.kind, row.identity_id, row.federated_credentials) == ("system", samples.JOB_ID, None)


def test_a_malformed_credential_names_its_path():
    user = Scope(id=samples.IDENTITY_ID, ids=(samples.JOB_ID,))
    bad = changed(samples.CREDENTIAL, ("properties", "issuer"), 5)
    (found,) = samples.broken(identities.KIND, page(samples.IDENTITY, scope=user), page({"value": [bad]}, scope=user))
    assert "credentials[0].properties.issuer" in found.detail


def test_tags_say_where_they_were_read():
    group = {"id": samples.GROUP_ID, "type": "Microsoft.Resources/resourceGroups", "tags": {"costCenter": "42"}}
    own = {
        "id": f"{samples.SUBSCRIPTION_ID}/providers/Microsoft.Resources/tags/default",
        "type": "Microsoft.Resources/tags",
        "properties": {"tags": {"owner": "platform"}},
    }
    untagged = {"id": samples.GROUP_ID + "2", "type": "microsoft.resources/resourcegroups"}
    job = {"id": samples.JOB_ID, "type": "Microsoft.App/jobs", "tags": {"Owner": "orders", "empty": ""}}
    found = samples.rows(tags.KIND, page({"value": [job]}), page({"value": [group, untagged]}), page(own))
    assert [(each.source, each.resource_id, each.key, each.value) for each in found] == [
        ("job", samples.JOB_ID, "Owner", "orders"),
        ("job", samples.JOB_ID, "empty", ""),
        ("resource_group", samples.GROUP_ID, "costCenter", "42"),
        ("subscription", samples.SUBSCRIPTION_ID, "owner", "platform"),
    ]


def test_a_single_resource_group_is_read_as_one_item():
    group = {"id": samples.GROUP_ID, "type": "Microsoft.Resources/resourceGroups", "tags": {"a": "b"}}
    (row,) = samples.rows(tags.KIND, page(group, scope=samples.GROUP_ID))
    assert row.resource_group == "rg-orders"


def test_a_resource_of_another_type_among_the_tags_is_malformed():
    (bad,) = samples.broken(tags.KIND, page({"value": [{"id": samples.JOB_ID, "type": "Microsoft.Web/sites"}]}))
    assert bad.detail.startswith("$.value[0].type: ")


def test_money_is_exact():
    (row,) = samples.rows(budgets.KIND, page({"value": [samples.BUDGET]}, scope=samples.GROUP_ID))
    assert (row.amount, row.current_spend, row.currency) == (Decimal("250.1"), Decimal("12.34"), "EUR")
    assert row.forecast_spend is None
    assert row.scope == samples.GROUP_ID
    assert row.filter.value == {}


def test_receivers_of_every_kind_are_listed_even_of_kinds_nobody_knows():
    (row,) = samples.rows(action_groups.KIND, page({"value": [samples.ACTION_GROUP]}))
    assert [each["kind"] for each in row.receivers.value] == ["email", "pigeon", "webhook"]
    assert row.receiver_count == 3


@pytest.mark.parametrize("form", ["objects", "grid"])
def test_resource_graph_rows_in_either_form(form):
    data = [samples.GRAPH_JOB]
    if form == "grid":
        data = {
            "columns": [{"name": name, "type": "string"} for name in samples.GRAPH_JOB],
            "rows": [list(samples.GRAPH_JOB.values())],
        }
    (row,) = samples.rows(graph_jobs.KIND, page({"totalRecords": 1, "count": 1, "data": data}))
    assert (row.job_id, row.trigger_type) == (samples.JOB_ID.lower(), "Event")


def test_a_subscription_without_tags_has_null():
    (row,) = samples.rows(subscriptions.KIND, page({"value": [samples.SUBSCRIPTION_ITEM]}))
    assert (row.subscription_id, row.state, row.tags) == (samples.SUBSCRIPTION, "Enabled", None)


def test_a_group_between_a_management_group_and_its_subscriptions_is_no_row():
    root = "/providers/Microsoft.Management/managementGroups/root"
    between = {"id": root + "-1", "type": "Microsoft.Management/managementGroups"}
    (row,) = samples.rows(management_group_members.KIND, page({"value": [between, samples.MEMBER]}, scope=root))
    assert (row.management_group_id, row.subscription_id) == (root, samples.SUBSCRIPTION)


SELF = Scope(id=samples.SUBSCRIPTION_ID, ids=(samples.CALLER,))
PERMISSIONS = f"https://arm.test{samples.SUBSCRIPTION_ID}/providers/Microsoft.Authorization/permissions?api-version=1"
ASSIGNMENTS = PERMISSIONS.replace("permissions", "roleAssignments")
ROLE = PERMISSIONS.replace("permissions", f"roleDefinitions/{samples.CONTRIBUTOR}")
EVERYTHING = {"actions": ["*"], "notActions": []}


def test_reading_everything_leaves_nothing_missing():
    (row,) = samples.rows(kind("permissions"), page({"value": [{"actions": ["*/read"]}]}, scope=SELF, url=PERMISSIONS))
    assert (row.scope, row.caller, row.can_read) == (samples.SUBSCRIPTION_ID, samples.CALLER, True)
    assert (row.missing.value, row.source) == ([], "permissions")


def test_what_is_granted_under_a_condition_only_is_missing() -> None:
    """Whether the condition holds for everything in the scope can't be told; too little only makes a gap."""
    blocks = [
        {"actions": ["Microsoft.App/jobs/read"], "condition": None},
        {"actions": ["*/read"], "condition": "@Resource[x:name] StringEquals 'y'", "conditionVersion": "2.0"},
    ]
    (row,) = samples.rows(kind("permissions"), page({"value": blocks}, scope=SELF, url=PERMISSIONS))
    assert not row.can_read
    assert "Microsoft.App/jobs/read" not in row.missing.value
    assert "Microsoft.Authorization/roleAssignments/read" in row.missing.value


def test_what_is_missing_is_named_and_blocks_count_one_by_one_over_all_pages():
    one = page({"value": [{"actions": ["*/read"], "notActions": ["Microsoft.App/*"]}]}, scope=SELF, url=PERMISSIONS)
    two = page({"value": [{"actions": ["Microsoft.App/Jobs/*"]}]}, scope=SELF, url=PERMISSIONS, line=2)
    (row,) = samples.rows(kind("permissions"), one, two)
    environments = ["Microsoft.App/managedEnvironments/read", "Microsoft.App/managedEnvironments/usages/read"]
    assert (row.can_read, row.missing.value) == (False, environments)


def test_no_permission_at_all_is_a_row_that_misses_everything():
    (row,) = samples.rows(kind("permissions"), page({"value": []}, scope=SELF, url=PERMISSIONS))
    assert not row.can_read
    assert "Microsoft.App/jobs/read" in row.missing.value


@pytest.mark.parametrize(
    ("place", "condition", "can_read"),
    [
        (samples.SUBSCRIPTION_ID.upper(), None, True),
        ("/", None, True),
        ("/providers/Microsoft.Management/managementGroups/root", None, True),
        (samples.GROUP_ID, None, False),
        (samples.SUBSCRIPTION_ID, "@Resource[x] StringEquals 'y'", False),
    ],
)
def test_worked_out_from_assignments_only_what_holds_on_the_whole_scope_counts(place, condition, can_read):
    given = changed(samples.ASSIGNMENT, ("properties", "scope"), place)
    given = changed(given, ("properties", "condition"), condition)
    role = changed(samples.DEFINITION, ("properties", "permissions"), [EVERYTHING])
    pages = [page({"value": [given]}, scope=SELF, url=ASSIGNMENTS)]
    if can_read:
        pages.append(page(role, scope=SELF, url=ROLE, line=2))
    (row,) = samples.rows(kind("permissions"), *pages)
    assert (row.can_read, row.source) == (can_read, "assignments")


def test_a_role_whose_definition_was_not_read_is_an_error_not_a_lack_of_access():
    (bad,) = samples.broken(kind("permissions"), page({"value": [samples.ASSIGNMENT]}, scope=SELF, url=ASSIGNMENTS))
    assert samples.CONTRIBUTOR in bad.detail


def test_an_item_that_cannot_be_decoded_leaves_its_neighbours():
    bad = json.loads(json.dumps(samples.SETTING))
    bad["properties"] = None
    body = {"value": [samples.SETTING, bad, changed(samples.SETTING, ("id",), "/other")]}
    unit = page(body, scope=samples.JOB_ID)
    (found,) = samples.broken(diagnostic_settings.KIND, unit)
    assert found.detail.startswith("$.value[1].properties: ")
    assert len(_records(diagnostic_settings.KIND, unit)) == 2


def _records(each, *pages):
    from audit.model import Row, decode

    return [found.record for found in decode(each, pages) if isinstance(found, Row)]
