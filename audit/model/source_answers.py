"""An event source's answers put together: one item for the resource, one for each entity and each policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import msgspec

if TYPE_CHECKING:
    from audit.model.page import Page

_PARTS = {
    "queues": "queue",
    "topics": "topic",
    "subscriptions": "subscription",
    "eventhubs": "eventhub",
    "consumergroups": "consumer_group",
    "containers": "container",
}


_NULL = msgspec.Raw(b"null")


class Resource(msgspec.Struct, frozen=True, tag="resource"):
    """The resource's answer, its network rules (of a namespace) and its blob service's (of an account)."""

    body: msgspec.Raw
    network: msgspec.Raw = _NULL
    blobs: msgspec.Raw = _NULL


class Entity(msgspec.Struct, frozen=True, tag="entity"):
    """An entity as it was asked for (``queue/orders``) and its answer; null where Azure said that it isn't there."""

    asked: Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(_PARTS.values())})/[^/]")]
    body: msgspec.Raw = _NULL

    @property
    def missing(self) -> bool:
        """Azure said that it isn't there."""
        return is_null(self.body)


class Policy(msgspec.Struct, frozen=True, tag="policy"):
    """A shared-access policy."""

    body: msgspec.Raw


class _Listed(msgspec.Struct):
    value: list[msgspec.Raw]


_PART = msgspec.json.Decoder(Resource | Entity | Policy)


def decode(item: bytes) -> Resource | Entity | Policy:
    """Return an item as ``items`` made it."""
    part: Resource | Entity | Policy = _PART.decode(item)
    return part


def is_null(raw: msgspec.Raw) -> bool:
    """Tell whether there was no answer."""
    return bytes(raw) == b"null"


def items(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every item with the page that its row leads to: of what wasn't answered, the resource's.

    Raises msgspec.ValidationError for a list that isn't one.
    """
    resource, placed = pages[0], [(page, _tail(page)) for page in pages[1:]]
    of = {tail: msgspec.Raw(page.body) for page, tail in placed}
    network, blobs = (of.get(tail, _NULL) for tail in ("networkrulesets/default", "blobservices/default"))
    yield _item(Resource(msgspec.Raw(resource.body), network, blobs), resource)
    found: set[str] = set()
    for page, tail in placed:
        for part in _parts(page, tail):
            if isinstance(part, Entity):
                found.add(part.asked.lower())
            yield _item(part, page)
    for asked in resource.scope.ids:
        if asked.lower() not in found:
            yield _item(Entity(asked), resource)


def _parts(page: Page, tail: str) -> Iterator[Entity | Policy]:
    names = tail.split("/")
    if names[-1] == "authorizationrules":
        yield from map(Policy, msgspec.json.decode(page.body, type=_Listed).value)
    elif names[-1] == "consumergroups":
        for body in msgspec.json.decode(page.body, type=_Listed).value:
            yield Entity(f"consumer_group/{names[-2]}/{_name_in(body)}", body)
    elif len(names) > 1 and names[-1] != "default":
        own = [name for label, name in zip(names[::2], names[1::2], strict=False) if label in _PARTS]
        yield Entity("/".join([_PARTS[names[-2]], *own]), msgspec.Raw(page.body))


def _tail(page: Page) -> str:
    """Return what a page's path has below the resource, in lower case."""
    path = unquote(urlsplit(page.url).path).lower()
    return path.rpartition(page.scope.id.lower())[2].strip("/")


def _name_in(body: msgspec.Raw) -> str:
    """Return an item's name where it has one: a malformed one is told when its row is made."""
    try:
        return str(msgspec.json.decode(body)["name"])
    except (KeyError, TypeError, msgspec.DecodeError):
        return ""


def _item(part: Resource | Entity | Policy, page: Page) -> tuple[bytes, Page]:
    return msgspec.json.encode(part), page
