"""Fixtures: small tables in CSV, JSON or TOML, and the verdicts that a control should give over them."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from audit.assess.header import near
from audit.config import toml
from audit.errors import ConfigError

EXPECTED, POLICY, RUN = "expected", "policy", "run"
"""The parts of a fixture that are no table."""
SUFFIXES = (".csv", ".json", ".toml")
_JOB = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/fixture/providers/Microsoft.App/jobs/"
_SHAPES = {
    ".csv": "a line of column names, then a line for each row",
    ".json": "an array of objects, one for each row",
    ".toml": "[[TABLE]] for each row, where TABLE is the file's name",
}


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict that is expected."""

    job: str = ""
    """The job's name or id; empty = an answer about the whole estate."""
    subject: str
    """What about it is judged; where the control finds nothing to ask, the engine answers by the job's name."""
    verdict: Literal["pass", "fail", "not_assessed", "not_applicable"]
    """``pass`` ``fail`` ``not_assessed`` ``not_applicable``"""
    reason: str = ""
    """Words that the reason has to hold; empty = any reason will do."""


class FixtureRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run that the tables are said to be of."""

    until: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    """The end of its window, and the time at which everything was read."""
    days: Annotated[int, Meta(ge=1, le=366)] = 30
    """How long the window is."""


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    expected: tuple[Expected, ...] = ()
    run: FixtureRun = FixtureRun()


class Fixture(NamedTuple):
    """A fixture as read: rows by table, each with where it stands; what is expected; [policy]."""

    place: str
    tables: dict[str, list[tuple[str, dict[str, Any]]]]
    expected: tuple[Expected, ...]
    policy: dict[str, Any]
    run: FixtureRun


def read(path: Path) -> Fixture:
    """Read a folder of tables, a file each, or one TOML or JSON file that holds all of them.

    Raises ConfigError naming the file, the key or line, what was expected and what to do.
    """
    parts: dict[str, Any] = {}
    if path.is_dir():
        for file in sorted(each for each in path.iterdir() if not each.name.startswith(".")):
            _readable(file)
            if file.stem in parts:
                raise ConfigError(
                    f'the table "{file.stem}" is there twice', where=str(path), hint="keep one file of each name"
                )
            parts[file.stem] = _part(file)
    else:
        if path.exists():
            _readable(path)
        whole = _document(path)
        if not isinstance(whole, dict):
            raise ConfigError(
                "the fixture is no table of tables", where=str(path), hint="write [[jobs]], [[expected]] …"
            )
        parts = {name: _rows(rows, name, str(path)) for name, rows in whole.items()}
    if not parts.get(EXPECTED):
        hint = f"say what the control should answer: {EXPECTED}.csv, or [[{EXPECTED}]] with job, subject and verdict"
        raise ConfigError("the fixture expects nothing, so no test of it could fail", where=str(path), hint=hint)
    told = toml.structured({name: _bare(parts[name]) for name in (EXPECTED, RUN) if name in parts}, _Told, str(path))
    _refuse_twins(told.expected, str(path))
    return Fixture(
        place=str(path),
        tables={name: rows for name, rows in parts.items() if name not in (EXPECTED, POLICY, RUN)},
        expected=told.expected,
        policy=dict(parts.get(POLICY, {})),
        run=told.run,
    )


def job_id(name: str) -> str:
    """Return a job's id: an id as it is, a bare name as a job of the fixture's own group."""
    return name if "/" in name or not name else _JOB + name


def _readable(file: Path) -> None:
    if file.suffix not in SUFFIXES:
        told = f'"{file.suffix or file.name}" is none of {", ".join(SUFFIXES)}'
        raise ConfigError(told, where=str(file), hint="save it as one of these, or take it out of the fixture")


def _part(file: Path) -> Any:
    found = _document(file)
    if file.suffix == ".toml" and file.stem not in (POLICY, RUN):
        if not isinstance(found, dict) or set(found) != {file.stem}:
            hint = f"write [[{file.stem}]] for each row and nothing else"
            raise ConfigError(f'a table "{file.stem}" was expected', where=str(file), hint=hint)
        found = found[file.stem]
    return _rows(found, file.stem, str(file), csv_lines=file.suffix == ".csv")


def _document(file: Path) -> Any:
    text = toml.read(file, hint="--fixture names a folder, or one TOML or JSON file; docs/controls.md shows one")
    try:
        if file.suffix == ".csv":
            return _lines(text, file)
        return json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        shape = _SHAPES.get(file.suffix, _SHAPES[".toml"])
        raise ConfigError(f"the fixture can't be read: {error}", where=str(file), hint=f"expected: {shape}") from None


def _lines(text: str, file: Path) -> list[dict[str, str | None]]:
    """Return the rows of a CSV file; an empty cell is null."""
    reader = csv.DictReader(io.StringIO(text), strict=True)
    rows: list[dict[str, str | None]] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                told = f"line {reader.line_num} has another number of cells than the first line"
                raise ConfigError(told, where=str(file), hint="give each column a cell; empty = null")
            rows.append({key: value or None for key, value in row.items()})
    except csv.Error as error:
        raise ConfigError(f"line {reader.line_num}: {error}", where=str(file), hint=_SHAPES[".csv"]) from None
    return rows


def _rows(found: Any, name: str, place: str, *, csv_lines: bool = False) -> Any:
    """Return a table's rows with their places; [policy] and [run] as they are."""
    if name in (POLICY, RUN):
        if not isinstance(found, dict):
            raise ConfigError(f'"{name}" is no table of keys', where=f"{place}: {name}", hint=f"write [{name}]")
        return found
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        shape = _SHAPES[".csv" if csv_lines else ".toml"]
        raise ConfigError(f'"{name}" is no list of rows', where=f"{place}: {name}", hint=f"expected: {shape}")
    return [(f"{place}: {name}[{index}]", row) for index, row in enumerate(found)]


def _bare(part: Any) -> Any:
    """Return rows without their places and without empty cells."""
    if isinstance(part, dict):
        return part
    return [{key: value for key, value in row.items() if value is not None} for _, row in part]


def _refuse_twins(expected: tuple[Expected, ...], place: str) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, each in enumerate(expected):
        first = seen.setdefault((job_id(each.job).lower(), each.subject), index)
        if first != index:
            told = f"expected[{index}] is about the same as expected[{first}]"
            raise ConfigError(told, where=f"{place}: expected[{index}]", hint="expect one verdict of each subject")


def unknown(column: str, columns: tuple[str, ...], place: str) -> ConfigError:
    """Return the error of a column that a table doesn't have."""
    return ConfigError(f'there is no column "{column}"', where=f"{place}.{column}", hint=near(column, columns))
