"""Runs that ended early, left kinds out, or were taken up again: what they say of what they didn't read."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from audit.collect import Silent
from audit.config import period
from audit.errors import UsageError
from audit.evidence import KINDS
from audit.model import Collected, Gap, RunState, UnitRecord
from audit.pipeline.rendering import Rendered, render
from audit.sandbox import Fault, Sandbox
from audit.store import Store
from tests.conftest import collected, role, serving, settings_for


class Interrupts:
    """Progress that cancels the collection once a kind has ended somewhere."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._task = asyncio.current_task()

    def planned(self, kind: Any, units: int) -> None: ...

    def note(self, text: str) -> None: ...

    def ended(self, record: UnitRecord) -> None:
        if record.kind == self._kind and self._task is not None:
            self._task.cancel()


async def interrupted(sandbox: Sandbox, output: Path, kind: str) -> None:
    async def work() -> None:
        await collected(sandbox, output, progress=Interrupts(kind))

    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.create_task(work())


def rendered(output: Path) -> Rendered:
    return render("test-run", pack="compliance", output=output, formats=["xlsx"])


def gaps(pack: Rendered) -> dict[str, str]:
    sql = "select kind, any_value(detail) from read_parquet(?) where outcome = 'gap' group by kind"
    return dict(duckdb.execute(sql, [str(pack.path / "data/coverage.parquet")]).fetchall())


def table(output: Path, name: str) -> list[tuple[Any, ...]]:
    return duckdb.execute("from read_parquet(?)", [str(output / f"runs/test-run/tables/{name}.parquet")]).fetchall()


@pytest.mark.parametrize("kind", ["subscriptions", "permissions", "jobs", "budgets"])
async def test_an_interrupted_run_is_incomplete_whatever_it_had_read(
    sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    await interrupted(sandbox, tmp_path, kind)
    run = Store(tmp_path).open("test-run").run
    assert run.state is RunState.INTERRUPTED
    assert all(isinstance(unit.outcome, Collected) for unit in run.units), "every unit that ended ended well"
    pack = rendered(tmp_path)
    assert pack.exit_code() == 3
    told = gaps(pack)
    assert "run" in told
    read = {unit.kind for unit in run.units}
    resting = {each.name for each in KINDS if each.population and each.name != "management_group_members"}
    assert {each.name for each in KINDS} - read - {"management_group_members"} <= told.keys() | resting
    if kind in ("subscriptions", "permissions"):
        assert resting <= told.keys(), "what rests on jobs was never asked"


async def test_a_killed_run_is_not_rendered(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(sandbox, tmp_path, kinds=("jobs",))
    (tmp_path / "runs/test-run/units.jsonl").write_bytes(b"{}\n")
    with pytest.raises(UsageError, match="has not ended"):
        rendered(tmp_path)


async def test_kinds_that_were_left_out_are_gaps(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(sandbox, tmp_path, kinds=("jobs",))
    pack = rendered(tmp_path)
    assert pack.exit_code() == 3
    assert gaps(pack)["tags"] == "not collected in this run"
    assert {"tags", "budgets"} <= set(pack.left_out)
    assert "jobs" not in pack.left_out
    report = render("test-run", pack="compliance", output=tmp_path, formats=["html"])
    assert report.gone == ("evidence.xlsx",)
    assert rendered(tmp_path).gone == ("index.html",)
    assert rendered(tmp_path).gone == ()
    both = render("test-run", pack="compliance", output=tmp_path)
    assert both.gone == ()
    first = (both.path / "index.html").read_text("utf-8").partition('id="coverage"')[0]
    assert "Not collected in this run" in first
    assert "Controls that need any of them are not assessed" in first
    sql = "select distinct control_id from read_parquet(?) where verdict not in ('not_assessed', 'not_applicable')"
    judged = duckdb.execute(sql, [str(pack.path / "data/verdicts.parquet")]).fetchall()
    assert {"JA-09", "JA-36", "JA-37"}.isdisjoint(each for (each,) in judged)


async def test_what_a_gap_of_the_jobs_left_unasked_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    one, *_ = settings_for(sandbox).scope.subscriptions
    sandbox.faults.add(Fault(path=rf"^/subscriptions/{one}/providers/microsoft\.app/jobs\?", status=403))
    await collected(sandbox, tmp_path)
    told = gaps(rendered(tmp_path))
    for kind in ("environments", "diagnostic_settings", "identities", "budgets"):
        assert told[kind].startswith("what to ask about is not known there: ")
        assert "jobs could not be read (forbidden)" in told[kind]
        assert "environments could not be read" not in told[kind], "they were not asked about at all"
    assert "activity_log" not in told


async def test_resuming_asks_anew_what_the_caller_may_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions of yesterday don't show that a list of today is whole."""
    async with serving() as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        served.faults.add(Fault(path=r"/microsoft\.app/jobs\?", status=500))
        await collected(served, tmp_path, kinds=("jobs",))
        served.faults.clear()
        group = next(each["id"] for each in served.estate.resource_groups if "orders" in each["name"])
        for each in served.estate.role_assignments:
            if each["properties"]["principalId"] == served.estate.collector_id:
                each["properties"]["scope"] = group
        served.refresh()
        run = await collected(served, tmp_path, kinds=("jobs",), resume="test-run")
    jobs = {unit.scope.subscription_id: unit.outcome for unit in run.units if unit.kind == "jobs"}
    assert all(isinstance(each, Gap) for each in jobs.values()), jobs


async def test_resuming_drops_what_nobody_asks_for_any_more(sandbox: Sandbox, tmp_path: Path) -> None:
    """The first list of jobs was cut; the second has one job fewer: what rested on that job goes."""
    job = next(key for key, each in sandbox.estate.resources.items() if each["type"].lower() == "microsoft.app/jobs"
               and each["properties"]["configuration"]["triggerType"] == "Event")  # fmt: skip
    sandbox.faults.add(Fault(path=r"/roleassignments\?", status=500))
    first = await collected(sandbox, tmp_path)
    assert any(unit.scope.id.lower() == job for unit in first.units)
    run = tmp_path / "runs/test-run/run.json"
    document = msgspec.json.decode(run.read_bytes())
    for unit in document["units"]:
        if unit["kind"] == "jobs":
            unit["outcome"] = {**unit["outcome"], "type": "gap", "reason": "unavailable", "detail": "x", "rows": 0}
    run.write_bytes(msgspec.json.encode(document))
    del sandbox.estate.resources[job]
    sandbox.faults.clear()
    sandbox.refresh()
    second = await collected(sandbox, tmp_path, resume="test-run")
    assert not any(unit.scope.id.lower() == job for unit in second.units)
    assert not any(isinstance(unit.outcome, Gap) for unit in second.units)
    calm = await collected(sandbox, tmp_path / "calm")
    assert [(u.kind, u.scope) for u in second.units] == [(u.kind, u.scope) for u in calm.units]
    for name in ("role_definitions", "diagnostic_settings", "budgets", "identities"):
        assert len(table(tmp_path, name)) == len(table(tmp_path / "calm", name)), name


async def test_a_run_is_resumed_over_its_own_scope_by_its_own_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit.model import Window
    from audit.pipeline import collecting
    from tests.conftest import NOW

    async with serving(caller_role=role()) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        settings = settings_for(served)
        both = settings.scope.subscriptions
        served.faults.add(Fault(path=r"/microsoft\.app/jobs\?", status=403))
        kinds = collecting.closure(["jobs"])
        store = Store(tmp_path)
        monkeypatch.setattr(collecting, "_to_the_end", lambda work: work)
        made = await collecting._collected(
            settings, store, None, window=Window.last(30, NOW), kinds=kinds, progress=Silent()
        )
        served.faults.clear()
        narrowed = settings_for(served, subscriptions=both[:1])
        await collecting.resume(narrowed, made.run_id, output=tmp_path)
        jobs = [unit for unit in store.open(made.run_id).run.units if unit.kind == "jobs"]
        assert {unit.scope.subscription_id for unit in jobs} == set(both)
        assert all(isinstance(unit.outcome, Collected) for unit in jobs)

        head = tmp_path / f"runs/{made.run_id}/run.json"
        document = msgspec.json.decode(head.read_bytes())
        document["caller"]["object_id"] = "somebody-else"
        head.write_bytes(msgspec.json.encode(document))
        with pytest.raises(UsageError, match="was begun as"):
            await collecting.resume(settings, made.run_id, output=tmp_path)


def test_a_period_that_has_not_ended_is_not_claimed_to_its_end() -> None:
    """Of a month that is under way nothing can be known beyond now, and the report mustn't read as the whole month."""
    now = datetime.now(UTC)
    window = period(since=None, until=None, month=f"{now:%Y-%m}", days=30, now=datetime.now(UTC))
    assert window.until <= datetime.now(UTC)
    assert window.label != f"{now:%Y-%m}"
