"""The evidence workbook: every table of a run as a sheet that an auditor can filter, follow and print."""

from __future__ import annotations

from audit.render.workbook.book import ROW_LIMIT, write

__all__ = ["ROW_LIMIT", "write"]
