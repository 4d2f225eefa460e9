"""Private endpoint connections as every service's own answer lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model.record import Json
from audit.model.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Named(Wire, frozen=True, kw_only=True):
    id: str | None = None


class _State(Wire, frozen=True, kw_only=True):
    status: str | None = None


class _Facts(Wire, frozen=True, kw_only=True):
    private_endpoint: _Named | None = None
    private_link_service_connection_state: _State | None = None
    group_ids: list[str] | None = None


class Connection(Wire, frozen=True, kw_only=True):
    """One item of ``privateEndpointConnections``."""

    id: str | None = None
    properties: _Facts | None = None


def connections(listed: Sequence[Connection] | None) -> Json | None:
    """Return the column ``private_endpoints``: a list of {endpoint_id, connection_id, status, group_ids}.

    ``status`` is ``Approved``, ``Pending``, ``Rejected`` or ``Disconnected``. Null where Azure lists nothing.
    """
    if listed is None:
        return None
    found = []
    for each in listed:
        facts = each.properties or _Facts()
        state = facts.private_link_service_connection_state
        found.append(
            {
                "endpoint_id": facts.private_endpoint.id if facts.private_endpoint else None,
                "connection_id": each.id,
                "status": state.status if state else None,
                "group_ids": facts.group_ids,
            }
        )
    return Json(found)
