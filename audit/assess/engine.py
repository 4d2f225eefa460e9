"""Running controls: parameters in, each control over the locked database, controls and verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from audit.assess import estate as estates
from audit.assess import failures, fitting
from audit.assess.answers import Answers, answer
from audit.assess.frameworks import frameworks
from audit.assess.locked import Locked
from audit.assess.parameters import OWN_DEFAULT, check_policy
from audit.assess.requirements import requirements
from audit.assess.sets import Sets
from audit.assess.tables import ControlRow, ExceptionRow, ParameterRow, RequirementRow, Spool, VerdictRow
from audit.assess.waivers import SOURCE, Waivers
from audit.model import Json

if TYPE_CHECKING:
    from audit.assess.header import Control
    from audit.model import Run


def assess(database: Path, run: Run, controls: Sequence[Control], *, timeout: float = 30.0) -> None:
    """Run every control over the tables in ``database``.

    Writes ``parameters``, ``controls``, ``verdicts``, ``exceptions`` and ``requirements`` there.

    ``database`` is a DuckDB file that holds the collected and the derived tables; close every connection to it first,
    because it is reopened read-only, without external access, while SQL of the user's runs. ``timeout``: seconds per
    statement. A control is run once for each set of baselines that jobs are judged by. One whose SQL fails or takes too
    long, or that doesn't answer once for each subject, answers ``not_assessed`` for the jobs concerned; its row in
    ``controls`` says why, and it is a gap in ``coverage``. The others are run all the same. Those whose header says
    ``last`` come after all others and see what these answered. Raises ConfigError where [policy] doesn't fit.
    """
    policy = check_policy(controls, run.settings)
    ordered = sorted(controls, key=lambda control: control.id)
    with closing(duckdb.connect(str(database))) as con:
        for record in (VerdictRow, ExceptionRow):
            con.execute(f"drop table if exists {record.table}")
    with Locked(database, timeout=timeout) as locked:
        estate = estates.read(locked, run)
        fit = fitting.read(locked, estate, policy.overrides)
    sets = {control.id: Sets(control, policy, estate, fit) for control in ordered}
    _parameters(database, run, ordered, sets)
    _requirements(database, run, ordered)
    waivers = Waivers(run, ordered, estate, policy.exception_days)
    with (
        closing(Spool(VerdictRow, _beside(database, "verdicts"))) as verdicts,
        closing(Spool(ControlRow, _beside(database, "controls"))) as told,
        closing(Spool(ExceptionRow, _beside(database, "exceptions"))) as exceptions,
    ):
        work = _Work(run, estate, sets, waivers, verdicts, told)
        work.through(database, [each for each in ordered if not each.header.last], timeout)
        exceptions.add((row, waivers.at, SOURCE) for row in waivers.rows())
        last = [each for each in ordered if each.header.last]
        with closing(duckdb.connect(str(database))) as con:
            exceptions.into(con)
            verdicts.into(con)
        if last:
            work.through(database, last, timeout)
        with closing(duckdb.connect(str(database))) as con:
            told.into(con, order="control_id")
            if last:
                verdicts.into(con, order="control_id, lower(job_id), subject")
            failures.write(con, run, sorted(work.failed))


class _Work:
    """Controls being run, one after the other, and what comes of it."""

    def __init__(  # noqa: PLR0917  what a control is run with, and where its answers go
        self, run: Run, estate: estates.Estate, sets: Mapping[str, Sets], waivers: Waivers, verdicts: Spool, told: Spool
    ) -> None:
        self._run, self._estate, self._sets, self._waivers = run, estate, sets, waivers
        self._verdicts, self._told = verdicts, told
        self.failed: list[failures.Failure] = []

    def through(self, database: Path, controls: Sequence[Control], timeout: float) -> None:
        """Run controls over the database as it is now."""
        with Locked(database, timeout=timeout) as locked:
            for control in controls:
                judged = self._sets[control.id]
                answers = answer(control, self._estate, locked, judged=judged.judged, unsettled=judged.unsettled)
                self._verdicts.add(self._waivers.over(answers.rows))
                self._told.add([(_control(control, answers), self._run.started, f"controls/{control.file}")])
                if answers.failure:
                    place = _place(control)
                    self.failed.append(failures.Failure(control.id, place, answers.failure, answers.unanswered))


def _parameters(database: Path, run: Run, controls: Sequence[Control], sets: Mapping[str, Sets]) -> None:
    with closing(Spool(ParameterRow, _beside(database, "parameters"))) as spool:
        for control in controls:
            file = f"controls/{control.file}"
            for row in sets[control.id].rows():
                spool.add([(row, run.started, file if row.origin == OWN_DEFAULT else SOURCE)])
        with closing(duckdb.connect(str(database))) as con:
            spool.into(con)


def _requirements(database: Path, run: Run, controls: Sequence[Control]) -> None:
    with closing(Spool(RequirementRow, _beside(database, "requirements"))) as spool:
        told = requirements(frameworks(), controls)
        spool.add((row, run.started, f"config/frameworks/{row.framework}.toml") for row in told)
        with closing(duckdb.connect(str(database))) as con:
            spool.into(con)


def _control(control: Control, answers: Answers) -> ControlRow:
    header = control.header
    return ControlRow(
        control_id=control.id,
        title=header.title,
        area=header.area,
        severity=str(header.severity),
        needs=Json(list(header.needs)),
        frameworks=Json({name: ids for name, ids in msgspec.to_builtins(header.frameworks).items() if ids}),
        rationale=header.rationale.strip(),
        remediation=header.remediation.strip(),
        sql=control.text,
        file=control.file,
        source=control.source,
        limits=header.limits.strip(),
        subjects_total=answers.subjects_total,
        population_note=answers.note,
        failure=answers.failure or None,
    )


def _place(control: Control) -> str:
    """Return where a pack keeps the control."""
    return f"controls/{'own/' if control.source == 'own' else ''}{control.file}"


def _beside(database: Path, table: str) -> Path:
    return database.with_name(f"{database.name}.{table}.ndjson")
