"""A simulated Azure estate behind real TLS: for the demo and for every test that needs an Azure."""

from audit.sandbox.faults import Edit, Fault
from audit.sandbox.options import PageSizes, SandboxOptions
from audit.sandbox.server import Sandbox

__all__ = ["Edit", "Fault", "PageSizes", "Sandbox", "SandboxOptions"]
