"""Rows of evidence put into a run's tables by hand, numbered as the store numbers what stands twice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import columns, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

    from audit.derive.insert import Made
    from audit.model import Record

_ENCODER = msgspec.json.Encoder()


def insert(con: duckdb.DuckDBPyConnection, made: Iterable[Made]) -> None:
    """Insert records into their tables. Of rows that say the same one stays; others of one row_id get ``-2`` and on."""
    rows: dict[type[Record], list[dict[str, Any]]] = defaultdict(list)
    said: dict[str, list[str]] = defaultdict(list)
    for record, observed_at, raw_ref, _ in made:
        words = _ENCODER.encode(plain(record)).decode().lower()
        same = said[record.row_id]
        if words in same:
            continue
        same.append(words)
        key = record.row_id if len(same) == 1 else f"{record.row_id}-{len(same)}"
        row = {"row_id": key, "observed_at": observed_at, "raw_ref": raw_ref, **plain(record)}
        rows[type(record)].append(row)
    for kind, found in rows.items():
        schema = dict(columns(kind))
        con.execute(
            f"insert into {kind.table} by name select row.* from (select unnest(from_json($rows, $shape)) as row)",
            {"rows": _ENCODER.encode(found).decode(), "shape": msgspec.json.encode([schema]).decode()},
        )
