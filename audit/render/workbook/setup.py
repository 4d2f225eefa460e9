"""What a sheet's page is like before its first row: widths, panes, filter, print setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openpyxl.utils import get_column_letter

from audit.render.workbook.stage import HEAD_ROWS

if TYPE_CHECKING:
    from audit.render.workbook.sheet import Sheet

_A4 = 9
_MARGIN = 0.45
_LEGIBLE = 215
"""Width, in characters, that still reads well when it is fitted to a page."""


def lay_out(worksheet: Any, sheet: Sheet, rows: int, footer: str) -> None:
    """Lay out a table's sheet for ``rows`` rows; in a streamed book this comes before the first of them."""
    for index, column in enumerate(sheet.shown, start=1):
        worksheet.column_dimensions[get_column_letter(index)].width = column.width + 1
    for row, height in ((1, 24), (2, 15), (3, 15), (HEAD_ROWS, 30)):
        worksheet.row_dimensions[row].height = height
    worksheet.freeze_panes = f"{get_column_letter(sheet.frozen + 1)}{HEAD_ROWS + 1}"
    last = get_column_letter(len(sheet.shown))
    worksheet.auto_filter.ref = f"A{HEAD_ROWS}:{last}{HEAD_ROWS + max(rows, 1)}"
    worksheet.print_title_rows = f"{HEAD_ROWS}:{HEAD_ROWS}"
    worksheet.sheet_properties.tabColor = "5B7A99"
    print_setup(worksheet, footer)
    _print_leading(worksheet, sheet, rows)


def _print_leading(worksheet: Any, sheet: Sheet, rows: int) -> None:
    """Print the leading columns, as many as stay legible on paper, and say there that more are in the file."""
    printed, width = 0, 0
    for column in sheet.shown:
        width += column.width + 1
        printed += width <= _LEGIBLE
    if printed < len(sheet.shown):
        last = get_column_letter(printed)
        worksheet.print_area = f"A1:{last}{HEAD_ROWS + max(rows, 1)}"
        above = worksheet.HeaderFooter.oddHeader.right
        above.text, above.size = f"Columns A to {last}; the file has {len(sheet.shown) - printed} more", 8


def print_setup(worksheet: Any, footer: str) -> None:
    """Print landscape on A4, as wide as the page, with the sheet's name, ``footer`` and page numbers below."""
    worksheet.sheet_view.showGridLines = False
    worksheet.sheet_view.zoomScale = 90
    worksheet.sheet_properties.pageSetUpPr.fitToPage = True
    worksheet.page_setup.orientation = "landscape"
    worksheet.page_setup.paperSize = _A4
    worksheet.page_setup.fitToWidth = 1
    worksheet.page_setup.fitToHeight = 0
    worksheet.page_margins.left = worksheet.page_margins.right = _MARGIN
    worksheet.page_margins.top = worksheet.page_margins.bottom = 0.6
    worksheet.page_margins.header = worksheet.page_margins.footer = 0.3
    below = worksheet.HeaderFooter.oddFooter
    below.left.text, below.center.text, below.right.text = "&A", footer.replace("&", "&&"), "&P / &N"
    for section in (below.left, below.center, below.right):
        section.size = 8
