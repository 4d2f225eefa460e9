"""The tables that the engine writes, as records, and their way into DuckDB."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import Json, Record, columns, plain

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb


class VerdictRow(Record, frozen=True, kw_only=True):
    """One answer: a control about one subject of one job. ``job_id`` is null where there was no job at all."""

    table = "verdicts"
    row_key = ("control_id", "job_id", "subject")

    control_id: str
    job_id: str | None
    subject: str
    verdict: str
    """``pass`` ``fail`` ``not_assessed`` ``not_applicable``"""
    severity: str
    """The control's: ``low`` ``medium`` ``high`` ``critical``."""
    reason: str
    waived: bool = False
    """An exception in force is about this failure, which stays one; ``--fail-on`` passes over it."""
    waiver_id: str | None = None
    """The exception's id, in table ``exceptions``."""


class ExceptionRow(Record, frozen=True, kw_only=True):
    """One exception that people approved, and what became of it, as of the end of the run. ``raw_ref``: run.json."""

    table = "exceptions"
    row_key = ("id",)

    id: str
    control_id: str
    job_id: str
    """As the file has it: there may be no such job."""
    subject: str
    severity: str | None
    """The control's; null = there is no such control."""
    category: str
    justification: str
    compensating_control: str
    requester: str
    approver: str
    approved_on: date
    ticket: str
    expires: date
    """The last day on which it holds."""
    state: str
    """``in_force`` ``expired`` (the failure counts again) ``unused`` (there is no failure) ``broken`` (it is about
    nothing, or asks for more than may be asked)"""
    used: bool | None
    """Whether it waives a failure; null = its check could not be assessed, or was not looked at in this run."""
    detail: str


class ParameterRow(Record, frozen=True, kw_only=True):
    """One baseline in force. ``job_id`` null = every job that has no row of its own; ``value`` is JSON.

    ``origin`` tells who set it: the control's default, a profile, [policy], or an override of [policy] with its tags.
    """

    table = "parameters"
    row_key = ("control_id", "job_id", "name")

    control_id: str
    job_id: str | None
    name: str
    value: Json
    origin: str
    description: str


class ControlRow(Record, frozen=True, kw_only=True):
    """One control as it was run. ``sql`` is the whole file; ``file`` its path below the folder of controls."""

    table = "controls"
    row_key = ("control_id",)

    control_id: str
    title: str
    area: str
    severity: str
    needs: Json
    frameworks: Json
    rationale: str
    remediation: str
    sql: str
    file: str
    source: str
    """``built-in`` or ``own``."""
    limits: str
    """What the control can't see; empty = its file doesn't say."""
    subjects_total: int
    population_note: str
    failure: str | None = None
    """What kept the control from answering for every job or for some, which are ``not_assessed``; null = nothing."""


class RequirementRow(Record, frozen=True, kw_only=True):
    """One requirement of a framework: one that controls may support, or some that no control here can show."""

    table = "requirements"
    row_key = ("framework", "requirement")

    framework: str
    """Its key in a control's header: ``mcsb`` ``iso27001`` ``soc2`` ``nist80053`` ``pci`` ``cis``."""
    framework_name: str
    """Its name and edition."""
    requirement: str
    """Its id as the framework writes it; several, separated by commas, where ``shown`` is false."""
    label: str | None
    """What it is about, in our words; null = a control of the user's links to it and we have no words for it."""
    shown: bool
    """False: no control of this program can show it."""
    weak: Json
    """The ids of controls whose link to it is weak: they no more than touch what it asks."""
    look: str | None = None
    """Where the evidence lies instead; null where ``shown`` is true."""
    position: int
    """Its place in the order of frameworks and, within one, of ids; what can't be shown comes last."""


class Spool:
    """Rows on their way into one table, as JSON lines in a file beside the database: memory stays bounded."""

    def __init__(self, record: type[Record], path: Path) -> None:
        self._record = record
        self._path = path
        self._file = path.open("wb")
        self._encoder = msgspec.json.Encoder()

    def add(self, rows: Iterable[tuple[Record, datetime, str]]) -> None:
        """Append rows, each with its observed_at and raw_ref."""
        for record, observed_at, raw_ref in rows:
            line: dict[str, Any] = {"row_id": record.row_id, "observed_at": observed_at, "raw_ref": raw_ref}
            self._file.write(self._encoder.encode(line | plain(record)) + b"\n")

    def into(self, con: duckdb.DuckDBPyConnection, *, order: str = "") -> None:
        """Replace the table by the rows spooled so far: in their order, or in that of the named columns."""
        self._file.flush()
        schema = columns(self._record)
        names = ", ".join(f'"{name}"' for name, _ in schema)
        con.execute(f"create or replace table {self._record.table} ({', '.join(f'{n!s} {t}' for n, t in schema)})")
        con.execute(
            f"insert into {self._record.table} select {names} "
            "from read_json($path, format = 'newline_delimited', columns = $columns, maximum_object_size = 67108864)"
            + (f" order by {order}" if order else ""),
            {"path": str(self._path), "columns": dict(schema)},
        )

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)
