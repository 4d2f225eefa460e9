"""The caller's own permissions per scope: what shows that a list is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from audit.model import EvidenceKind, GapReason, Json, Level, NotThere, Page, ReadFailed, Record, Scope, Window, ids
from audit.model.actions import Block, granted
from audit.model.wire import Text, Wire, decoder

if TYPE_CHECKING:
    from audit.azure import Azure


class Permission(Record, frozen=True, kw_only=True):
    """What the caller may read at one scope. Source: GET {scope}/providers/Microsoft.Authorization/permissions."""

    table = "permissions"
    row_key = ("scope",)

    scope: str
    caller: str
    """Object id of who collected."""
    can_read: bool
    """Every action that the evidence kinds need is granted on the whole scope."""
    missing: Json
    """List of the needed actions that aren't granted without a condition."""
    source: str
    """``permissions`` = Azure's own answer; ``assignments`` = worked out from the caller's role assignments."""


class _Assigned(Wire, frozen=True, kw_only=True):
    scope: Text
    role_definition_id: Text
    condition: str | None = None


class _Assignment(Wire, frozen=True, kw_only=True):
    properties: _Assigned


class _Role(Wire, frozen=True, kw_only=True):
    permissions: list[Block]


class _Definition(Wire, frozen=True, kw_only=True):
    id: Text
    properties: _Role


class _Assignments(Wire, frozen=True, kw_only=True):
    value: list[_Assignment]


class _Blocks(Wire, frozen=True, kw_only=True):
    value: list[msgspec.Raw]


class _Access(Wire, frozen=True, kw_only=True):
    """The caller's effective permission blocks as ``combine`` puts them together."""

    source: Text
    value: list[Block]


_ITEM = decoder(_Access)
_ASSIGNMENTS = decoder(_Assignments)
_DEFINITION = decoder(_Definition)
_ROUTE = "/providers/Microsoft.Authorization"
ACTIONS = ("Microsoft.Authorization/permissions/read",)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield Azure's own answer, or the caller's assignments and their definitions where the route isn't served.

    The pages' ``scope.ids`` hold the caller's object id: it belongs to the answer.
    Raises ReadFailed where neither tells.
    """
    asker = Scope(id=scope.id, ids=(azure.caller.object_id,))
    try:
        async for page in azure.pages(f"{scope.id}{_ROUTE}/permissions", api_version="2022-04-01", scope=asker):
            yield page
    except (NotThere, ReadFailed) as error:
        if isinstance(error, ReadFailed) and error.reason is not GapReason.UNSUPPORTED:
            raise
    else:
        return
    try:
        async for page in _own_assignments(azure, asker):
            yield page
    except NotThere as error:
        raise ReadFailed(
            GapReason.UNSUPPORTED,
            f"neither the caller's permissions nor its role assignments can be read at {scope.id}",
        ) from error


async def _own_assignments(azure: Azure, scope: Scope) -> AsyncIterator[Page]:
    """Yield the assignments that reach the caller, groups included, then each of their definitions."""
    roles: dict[str, str] = {}
    path, mine = f"{scope.id}{_ROUTE}/roleAssignments", f"assignedTo('{scope.ids[0]}')"
    async for page in azure.pages(path, api_version="2022-04-01", scope=scope, params={"$filter": mine}):
        yield page
        try:
            for each in _in_force(page):
                roles.setdefault(ids.name_of(each.role_definition_id).lower(), each.role_definition_id)
        except msgspec.MsgspecError as error:
            raise ReadFailed(GapReason.MALFORMED, f"the caller's role assignments at {scope.id}: {error}") from error
    for role in roles.values():
        yield await azure.get(role, api_version="2022-04-01", scope=scope)


def _in_force(page: Page) -> Iterator[_Assigned]:
    """Yield the assignments that hold on the page's whole scope.

    One with a condition isn't counted: what it grants can't be told from here, and too little only makes a gap.
    """
    for each in _ASSIGNMENTS.decode(page.body).value:
        at = each.properties.scope
        above = not at.lower().startswith("/subscriptions/") or ids.contains(at, page.scope.id)
        if above and not each.properties.condition:
            yield each.properties


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield everything that was learnt about one scope as one item; its row leads to the unit's first page."""
    first = pages[0]
    if _is_own_answer(first):
        blocks = [each for page in pages for each in msgspec.json.decode(page.body, type=_Blocks).value]
        yield msgspec.json.encode({"source": "permissions", "value": blocks}), first
        return
    lists = [page for page in pages if _is_assignments(page)]
    definitions = (_DEFINITION.decode(page.body) for page in pages if not _is_assignments(page))
    known = {ids.name_of(each.id).lower(): each.properties.permissions for each in definitions}
    used = [ids.name_of(each.role_definition_id).lower() for page in lists for each in _in_force(page)]
    if unknown := sorted(set(used) - known.keys()):
        raise msgspec.ValidationError(f"Expected the definition of every role assigned, not {', '.join(unknown)}")
    yield (
        msgspec.json.encode({"source": "assignments", "value": [block for role in used for block in known[role]]}),
        first,
    )


def _is_own_answer(page: Page) -> bool:
    return ids.name_of(urlsplit(page.url).path).lower() == "permissions"


def _is_assignments(page: Page) -> bool:
    return ids.name_of(urlsplit(page.url).path).lower() == "roleassignments"


def kind(needed: Iterable[str]) -> EvidenceKind:
    """Return the kind that holds the caller's permissions against the ``needed`` actions (those of every kind)."""
    wanted = tuple(sorted({*needed, *ACTIONS}, key=str.lower))

    def normalise(item: bytes, page: Page) -> Iterator[Permission]:
        """Yield the row of one scope."""
        wire = _ITEM.decode(item)
        blocks = [block for block in wire.value if not block.condition]
        missing = [action for action in wanted if not granted(blocks, action)]
        yield Permission(
            scope=page.scope.id,
            caller=page.scope.ids[0],
            can_read=not missing,
            missing=Json(missing),
            source=wire.source,
        )

    return EvidenceKind(
        name="permissions",
        title="The caller's own permissions",
        records=(Permission,),
        per=Level.SUBSCRIPTION,
        actions=ACTIONS,
        fetch=fetch,
        normalise=normalise,
        item_path="$",
        combine=combine,
        after=("subscriptions",),
        groupwise=True,
    )
