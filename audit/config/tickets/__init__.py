"""Approved changes: the CSV and JSON files that ``changes.files`` names, read strictly, refused by row and column."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from audit.config import toml
from audit.config.tickets import fields, tables
from audit.errors import ConfigError
from audit.model.ticket import Ticket, TicketFile, Tickets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_BYTES = 8 << 20
"""The largest file: 8 MiB."""
MOST_TICKETS = 20_000
"""Tickets of all files together: they travel in the run's head."""

__all__ = ["MOST_BYTES", "MOST_TICKETS", "read"]


def read(folder: Path, names: Sequence[str], *, now: datetime | None = None) -> Tickets:
    """Read the files, named relative to ``folder``, in this order.

    ``now``: no approval or review may be of a later moment. Raises ConfigError naming the file, the row, the column,
    what was expected and what to do, for whatever is wrong in any of them.
    """
    files: list[TicketFile] = []
    found: list[Ticket] = []
    places: dict[tuple[str, bool, str], str] = {}
    for name in names:
        content = _content(folder / name)
        rows = tables.rows(content, folder / name)
        for row in rows:
            ticket = fields.ticket(row, name, str(folder / name), now)
            _refuse_twin(ticket, places, str(folder / name))
            found.append(ticket)
        if len(found) > MOST_TICKETS:
            hint = "give the tickets of the time that is audited, and no others"
            raise toml.wrong(str(folder / name), "", f"more than {MOST_TICKETS:,} tickets", hint=hint)
        files.append(TicketFile(name=name, sha256=hashlib.sha256(content).hexdigest(), tickets=len(rows)))
    return Tickets(files=tuple(files), tickets=tuple(found))


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            hint = "name it in changes.files relative to audit.toml's folder; config/tickets.csv is a sample"
            raise ConfigError("there is no such file of approved changes", where=str(path), hint=hint)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ConfigError(f"it can't be read: {error}", where=str(path), hint="check who may read it") from error
    if len(content) > MOST_BYTES:
        hint = "give the tickets of the time that is audited, and no others"
        raise ConfigError(f"it is larger than {MOST_BYTES >> 20} MiB", where=str(path), hint=hint)
    return content


def _refuse_twin(ticket: Ticket, places: dict[tuple[str, bool, str], str], name: str) -> None:
    key = (ticket.ticket.casefold(), bool(ticket.job), ticket.subject.casefold())
    first = places.setdefault(key, ticket.source)
    if first != ticket.source:
        told = f'"{ticket.ticket}" is there for "{ticket.subject}" already ({first})'
        raise toml.wrong(name, f"row {ticket.row}, ticket", told, hint="keep the row that holds")
