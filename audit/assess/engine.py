"""Running controls: parameters in, each control over the locked database, controls and verdicts out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from audit.assess import estate as estates
from audit.assess import failures
from audit.assess.answers import Answers, answer
from audit.assess.frameworks import frameworks
from audit.assess.locked import Locked
from audit.assess.parameters import check_policy, resolve
from audit.assess.requirements import requirements
from audit.assess.tables import ControlRow, ParameterRow, RequirementRow, Spool, VerdictRow
from audit.model import Json

if TYPE_CHECKING:
    from audit.assess.header import Control
    from audit.model import Run


def assess(database: Path, run: Run, controls: Sequence[Control], *, timeout: float = 30.0) -> None:
    """Run every control over the tables in ``database``.

    Writes ``parameters``, ``controls``, ``verdicts`` and ``requirements`` there.

    ``database`` is a DuckDB file that holds the collected and the derived tables; close every connection to it first,
    because it is reopened read-only, without external access, while SQL of the user's runs. ``timeout``: seconds per
    statement. A control whose SQL fails or takes too long, or that doesn't answer once for each subject, answers
    ``not_assessed`` for the jobs concerned; its row in ``controls`` says why, and it is a gap in ``coverage``. The
    others are run all the same. Raises ConfigError where [policy] doesn't fit the controls.
    """
    check_policy(controls, run.settings)
    ordered = sorted(controls, key=lambda control: control.id)
    _parameters(database, run, ordered)
    _requirements(database, run, ordered)
    failed: list[failures.Failure] = []
    with (
        closing(Spool(VerdictRow, _beside(database, "verdicts"))) as verdicts,
        closing(Spool(ControlRow, _beside(database, "controls"))) as told,
    ):
        with Locked(database, timeout=timeout) as locked:
            estate = estates.read(locked, run)
            for control in ordered:
                answers = answer(control, estate, locked)
                verdicts.add(answers.rows)
                told.add([(_control(control, answers), run.started, f"controls/{control.file}")])
                if answers.failure:
                    failed.append(failures.Failure(control.id, _place(control), answers.failure, answers.unanswered))
        with closing(duckdb.connect(str(database))) as con:
            told.into(con)
            verdicts.into(con)
            failures.write(con, run, failed)


def _parameters(database: Path, run: Run, controls: Sequence[Control]) -> None:
    files = {control.id: control.file for control in controls}
    with closing(Spool(ParameterRow, _beside(database, "parameters"))) as spool:
        spool.add(
            (
                row,
                run.started,
                "run.json" if row.origin.startswith("audit.toml") else f"controls/{files[row.control_id]}",
            )
            for row in resolve(controls, run.settings)
        )
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
