"""Groups, PIM and denials as the sandbox answers for them: with the quirks of the real ones."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import deepcopy

import pytest
from tiny_estate import GROUP, ONE, limited, tiny

from audit.sandbox import PageSizes
from audit.sandbox.estate import build
from audit.sandbox.options import SandboxOptions

LEADS, TEAM, EMPTY = (f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
ADA, BOT = "aaaaaaaa-0000-4000-8000-000000000011", "aaaaaaaa-0000-4000-8000-000000000012"
EVENTUAL = {"ConsistencyLevel": "eventual"}
APPLICATIONS = "microsoft.graph.servicePrincipal?$count=true"
PROVIDER = "/providers/Microsoft.Authorization"


def thing(name: str, shape: str, **more):
    return {"@odata.type": f"#microsoft.graph.{shape}", "id": name, "displayName": name[-2:], **more}


def peopled():
    estate = tiny()
    estate.directory |= {
        LEADS: thing(LEADS, "group"),
        TEAM: thing(TEAM, "group"),
        EMPTY: thing(EMPTY, "group"),
        ADA: thing(ADA, "user", userPrincipalName="ada@x", mail="ada@x"),
        BOT: thing(BOT, "servicePrincipal", appId="app"),
    }
    estate.memberships = {LEADS: [TEAM, ADA], TEAM: [ADA, BOT, LEADS]}
    estate.group_eligibility = {TEAM: [{"id": "e1", "groupId": TEAM, "principalId": ADA, "accessId": "member"}]}
    return estate


@pytest.fixture
def graph(serve):
    """``async with graph(estate, **options) as ask``."""

    @asynccontextmanager
    async def serving(estate=None, **options):
        async with serve(estate or peopled(), **options) as client:
            base = client.sandbox.endpoints.graph
            token = await client.sign_in(base)

            async def ask(path, **more):
                return await client.ask(path, base=base, token=token, **more)

            yield ask

    return serving


def ids(reply) -> list[str]:
    return [each["id"] for each in reply.body["value"]]


async def test_a_plain_list_leaves_applications_out_and_a_list_by_type_has_them(graph):
    async with graph() as ask:
        assert ids(await ask(f"/v1.0/groups/{TEAM}/members")) == [ADA, LEADS]
        assert ids(await ask(f"/v1.0/groups/{LEADS}/transitiveMembers")) == [TEAM, ADA]
        assert ids(await ask(f"/v1.0/groups/{LEADS}/transitiveMembers/{APPLICATIONS}", headers=EVENTUAL)) == [BOT]
        assert ids(await ask(f"/v1.0/groups/{LEADS}/members/{APPLICATIONS}", headers=EVENTUAL)) == []
        bare = await ask(f"/v1.0/groups/{LEADS}/members/{APPLICATIONS}")
        assert (bare.status, bare.body["error"]["code"]) == (400, "Request_UnsupportedQuery")


async def test_only_what_was_selected_is_told_and_the_type_always(graph):
    async with graph() as ask:
        reply = await ask(f"/v1.0/groups/{TEAM}/members?$select=id,userPrincipalName")
    assert reply.body["value"][0] == {"@odata.type": "#microsoft.graph.user", "id": ADA, "userPrincipalName": "ada@x"}


async def test_a_list_is_paged_by_links_to_graph_itself(graph):
    async with graph(page_sizes=PageSizes(members=1)) as ask:
        reply = await ask(f"/v1.0/groups/{TEAM}/members?$select=id&$top=999")
        link = reply.body["@odata.nextLink"]
        assert "$skiptoken=" in link
        second = await ask("/" + link.split("/", 3)[3])
        assert ids(reply) + ids(second) == [ADA, LEADS]
        assert "@odata.nextLink" not in second.body


async def test_a_group_with_hidden_membership_names_nobody(graph):
    estate = peopled()
    estate.directory[TEAM]["visibility"] = "HiddenMembership"
    async with graph(estate) as ask:
        assert ids(await ask(f"/v1.0/groups/{TEAM}/members")) == []
        told = await ask(f"/v1.0/groups/{TEAM}?$select=id,visibility")
        assert told.body["visibility"] == "HiddenMembership"


@pytest.mark.parametrize("path", [f"groups/{ADA}/members", "groups/nobody/transitiveMembers"])
async def test_what_is_no_group_is_a_404_in_graphs_words(graph, path):
    async with graph() as ask:
        reply = await ask(f"/v1.0/{path}")
    assert (reply.status, reply.body["error"]["code"]) == (404, "Request_ResourceNotFound")


async def test_a_refused_group_refuses_all_its_lists_and_no_other_does(graph):
    estate = peopled()
    async with graph(estate, refused_groups=(estate.directory[TEAM]["displayName"],)) as ask:
        for path in (
            f"groups/{TEAM}/members",
            f"groups/{TEAM}/transitiveMembers",
            f"identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq '{TEAM}'",
        ):
            reply = await ask(f"/v1.0/{path}")
            assert (reply.status, reply.body["error"]["code"]) == (403, "Authorization_RequestDenied")
        assert (await ask(f"/v1.0/groups/{LEADS}/members")).status == 200


async def test_what_the_caller_may_read_at_graph_decides(graph):
    eligible = f"identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$filter=groupId eq '{TEAM}'"
    async with graph(graph_permissions=()) as ask:
        for path in (f"groups/{TEAM}/members", f"groups/{TEAM}", eligible):
            assert (await ask(f"/v1.0/{path}")).status == 403
    async with graph(graph_permissions=("GroupMember.Read.All",)) as ask:
        reply = await ask(f"/v1.0/groups/{TEAM}/members?$select=id,displayName,accountEnabled")
        assert reply.body["value"][0] == {"@odata.type": "#microsoft.graph.user", "id": ADA, "displayName": None}
        assert (await ask(f"/v1.0/{eligible}")).status == 403
    estate = peopled()
    estate.directory[TEAM]["visibility"] = "HiddenMembership"
    async with graph(estate, graph_permissions=("Directory.Read.All", "Member.Read.Hidden")) as ask:
        assert ids(await ask(f"/v1.0/groups/{TEAM}/members")) == [ADA, LEADS]


async def test_eligibility_is_asked_by_group_and_tells_who_it_is_if_asked(graph):
    path = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances"
    async with graph() as ask:
        assert (await ask(path)).status == 400
        (bare,) = (await ask(f"{path}?$filter=groupId eq '{TEAM}'")).body["value"]
        assert "principal" not in bare
        (full,) = (await ask(f"{path}?$filter=groupId eq '{TEAM}'&$expand=principal")).body["value"]
        assert full["principal"]["id"] == ADA
        other = path.replace("eligibility", "assignment")
        assert ids(await ask(f"{other}?$filter=groupId eq '{TEAM}'")) == []


def made(kind: str, name: str, scope: str):
    place = "" if scope == "/" else scope
    return {"id": f"{place}{PROVIDER}/{kind}/{name}", "name": name, "properties": {"scope": scope}}


KINDS = (
    ("denyAssignments", "2022-04-01", "deny_assignments"),
    ("roleEligibilityScheduleInstances", "2020-10-01", "role_eligibility"),
    ("roleAssignmentScheduleInstances", "2020-10-01", "role_activations"),
)


@pytest.mark.parametrize(("kind", "version", "field"), KINDS)
async def test_what_applies_at_a_scope_is_listed_and_below_it_without_a_filter(serve, kind, version, field):
    estate = tiny()
    bodies = [made(kind, "above", "/"), made(kind, "at", f"/subscriptions/{ONE}"), made(kind, "below", GROUP)]
    setattr(estate, field, [*bodies, made(kind, "elsewhere", "/subscriptions/other")])
    path = f"/subscriptions/{ONE}{PROVIDER}/{kind}?api-version={version}"
    async with serve(estate, page_sizes=PageSizes()) as client:
        plain = (await client.ask(path)).body["value"]
        assert [each["name"] for each in plain] == ["above", "at", "below"]
        above = (await client.ask(f"{path}&$filter=atScope()")).body["value"]
        assert [each["name"] for each in above] == ["above", "at"]
        assert (await client.ask(f"{path}&$filter=principalId eq 'x'")).status == 400
    async with serve(limited(deepcopy(estate), GROUP, {"actions": ["*/read"]})) as client:
        assert [each["name"] for each in (await client.ask(path)).body["value"]] == ["below"]
    async with serve(limited(deepcopy(estate), GROUP, {"actions": ["Microsoft.App/*"]})) as client:
        assert (await client.ask(path)).status == 403


async def test_an_unlicensed_tenant_answers_so_for_every_kind_of_pim(serve):
    async with serve(faults=("unlicensed",)) as client:
        for kind, version, field in KINDS:
            reply = await client.ask(f"/subscriptions/{ONE}{PROVIDER}/{kind}?api-version={version}")
            assert reply.status == (200 if field == "deny_assignments" else 400)


@pytest.fixture(scope="module")
def story():
    return build(SandboxOptions())


def called(estate, name: str) -> str:
    return next(key for key, body in estate.directory.items() if body["displayName"] == name)


def test_the_story_has_what_a_review_of_access_must_find(story):
    platform, oncall = called(story, "grp-platform-engineers"), called(story, "grp-operations-on-call")
    assert oncall in story.memberships[platform], "a group in a group"
    assert called(story, "Oskar Brandt") in story.memberships[oncall], "somebody who can't sign in"
    assert called(story, "deploy-platform") in story.memberships[platform], "an application in a group"
    ends = {each["properties"].get("endDateTime") for each in story.role_eligibility}
    assert None in ends
    assert len(ends) > 1
    assert {each["properties"]["principalType"] for each in story.role_eligibility} == {"User", "Group"}
    assert [each for each in story.role_eligibility if each["properties"]["principalId"] not in story.directory]
    (active,) = (each for each in story.role_activations if each["properties"]["assignmentType"] == "Activated")
    carriers = {each["id"]: each for each in story.role_assignments}
    carrier = carriers[active["properties"]["originRoleAssignmentId"]]["properties"]
    assert {carrier[name] == active["properties"][name] for name in ("principalId", "scope", "roleDefinitionId")} == {
        True
    }
    everyone = [each for each in story.deny_assignments if each["properties"]["principals"][0]["id"].startswith("0000")]
    assert {each["properties"]["doNotApplyToChildScopes"] for each in everyone} == {True, False}
    assert any(each["properties"]["excludePrincipals"] for each in everyone)
    assert {each["accessId"] for found in story.group_eligibility.values() for each in found} == {"member", "owner"}


@pytest.mark.parametrize("options", [SandboxOptions(), SandboxOptions(jobs=60, subscriptions=2)], ids=["story", "60"])
def test_every_name_of_access_leads_to_something(options):
    estate = build(options)
    assert all(group in estate.directory for group in estate.memberships)
    assert all(each in estate.directory for members in estate.memberships.values() for each in members)
    assert all(len(set(members)) == len(members) for members in estate.memberships.values())
    carriers = {each["id"] for each in estate.role_assignments}
    assert {each["properties"]["originRoleAssignmentId"] for each in estate.role_activations} <= carriers
    for listed in (estate.deny_assignments, estate.role_eligibility, estate.role_activations):
        assert listed
        assert len({each["id"].lower() for each in listed}) == len(listed)


def test_a_generated_estate_has_a_team_of_sixty_for_every_twenty_jobs_and_some_in_others():
    estate = build(SandboxOptions(jobs=200, subscriptions=2))
    teams = [each for each, members in estate.memberships.items() if len(members) == 60]
    assert len(teams) == 10
    groups = {key for key, body in estate.directory.items() if body["@odata.type"].endswith("group")}
    assert any(set(members) & set(teams) for members in estate.memberships.values())
    holders = {each["properties"]["principalId"] for each in estate.role_assignments}
    assert len(holders & groups) >= 10
    assert estate.memberships == build(SandboxOptions(jobs=200, subscriptions=2)).memberships
