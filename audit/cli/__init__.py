# ruff: noqa: I001  the order of the imports is that of --help
"""The command ``jobaudit``: verbs and options only; each verb is one call into the pipeline.

A module is a group of verbs; they stand in ``--help`` in the order in which they are imported here.
"""

from __future__ import annotations

from audit import ending
from audit.cli.app import app
from audit.cli import runs, packs, differing, reaching, controls, review, sandbox

__all__ = ["app", "controls", "differing", "main", "packs", "reaching", "review", "runs", "sandbox"]


def main() -> None:
    """Run a command: what jobaudit and ``python -m audit`` call."""
    ending.run(app)
