"""Rows of denials, eligibility, activations and groups, from Azure's and Graph's own words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import samples
from access_samples import (
    ACTIVE,
    APPLICATION,
    DENY,
    ELIGIBLE,
    EVERYONE,
    GROUP,
    IN_GROUP,
    INNER,
    MEMBER,
    PERSON,
    PROVIDER,
)
from samples import broken, changed, page, rows

from audit.evidence import (
    deny_assignments,
    group_eligibility,
    group_members,
    kind,
    principals,
    role_activations,
    role_eligibility,
)
from audit.evidence.deny_assignments import DenyAssignment
from audit.evidence.group_members import GroupEdge, GroupMember
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import Job, JobSecret
from audit.evidence.key_vaults import KeyVault, VaultAccessPolicy
from audit.evidence.principals import Principal
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_eligibility import RoleEligibility
from audit.model import Json

SCOPE = f"/groups/{GROUP}"
GRAPH = "https://graph.test/v1.0"


def of_group(which: str, *members: object, group: str = GROUP, line: int = 1):
    url = f"{GRAPH}/groups/{group}/{which}?$select=id&$top=999"
    return page({"value": list(members)}, scope=SCOPE, url=url, line=line)


def someone(name: str, shape: str = "user", **more: object) -> dict[str, object]:
    return {"@odata.type": f"#microsoft.graph.{shape}", "id": name, **more}


def test_a_denial_keeps_its_blocks_and_names_whom_it_spares():
    (row,) = rows(deny_assignments.KIND, page({"value": [DENY]}))
    assert (row.assignment_id, row.scope, row.name) == (DENY["id"], samples.GROUP_ID, "Deny changes: stack orders")
    assert row.permissions.value == DENY["properties"]["permissions"]
    assert row.principals.value == [{"id": EVERYONE, "type": "SystemDefined"}]
    assert row.excluded_principals.value == [{"id": GROUP, "type": "Group"}]
    assert (row.do_not_apply_to_child_scopes, row.is_system_protected) == (True, True)
    assert row.created_on == datetime(2026, 8, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert (row.condition, row.subscription_id) == ("@Resource[x] StringEquals 'y'", samples.SUBSCRIPTION)


def test_a_denial_that_does_not_say_whether_it_goes_down_is_not_guessed():
    untold = changed(DENY, ("properties", "doNotApplyToChildScopes"), ...)
    untold = changed(untold, ("properties", "excludePrincipals"), ...)
    (row,) = rows(deny_assignments.KIND, page({"value": [untold]}))
    assert row.do_not_apply_to_child_scopes is None
    assert row.excluded_principals.value == []


def test_eligibility_says_whose_what_and_until_when():
    (row,) = rows(role_eligibility.KIND, page({"value": [ELIGIBLE]}))
    assert (row.eligibility_id, row.principal_id, row.principal_type) == (ELIGIBLE["id"], PERSON, "User")
    assert (row.role_guid, row.scope) == (samples.CONTRIBUTOR, samples.SUBSCRIPTION_ID)
    assert (row.member_type, row.status, row.condition) == ("Direct", "Provisioned", "@Resource[x] StringEquals 'y'")
    assert row.ends == datetime(2027, 9, 10, 0, 31, 41, 477000, tzinfo=UTC)
    assert row.schedule_id.endswith("/s1")
    (permanent,) = rows(
        role_eligibility.KIND, page({"value": [changed(ELIGIBLE, ("properties", "endDateTime"), None)]})
    )
    assert permanent.ends is None


def test_an_activation_leads_to_the_assignment_that_carries_it_and_to_what_it_came_from():
    (row,) = rows(role_activations.KIND, page({"value": [ACTIVE]}))
    assert (row.assignment_type, row.member_type) == ("Activated", "Direct")
    assert row.origin_assignment_id == f"{PROVIDER}/roleAssignments/a1"
    assert (row.eligibility_id, row.eligibility_schedule_id) == ("e1", "s1")
    assert (row.starts.hour, row.ends.hour) == (2, 10)


@pytest.mark.parametrize("each", [role_eligibility.KIND, role_activations.KIND], ids=lambda each: each.name)
def test_what_both_lists_name_is_one_row_that_leads_to_the_first(each):
    item = {"role_eligibility": ELIGIBLE, "role_activations": ACTIVE}[each.name]
    other = changed(item, ("id",), item["id"].replace("nstances/", "nstances/above-"))
    again = changed(item, ("id",), item["id"].upper())
    found = list(samples.decode(each, [page({"value": [item]}, line=1), page({"value": [again, other]}, line=2)]))
    assert [(row.page.line, row.item) for row in found] == [(1, 0), (2, 0)]


def test_a_flat_group_gives_each_member_and_a_direct_step_to_it():
    application = someone(APPLICATION, "servicePrincipal", appId="x")
    found = rows(
        group_members.KIND,
        of_group("transitiveMembers", MEMBER),
        of_group("transitiveMembers/microsoft.graph.servicePrincipal", application, line=2),
    )
    people = [each for each in found if isinstance(each, GroupMember)]
    assert [(each.member_id, each.member_type) for each in people] == [
        (PERSON, "User"),
        (APPLICATION, "ServicePrincipal"),
    ]
    assert (people[0].display_name, people[0].enabled, people[0].user_type) == ("Ada", False, "Guest")
    assert (people[1].app_id, people[1].enabled) == ("x", None)
    steps = {(each.root_group_id, each.group_id, each.member_id) for each in found if isinstance(each, GroupEdge)}
    assert steps == {(GROUP, GROUP, PERSON), (GROUP, GROUP, APPLICATION)}


def test_a_nested_group_tells_the_way_to_each_member_and_a_circle_is_a_circle():
    found = rows(
        group_members.KIND,
        of_group("transitiveMembers", someone(INNER, "group"), MEMBER, line=1),
        of_group("members", someone(INNER, "group"), line=2),
        of_group("members", MEMBER, someone(GROUP, "group"), group=INNER, line=3),
    )
    assert {each.member_id for each in found if isinstance(each, GroupMember)} == {INNER, PERSON}
    steps = {(each.group_id, each.member_id) for each in found if isinstance(each, GroupEdge)}
    assert steps == {(GROUP, INNER), (INNER, PERSON), (INNER, GROUP)}, "no step that Graph didn't name"


def test_where_the_steps_inside_a_nested_group_are_not_told_none_is_made_up():
    found = rows(group_members.KIND, of_group("transitiveMembers", someone(INNER, "group"), MEMBER))
    assert {type(each) for each in found} == {GroupMember}


def test_an_application_that_two_lists_name_is_one_member():
    known = someone(APPLICATION, "servicePrincipal")
    found = rows(
        group_members.KIND,
        of_group("transitiveMembers", known),
        of_group("transitiveMembers/microsoft.graph.servicePrincipal", known, line=2),
    )
    assert len([each for each in found if isinstance(each, GroupMember)]) == 1


def test_a_member_of_whom_only_id_and_type_are_told_has_nulls():
    (member, _) = rows(group_members.KIND, of_group("transitiveMembers", someone(PERSON, displayName=None)))
    assert (member.member_type, member.display_name, member.enabled, member.user_type) == ("User", None, None, None)


@pytest.mark.parametrize("odd", [{"id": 5}, {}, 7, None, "x", []])
def test_a_member_that_makes_no_sense_is_named_and_the_others_stay(odd):
    pages = (of_group("transitiveMembers", odd, MEMBER),)
    assert len(broken(group_members.KIND, *pages)) == 1
    found = [each for each in samples.decode(group_members.KIND, pages) if isinstance(each, samples.Row)]
    assert {each.record.member_id for each in found} == {PERSON}
    assert {each.item for each in found} == {1}


def test_who_may_come_into_a_group_is_told_apart_from_who_is_in_it():
    eligible, active = f"{GRAPH}/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?x", ""
    active = eligible.replace("eligibility", "assignment")
    (may,) = rows(group_eligibility.KIND, page({"value": [IN_GROUP]}, scope=SCOPE, url=eligible))
    assert (may.access, may.access_id, may.member_type, may.assignment_type) == ("eligible", "member", "direct", None)
    assert (may.principal_type, may.display_name, may.user_type, may.enabled) == ("User", "Ada", "Guest", False)
    assert (may.group_id, may.principal_id, may.ends) == (GROUP, PERSON, None)
    held = IN_GROUP | {"assignmentType": "Activated", "endDateTime": "2026-11-22T09:00:00Z", "principal": None}
    (now,) = rows(group_eligibility.KIND, page({"value": [held]}, scope=SCOPE, url=active))
    assert (now.access, now.assignment_type, now.principal_type) == ("active", "activated", None)
    assert now.ends == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert now.row_id != may.row_id


VAULT = f"{samples.GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv"
OTHER_JOB = f"{samples.SUBSCRIPTION_ID}/resourceGroups/rg-other/providers/Microsoft.App/jobs/other"


def a_group(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-0000000000a{number}"


def a_job(job_id: str) -> Job:
    return Job(
        job_id=job_id,
        name=job_id.rsplit("/", 1)[1],
        subscription_id=samples.SUBSCRIPTION,
        resource_group=job_id.split("/")[4],
        environment_id=samples.ENVIRONMENT_ID,
        trigger_type="Event",
        in_scope=True,
        secrets_count=1,
    )


def holding(group: str, scope: str, *, sort: str | None = "Group", shape: type = RoleAssignment):
    names = {
        RoleAssignment: {"assignment_id": f"{scope}/a/{group}"},
        RoleEligibility: {"eligibility_id": f"{scope}/e/{group}"},
    }[shape]
    return shape(
        **names,
        scope=scope,
        principal_id=group,
        principal_type=sort,
        role_definition_id=f"{PROVIDER}/roleDefinitions/r",
        role_guid="r",
        subscription_id=samples.SUBSCRIPTION,
    )


def estate(*more):
    """Two jobs in two resource groups, of which the first reads a vault."""
    return samples.tables(
        a_job(samples.JOB_ID),
        a_job(OTHER_JOB),
        JobSecret(job_id=samples.JOB_ID, name="s", key_vault_url="https://kv.vault.azure.net/secrets/s"),
        InventoryItem(
            resource_id=VAULT,
            name="kv",
            type="microsoft.keyvault/vaults",
            subscription_id=samples.SUBSCRIPTION,
            resource_group="rg-orders",
            host="kv.vault.azure.net",
        ),
        KeyVault(vault_id=VAULT, name="kv", host="kv.vault.azure.net"),
        *more,
    )


def scopes(con, name: str) -> set[str]:
    return {row[0] for row in con.sql(f"select scope from ({kind(name).population})").fetchall()}


def affected(con, name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for scope, job_id in con.sql(f"select scope, job_id from ({kind(name).affects})").fetchall():
        found.setdefault(scope, set()).add(job_id)
    return found


def denial(*, to: str, but: str) -> DenyAssignment:
    return DenyAssignment(
        assignment_id="/d",
        scope=samples.GROUP_ID,
        permissions=Json([]),
        principals=Json([{"id": to, "type": "Group"}]),
        excluded_principals=Json([{"id": but, "type": "Group"}]),
        subscription_id=samples.SUBSCRIPTION,
    )


def test_every_group_that_holds_something_is_asked_about_once():
    con = estate(
        holding(a_group(1).upper(), samples.SUBSCRIPTION_ID),
        holding(a_group(1), samples.GROUP_ID),
        holding(a_group(2), samples.GROUP_ID, shape=RoleEligibility),
        denial(to=a_group(3), but=a_group(4)),
        VaultAccessPolicy(vault_id=VAULT, principal_id=a_group(5)),
        Principal(principal_id=a_group(5), type="Group", resolved=True),
        VaultAccessPolicy(vault_id=VAULT, principal_id=PERSON),
        Principal(principal_id=PERSON, type="User", resolved=True),
        holding(PERSON, samples.GROUP_ID, sort="User"),
        holding(a_group(6), samples.GROUP_ID, sort="ForeignGroup"),
        holding("not a guid", samples.GROUP_ID),
    )
    assert scopes(con, "group_members") == {f"/groups/{a_group(number)}" for number in range(1, 6)}


def test_the_groups_inside_a_group_are_asked_who_may_come_into_them():
    con = estate(
        holding(GROUP, samples.JOB_ID),
        GroupMember(group_id=GROUP, member_id=INNER, member_type="Group"),
        GroupMember(group_id=GROUP, member_id=PERSON, member_type="User"),
    )
    assert scopes(con, "group_eligibility") == {f"/groups/{GROUP}", f"/groups/{INNER}"}
    assert affected(con, "group_eligibility") == {
        f"/groups/{GROUP}": {samples.JOB_ID},
        f"/groups/{INNER}": {samples.JOB_ID},
    }


@pytest.mark.parametrize(
    ("scope", "jobs"),
    [
        ("/", {samples.JOB_ID, OTHER_JOB}),
        ("/providers/Microsoft.Management/managementGroups/m", {samples.JOB_ID, OTHER_JOB}),
        (samples.SUBSCRIPTION_ID.upper(), {samples.JOB_ID, OTHER_JOB}),
        (samples.JOB_ID, {samples.JOB_ID}),
        (samples.JOB_ID + "-2", set()),
        (samples.GROUP_ID.replace("rg-orders", "rg-order"), set()),
        (OTHER_JOB.partition("/providers/")[0], {OTHER_JOB}),
        (samples.ENVIRONMENT_ID, {samples.JOB_ID, OTHER_JOB}),
        (VAULT, {samples.JOB_ID}),
        (VAULT + "/secrets/s", {samples.JOB_ID}),
    ],
)
def test_a_group_concerns_the_jobs_that_its_members_can_reach(scope, jobs):
    con = estate(holding(GROUP, scope))
    assert affected(con, "group_members").get(f"/groups/{GROUP}", set()) == jobs


def test_whoever_is_eligible_denied_or_spared_is_resolved_but_not_everyone():
    con = estate(
        holding(a_group(2), samples.GROUP_ID, shape=RoleEligibility),
        denial(to=EVERYONE, but=a_group(4)),
        GroupMember(group_id=GROUP, member_id=PERSON, member_type="User"),
    )
    asked = {name for (ids,) in con.sql(f"select ids from ({principals.KIND.population})").fetchall() for name in ids}
    assert asked == {a_group(2), a_group(4)}, "members are told by their group already"


def test_a_role_that_can_only_be_activated_is_read_too():
    con = estate(holding(PERSON, samples.GROUP_ID, sort="User", shape=RoleEligibility))
    assert scopes(con, "role_definitions") == {f"{PROVIDER}/roleDefinitions/r"}
    assert affected(con, "role_definitions") == {f"{PROVIDER}/roleDefinitions/r": {samples.JOB_ID}}
