"""The rows of a file of approved changes: CSV as spreadsheets write it, or JSON. What isn't known is refused here."""

from __future__ import annotations

import csv
import difflib
import io
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.config import toml
from audit.errors import ConfigError
from audit.model.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = tuple(name for name in Ticket.__struct_fields__ if name not in ("file", "row"))
"""What a file may say of a ticket, in the order in which it is documented."""
MANDATORY = ("ticket", "planned_from", "planned_until", "requester", "approver", "approved_at", "implementer")
"""Columns that a file must have, as it must ``job`` or ``resource``; those of an approval may be empty in a row."""
SEPARATORS = (",", ";")


class Row(NamedTuple):
    """One ticket as written: text by column; an array only where JSON has one."""

    number: int
    cells: dict[str, str | list[str]]


def rows(content: bytes, path: Path) -> list[Row]:
    """Take a file apart. Raises ConfigError naming the row and the column."""
    name = str(path)
    kind = path.suffix.lower()
    if kind not in (".csv", ".json"):
        hint = "save it as CSV (UTF-8) or as JSON, and let its name say which"
        raise ConfigError(f'"{path.suffix or path.name}" is neither .csv nor .json', where=name, hint=hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = 'save it anew as "CSV UTF-8"'
        raise ConfigError(f"it is not UTF-8, from byte {error.start} on", where=name, hint=hint) from None
    return list(_from_csv(text, name) if kind == ".csv" else _from_json(text, name))


def _from_csv(text: str, name: str) -> Iterator[Row]:
    separator = _separator(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns: tuple[str, ...] = ()
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _heading(cells, f"row {number}", name)
                continue
            if len(cells) != len(columns):
                told = f"{len(cells)} cells, and the heading has {len(columns)}"
                hint = f"put text that holds a {separator} into double quotes, and leave no cell out"
                raise toml.wrong(name, f"row {number}", told, hint=hint)
            yield Row(number, dict(zip(columns, cells, strict=True)))
    except csv.Error as error:
        hint = "close every double quote, and double those inside a quoted text"
        raise toml.wrong(name, f"row {number + 1}", f"not valid CSV: {error}", hint=hint) from None
    if not columns:
        raise toml.wrong(name, "row 1", "there is no heading", hint="begin with a row of these: " + ", ".join(COLUMNS))


def _separator(text: str) -> str:
    """Return what parts the heading into more columns: spreadsheets write a semicolon where a comma parts decimals."""
    heading = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=heading.count)


def _heading(cells: list[str], where: str, name: str) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower().replace(" ", "_") for cell in cells)
    for column in columns:
        _known(column, where, name)
        if columns.count(column) > 1:
            raise toml.wrong(name, where, f'the column "{column}" is there twice', hint="take one of the two out")
    _complete(columns, where, name)
    return columns


def _known(column: str, where: str, name: str) -> None:
    if column not in COLUMNS:
        near = difflib.get_close_matches(column, COLUMNS, n=1)
        hint = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(COLUMNS)
        raise toml.wrong(name, where, f'unknown column "{column[:80]}"', hint=hint)


def _complete(columns: tuple[str, ...], where: str, name: str) -> None:
    lacking = [column for column in MANDATORY if column not in columns]
    if "job" not in columns and "resource" not in columns:
        lacking.append("job or resource")
    if lacking:
        hint = "add it; an approval may be left empty in a row, its columns may not be missing"
        raise toml.wrong(name, where, f"without the column {', '.join(lacking)}", hint=hint)


def _from_json(text: str, name: str) -> Iterator[Row]:
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not valid JSON: {error}", where=name, hint="mend the place that it names") from None
    if not isinstance(document, list):
        raise ConfigError("an array of changes was expected", where=name, hint='write [{"ticket": …}, …]')
    for number, each in enumerate(document, start=1):
        where = f"row {number}"
        if not isinstance(each, dict):
            raise toml.wrong(name, where, "it is not an object", hint='write {"ticket": …}')
        for key in each:
            _known(key, where, name)
        given = {key: value for key, value in each.items() if value is not None}
        yield Row(number, {key: _cell(key, value, where, name) for key, value in given.items()})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f'the key "{twice[:80]}" is there twice in one object')
    return found


def _cell(key: str, value: object, where: str, name: str) -> str | list[str]:
    if key == "emergency" and isinstance(value, bool):
        return "yes" if value else "no"
    if key in ("approver", "implementer") and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    if not isinstance(value, str):
        hint = "times and numbers are texts too; approver and implementer may be arrays of texts"
        raise toml.wrong(name, f"{where}, {key}", "a text was expected", hint=hint)
    return value
