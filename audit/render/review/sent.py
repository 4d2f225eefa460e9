"""Which workbooks a review is sent out as: a reviewer's rows, a file name, and how many workbooks they fill."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.render.links import safe_name

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import duckdb

ROWS = 5_000
"""Entitlements in one workbook: more than a person decides at a sitting, it opens at once, and what comes back of it is
one record. (A sheet ends at 1,048,576 rows.)"""
UNASSIGNED = "unassigned"
_DIGITS = (8, 16, 64)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One workbook. ``file``: its name in review/; ``reviewer`` empty: nobody is named to decide."""

    file: str
    reviewer: str
    part: int
    parts: int
    first: int
    """The first of the reviewer's rows that it holds, from 1, and the last."""
    last: int
    total: int
    """The reviewer's rows in all workbooks."""


def sent(con: duckdb.DuckDBPyConnection, *, rows: int = ROWS) -> list[Sent]:
    """Return the workbooks of a review, those of nobody first, then by reviewer; ``rows``: entitlements in each.

    A pure function of table ``entitlements``: the import asks it again, so no name out of a returned file is a path.
    """
    counted = con.execute(
        """
        with asked as (select coalesce(reviewer, '') as reviewer, count(*) as total from entitlements group by all)
        select * from asked order by lower(reviewer), reviewer
        """
    ).fetchall()
    taken: set[str] = set()
    found = []
    for reviewer, total in counted:
        stem = _stem(reviewer, taken)
        taken.add(stem)
        parts = -(-total // rows)
        found += [
            Sent(
                file=f"{stem}{f'-{part}' if part > 1 else ''}.xlsx",
                reviewer=reviewer,
                part=part,
                parts=parts,
                first=(part - 1) * rows + 1,
                last=min(total, part * rows),
                total=total,
            )
            for part in range(1, parts + 1)
        ]
    return found


def _stem(reviewer: str, taken: AbstractSet[str]) -> str:
    """Return a name that no other reviewer's file has, whatever the casing: a digest of the whole name ends it."""
    if not reviewer:
        return UNASSIGNED
    digest = hashlib.sha256(reviewer.encode("utf-8", "backslashreplace")).hexdigest()
    names = [f"{safe_name(reviewer).lower()}-{digest[:digits]}" for digits in _DIGITS]
    return next((name for name in names if name not in taken), names[-1])
