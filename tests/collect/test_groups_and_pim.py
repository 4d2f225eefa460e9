"""What a collection says about groups and PIM where the directory answers with less than everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from audit.model import Collected, Gap, GapReason, Run
from audit.sandbox import Fault, Sandbox
from tests.conftest import collected, role, serving

PIM = ("role_eligibility", "role_activations", "group_eligibility")


def outcomes(run: Run, kind: str) -> dict[str, Collected | Gap]:
    return {unit.scope.id: unit.outcome for unit in run.units if unit.kind == kind}


def query(output: Path, table: str, sql: str) -> list[Any]:
    path = output / "runs/test-run/tables" / f"{table}.parquet"
    return duckdb.execute(sql.format(table=f"read_parquet('{path}')")).fetchall()


def group(sandbox: Sandbox, name: str) -> str:
    return next(key for key, body in sandbox.estate.directory.items() if body["displayName"] == name)


def named(sandbox: Sandbox, ids: list[tuple[str]]) -> set[str]:
    return {sandbox.estate.directory[each]["displayName"] for (each,) in ids}


async def test_everybody_in_a_nested_group_is_found_with_the_way_that_leads_there(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    run = await collected(sandbox, tmp_path, kinds=("group_members",))
    assert all(isinstance(each, Collected) for each in outcomes(run, "group_members").values())
    platform, oncall = group(sandbox, "grp-platform-engineers"), group(sandbox, "grp-operations-on-call")
    members = query(tmp_path, "group_members", f"select member_id from {{table}} where group_id = '{platform}'")
    assert named(sandbox, members) >= {"Petra Okafor", "deploy-platform", "grp-operations-on-call", "Oskar Brandt"}
    steps = query(
        tmp_path, "group_edges", f"select group_id, member_id from {{table}} where root_group_id = '{platform}'"
    )
    estate = sandbox.estate.memberships
    assert set(steps) == {(each, member) for each in (platform, oncall) for member in estate[each]}


async def test_a_group_that_the_directory_refuses_is_a_gap_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(refused_groups=("GRP-operations-on-call",)) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        run = await collected(served, tmp_path, kinds=("group_eligibility",))
        oncall, platform = (
            f"/groups/{group(served, each)}" for each in ("grp-operations-on-call", "grp-platform-engineers")
        )
    gaps = {scope for scope, each in outcomes(run, "group_members").items() if isinstance(each, Gap)}
    assert gaps == {oncall, platform}, "the group itself, and the one that it is in: the way can't be told"
    outer = outcomes(run, "group_members")[platform]
    assert isinstance(outer, Gap)
    assert outer.reason is GapReason.PARTIAL_VISIBILITY
    assert outer.rows, "who is in it was told all the same"
    for kind in ("group_members", "group_eligibility"):
        told = outcomes(run, kind)[oncall]
        assert isinstance(told, Gap)
        assert told.reason is GapReason.FORBIDDEN
        assert "Authorization_RequestDenied" in told.detail


async def test_a_group_with_hidden_membership_is_never_an_empty_one(sandbox: Sandbox, tmp_path: Path) -> None:
    name = group(sandbox, "grp-release-managers")
    sandbox.estate.directory[name]["visibility"] = "HiddenMembership"
    run = await collected(sandbox, tmp_path, kinds=("group_members",))
    gaps = {scope: each for scope, each in outcomes(run, "group_members").items() if isinstance(each, Gap)}
    assert gaps.keys() == {f"/groups/{name}"}
    (outcome,) = gaps.values()
    assert outcome.reason is GapReason.PARTIAL_VISIBILITY
    assert "Member.Read.Hidden" in outcome.detail


async def test_a_hidden_group_inside_another_is_told_too(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.estate.directory[group(sandbox, "grp-operations-on-call")]["visibility"] = "HiddenMembership"
    run = await collected(sandbox, tmp_path, kinds=("group_members",))
    outcome = outcomes(run, "group_members")[f"/groups/{group(sandbox, 'grp-platform-engineers')}"]
    assert isinstance(outcome, Gap)
    assert outcome.reason is GapReason.PARTIAL_VISIBILITY
    assert outcome.rows, "who was told is in it all the same"


async def test_an_empty_group_is_a_confirmed_absence(sandbox: Sandbox, tmp_path: Path) -> None:
    run = await collected(sandbox, tmp_path, kinds=("group_members",))
    outcome = outcomes(run, "group_members")[f"/groups/{group(sandbox, 'grp-security-readers')}"]
    assert isinstance(outcome, Collected)
    assert outcome.rows == 0


async def test_a_group_that_was_deleted_is_a_confirmed_absence(sandbox: Sandbox, tmp_path: Path) -> None:
    name = group(sandbox, "grp-search-developers")
    sandbox.faults.add(Fault(path=f"^/v1.0/groups/{name}/", status=404, code="Request_ResourceNotFound"))
    run = await collected(sandbox, tmp_path, kinds=("group_members",))
    outcome = outcomes(run, "group_members")[f"/groups/{name}"]
    assert isinstance(outcome, Collected)
    assert "404" in outcome.detail


async def test_a_tenant_without_a_licence_has_no_eligibility_and_that_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add("unlicensed")
    run = await collected(sandbox, tmp_path, kinds=PIM)
    for kind in PIM:
        told = outcomes(run, kind)
        assert told
        for outcome in told.values():
            assert isinstance(outcome, Collected)
            assert outcome.rows == 0
            assert "no licence for Privileged Identity Management" in outcome.detail


@pytest.mark.parametrize("status", [400, 403])
async def test_any_other_refusal_of_pim_is_a_gap(sandbox: Sandbox, tmp_path: Path, status: int) -> None:
    path = "scheduleinstances"
    sandbox.faults.add(Fault(path=path, status=status, code="UnknownError", message="AadPremiumLicense"))
    run = await collected(sandbox, tmp_path, kinds=PIM)
    for kind in PIM:
        assert all(isinstance(each, Gap) for each in outcomes(run, kind).values())


async def test_a_licence_that_ends_between_two_lists_is_no_absence(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(
        Fault(path=r"eligibilityscheduleinstances.*atscope", status=400, code="AadPremiumLicenseRequired")
    )
    run = await collected(sandbox, tmp_path, kinds=("role_eligibility",))
    for outcome in outcomes(run, "role_eligibility").values():
        assert isinstance(outcome, Gap)
        assert outcome.reason is GapReason.TRUNCATED


@pytest.mark.parametrize("table", ["role_eligibility", "role_activations"])
async def test_what_is_given_above_a_subscription_is_found_once_in_each(
    sandbox: Sandbox, tmp_path: Path, table: str
) -> None:
    await collected(sandbox, tmp_path, kinds=(table,))
    found = query(
        tmp_path, table, "select subscription_id, count(*), count(distinct row_id) from {table} "
        "where scope like '/providers/Microsoft.Management/%' group by all",
    )  # fmt: skip
    assert len(found) == len(sandbox.estate.subscriptions)
    assert all(rows == distinct for _, rows, distinct in found)


async def test_a_role_that_may_not_see_everything_makes_these_lists_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesser, kinds = role(), ("deny_assignments", "role_eligibility", "role_activations")
    lesser["Actions"] = [
        each for each in lesser["Actions"] if "denyAssignments" not in each and "ScheduleInstances" not in each
    ]
    async with serving(caller_role=lesser) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        run = await collected(served, tmp_path, kinds=kinds)
    for kind in kinds:
        assert {each.reason for each in outcomes(run, kind).values() if isinstance(each, Gap)} == {GapReason.FORBIDDEN}
