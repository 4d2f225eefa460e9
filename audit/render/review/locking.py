"""A locked sheet: what must not be changed by mistake. No password: whoever wants to can, and the import tells."""

from __future__ import annotations

from typing import Any


def lock(sheet: Any) -> None:
    """Protect a sheet; filters, widths and heights stay free. A streamed sheet wants this before it is closed."""
    protection = sheet.protection
    protection.sheet = True
    for freed in ("autoFilter", "sort", "formatColumns", "formatRows"):  # false = not forbidden
        setattr(protection, freed, False)
