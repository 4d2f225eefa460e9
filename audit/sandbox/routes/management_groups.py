"""Microsoft.Management: what lies below a management group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import ids
from audit.sandbox.call import Call, Route
from audit.sandbox.wire import Answer, Refused, encode

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body

_VERSIONS = ("2020-02-01", "2020-05-01", "2021-04-01", "2023-04-01")
_READ_DESCENDANTS = "Microsoft.Management/managementGroups/descendants/read"


def list_descendants(call: Call) -> Answer:
    """Answer the groups and subscriptions below a group, at whatever depth."""
    call.require(_READ_DESCENDANTS, call.parent)
    estate = call.world.estate
    chain = [ids.key(each) for each in estate.management_groups]
    if call.parent not in chain:
        name = call.target.parent.rsplit("/", 1)[-1]
        raise Refused(404, "NotFound", f"'{name}' was not found.")
    at = chain.index(call.parent)
    below = [
        _entry(group, "Microsoft.Management/managementGroups", group.rsplit("/", 1)[-1], above)
        for above, group in zip(estate.management_groups[at:], estate.management_groups[at + 1 :], strict=False)
    ]
    last = estate.management_groups[-1]
    subscriptions = [
        _entry(each["id"], "Microsoft.Management/managementGroups/subscriptions", each["displayName"], last)
        for each in estate.subscriptions
    ]
    return call.page([encode(each) for each in (*below, *subscriptions)], call.options.page_sizes.resources)


def _entry(at: str, kind: str, display: str, parent: str) -> Body:
    return {
        "id": at,
        "type": kind,
        "name": at.rsplit("/", 1)[-1],
        "properties": {"displayName": display, "parent": {"id": parent}},
    }


ROUTES = (
    Route(
        "microsoft.management/managementgroups/descendants", False, _VERSIONS, (_READ_DESCENDANTS,), list_descendants
    ),
)
