"""``controls test --fixture``: one control over small tables made by hand, derived and assessed as a run's are."""

from __future__ import annotations

import contextlib
import json
import typing
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import msgspec

from audit import assess, derive, evidence
from audit.assess import fixture as fixtures
from audit.assess.comparison import Comparison, Got, compare
from audit.assess.header import near
from audit.errors import ConfigError, EngineError
from audit.model import Record, Run, RunState, Window, columns
from audit.model.ids import resource_group_of, subscription_of
from audit.pipeline.tabling import broken_controls, scratch
from audit.store import Coverage, tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.assess.fixture import Fixture

_ANSWERED = ("verdicts", "exceptions", "parameters", "controls", "requirements")
"""What assessment makes: a fixture can't give it."""
_Row = tuple[str, dict[str, Any]]


class Tried(NamedTuple):
    """A control's answers over a fixture beside what was expected."""

    control_id: str
    comparison: Comparison


def try_out(control: Path, fixture: Path) -> Tried:
    """Run one control over a fixture. Tables that the fixture doesn't give are derived from those it does, or empty.

    Raises ConfigError (the control or the fixture), EngineError where the control can't be run.
    """
    loaded, given = assess.load_file(control), fixtures.read(fixture)
    run = _run(given)
    assess.check_policy([loaded], run.settings, where=given.place)
    with scratch() as database:
        with contextlib.closing(tables.connect(str(database))) as con:
            _lay(con, given, run)
        assess.assess(database, run, [loaded])
        with contextlib.closing(duckdb.connect(str(database), read_only=True)) as con:
            if broken := broken_controls(con):
                raise EngineError(broken[0], where=str(control), hint="docs/controls.md tells what a control answers")
            rows = con.execute(
                "select coalesce(job_id, ''), subject, verdict, reason from verdicts order by all"
            ).fetchall()
    return Tried(loaded.id, compare(given.expected, [Got(*row) for row in rows]))


def _run(given: Fixture) -> Run:
    until = given.run.until
    return Run(
        run_id="fixture",
        state=RunState.DONE,
        tool_version="fixture",
        cloud="fixture",
        endpoint="",
        caller=None,
        window=Window(since=until - timedelta(days=given.run.days), until=until),
        subscriptions=(),
        expected_subscriptions=(),
        kinds=tuple(kind.name for kind in evidence.KINDS),
        started=until,
        finished=until,
        settings=given.policy,
    )


def _lay(con: duckdb.DuckDBPyConnection, given: Fixture, run: Run) -> None:
    """Write the fixture's tables: what is collected first, then what is derived, then what it gives of the derived."""
    records: list[type[Record]] = [*evidence.record_types(), Coverage]
    collected = {record.table for record in records}
    for record in records:
        schema = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
        con.execute(f"create table {record.table} ({schema})")
    shapes = {record.table: _least(record, run) for record in records}
    tables = {
        name: [_whole(name, place, row, shapes.get(name, {})) for place, row in rows]
        for name, rows in given.tables.items()
    }
    tables.setdefault("subscriptions", _subscriptions(tables.get("jobs", [])))
    for name in sorted(tables.keys() & collected):
        _insert(con, name, tables[name], run)
    derive.derive(con, run)
    con.execute("delete from coverage")  # nothing was read, so nothing is missing but what the fixture says
    con.execute("delete from job_gaps")
    there = {name for (name,) in con.execute("select table_name from duckdb_tables() where not internal").fetchall()}
    for name in sorted(tables.keys() - collected | tables.keys() & {"coverage"}):
        if name not in there or name in _ANSWERED:
            place = given.tables[name][0][0] if given.tables[name] else f"{given.place}: {name}"
            hint = "that is what controls answer" if name in _ANSWERED else near(name, tuple(sorted(there)))
            raise ConfigError(f'a fixture can give no table "{name}"', where=place, hint=hint)
        con.execute(f'delete from "{name}"')
        _insert(con, name, tables[name], run)


def _least(record: type[Record], run: Run) -> dict[str, Any]:
    """Return what a column holds that is never null, where a fixture leaves it out: nothing of its kind."""
    empty: dict[Any, Any] = {str: "", int: 0, float: 0, bool: False, datetime: run.started, date: run.started.date()}
    hints = typing.get_type_hints(record)
    return {
        field.name: empty[hints[field.name]]
        for field in msgspec.structs.fields(record)
        if field.required and hints[field.name] in empty
    }


def _whole(table: str, place: str, row: dict[str, Any], least: dict[str, Any]) -> _Row:
    """Return a row with a job's id for its name and, for a job, what follows from its id."""
    told = {key: value for key, value in row.items() if value is not None}
    if isinstance(told.get("job"), str) and table != "jobs":
        told["job_id"] = told.pop("job")
    if table == "jobs":
        told.setdefault("job_id", told.get("name", ""))
    if isinstance(told.get("job_id"), str):
        told["job_id"] = fixtures.job_id(told["job_id"])
    if table == "jobs":
        name = str(told["job_id"])
        told = {
            "name": name.rpartition("/")[2],
            "subscription_id": subscription_of(name),
            "resource_group": resource_group_of(name),
            "trigger_type": "Event",
            "in_scope": True,
        } | told
    return place, least | told


def _subscriptions(jobs: Iterable[_Row]) -> list[_Row]:
    found = sorted({str(row.get("subscription_id")) for _, row in jobs})
    return [("subscriptions", {"subscription_id": each, "name": each}) for each in found]


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[_Row], run: Run) -> None:
    schema = {name: kind for name, kind, *_ in con.execute(f'describe "{table}"').fetchall()}
    for number, (place, row) in enumerate(rows):
        for column in row:
            if column not in schema:
                raise fixtures.unknown(column, tuple(schema), place)
        standard = {"row_id": f"{table}-{number}", "observed_at": run.started, "raw_ref": f"fixture/{table}#{number}"}
        told = {key: _value(value, schema[key]) for key, value in (standard | row).items() if key in schema}
        shape = {key: schema[key] for key in told}
        try:
            con.execute(
                f'insert into "{table}" by name '
                "select one.* from (select unnest(from_json_strict($rows, $shape)) as one)",
                {"rows": msgspec.json.encode([told]).decode(), "shape": json.dumps([shape])},
            )
        except duckdb.Error as error:
            what = str(error).partition("\n")[0]
            raise ConfigError(
                f"the row can't be taken: {what}", where=place, hint=f"columns: {_typed(schema)}"
            ) from None


def _value(value: Any, kind: str) -> Any:
    """Return a value for a column: JSON that stands in a text as what it says."""
    if kind == "JSON" and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _typed(schema: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in schema.items())
