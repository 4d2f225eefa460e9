"""approvals/index.html and sign-off.xlsx: what people said about a pack, beside its seal."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from audit.approve import sheet
from audit.config import packaged
from audit.render.templates import Templates
from audit.seal import sums
from audit.store import atomic

if TYPE_CHECKING:
    from audit.approve.state import State
    from audit.model import Run

PAGE = "index.html"
SHEET = "sign-off.xlsx"


def write(pack: Path, run: Run, name: str, state: State) -> None:
    """Write both. ``name``: the pack's own. The same records give the same bytes. Raises StoreError."""
    for file, content in made(run, name, sums.digest(pack), state).items():
        atomic.make_folder(pack / sums.APPROVALS)
        atomic.write(pack / sums.APPROVALS / file, content)


def made(run: Run, name: str, digest: str, state: State) -> dict[str, bytes]:
    """Return what both files hold, by name; from built-in templates alone, so that verifying can make them again."""
    templates = Templates([packaged("report_templates")])
    templates.add(run=run)
    shown = templates.render("approvals.html", base="../", pack=name, digest=digest, state=state, rules=run.approval)
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
        book = Path(folder) / SHEET
        sheet.write(book, run, name, digest, state)
        return {PAGE: shown.encode("utf-8", "backslashreplace"), SHEET: book.read_bytes()}
