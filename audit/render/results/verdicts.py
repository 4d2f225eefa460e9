"""The verdicts in one order, with what every format tells of them; read some thousand at a time."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from audit.model import Run

_NAMESPACE = uuid.UUID("8a1f5b0e-6c0d-5d0c-9d4e-3f0b6a2f7c11")
"""Ours; a name in it gives the same id on every machine."""
_HASH = hashlib.sha1(_NAMESPACE.bytes, usedforsecurity=False)
_BATCH = 5_000

# Two subjects of a job that differ in nothing but casing share a row_id: ``again`` tells them apart.
_VERDICTS = """
create or replace temp table result_verdicts as
select v.*, j.name, j.subscription_id, j.resource_group,
       row_number() over (partition by v.row_id order by v.subject, v.reason, v.raw_ref) - 1 as again
from verdicts v
left join (select lower(job_id) as key, min(name) as name, min(subscription_id) as subscription_id,
                  min(resource_group) as resource_group from population group by all) j on j.key = lower(v.job_id)
order by v.control_id, lower(v.job_id) nulls first, v.subject, v.row_id, again
"""
_PART = "select * from result_verdicts where rowid between ? and ? order by rowid"
_OF = "select row_id, again from result_verdicts where control_id = ? and rowid between ? and ? order by rowid"
_PLACES = "select control_id, min(rowid) as first, max(rowid) as last from result_verdicts group by all"


class Verdicts:
    """Every verdict of a run, by control, job and subject, and the controls that gave them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, run: Run) -> None:
        self._con = con
        self._run = f"{run.run_id}/"
        con.execute(_VERDICTS)
        self._total = int(one(con, "select count(*) as n from result_verdicts")["n"])
        self._places = {row["control_id"]: (row["first"], row["last"]) for row in fetch(con, _PLACES)}
        self.controls: dict[str, Row] = {}
        """Every control by id, in order, with its JSON columns read."""
        for row in fetch(con, "select * from controls order by control_id"):
            read = {name: json.loads(row[name] or "null") for name in ("needs", "frameworks")}
            self.controls[row["control_id"]] = row | read

    def __iter__(self) -> Iterator[Row]:
        """Yield every verdict with ``id``, its uuid in this run, and ``control``, what is known of its control."""
        for first in range(0, self._total, _BATCH):
            for row in fetch(self._con, _PART, first, first + _BATCH - 1):
                yield row | {"id": self.id("verdict", _name(row)), "control": self.controls[row["control_id"]]}

    def ids(self, control_id: str) -> Iterator[str]:
        """Yield the ids of a control's verdicts."""
        begin, end = self._places.get(control_id, (0, -1))
        for first in range(begin, end + 1, _BATCH):
            for row in fetch(self._con, _OF, control_id, first, min(end, first + _BATCH - 1)):
                yield self.id("verdict", _name(row))

    def id(self, what: str, name: str) -> str:
        """Return the uuid (version 5) that a thing has in this run, on every machine and in every rendering."""
        return _uuid(f"{self._run}{what}/{name}")


def lasting(what: str, name: str) -> str:
    """Return the uuid (version 5) that a thing has in every run, whatever the casing of its name."""
    return _uuid(f"{what}/{name.lower()}")


def _uuid(name: str) -> str:
    """Return uuid5 of our namespace as text: ``str(uuid.uuid5(…))`` takes five times as long, and each row has one."""
    digest = _HASH.copy()
    digest.update(name.encode())
    said = bytearray(digest.digest()[:16])
    said[6] = said[6] & 0x0F | 0x50
    said[8] = said[8] & 0x3F | 0x80
    text = said.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _name(row: dict[str, Any]) -> str:
    return f"{row['row_id']}-{row['again'] + 1}" if row["again"] else str(row["row_id"])
