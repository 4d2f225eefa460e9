"""A book whose sheets are written becomes one file, of the same bytes for the same content."""

from __future__ import annotations

import tempfile
import zipfile
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from openpyxl.packaging.core import DocumentProperties
from openpyxl.writer.excel import ExcelWriter
from openpyxl.xml.functions import tostring

from audit.render.workbook.cells import shown
from audit.render.workbook.deterministic import rezip

if TYPE_CHECKING:
    from audit.model import Run


def bind(book: Any, path: Path, run: Run, *, title: str) -> None:
    """Write a book of openpyxl to ``path``; the times in its properties are the run's, not the clock's."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".workbook-") as folder:
        loose = Path(folder) / "loose.xlsx"
        with zipfile.ZipFile(loose, "w", zipfile.ZIP_STORED) as archive:  # rezip packs it, once
            ExcelWriter(book, archive).save()
        rezip(loose, path, _properties(run, title))


def _properties(run: Run, title: str) -> bytes:
    """Return docProps/core.xml."""
    at = (run.finished or run.started).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties = DocumentProperties(
        creator=f"jobaudit {run.tool_version}",
        title=shown(title),
        subject=shown(f"Run {run.run_id}"),
        lastModifiedBy=f"jobaudit {run.tool_version}",
        created=at,
        modified=at,
    )
    return cast("bytes", tostring(properties.to_tree()))  # its stub says str
