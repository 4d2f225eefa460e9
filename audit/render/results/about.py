"""What a run says of itself before its findings: scope, caller, coverage, controls, counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from audit.model.published import Window
from audit.render.results.shapes import Caller, Counts, Coverage, Framework, KindCoverage, RunHead
from audit.render.rows import Row, fetch, one
from audit.render.sections import coverage as units

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.model import Window as Period

_COUNTS = """
select count(*) filter (verdict = 'fail') as fail, count(*) filter (verdict = 'not_assessed') as not_assessed,
       count(*) filter (verdict = 'pass') as "pass", count(*) filter (verdict = 'not_applicable') as not_applicable,
       count(*) filter (waived) as waived
from verdicts
"""
_BY_CONTROL = _COUNTS.replace("select", "select control_id,", 1) + " group by control_id"
_FRAMEWORKS = "select framework, framework_name, requirement, weak from requirements order by position"


class About(NamedTuple):
    """The head of every format."""

    run: RunHead
    coverage: Coverage
    jobs: int
    counts: Counts
    by_control: dict[str, Counts]
    frameworks: dict[str, Framework]

    @property
    def collected_by(self) -> str:
        """Who collected, in a word: a name, or the id where the token has none."""
        who = self.run.caller
        return (who.name or who.app_id or who.object_id) if who else "unknown"


def about(con: duckdb.DuckDBPyConnection, run: Run) -> About:
    """Read it from the run's head and tables."""
    return About(
        run=_run(run),
        coverage=_coverage(con, run),
        jobs=int(one(con, "select count(*) as n from population")["n"]),
        counts=_counts(one(con, _COUNTS)),
        by_control={row["control_id"]: _counts(row) for row in fetch(con, _BY_CONTROL)},
        frameworks=_frameworks(con),
    )


def _frameworks(con: duckdb.DuckDBPyConnection) -> dict[str, Framework]:
    found: dict[str, Framework] = {}
    for row in fetch(con, _FRAMEWORKS):
        key = row["framework"]
        named = found.setdefault(key, Framework(key=key, name=row["framework_name"], weak={}))
        if controls := json.loads(row["weak"] or "[]"):
            named.weak[row["requirement"]] = controls
    return found


def _run(run: Run) -> RunHead:
    who = run.caller
    return RunHead(
        run_id=run.run_id,
        state=run.state.value,
        tool_version=run.tool_version,
        cloud=run.cloud,
        endpoint=run.endpoint,
        started=run.started,
        finished=run.finished,
        window=_window(run.window),
        collected_for=_window(run.collected_for) if run.collected_for else None,
        restored_from=run.restored_from or None,
        caller=Caller(object_id=who.object_id, tenant_id=who.tenant_id, kind=who.kind, app_id=who.app_id, name=who.name)
        if who
        else None,
        subscriptions=list(run.subscriptions),
        expected_subscriptions=list(run.expected_subscriptions),
        management_groups=list(run.management_groups),
        resource_groups=list(run.resource_groups),
    )


def _window(window: Period) -> Window:
    return Window(since=window.since, until=window.until)


def _coverage(con: duckdb.DuckDBPyConnection, run: Run) -> Coverage:
    kinds = [
        KindCoverage(**{name: row[name] for name in KindCoverage.__struct_fields__}) for row in units.by_kind(con, run)
    ]
    gaps, lacking = sum(kind.gaps for kind in kinds), units.kinds_left_out(run)
    return Coverage(
        complete=not gaps and not lacking,
        units=sum(kind.units for kind in kinds),
        collected=sum(kind.collected for kind in kinds),
        gaps=gaps,
        malformed=sum(kind.malformed for kind in kinds),
        not_collected=lacking,
        by_kind=kinds,
    )


def _counts(row: Row) -> Counts:
    return Counts(
        fail=row["fail"],
        not_assessed=row["not_assessed"],
        passed=row["pass"],
        not_applicable=row["not_applicable"],
        waived=row["waived"],
    )


NOTHING = Counts(fail=0, not_assessed=0, passed=0, not_applicable=0, waived=0)
