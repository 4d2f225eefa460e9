"""What a change pack is asked about: which jobs, under which ticket, made when."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import msgspec


class ChangeAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One change, as people name it."""

    jobs: tuple[str, ...] = ()
    """Ids or names; empty = those that the ticket's changes touched or, without a ticket, all that were touched."""
    ticket: str = ""
    """Empty = none was named."""
    since: datetime | None = None
    """From when changes count, aware UTC; null = the run's window."""
    until: datetime | None = None
    """Until when, that moment excluded; null = the run's window."""
    proposed: tuple[str, ...] = ()
    """SHA-256 of each file that proposes what is to be applied, hex; empty = the change was made already."""

    @property
    def slug(self) -> str:
        """What sets this change's pack apart from others of its run: the ticket and a digest of all that was asked."""
        told = msgspec.json.encode([sorted(self.jobs), self.ticket, self.since, self.until, self.proposed])
        ticket = re.sub(r"[^A-Za-z0-9._-]+", "-", self.ticket).strip(".-")[:40] or "no-ticket"
        return f"{ticket}-{hashlib.sha256(told).hexdigest()[:8]}"
