"""A book in the making: what every sheet of it needs while it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook

from audit.render.workbook.pen import Pen
from audit.render.workbook.state import KindCoverage, coverage_by_kind
from audit.render.workbook.stream import Streamed
from audit.render.workbook.style import Styles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import duckdb

    from audit.model import Run
    from audit.render.workbook.stage import Staged


@dataclass(kw_only=True)
class Volume:
    """The book, the run it tells of, and its tables: numbered, so that any sheet can lead to any other's rows.

    ``report``: whether the HTML report lies beside the book; ``lost``: whether a raw answer is gone.
    """

    con: duckdb.DuckDBPyConnection
    run: Run
    staged: Mapping[str, Staged]
    """Sheet's title → its rows, in the order of the book."""
    report: bool
    raw: Callable[[str | None], str | None]
    lost: Callable[[str], bool]
    title: str = "Compliance evidence"
    """What the book calls itself, on its first sheet and in its properties."""
    book: Any = field(default_factory=lambda: Workbook(write_only=True))
    kinds: dict[str, KindCoverage] = field(default_factory=dict)
    styles: Styles = field(init=False)

    def __post_init__(self) -> None:
        """Count the coverage once for all sheets."""
        self.kinds = coverage_by_kind(self.con)
        self.styles = Styles(self.book)

    def pen(self, title: str) -> Pen:
        """Add a sheet and return what writes its cells."""
        sheet = Streamed(self.book, title, self.styles.of)
        self.book._add_sheet(sheet)  # noqa: SLF001  create_sheet knows only the stock class
        return Pen(sheet, report=self.report, raw=self.raw, lost=self.lost)

    @property
    def footer(self) -> str:
        """What stands below every printed page."""
        return f"jobaudit run {self.run.run_id}"
