"""Names of people, as they are compared."""

from __future__ import annotations

import unicodedata


def plain(name: str) -> str:
    """Return the form in which two spellings of a name are equal: case, width and spaces don't count."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
