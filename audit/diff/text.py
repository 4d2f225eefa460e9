"""The differences as lines of a terminal: how many of each kind, then each one, as far as the limit goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff.compared import AREAS, KINDS, counts
from audit.diff.side import Side, notes
from audit.diff.told import Row, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

_WIDE = 240
"""Characters of one value."""


def lines(con: duckdb.DuckDBPyConnection, old: Side, new: Side, *, limit: int) -> Iterator[str]:
    """Yield what a terminal shows, hostile text and all: at most ``limit`` differences of an area, the rest counted."""
    by = counts(con)
    for word, side in (("OLD", old), ("NEW", new)):
        yield f"{word}  {'pack' if side.pack else 'run'} {side.name}, window {side.run.window.label}"
    for note in notes(old, new):
        yield f"note: {note}"
    yield ""
    yield f"{'':<15}" + "".join(f"{kind:>9}" for kind in KINDS)
    for area in AREAS:
        yield f"{area:<15}" + "".join(f"{by[area][kind]:>9,}" for kind in KINDS)
    for area in AREAS:
        total = sum(by[area].values())
        if total == 0:
            continue
        yield ""
        yield f"{area}:"
        for row in rows(con, area, limit):
            yield from _told(row)
        if total > limit:
            yield f"  and {total - limit:,} more: --limit shows more of them, --format json all"


def _told(row: Row) -> Iterator[str]:
    yield f"  {row['kind']:<8} {_line(subject(row))}{_values(row)}"
    if row["because"]:
        yield f"{'':<11}because {because(row)}"
    if row["note"]:
        yield f"{'':<11}{_line(row['note'])}"


def subject(row: Row) -> str:
    """Return what a difference is about: its table's noun, the ids, and the property."""
    key, job = list(row["key"]), row["job_id"]
    named = " ".join(str(part) for part in key if part is not None)
    if job is not None and str(job).lower() not in [str(part).lower() for part in key]:
        named += f" of {job}"
    what = "" if row["table"] in ("population", "verdicts", "coverage") else f"{row['table'].replace('_', ' ')} "
    return f"{what}{named}" + (f", {row['property']}" if row["property"] not in (None, "verdict", "gap") else "")


def short(row: Row) -> str:
    """Return what a difference is about as people name it: of an id its last part."""
    named = [part.rstrip("/").rsplit("/", 1)[-1] or part for part in map(str, row["key"])]
    if row["table"] == "entitlements":
        named = named[:1]
    what = "" if row["table"] in ("population", "verdicts") else f"{row['table'].replace('_', ' ')} "
    return f"{what}{' '.join(named)}" + (f", {row['property']}" if row["property"] not in (None, "verdict") else "")


def because(row: Row) -> str:
    """Return why a difference is unknown, in words."""
    gap = row["because"]
    where = " ".join(str(part) for part in (gap["kind"], gap["scope"] and f"at {gap['scope']}") if part)
    told = f"{gap['reason'].replace('_', ' ')}: {gap['detail']}" if gap["detail"] else gap["reason"].replace("_", " ")
    return f"{gap['side'].upper()}: " + _line(f"{where}: {told}" if where else told)


def _values(row: Row) -> str:
    before, after = row["before"], row["after"]
    if before is None and after is None:
        return ""
    if row["kind"] == "added" and before is None:
        return f": {_line(after)}"
    if row["kind"] == "removed" and after is None:
        return f": was {_line(before)}"
    return f": was {_line(before)}, is {_line(after)}"


def _line(text: str | None) -> str:
    """Return one line: a value that holds several can't pass for another difference."""
    return "nothing" if text is None else cut(" ".join(str(text).split()), _WIDE)


def cut(text: str, most: int) -> str:
    """Return text of at most ``most`` letters; where it is cut, it says how long it was."""
    return text if len(text) <= most else f"{text[:most]}… [{len(text):,} characters]"
