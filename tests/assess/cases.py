"""Many small estates in one, each in a subscription of its own, so that a control is derived and asked only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from run_tables import SUB, RunTables

from audit.model import Record

if TYPE_CHECKING:
    from pathlib import Path

Answers = dict[str, tuple[str, str]]
"""Verdict and reason by subject."""


def numbered(case: int) -> str:
    return f"{case:08d}-0000-0000-0000-000000000000"


def moved(record: Record, subscription: str) -> Record:
    """Return a row with every id, and every host that is made of one, in another subscription."""
    text = msgspec.json.encode(record).replace(SUB.encode(), subscription.encode())
    return msgspec.json.decode(text, type=type(record))


def estate(folder: Path, cases: Sequence[Sequence[Record]], **settings: Any) -> RunTables:
    """Return tables in which each case's rows stand in the subscription with its number; derive them first."""
    tables = RunTables(folder)
    tables.subscriptions = [numbered(case) for case in range(len(cases))]
    tables.with_run(settings=settings)
    for subscription, rows in zip(tables.subscriptions, cases, strict=True):
        tables.add(*(moved(each, subscription) for each in rows))
    return tables


def by_case(rows: Sequence[dict[str, Any]]) -> dict[int, Answers]:
    """Sort a control's verdicts by the number of the case. Each has to lead somewhere and to say something."""
    found: dict[int, Answers] = {}
    for row in rows:
        assert row["raw_ref"], row
        assert row["reason"], row
        assert len(row["reason"]) < 1500, row
        case = int(row["job_id"].split("/")[2].split("-")[0])
        found.setdefault(case, {})[row["subject"]] = (row["verdict"], row["reason"])
    return found
