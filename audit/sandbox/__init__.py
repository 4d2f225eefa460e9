"""A simulated Azure estate behind real TLS: for the demo and for every test that needs an Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.sandbox.faults import Edit, Fault
from audit.sandbox.options import PageSizes, SandboxOptions

if TYPE_CHECKING:
    from audit.sandbox.server import Sandbox

__all__ = ["Edit", "Fault", "PageSizes", "Sandbox", "SandboxOptions"]


def __getattr__(name: str) -> Any:
    """Import the server only where one is served: who starts it in another process needn't."""
    if name == "Sandbox":
        from audit.sandbox.server import Sandbox  # noqa: PLC0415

        return Sandbox
    raise AttributeError(f"module {__name__} has no attribute {name}")
