"""What every kind that reads the directory has in common: how Graph names the type of an object."""

from __future__ import annotations


def type_of(shape: str | None) -> str | None:
    """Return ``#microsoft.graph.servicePrincipal`` as role assignments write it: ``ServicePrincipal``."""
    word = (shape or "").rpartition(".")[2]
    return word[:1].upper() + word[1:] or None
