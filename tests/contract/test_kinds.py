"""The contract of every evidence kind: a read that failed is a gap with a reason, never a shorter list."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from audit.evidence import KINDS
from audit.model import Collected, EvidenceKind, Gap, GapReason, Run
from audit.sandbox import Edit, Fault, PageSizes, Sandbox
from audit.sandbox.faults import Effect
from tests.conftest import collected, serving, settings_for

ONE_BY_ONE = PageSizes(
    jobs=2,
    resources=1,
    role_assignments=7,
    activity=40,
    costs=400,
    fired_alerts=1,
    resource_graph=5,
    identities=1,
    members=1,
)


class Wire(NamedTuple):
    """How a kind's requests look, and a place in an item that a row rests on."""

    path: str
    required: tuple[str | int, ...]
    at: str


WIRES = {
    "subscriptions": Wire(r"^/subscriptions\?", ("value", 0, "subscriptionId"), "$.value[0].subscriptionId"),
    "management_group_members": Wire(r"/descendants\?", ("value", 0, "id"), "$.value[0].id"),
    "permissions": Wire(r"microsoft\.authorization/permissions", ("value", 0, "actions"), "$"),
    "jobs": Wire(r"/microsoft\.app/jobs\?", ("value", 0, "properties", "configuration", "triggerType"),
                 "$.value[0].properties.configuration.triggerType"),
    "environments": Wire(r"/managedenvironments/[^/]+\?", ("id",), "$.id"),
    "environment_quotas": Wire(r"/managedenvironments/[^/]+/usages\?", ("value", 0, "limit"), "$.value[0].limit"),
    "execution_logs": Wire(r"^/v1/workspaces/[^/]+/query", ("tables", 0, "rows", 0, 3), "$.tables[0].rows[0]"),
    "log_volumes": Wire(r"^/v1/workspaces/[^/]+/query", ("tables", 0, "rows", 0, 2), "$.tables[0].rows[0]"),
    "event_sources": Wire(r"\.(servicebus|eventhub)/namespaces/[^/?]+\?|/storageaccounts/[^/?]+\?", ("id",), "$"),
    "executions": Wire(r"/executions\?", ("value", 0, "properties", "status"), "$.value[0].properties.status"),
    "role_assignments": Wire(r"/roleassignments\?", ("value", 0, "properties", "scope"), "$.value[0].properties.scope"),
    "role_eligibility": Wire(r"/roleeligibilityscheduleinstances\?",
                             ("value", 0, "properties", "scope"), "$.value[0].properties.scope"),
    "role_activations": Wire(r"/roleassignmentscheduleinstances\?",
                             ("value", 0, "properties", "scope"), "$.value[0].properties.scope"),
    "deny_assignments": Wire(r"/denyassignments\?",
                             ("value", 0, "properties", "permissions"), "$.value[0].properties.permissions"),
    "group_members": Wire(r"^/v1\.0/groups/", ("value", 0, "displayName"), "$.value[0].displayName"),
    "group_eligibility": Wire(r"^/v1\.0/identitygovernance/", ("value", 0, "groupId"), "$.value[0].groupId"),
    "role_definitions": Wire(r"/roledefinitions/", ("properties", "permissions"), "$.properties.permissions"),
    "principals": Wire(r"/directoryobjects/getbyids", ("value", 0, "displayName"), "$.value[0].displayName"),
    "activity_log": Wire(r"/eventtypes/management/values", ("value", 0, "eventTimestamp"), "$.value[0].eventTimestamp"),
    "diagnostic_settings": Wire(r"/diagnosticsettings\?", ("value", 0, "id"), "$.value[0].id"),
    "key_vaults": Wire(r"/vaults/[^/?]+\?", ("properties", "vaultUri"), "$.properties.vaultUri"),
    "registries": Wire(r"/registries/[^/?]+\?", ("properties", "loginServer"), "$.properties.loginServer"),
    "image_digests": Wire(r"/acr/v1/(?!search/).+/_manifests/", ("manifest", "digest"), "$.manifest.manifest.digest"),
    "private_endpoints": Wire(r"/privateendpoints/[^/?]+\?",
                              ("properties", "privateLinkServiceConnections", 0, "name"),
                              "$.endpoint.properties.privateLinkServiceConnections[0].name"),
    "private_dns": Wire(r"/virtualnetworklinks\?",
                        ("value", 0, "properties", "virtualNetwork"), "$.link.properties.virtualNetwork"),
    "networks": Wire(r"/virtualnetworks/[^/?]+\?",
                     ("properties", "subnets", 0, "name"), "$.properties.subnets[0].name"),
    "identities": Wire(r"/userassignedidentities/[^/]+\?|/identities/default", ("properties", "principalId"), "$"),
    "workspaces": Wire(r"/workspaces/[^/?]+\?", ("id",), "$.id"),
    "tags": Wire(r"/resources\?|/resourcegroups\?|/tags/default", ("value", 0, "id"), "$.value[0].id"),
    "budgets": Wire(r"/budgets\?", ("value", 0, "name"), "$.value[0].name"),
    "action_groups": Wire(r"/actiongroups\?", ("value", 0, "name"), "$.value[0].name"),
    "alerts": Wire(r"/(metricalerts|scheduledqueryrules|activitylogalerts)\?", ("value", 0, "name"), "$.value[0].name"),
    "fired_alerts": Wire(r"/alerts\?",
                         ("value", 0, "properties", "essentials", "startDateTime"),
                         "$.value[0].properties.essentials.startDateTime"),
    "metrics": Wire(r"/metrics\?", ("value", 0, "unit"), "$.value[0].unit"),
    "inventory": Wire(r"/microsoft\.resourcegraph/resources", ("data", 0, "id"), "$.data[0].id"),
    "costs": Wire(r"/microsoft\.costmanagement/query", ("properties", "rows", 0, 1), "$.properties.rows[0].UsageDate"),
    "resource_changes": Wire(r"/microsoft\.resourcegraph/resources",
                             ("data", 0, "changeAttributes"), "$.data[0].changeAttributes"),
    "deployments": Wire(r"/deployments\?", ("value", 0, "name"), "$.value[0].name"),
    "locks": Wire(r"/locks\?", ("value", 0, "name"), "$.value[0].name"),
    "policy_exemptions": Wire(r"/policyexemptions\?", ("value", 0, "name"), "$.value[0].name"),
    "management_groups": Wire(r"/microsoft\.resourcegraph/resources",
                              ("data", 0, "subscriptionId"), "$.data[0].subscriptionId"),
    "graph_jobs": Wire(r"/microsoft\.resourcegraph/resources", ("data", 0, "id"), "$.data[0].id"),
}  # fmt: skip

OFTEN_EMPTY = {
    "alerts",
    "budgets",
    "deployments",
    "diagnostic_settings",
    "fired_alerts",
    "group_eligibility",
    "locks",
    "metrics",
}
"""Many of their units have no row, and that is confirmed."""


def test_the_contract_covers_every_kind() -> None:
    assert WIRES.keys() == {kind.name for kind in KINDS}


@pytest.fixture
async def small_pages(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with serving(page_sizes=ONE_BY_ONE, cost_quota=1000) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        yield served


async def _run(sandbox: Sandbox, output: Path, kind: EvidenceKind, *, wait: float = 30.0) -> Run:
    scope = (
        {"subscriptions": (), "management_groups": (_group(sandbox),)}
        if kind.name == "management_group_members"
        else {}
    )
    return await collected(sandbox, output, kinds=(kind.name,), settings=settings_for(sandbox, **scope), wait=wait)


def _group(sandbox: Sandbox) -> str:
    return sandbox.estate.management_groups[-1].rsplit("/", 1)[-1]


def _units(run: Run, kind: EvidenceKind) -> dict[str, Collected | Gap]:
    return {unit.scope.id: unit.outcome for unit in run.units if unit.kind == kind.name}


def _rows(output: Path, kind: EvidenceKind) -> dict[str, int]:
    folder = output / "runs" / "test-run" / "tables"
    count = "select count(*) from read_parquet(?)"
    return {
        record.table: duckdb.execute(count, [str(folder / f"{record.table}.parquet")]).fetchone()[0]
        for record in kind.records
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_without_a_fault_everything_is_collected_with_rows(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    units = _units(await _run(small_pages, tmp_path, kind), kind)
    assert units
    assert all(isinstance(outcome, Collected) for outcome in units.values()), units
    assert all(_rows(tmp_path, kind).values()), "the story estate has rows for every table"
    assert small_pages.violations == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_forbidden_is_a_gap_in_every_unit_and_no_row(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    small_pages.faults.add(Fault(path=WIRES[kind.name].path, status=403, code="AuthorizationFailed"))
    units = _units(await _run(small_pages, tmp_path, kind), kind)
    assert units
    for outcome in units.values():
        assert isinstance(outcome, Gap)
        assert outcome.reason is GapReason.FORBIDDEN
    assert not any(_rows(tmp_path, kind).values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_throttled_read_waits_and_is_then_whole(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    await _run(small_pages, tmp_path / "calm", kind)
    small_pages.faults.add(_throttled(kind, times=2))
    units = _units(await _run(small_pages, tmp_path / "storm", kind), kind)
    assert all(isinstance(outcome, Collected) for outcome in units.values()), units
    assert _rows(tmp_path / "storm", kind) == _rows(tmp_path / "calm", kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_429_storm_ends_as_a_throttled_gap_after_a_bounded_wait(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    small_pages.faults.add(_throttled(kind, times=None))
    units = _units(await _run(small_pages, tmp_path, kind, wait=1.5), kind)
    assert units
    for outcome in units.values():
        assert isinstance(outcome, Gap)
        assert outcome.reason is GapReason.THROTTLED
    assert not any(_rows(tmp_path, kind).values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_failing_second_page_is_never_a_shorter_list(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    calm = _units(await _run(small_pages, tmp_path / "calm", kind), kind)
    small_pages.faults.add(Fault(path=WIRES[kind.name].path, page=2, status=500))
    units = _units(await _run(small_pages, tmp_path / "broken", kind), kind)
    for scope, outcome in units.items():
        if isinstance(outcome, Gap):
            assert outcome.reason is GapReason.TRUNCATED
            assert outcome.pages, "the raw pages that came are kept"
            assert outcome.rows == 0, "a part would pass for the whole"
        else:
            assert outcome == calm[scope]
    paged = {
        "executions",
        "fired_alerts",
        "inventory",
        "jobs",
        "private_dns",
        "role_assignments",
        "activity_log",
        "tags",
        "graph_jobs",
        "management_group_members",
        "costs",
        "deny_assignments",
        "deployments",
        "group_eligibility",
        "group_members",
        "locks",
        "resource_changes",
        "role_activations",
    }
    assert any(isinstance(outcome, Gap) for outcome in units.values()) == (kind.name in paged)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_malformed_item_is_named_and_the_others_stay(
    small_pages: Sandbox, tmp_path: Path, kind: EvidenceKind
) -> None:
    calm = await _run(small_pages, tmp_path / "calm", kind)
    wire = WIRES[kind.name]
    path = wire.path
    if kind.name in OFTEN_EMPTY:
        full = min(scope for scope, outcome in _units(calm, kind).items() if outcome.rows)
        graph = full.startswith("/groups/")
        path = f"{path}.*{full.rpartition('/')[2]}" if graph else f"^{re.escape(full)}/providers/[^/]+{path}"
    small_pages.faults.add(Fault(path=path, effect=Effect.EDIT, times=1, edits=(Edit(wire.required, {"odd": 1}),)))
    run = await _run(small_pages, tmp_path / "odd", kind)
    gaps = [outcome for outcome in _units(run, kind).values() if isinstance(outcome, Gap)]
    odd = [item for unit in run.units if unit.kind == kind.name for item in unit.malformed]
    assert [gap.reason for gap in gaps] == [GapReason.MALFORMED]
    assert len(odd) == 1
    assert wire.at in odd[0].detail
    assert odd[0].raw_ref.startswith(f"raw/{kind.name}/")
    main = kind.records[0].table
    assert _rows(tmp_path / "odd", kind)[main] < _rows(tmp_path / "calm", kind)[main]
    others = [outcome for outcome in _units(run, kind).values() if isinstance(outcome, Collected)]
    assert others or gaps[0].rows or _single(kind), "the other items' rows are kept"


def _single(kind: EvidenceKind) -> bool:
    return kind.name in {"permissions", "environments", "role_definitions", "identities", "workspaces", "networks"}


def _throttled(kind: EvidenceKind, *, times: int | None) -> Fault:
    return Fault(
        path=WIRES[kind.name].path,
        times=times,
        status=429,
        code="TooManyRequests",
        headers={"Retry-After": "1"},
    )
