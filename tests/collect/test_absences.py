"""What looks like an absence and isn't: a 404 half-way, a list of nothing, what a caller can't see."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from audit.model import Collected, Gap, GapReason, Run, RunState
from audit.pipeline.rendering import render
from audit.sandbox import Edit, Fault, Sandbox
from audit.sandbox.faults import Effect
from tests.conftest import collected, settings_for

GONE = {"status": 404, "code": "ResourceNotFound"}


def outcomes(run: Run, kind: str) -> dict[str, Collected | Gap]:
    return {unit.scope.id: unit.outcome for unit in run.units if unit.kind == kind}


def verdicts(pack: Path, control: str) -> set[str]:
    sql = "select distinct verdict from read_parquet(?) where control_id = ?"
    return {row[0] for row in duckdb.execute(sql, [str(pack / "data/verdicts.parquet"), control]).fetchall()}


async def test_a_404_on_the_second_question_of_a_unit_is_no_absence(sandbox: Sandbox, tmp_path: Path) -> None:
    """The identity was read; that its credentials aren't there says nothing about the identity."""
    sandbox.faults.add(Fault(path=r"/federatedidentitycredentials\?", **GONE))
    run = await collected(sandbox, tmp_path, kinds=("identities",))
    user = {scope: each for scope, each in outcomes(run, "identities").items() if "userassigned" in scope.lower()}
    assert user
    assert {each.reason for each in user.values() if isinstance(each, Gap)} == {GapReason.TRUNCATED}
    assert all(isinstance(each, Gap) for each in user.values())


async def test_a_404_on_the_only_question_stays_a_confirmed_absence(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path=r"/userassignedidentities/[^/]+\?", **GONE))
    run = await collected(sandbox, tmp_path, kinds=("identities",))
    user = [each for scope, each in outcomes(run, "identities").items() if "userassigned" in scope.lower()]
    assert user
    assert all(isinstance(each, Collected) and each.rows == 0 and "404" in each.detail for each in user)


async def test_a_list_of_no_subscription_is_a_gap_and_everything_behind_it_was_never_asked(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add(Fault(path=r"^/subscriptions\?", status=200, body=b'{"value": []}'))
    run = await collected(sandbox, tmp_path, settings=settings_for(sandbox, subscriptions=()))
    (outcome,) = outcomes(run, "subscriptions").values()
    assert isinstance(outcome, Gap)
    assert outcome.reason is GapReason.PARTIAL_VISIBILITY
    assert isinstance(outcomes(run, "graph_jobs")["/"], Gap), "nobody asked Resource Graph anything"
    rendered = render("test-run", pack="compliance", output=tmp_path, formats=["xlsx"])
    assert rendered.exit_code() == 3
    assert verdicts(rendered.path, "JA-09") == {"not_assessed"}
    told = duckdb.execute(
        "select kind from read_parquet(?) where detail like 'what to ask about is not known there: %'",
        [str(rendered.path / "data/coverage.parquet")],
    ).fetchall()
    assert {"jobs", "tags", "diagnostic_settings", "identities", "budgets"} <= {kind for (kind,) in told}


async def test_one_malformed_subscription_does_not_hide_the_others(sandbox: Sandbox, tmp_path: Path) -> None:
    edit = Edit(("value", 0, "subscriptionId"), {"odd": 1})
    sandbox.faults.add(Fault(path=r"^/subscriptions\?", effect=Effect.EDIT, edits=(edit,)))
    run = await collected(sandbox, tmp_path, kinds=("jobs",), settings=settings_for(sandbox, subscriptions=()))
    assert [each.reason for each in outcomes(run, "subscriptions").values()] == [GapReason.MALFORMED]
    assert len(outcomes(run, "jobs")) == 1


async def test_a_subscription_below_the_group_that_cannot_be_seen_is_a_gap(sandbox: Sandbox, tmp_path: Path) -> None:
    hidden = "00000000-1111-2222-3333-444444444444"
    group = sandbox.estate.management_groups[-1].rsplit("/", 1)[-1]
    edit = Edit(("value", 0, "id"), f"/subscriptions/{hidden}")
    sandbox.faults.add(Fault(path=r"/descendants\?", effect=Effect.EDIT, edits=(edit,)))
    settings = settings_for(sandbox, subscriptions=(), management_groups=(group,))
    run = await collected(sandbox, tmp_path, kinds=("jobs",), settings=settings)
    assert isinstance(outcomes(run, "jobs")[f"/subscriptions/{hidden}"], Gap)


@pytest.mark.parametrize("odd", ["", "odd", "/odd", "/subscriptions/x/odd", "/a/../b"])
async def test_an_odd_id_in_a_job_is_no_absence_and_no_crash(sandbox: Sandbox, tmp_path: Path, odd: str) -> None:
    job = next(each for each in sandbox.estate.resources.values() if each["type"].lower() == "microsoft.app/jobs"
               and each["properties"]["configuration"]["triggerType"] == "Event")  # fmt: skip
    job["properties"]["environmentId"] = odd
    job["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {odd or "/": {}}}
    sandbox.refresh()
    run = await collected(sandbox, tmp_path, kinds=("environments", "identities", "diagnostic_settings"))
    assert run.state is RunState.DONE
    for kind in ("environments", "identities", "diagnostic_settings"):
        for scope, outcome in outcomes(run, kind).items():
            assert not (scope == odd and isinstance(outcome, Collected)), (kind, outcome)
    assert odd in ("", "/") or isinstance(outcomes(run, "environments")[odd], Gap)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 200, "body": b""},
        {"status": 200, "body": b"{}"},
        {"status": 200, "body": b"null"},
        {"status": 200, "body": b"[]"},
        {"status": 200, "body": b'{"value": null}'},
        {"status": 204, "body": b""},
        {"status": 202, "body": b'{"value": []}'},
        {"status": 206, "body": b'{"value": []}'},
        {"status": 304, "body": b""},
        {"status": 404, "body": b"not found"},
        {"status": 404, "code": "ResourceNotFound"},
        {"status": 404, "code": "MissingSubscriptionRegistration"},
        {"status": 200, "body": b'{"value": [], "nextLink": "http://127.0.0.1/x"}'},
        {"status": 200, "body": b'{"value": [], "nextLink": "https://127.0.0.1:1/x"}'},
        {"status": 200, "body": b'{"value": [], "nextLink": 7}'},
    ],
    ids=lambda answer: f"{answer['status']}-{answer.get('code') or answer.get('body')!r}",
)
async def test_no_odd_answer_to_a_list_is_an_empty_list(sandbox: Sandbox, tmp_path: Path, answer: dict) -> None:
    sandbox.faults.add(Fault(path=r"/microsoft\.app/jobs\?|/actiongroups\?|/roleassignments\?", **answer))
    run = await collected(sandbox, tmp_path, kinds=("jobs", "action_groups", "role_assignments"), wait=1.0)
    for kind in ("jobs", "action_groups", "role_assignments"):
        assert all(isinstance(each, Gap) for each in outcomes(run, kind).values()), (kind, outcomes(run, kind))


async def test_an_environment_of_another_sort_is_not_looked_for_among_the_managed_ones(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    job = next(each for each in sandbox.estate.resources.values() if each["type"].lower() == "microsoft.app/jobs"
               and each["properties"]["configuration"]["triggerType"] == "Event")  # fmt: skip
    arc = f"{job['id'].rsplit('/', 2)[0]}/connectedEnvironments/arc"
    job["properties"]["environmentId"] = arc
    sandbox.refresh()
    outcome = outcomes(await collected(sandbox, tmp_path, kinds=("environments",)), "environments")[arc]
    assert isinstance(outcome, Gap)
    assert outcome.reason is GapReason.UNSUPPORTED
