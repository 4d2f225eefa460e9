"""run.json against the tables: the units, their outcomes and rows, and the raw files that it lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.evidence import KINDS
from audit.model import Gap
from audit.seal import sums
from audit.seal.verify.checks import Check, failed, ok
from audit.seal.verify.packed import Packed
from audit.store.history import EVENT_TABLES
from audit.store.tables import identifier

if TYPE_CHECKING:
    import duckdb

    from audit.model import UnitRecord

COUNTS = "run.json, the coverage and the tables tell of the same units, rows and raw files"
_COVERAGE = """
select kind, lower(scope), outcome, coalesce(reason, ''), pages, "rows", requests
from coverage where place is null and list_contains($kinds::VARCHAR[], kind)
"""
_ROWS = "select split_part(raw_ref, '#', 1), count(*) from {table} where raw_ref like 'raw/%' group by all"


def counts(pack: Path) -> Check:
    """Compare what run.json says of each unit with the coverage and with the rows that lead to it."""
    packed = Packed(pack)
    told = list(_files(packed))
    with packed.loaded() as con:
        told += _covered(packed, con)
        told += _counted(packed, con)
    units = packed.run.units
    return failed(COUNTS, *told) if told else ok(COUNTS, f"{len(units):,} units, {len(packed.stored.files):,} files")


def _files(packed: Packed) -> Iterator[str]:
    """Raw answers and attachments are those, and all of those, whose digests the run noted when it was made."""
    noted = {name: sha for name, sha in packed.stored.files.items() if not name.startswith("tables/")}
    sealed = {name: sha for name, sha in sums.listed(packed.path).items() if name.startswith(("raw/", "attachments/"))}
    for name in sorted(noted.keys() | sealed.keys()):
        if name not in sealed:
            yield f"run.json lists {name}, and the pack doesn't have it"
        elif name not in noted:
            yield f"the pack has {name}, and run.json doesn't list it"
        elif noted[name] != sealed[name]:
            yield f"{name} is not what the run stored"
    for unit in packed.run.units:
        if (
            unit.outcome.pages
            and not packed.about.restored_from
            and f"raw/{unit.kind}/{unit.unit}.jsonl.zst" not in noted
        ):
            yield f"{unit.kind} at {unit.scope.id} has {unit.outcome.pages} pages, and no raw file"


def _covered(packed: Packed, con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Coverage repeats run.json; only of events may history have made another outcome or count.

    What was derived may add gaps to it, which let less be assessed and never more.
    """
    found: dict[tuple[str, str], list[list[Any]]] = {}
    for kind, scope, *rest in con.execute(_COVERAGE, {"kinds": list(packed.run.kinds)}).fetchall():
        found.setdefault((kind, scope), []).append(rest)
    for unit in packed.run.units:
        kept = found.pop((unit.kind, unit.scope.id.lower()), [])
        said, where = _outcome(unit), f"{unit.kind} at {unit.scope.id}"
        if unit.kind in EVENT_TABLES:
            if packed.about.collected_for is None and said[2] not in [each[2] for each in kept]:
                yield f"run.json has {_words(said)} for {where}, the coverage other pages"
        elif said not in kept or any(each[0] != "gap" for each in kept if each != said):
            told = ", ".join(map(_words, kept)) or "nothing"
            yield f"run.json has {_words(said)} for {where}, the coverage {told}"
    for (kind, scope), kept in sorted(found.items()):
        if kind not in EVENT_TABLES and any(each[0] != "gap" for each in kept):
            yield f"the coverage has {kind} at {scope} as collected, and run.json doesn't have it"


def _counted(packed: Packed, con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """No unit has more rows than it was counted, and none that was counted is without any."""
    present = {table for table, _ in packed.tables()}
    records = {kind.name: [record.table for record in kind.records] for kind in KINDS}
    rows: dict[str, int] = {}
    for name in sorted({each for names in records.values() for each in names} & present):
        for reference, count in con.execute(_ROWS.format(table=identifier(name))).fetchall():
            rows[reference] = rows.get(reference, 0) + count
    for name in sorted({each for kind in packed.run.kinds for each in records.get(kind, ())} - present):
        yield f"table {name} is missing"
    if packed.about.restored_from:
        return
    for unit in packed.run.units:
        here, said = rows.pop(f"raw/{unit.kind}/{unit.unit}.jsonl.zst", 0), unit.outcome.rows
        past = unit.kind in EVENT_TABLES and packed.about.collected_for is not None
        if here > said or (said and not here and not past):
            yield f"run.json has {said} rows for {unit.kind} at {unit.scope.id}, the tables {here}"
    for reference in sorted(rows):
        yield f"{rows[reference]} rows lead to {reference}, which is no unit of the run"


def _outcome(unit: UnitRecord) -> list[Any]:
    gap = isinstance(unit.outcome, Gap)
    reason = str(unit.outcome.reason) if isinstance(unit.outcome, Gap) else ""
    return ["gap" if gap else "collected", reason, unit.outcome.pages, unit.outcome.rows, unit.requests]


def _words(outcome: list[Any]) -> str:
    word, reason, pages, rows, _ = outcome
    return f"{word}{f' ({reason})' if reason else ''} with {pages} pages and {rows} rows"
