"""docs/tables.md: every table, column, type and meaning."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from audit import derive, evidence
from audit.assess.tables import ControlRow, ExceptionRow, ParameterRow, RequirementRow, VerdictRow
from audit.change import attached, effects, findings, properties, request, risks
from audit.change.closing_rows import ChangeClosing
from audit.change.proposed import ChangeProposal
from audit.change.rollback import Rollback
from audit.derive.cadence import Cadence
from audit.derive.continuity import Continuity
from audit.derive.scaler_facts import ScalerFact
from audit.derive.statements import JobAttachment, Statement
from audit.derive.tickets import ApprovedChange
from audit.model import Run, RunState, Window, columns
from audit.model.change import ChangeAsked
from audit.render.raw_files import RawFile
from audit.store import Coverage
from audit.store.history import EVENT_TABLES
from docs.pages.fields import NOTE, STANDARD, about, columns_of, field_docs

DERIVED = tomllib.loads((Path(__file__).resolve().parent.parent / "derived.toml").read_text(encoding="utf-8"))
CHANGE = tomllib.loads((Path(__file__).resolve().parent.parent / "change.toml").read_text(encoding="utf-8"))
RECORDS = (
    Cadence, Statement, JobAttachment, ApprovedChange, ScalerFact, Coverage, RawFile, ParameterRow, ControlRow,
    RequirementRow, VerdictRow, ExceptionRow, Rollback, ChangeProposal, ChangeClosing,
)  # fmt: skip
"""Tables that are made from the collected ones and have a record class."""
LIKE = {
    "proposed_configuration": ("job_configuration", "The proposed jobs as they would be set."),
    "proposed_verdicts": (
        "verdicts",
        "What the controls say of the proposed jobs: `not_assessed` about the past, and about what was not read.",
    ),
}
"""Tables in packs of a proposed change that have the columns of another, and what they are about."""


def page() -> str:
    """Return docs/tables.md: every table, column, type and meaning."""
    parts = [
        "# Tables",
        NOTE,
        (
            "Parquet files in a pack's `data/` and a run's `tables/`. Times are UTC, unknown is null, ids are as Azure"
            " spells them. Every table begins with the same three columns:"
        ),
        "\n".join(f"- `{name}`: {meaning}" for name, meaning in STANDARD.items()),
        (
            "Tables of events have a fourth, `first_seen_run`: the run that saw the row first"
            f" ([history.md](history.md)): {', '.join(f'`{name}`' for name in EVENT_TABLES)}."
        ),
        (
            'A few columns bear names that are words of SQL: in DuckDB, and so in `jobaudit sql`, write `"at"`,'
            ' `"from"`, `"to"` and `"rows"` with their quotes.'
        ),
        "## Collected",
    ]
    for kind in evidence.KINDS:
        reads = ", ".join(f"`{action}`" for action in kind.actions)
        reads = reads or "Microsoft Graph " + ", ".join(f"`{each}`" for each in kind.directory)
        for record in kind.records:
            parts += [f"### {record.table}", about(record), f"Kind `{kind.name}`; needs {reads}.", columns_of(record)]
    parts.append("## Made from them")
    for name, described in _derived().items():
        told, meanings = _words(name)
        if name == Continuity.table:
            told, meanings = about(Continuity), field_docs(Continuity) | meanings
        parts += [f"### {name}", told, _described(described, meanings)]
    for record in RECORDS:
        parts += [f"### {record.table}", about(record), columns_of(record)]
    for name, described in _changed().items():
        said = CHANGE[name]
        told = f"{said['about']} In change packs."
        parts += [f"### {name}", told, _described(described, said["columns"])]
    for name, (other, told) in LIKE.items():
        parts += [f"### {name}", f"{told} The columns are those of [{other}](#{other}). In packs of a proposed change."]
    return "\n\n".join(parts) + "\n"


def _words(table: str) -> tuple[str, dict[str, str]]:
    """Return what docs/derived.toml says of a table and of its columns."""
    said = DERIVED[table]
    return said.get("about", ""), said["columns"]


def _described(described: list[tuple[str, str]], meanings: dict[str, str]) -> str:
    rows = ["| column | type | meaning |", "|---|---|---|"]
    return "\n".join(rows + [f"| `{column}` | {kind} | {meanings.get(column, '')} |" for column, kind in described])


def _changed() -> dict[str, list[tuple[str, str]]]:
    """Make the tables of a change pack of an empty run and return their columns."""
    con, run = _empty()
    request.begin(con, run, ChangeAsked(), time=run.window, before=request.Before())
    properties.create(con, compared=False)
    effects.create(con, run)
    con.execute("create table verdicts (" + ", ".join(f'"{name}" {kind}' for name, kind in columns(VerdictRow)) + ")")
    findings.create(con, old=None)
    risks.create(con, run, old=None, new="main")
    attached.create(con, {})
    return _columns_of(con, CHANGE, "docs/change.toml")


def _derived() -> dict[str, list[tuple[str, str]]]:
    """Derive an empty run and return the columns of what comes out."""
    con, _ = _empty()
    there = con.execute("select table_name from duckdb_tables() where schema_name = 'main' and not temporary")
    described = {record.table for record in (*evidence.record_types(), *RECORDS)}
    names = {name for (name,) in there.fetchall()} - described
    if names != DERIVED.keys():
        raise ValueError(f"docs/derived.toml and the derived tables differ: {sorted(names ^ DERIVED.keys())}")
    return _columns_of(con, DERIVED, "docs/derived.toml")


def _columns_of(
    con: duckdb.DuckDBPyConnection, said: dict[str, dict[str, dict[str, str]]], file: str
) -> dict[str, list[tuple[str, str]]]:
    """Return the columns of the tables that a file has words for. Raises ValueError for words about none."""
    found = {
        name: [(row[0], row[1]) for row in con.execute(f"describe {name}").fetchall() if row[0] not in STANDARD]
        for name in said
    }
    for name, described in found.items():
        unknown = said[name]["columns"].keys() - {column for column, _ in described}
        if unknown:
            raise ValueError(f"{file} describes columns of {name} that aren't there: {sorted(unknown)}")
    return found


def _empty() -> tuple[duckdb.DuckDBPyConnection, Run]:
    """Return a run without rows, derived."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    for record in (*evidence.record_types(), Coverage):
        schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
        con.execute(f"create table {record.table} ({schema})")
    then = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(
        run_id="-", state=RunState.DONE, tool_version="-", cloud="-", endpoint="-", caller=None,
        window=Window.month(2026, 1), subscriptions=(), expected_subscriptions=(), kinds=(), started=then,
    )  # fmt: skip
    derive.derive(con, run)
    return con, run
