"""The workbooks of an access review: one for each reviewer, to be filled in and sent back."""

from __future__ import annotations

from audit.render.review.book import write
from audit.render.review.sent import ROWS, Sent, sent

FOLDER = "review"
"""Where in a pack they lie."""

__all__ = ["FOLDER", "ROWS", "Sent", "sent", "write"]
