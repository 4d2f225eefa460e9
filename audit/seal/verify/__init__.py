"""Verify: is this pack what was sealed, by whom, and does it say the same everywhere? Offline, a numbered list."""

from __future__ import annotations

from audit.seal.verify.checks import Check, Report, Result
from audit.seal.verify.run import Trust, sealed, verify

__all__ = ["Check", "Report", "Result", "Trust", "sealed", "verify"]
