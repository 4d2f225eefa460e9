"""One ARM request taken apart: which resource type at which scope, and the pages of a list that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from audit.sandbox.wire import FIRST, Answer, Cursor, Refused, listing

if TYPE_CHECKING:
    from audit.sandbox.options import SandboxOptions
    from audit.sandbox.tokens import Grant
    from audit.sandbox.world import Item, World

_PROVIDERS = "/providers/"


class Target(NamedTuple):
    """What a path names.

    ``kind`` is the type in lower case (``microsoft.app/jobs``; ``subscriptions/resourcegroups``), ``named`` whether one
    of them is asked for or the list, ``parent`` what a list belongs to (for one resource: itself).
    """

    kind: str
    named: bool
    name: str
    scope: str
    parent: str


def locate(path: str) -> Target:
    """Take a decoded path apart."""
    path = path.rstrip("/")
    at = path.lower().rfind(_PROVIDERS)
    if at < 0:
        segments = path.split("/")[1:]
        types, names, kind = segments[::2], segments[1::2], ""
    else:
        segments = path[at + len(_PROVIDERS) :].split("/")
        types, names, kind = segments[1::2], segments[2::2], segments[0] + "/"
    named = len(types) == len(names)
    kind = (kind + "/".join(types)).lower()
    scope = path[:at] if at >= 0 else path
    if named:
        return Target(kind, True, names[-1] if names else "", scope, path)
    parent = scope if at >= 0 and len(types) == 1 else path.rsplit("/", 1)[0]
    return Target(kind, False, "", scope, parent)


def split_target(raw: str) -> tuple[str, dict[str, str]]:
    """Return the decoded path and the query with its names in lower case."""
    path, _, query = raw.partition("?")
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        found[unquote_plus(name).lower()] = unquote_plus(value)
    return unquote(path), found


@dataclass(slots=True, frozen=True, kw_only=True)
class Call:
    """One authenticated ARM request. ``base`` is scheme, host and port as the client spelled them."""

    method: str
    path: str
    target: Target
    query: dict[str, str]
    grant: Grant
    base: str
    world: World
    options: SandboxOptions
    body: bytes = b""

    @property
    def parent(self) -> str:
        """The key of the scope that a list belongs to; for one resource, the resource's own."""
        return self.target.parent.lower() or "/"

    @property
    def scope(self) -> str:
        """The key of what stands before the last ``/providers/``."""
        return self.target.scope.lower() or "/"

    def require(self, action: str, target: str) -> None:
        """Raise Refused (403) unless the caller may."""
        self.world.access.require(self.grant, action, target)

    def readable(self, items: Sequence[Item], action: str) -> list[bytes]:
        """Return the bodies of a list's items that the caller may see, as Azure does: without a word about the others.

        Raises Refused (403) where the caller may not read anything at or below the list's scope.
        """
        shown = self.world.access.visible(self.grant, action, self.parent)
        if shown is None:
            return [item.body for item in items]
        contains = self.world.access.contains
        return [item.body for item in items if any(contains(scope, item.key) for scope in shown)]

    def whole(self, make: Callable[[], list[bytes]]) -> list[bytes]:
        """Return the whole list of which the request asks a page, made once for all its pages."""
        asked = tuple(each for each in self.query.items() if each[0] != "$skiptoken")
        return self.world.remembered((self.grant.object_id, self.path.lower(), asked), make)

    def cursor(self) -> Cursor:
        """Return where the list goes on. Raises Refused (400) for a token that isn't ours."""
        token = self.query.get("$skiptoken")
        if token is None:
            return FIRST
        try:
            return Cursor.read(token)
        except ValueError as error:
            raise Refused(400, "InvalidSkipToken", f"The provided skip token '{token}' is invalid.") from error

    def page(self, items: Sequence[bytes], size: int, *, spelled: str = "%24skiptoken") -> Answer:
        """Return the page of a list that the request asks for, with a link to the next one."""
        cursor = self.cursor()
        end = cursor.offset + size
        link = self.link(Cursor(cursor.page + 1, end), spelled) if end < len(items) else None
        return Answer(200, listing(items[cursor.offset : end], link))

    def link(self, cursor: Cursor, spelled: str) -> str:
        """Return the next link: the same request further on, its path spelled as ARM likes to spell it."""
        path = quote(self.path.replace("/resourceGroups/", "/resourcegroups/"), safe="/.()_-~")
        kept = (f"{quote(k)}={quote(v)}" for k, v in self.query.items() if k != "$skiptoken")
        return f"{self.base}{path}?{'&'.join(kept)}&{spelled}={cursor.token()}"


Handler = Callable[[Call], Answer]


class Route(NamedTuple):
    """A resource type that is served: ``actions`` are what its handler requires, ``versions`` the api-versions."""

    kind: str
    named: bool
    versions: tuple[str, ...]
    actions: tuple[str, ...]
    answer: Handler
    method: str = "GET"


def missing(call: Call) -> Refused:
    """Return ARM's 404 for the resource that a call names."""
    group = call.target.scope.rsplit("/", 1)[-1]
    display = f"{call.target.kind}/{call.target.name}"
    return Refused(
        404,
        "ResourceNotFound",
        f"The Resource '{display}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )


def every(routes: Iterable[Route]) -> tuple[str, ...]:
    """Return the actions that routes need, once each."""
    return tuple(dict.fromkeys(action for route in routes for action in route.actions))
