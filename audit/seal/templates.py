"""The digest of a user's own report templates: what a pack was rendered with, where it isn't the built-in ones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def digest(folders: Sequence[Path]) -> str:
    """Return a digest over names and contents of the templates in the folders, in their order; empty = no folder."""
    if not folders:
        return ""
    whole = hashlib.sha256()
    for number, folder in enumerate(folders):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                whole.update(f"{number} {hashlib.sha256(path.read_bytes()).hexdigest()} {name}\0".encode())
    return whole.hexdigest()
