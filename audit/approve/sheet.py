"""The sign-off workbook: one row per approval, with lines to sign by hand where an organisation wants ink."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from audit.render.workbook.binding import bind
from audit.render.workbook.cells import fitted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.approve.state import State
    from audit.model import Run

_HEADINGS = {
    "Record": 10, "Decision": 26, "By": 36, "Role": 22, "Ticket": 18, "Comment": 60, "Recorded (UTC)": 22,
    "Signature": 40, "Standing": 22, "Not independent": 60, "Not shown": 60,
}  # fmt: skip


def write(path: Path, run: Run, name: str, digest: str, state: State) -> None:
    """Write the workbook. Text is text in every cell; the same state gives the same bytes."""
    book = Workbook(write_only=True)
    page: Any = book.create_sheet("Sign-off")
    for letter, width in zip("ABCDEFGHIJK", _HEADINGS.values(), strict=True):
        page.column_dimensions[letter].width = width
    page.freeze_panes = "A6"
    page.page_setup.orientation = "landscape"
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.append([_cell(page, f"Sign-off of {name}", bold=True, size=16)])
    page.append([_cell(page, f"SHA-256 of SHA256SUMS: {digest}")])
    page.append([_cell(page, _told(state), bold=True)])
    page.append([])
    page.append([_cell(page, heading, bold=True) for heading in _HEADINGS])
    for row in _rows(state):
        page.append([_cell(page, value, wrap=True) for value in row])
    bind(book, path, run, title=f"Sign-off of {name}")


def _told(state: State) -> str:
    owed = "; lacking: " + ", ".join(state.lacking) if state.lacking else ""
    asserted = f"; {state.asserted} of the approvals that count are asserted, not signed" if state.asserted else ""
    flagged = f"; {state.flagged} by people who are not independent" if state.flagged else ""
    return f"{state.word.capitalize()}{owed}{asserted}{flagged}"


def _rows(state: State) -> Iterator[tuple[str, ...]]:
    for each in state.statements:
        record, said = each.record, each.said
        standing = f"{each.standing} by record {each.by_record}" if each.by_record else each.standing
        yield (
            str(record.number),
            said.decision,
            said.by,
            said.role,
            said.ticket,
            said.comment,
            f"{record.recorded_at:%Y-%m-%d %H:%M:%S}",
            f"key {record.signer.keyid}" if record.signer else "asserted, not signed",
            standing,
            "; ".join(said.conflicts),
            "; ".join(said.not_shown),
        )


def _cell(page: Any, value: str, *, bold: bool = False, size: int = 10, wrap: bool = False) -> Any:
    cell = WriteOnlyCell(page, value=fitted(value, "approvals/"))
    cell.data_type = "s"
    cell.quotePrefix = True
    cell.font = Font(bold=bold, size=size)
    cell.alignment = Alignment(wrap_text=wrap, vertical="top")
    return cell
