"""Raw answers against the tables: every stored page is decoded again, as it was when it was collected."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from audit.evidence import KINDS
from audit.model import EvidenceKind, Gap, MalformedItem, Row
from audit.model.decode import decode
from audit.model.outcome import KEEPS_ROWS
from audit.render import raw_files
from audit.seal.verify.checks import Check, failed, lacking, ok
from audit.seal.verify.packed import Packed
from audit.store import tables
from audit.store.history import EVENT_TABLES
from audit.store.spool import Spool, UnitRows
from audit.store.tables import identifier, literal
from audit.store.unit import line

if TYPE_CHECKING:
    import duckdb

    from audit.model import Record, UnitRecord

RAW = "The raw answers give the collected tables"
DERIVED = "The derived tables follow from the collected ones"
_ASSESSED = {"verdicts", "controls", "parameters", "requirements", "exceptions", "coverage", raw_files.RawFile.table}
"""What other checks look at, or what is no more than what the controls' own files say."""


def raw_answers(pack: Path) -> Check:
    """Make every collected table again from the pack's raw pages, offline, and compare it with data/, row by row."""
    packed = Packed(pack)
    if packed.about.restored_from:
        return lacking(RAW, "the pack was made of a run whose folder was gone: it has no raw answers")
    told: list[str] = []
    rows = elsewhere = 0
    kinds = [kind for kind in KINDS if kind.name in packed.run.kinds]
    unknown = sorted(set(packed.run.kinds) - {kind.name for kind in kinds})
    if unknown:
        return lacking(RAW, f"this jobaudit doesn't know {', '.join(unknown)}: verify it with the one that collected")
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder, packed.loaded() as con:
        for kind in kinds:
            spool = Spool(Path(folder) / kind.name)
            told += _decoded(packed, kind, spool)
            for record in kind.records:
                made = _made(record, spool.sources(kind.name, record.table), Path(folder))
                rows += _count(con, f"select count(*) from read_parquet({literal(str(made))})")
                told += _compared(packed, record, con, made)
                elsewhere += _elsewhere(con, record)
                made.unlink()
            spool.clear()
        told += _addresses(packed, con)
    if told:
        return failed(RAW, *told)
    beside = [f"not of {elsewhere:,} events, which are from history: their answers are not here"] if elsewhere else []
    return ok(RAW, f"{rows:,} rows, made again and the same", *beside)


def derived(pack: Path) -> Check:
    """Say what no check makes again: it takes the history beside the run, which a pack doesn't hold."""
    packed = Packed(pack)
    collected = {record.table for kind in KINDS for record in kind.records}
    names = [table for table, _ in packed.tables() if table not in collected | _ASSESSED]
    if not names:
        return ok(DERIVED, "there are none")
    why = "rendering the run again, beside its history, makes them again"
    return lacking(DERIVED, f"{len(names)} tables are taken as they are sealed: {', '.join(names)}", why)


def _decoded(packed: Packed, kind: EvidenceKind, spool: Spool) -> Iterator[str]:
    """Decode a kind's pages into a spool; tell where a unit has not the pages, rows and bad items that it counted."""
    for unit in (each for each in packed.run.units if each.kind == kind.name):
        pages = list(packed.pages(unit.kind, unit.unit))
        rows, malformed = UnitRows(spool, kind.name, unit.unit), []
        if _keeps(unit):
            for result in decode(kind, pages):
                if isinstance(result, Row):
                    rows.add(result.record.table, line(kind, result.record, result.page, result.item))
                else:
                    malformed.append(result)
        rows.keep()
        yield from _told(unit, len(pages), rows.count, malformed)


def _keeps(unit: UnitRecord) -> bool:
    return not isinstance(unit.outcome, Gap) or unit.outcome.reason in KEEPS_ROWS


def _told(unit: UnitRecord, pages: int, rows: int, malformed: list[MalformedItem]) -> Iterator[str]:
    where = f"{unit.kind} at {unit.scope.id}"
    if pages != unit.outcome.pages:
        yield f"{where}: {pages} raw pages, and run.json has {unit.outcome.pages}"
    if rows != unit.outcome.rows:
        yield f"{where}: the raw answers give {rows} rows, and run.json has {unit.outcome.rows}"
    if _keeps(unit) and [each.raw_ref for each in malformed] != [each.raw_ref for each in unit.malformed]:
        yield f"{where}: {len(malformed)} items can't be decoded, and run.json has {len(unit.malformed)}"


def _made(record: type[Record], sources: list[Path], folder: Path) -> Path:
    target = folder / f"{record.table}.parquet"
    with contextlib.closing(tables.connect(spill=folder / "sorting")) as con:
        tables.write(con, record, sources, target)
    return target


def _compared(packed: Packed, record: type[Record], con: duckdb.DuckDBPyConnection, made: Path) -> Iterator[str]:
    """Compare one table both ways. Only of events some may lead elsewhere: to answers that history had before."""
    source = f"read_parquet({literal(str(made))})"
    columns = ", ".join(
        f"{identifier(name)}::VARCHAR" for name, *_ in con.execute(f"describe from {source}").fetchall()
    )
    where = "where raw_ref like 'raw/%'" if record.table in EVENT_TABLES else ""
    mine = f"select {columns} from {identifier(record.table)} {where}"
    theirs = f"select {columns} from {source}"
    more = _count(con, f"select count(*) from (({mine}) except all ({theirs}))")
    less = _count(con, f"select count(*) from (({theirs}) except all ({mine}))")
    if more:
        yield f"{record.table}: {more} rows are not what the raw answers give"
    if less and not (record.table in EVENT_TABLES and packed.about.collected_for is not None):
        yield f"{record.table}: {less} rows that the raw answers give are missing"


def _elsewhere(con: duckdb.DuckDBPyConnection, record: type[Record]) -> int:
    if record.table not in EVENT_TABLES:
        return 0
    return _count(con, f"select count(*) from {identifier(record.table)} where coalesce(raw_ref, '') not like 'raw/%'")


def _addresses(packed: Packed, con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Compare the table of raw files, which is made of the answers too."""
    table = raw_files.RawFile.table
    con.execute(f"create temp table sealed as from {table}")
    raw_files.create(con, packed)
    for ours, other in ((table, "sealed"), ("sealed", table)):
        if wrong := _count(con, f"select count(*) from ((from {ours}) except all (from {other}))"):
            yield f"{table}: {wrong} rows are not what the raw answers give"


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0
