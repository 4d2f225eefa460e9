"""The words in which a sheet is declared: a sheet is data, and one writer writes them all."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds, and so how its cells are typed and formatted."""

    TEXT = "text"
    WORD = "word"
    """A verdict, a severity or an outcome: a word that may carry colour."""
    LONG = "long"
    """Text to be read: wrapped."""
    CODE = "code"
    """An id, JSON, a digest: in a fixed-width face, never wrapped."""
    INT = "int"
    NUMBER = "number"
    MONEY = "money"
    """An amount; its currency stands in a column of its own."""
    PERCENT = "percent"
    """A share: 0.5 is shown as 50 %."""
    DATE = "date"
    DATETIME = "datetime"
    BOOL = "bool"
    RAW = "raw"
    """A raw_ref: leads to the raw page."""
    PAGE = "page"
    """A job's id: leads to the job's page of the report."""


EVERY_KIND = ("*",)
"""For ``Sheet.kinds``: the sheet speaks of all evidence."""


@dataclass(frozen=True)
class Link:
    """A way to another sheet of the book: to the first row there whose ``anchor`` equals this row's ``key`` column."""

    sheet: str
    anchor: str
    key: str


@dataclass(frozen=True)
class Column:
    """One column: the query's column ``name``, shown under ``heading``.

    ``width`` in characters. ``note`` says what it means, its unit, and what an empty cell means.
    """

    name: str
    heading: str
    width: int
    kind: Kind = Kind.TEXT
    note: str = ""
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: a query over the run's tables, told as columns.

    ``query`` gives every column named here, the standard ones (row_id, observed_at, raw_ref) too, and what ``order``
    sorts by; ``order`` must be total, so that two renderings agree. ``tables``: what the query reads, the table whose
    rows it shows first. ``kinds``: the evidence kinds that fill it: what an empty sheet means is told from their
    coverage. ``anchors``: name → SQL expression over the query's columns, by which other sheets link here.
    """

    title: str
    note: str
    query: str
    order: str
    tables: tuple[str, ...]
    kinds: tuple[str, ...]
    columns: tuple[Column, ...]
    anchors: dict[str, str] = field(default_factory=dict)
    nothing: str = ""
    """What it means that a sheet has no rows although all was read, where that is more than a confirmed absence."""
    remark: str = ""
    """SQL for one text that stands at the head: what is special about the rows of this run. Null: nothing."""
    frozen: int = 0
    """How many columns stay in view when the sheet is scrolled sideways."""

    @property
    def shown(self) -> tuple[Column, ...]:
        """Every column of the sheet, the standard ones last."""
        return (*self.columns, *STANDARD)


STANDARD = (
    Column("row_id", "Row id", 18, Kind.CODE, "Names the row in data/*.parquet; the same thing keeps it in every run."),
    Column("observed_at", "Observed at (UTC)", 20, Kind.DATETIME, "When Azure gave the answer."),
    Column(
        "raw_ref",
        "Raw page",
        44,
        Kind.RAW,
        "The stored answer of Azure that the row was read from: file, line, item and Azure's request id.",
    ),
)
