"""The same content gives the same bytes: a workbook's zip is laid again with fixed dates, order and properties."""

from __future__ import annotations

import shutil
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"
_FIRST = "[Content_Types].xml"
_LEVEL = 6


def rezip(source: Path, target: Path, core: bytes) -> None:
    """Write ``source`` again as ``target``: parts sorted by name, no dates, ``core`` as its document properties."""
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as new,
    ):
        for name in sorted(old.namelist(), key=lambda name: (name != _FIRST, name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            with new.open(entry, "w", force_zip64=False) as out:
                if name == _CORE:
                    out.write(core)
                else:
                    with old.open(name) as part:
                        shutil.copyfileobj(part, out, 1 << 20)
