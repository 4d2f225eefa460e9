"""ARM resource ids: compared case-insensitively and segment-wise, shown as Azure spelled them."""

from __future__ import annotations

from collections.abc import Iterator


def key(resource_id: str) -> str:
    """Return the form in which two spellings of the same id are equal."""
    return "/" + resource_id.strip("/").lower()


def same(left: str, right: str) -> bool:
    """Tell whether two ids name the same thing."""
    return key(left) == key(right)


def contains(scope: str, resource_id: str) -> bool:
    """Tell whether ``resource_id`` is ``scope`` or lies below it; ``/`` contains everything."""
    outer, inner = key(scope), key(resource_id)
    return outer in ("/", inner) or inner.startswith(outer + "/")


def segment(resource_id: str, name: str) -> str | None:
    """Return the segment that follows ``name`` in an id, as spelled, or None."""
    parts = resource_id.strip("/").split("/")
    for label, value in zip(parts[::2], parts[1::2], strict=False):
        if label.lower() == name.lower():
            return value
    return None


def subscription_of(resource_id: str) -> str | None:
    """Return the subscription's GUID, or None for an id outside any subscription."""
    return segment(resource_id, "subscriptions")


def resource_group_of(resource_id: str) -> str | None:
    """Return the resource group's name as spelled, or None."""
    return segment(resource_id, "resourceGroups")


def name_of(resource_id: str) -> str:
    """Return the last segment of an id."""
    return resource_id.rstrip("/").rsplit("/", 1)[-1]


def enclosing(resource_id: str) -> Iterator[str]:
    """Yield the id itself, its resource group and its subscription: the scopes at which access is given."""
    yield resource_id
    subscription, group = subscription_of(resource_id), resource_group_of(resource_id)
    if subscription and group:
        yield f"/subscriptions/{subscription}/resourceGroups/{group}"
    if subscription:
        yield f"/subscriptions/{subscription}"
