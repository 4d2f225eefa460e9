"""Every kind's fetch, through the real SDK clients over TLS, against the simulated estate."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import samples

from audit.azure import connect
from audit.config import parse
from audit.evidence import KINDS, kind
from audit.model import GapReason, Level, MalformedItem, ReadFailed, Scope, Window, decode
from audit.model.role import least_privilege
from audit.sandbox import Sandbox
from audit.sandbox.faults import Edit, Effect, Fault
from audit.sandbox.options import SandboxOptions

NOW = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0)
MONTH = Window.last(30, NOW)


@asynccontextmanager
async def connected(monkeypatch, **options):
    async with Sandbox(SandboxOptions(now=NOW, **options)) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        settings = parse(sandbox.config_toml())
        async with connect(settings.cloud, settings.credential, backoff=0.01) as azure:
            yield sandbox, azure


async def read(azure, each, scope, window=MONTH):
    """Return a unit's pages as the collector would have them: numbered, in order."""
    import msgspec

    async with azure.unit(wait=30):
        return [msgspec.structs.replace(page, line=1) async for page in each.fetch(azure, scope, window)]


async def collect(azure, estate, wanted, *, window=MONTH, groups=()):
    """Return the rows of every kind in the order of the registry, and what couldn't be decoded."""
    con, malformed, rows = samples.tables(), [], {}
    for each in wanted:
        subscriptions = [one["subscriptionId"] for one in estate.subscriptions]
        if each.population is not None:
            found = con.sql(each.population)
            scopes = [
                Scope(**({"ids": tuple(row[1])} if len(found.columns) > 1 else {}), id=row[0])
                for row in found.fetchall()
            ]
        elif each.per is Level.TENANT:
            scopes = [Scope(id="/", ids=tuple(subscriptions))]
        elif each.groupwise and groups:
            scopes = [Scope(id=group) for group in groups]
        else:
            scopes = [Scope(id=f"/subscriptions/{one}") for one in subscriptions]
        for scope in scopes:
            for found in decode(each, await read(azure, each, scope, window)):
                if isinstance(found, MalformedItem):
                    malformed.append(found)
                else:
                    rows.setdefault(found.record.table, []).append(found.record)
        if any(each.name in later.after for later in wanted):
            _load(con, [record for shape in each.records for record in rows.get(shape.table, [])])
    return con, rows, malformed


def _load(con, records) -> None:
    """Move the rows of a kind into the tables that later kinds stand on."""
    source = samples.tables(*records)
    for table in {record.table for record in records}:
        marks = ", ".join("?" * len(source.table(table).columns))
        con.executemany(f"insert into {table} values ({marks})", source.table(table).fetchall())


async def test_the_whole_estate_is_read_without_a_malformed_item(monkeypatch):
    async with connected(monkeypatch) as (sandbox, azure):
        con, rows, malformed = await collect(azure, sandbox.estate, KINDS)
    assert not malformed
    estate = sandbox.estate
    assert not sandbox.violations
    bodies = [body for body in estate.resources.values() if body["type"].lower() == "microsoft.app/jobs"]
    assert {job.job_id for job in rows["jobs"]} == {body["id"] for body in bodies}
    events = [body for body in bodies if body["properties"]["configuration"]["triggerType"].lower() == "event"]
    assert {job.job_id for job in rows["jobs"] if job.in_scope} == {body["id"] for body in events}
    assert {each.job_id.lower() for each in rows["graph_jobs"]} == {body["id"].lower() for body in bodies}
    wanted = {body["properties"]["environmentId"].lower() for body in events}
    assert {each.environment_id.lower() for each in rows["environments"]} == wanted
    assert {each.role_guid for each in rows["role_definitions"]} == {
        each.role_guid for each in rows["role_assignments"]
    }
    asked = {each.principal_id.lower() for each in rows["role_assignments"]}
    assert asked <= {each.principal_id.lower() for each in rows["principals"]}
    assert any(not each.resolved for each in rows["principals"])
    assert all(each.can_read for each in rows["permissions"])
    assert all(MONTH.since <= each.event_time < MONTH.until for each in rows["activity_log"])
    assert {each.source for each in rows["tags"]} == {"job", "resource_group", "subscription"}
    assert {each.kind for each in rows["identities"]} == {"system", "user"}
    assert rows["budgets"]
    assert rows["action_groups"]
    assert rows["diagnostic_settings"]
    for (row_id, count) in con.sql(
        "select row_id, count(*) from (" + " union all by name ".join(
            f"select row_id from {shape.table}" for each in KINDS for shape in each.records
        ) + ") group by row_id having count(*) > 1"
    ).fetchall():  # fmt: skip
        pytest.fail(f"{count} rows share the row_id {row_id}")


async def test_the_least_privilege_role_is_enough_for_every_read(monkeypatch):
    async with connected(monkeypatch, caller_role=least_privilege(KINDS)) as (sandbox, azure):
        _, rows, malformed = await collect(azure, sandbox.estate, KINDS)
    assert not malformed
    assert all(each.can_read for each in rows["permissions"])
    refused = [each for each in sandbox.requests if each.status in {401, 403}]
    assert not refused


@pytest.mark.parametrize("taken", least_privilege(KINDS)["Actions"])
async def test_without_one_action_of_the_role_a_read_fails_or_the_permissions_say_so(monkeypatch, taken):
    role = least_privilege(KINDS)
    role["Actions"].remove(taken)
    async with connected(monkeypatch, caller_role=role) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        if taken == "Microsoft.Authorization/permissions/read":
            with pytest.raises(ReadFailed) as error:
                await read(azure, kind("permissions"), scope)
            assert error.value.reason is GapReason.FORBIDDEN
            return
        pages = await read(azure, kind("permissions"), scope)
        (row,) = samples.rows(kind("permissions"), *pages)
    assert row.missing.value == [taken]


async def test_where_azure_does_not_tell_the_permissions_the_callers_assignments_do(monkeypatch):
    async with connected(monkeypatch, subscription_permissions_route=False) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        pages = await read(azure, kind("permissions"), scope)
        (row,) = samples.rows(kind("permissions"), *pages)
        assert (row.source, row.can_read, row.caller) == ("assignments", True, azure.caller.object_id)


async def test_where_neither_tells_it_is_a_gap(monkeypatch):
    role = {"Name": "little", "Actions": ["Microsoft.App/jobs/read"]}
    async with connected(monkeypatch, subscription_permissions_route=False, caller_role=role) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        with pytest.raises(ReadFailed) as error:
            await read(azure, kind("permissions"), scope)
    assert error.value.reason is GapReason.FORBIDDEN


async def test_assignments_that_make_no_sense_are_a_gap_not_a_crash(monkeypatch):
    faults = (Fault(path="roleAssignments", effect=Effect.EDIT, edits=(Edit(("value", 0, "properties", "scope"), 5),)),)
    async with connected(monkeypatch, subscription_permissions_route=False, faults=faults) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        with pytest.raises(ReadFailed, match=r"value\[0\]\.properties\.scope") as error:
            await read(azure, kind("permissions"), scope)
    assert error.value.reason is GapReason.MALFORMED


async def test_resource_groups_are_scopes_of_their_own(monkeypatch):
    async with connected(monkeypatch) as (sandbox, azure):
        event = next(body for body in sandbox.estate.resources.values() if body["type"].lower() == "microsoft.app/jobs")
        group = event["id"].split("/providers/")[0]
        wanted = [kind(name) for name in ("subscriptions", "permissions", "jobs", "tags")]
        _, rows, malformed = await collect(azure, sandbox.estate, wanted, groups=(group,))
    assert not malformed
    assert event["id"] in {each.job_id for each in rows["jobs"]}
    assert {each.resource_group.lower() for each in rows["jobs"]} == {group.rsplit("/", 1)[1].lower()}
    assert {each.source for each in rows["tags"]} >= {"job", "resource_group"}
    assert [each.scope for each in rows["permissions"]] == [group]


@pytest.mark.parametrize(("since", "until", "asks"), [(120, 0, True), (91, 60, True), (120, 91, False)])
async def test_a_window_from_before_azures_memory_gives_what_there_is_and_then_says_which_hole(
    monkeypatch, since, until, asks
):
    window = Window(since=NOW - timedelta(days=since), until=NOW - timedelta(days=until))
    each, pages = kind("activity_log"), []
    async with connected(monkeypatch) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        known = sandbox.estate.activity[scope.subscription_id]
        async with azure.unit(wait=30):
            with pytest.raises(ReadFailed) as error:
                async for page in each.fetch(azure, scope, window):
                    pages.append(page)  # noqa: PERF401  the same
    assert bool(pages) is asks
    assert error.value.reason is GapReason.BEYOND_RETENTION
    end = datetime.fromisoformat(error.value.detail.rpartition(" to ")[2])
    assert f"{window.since:%Y-%m-%dT%H:%M:%SZ} to " in error.value.detail
    assert end <= window.until
    assert asks is (end < window.until)
    rows = samples.rows(each, *pages)
    assert all(end <= row.event_time < window.until for row in rows)
    times = [datetime.fromisoformat(event["eventTimestamp"]) for event in known]
    assert len(rows) == sum(end < at < window.until for at in times)


async def test_no_event_is_read_twice_or_lost_between_two_windows(monkeypatch):
    async with connected(monkeypatch) as (sandbox, azure):
        scope = Scope(id=f"/subscriptions/{sandbox.estate.subscriptions[0]['subscriptionId']}")
        each = kind("activity_log")
        whole = samples.rows(each, *await read(azure, each, scope))
        middle = sorted(row.event_time for row in whole)[len(whole) // 2]
        halves = (Window(since=MONTH.since, until=middle), Window(since=middle, until=MONTH.until))
        parts = [samples.rows(each, *await read(azure, each, scope, half)) for half in halves]
    assert all(row.event_time < middle for row in parts[0])
    assert {row.event_id for row in parts[0]} & {row.event_id for row in parts[1]} == set()
    assert {row.event_id for row in whole} == {row.event_id for part in parts for row in part}
