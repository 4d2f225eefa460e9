"""People's statements without the secrets that they let slip into them; names, ids and digests stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from audit.model.stated import JobEntry, VerifiedScaler
from audit.model.waiver import Waiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.model import Run
    from audit.model.ticket import Ticket

_KEPT = frozenset({"id", "name", "attachments", "evidence", "event_source", "type", "control", "job", "subject"})
"""What other parts of the run refer to, letter by letter."""


def redacted(run: Run, hide: Callable[[str], str]) -> Run:
    """Return the run's head with the texts of register, exceptions, verified scalers and tickets redacted."""
    register = run.register
    if register is not None:
        entries = tuple(_without(entry, JobEntry, hide) for entry in register.entries)
        register = msgspec.structs.replace(register, entries=entries)
    exceptions = run.exceptions
    if exceptions is not None:
        waivers = tuple(_without(each, Waiver, hide) for each in exceptions.entries)
        exceptions = msgspec.structs.replace(exceptions, entries=waivers)
    verified = tuple(_without(each, VerifiedScaler, hide) for each in run.scalers_verified)
    tickets = run.tickets
    if tickets is not None:
        told = tuple(_hidden(each, hide) for each in tickets.tickets)
        tickets = msgspec.structs.replace(tickets, tickets=told)
    return msgspec.structs.replace(
        run, register=register, exceptions=exceptions, scalers_verified=verified, tickets=tickets
    )


def _hidden(ticket: Ticket, hide: Callable[[str], str]) -> Ticket:
    """Hide secrets in a ticket's texts; whom and what it names is held against the evidence letter by letter."""
    return msgspec.structs.replace(
        ticket, risk=hide(ticket.risk), test=hide(ticket.test), rollback=hide(ticket.rollback)
    )


def _without(value: msgspec.Struct, shape: type[Any], hide: Callable[[str], str]) -> Any:
    return msgspec.convert(_walked(msgspec.to_builtins(value), hide), shape)


def _walked(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list | tuple):
        return [_walked(each, hide) for each in value]
    if isinstance(value, dict):
        return {key: each if key in _KEPT else _walked(each, hide) for key, each in value.items()}
    return value
