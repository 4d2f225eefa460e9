"""Who is in the groups that hold access: every member, and the way by which a member is one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from audit.model import EvidenceKind, GapReason, Level, Page, ReadFailed, Record, Scope, Window, groups
from audit.model.directory_object import type_of
from audit.model.page import listed
from audit.model.wire import Text, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


_ROOT, _WITHIN = "@jobaudit.root", "@jobaudit.within"


class GroupMember(Record, frozen=True, kw_only=True):
    """One member of a group, directly or through a group in it. Source: GET /v1.0/groups/{id}/transitiveMembers.

    Service principals are asked for on their own (``/microsoft.graph.servicePrincipal``): the plain list of Graph v1.0
    leaves them out. https://learn.microsoft.com/graph/api/group-list-members

    A group with hidden membership tells its members only to a caller with Member.Read.Hidden. Where such a group
    names nobody, its unit is a gap: nothing tells an empty group from one that keeps still.
    """

    table = "group_members"
    row_key = ("group_id", "member_id")

    group_id: str
    """The group that was asked about: one that holds access."""
    member_id: str
    member_type: str | None = None
    """``User``, ``Group``, ``ServicePrincipal``, ``Device``, ``OrgContact``…"""
    display_name: str | None = None
    """Null here and below: not told, as Graph does where the caller may not read such objects."""
    user_principal_name: str | None = None
    app_id: str | None = None
    """A service principal's application (client) id."""
    enabled: bool | None = None
    """accountEnabled; null where Graph doesn't say (groups never do)."""
    user_type: str | None = None
    """``Member`` or ``Guest``."""


class GroupEdge(Record, frozen=True, kw_only=True):
    """One direct membership: the steps of the way from a group to a member. Source: GET /v1.0/groups/{id}/members.

    Read for the group that was asked about and every group in it; where there is none, the members are all direct.
    """

    table = "group_edges"
    row_key = ("root_group_id", "group_id", "member_id")

    group_id: str
    member_id: str
    """A direct member of group_id."""
    root_group_id: str
    """The group that was asked about."""


class _Member(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One member as ``combine`` tells it: of ``root`` by whatever way, and ``within``, directly."""

    id: Text
    shape: str | None = msgspec.field(default=None, name="@odata.type")
    display_name: str | None = None
    user_principal_name: str | None = None
    app_id: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    root: Text | None = msgspec.field(default=None, name=_ROOT)
    within: Text | None = msgspec.field(default=None, name=_WITHIN)


class _Seen(msgspec.Struct):
    id: str
    shape: str | None = msgspec.field(default=None, name="@odata.type")


class _Group(msgspec.Struct):
    visibility: str | None = None


_ITEM = decoder(_Member)
_ANY, _DIRECT, _APPLICATIONS = "transitiveMembers", "members", "microsoft.graph.servicePrincipal"
_SELECT = "id,displayName,userPrincipalName,accountEnabled,userType,appId"
_GROUP = "#microsoft.graph.group"
_LISTED = re.compile(rf"/groups/([^/]+)/({_ANY}|{_DIRECT})(/|$)", re.IGNORECASE)
_HIDDEN = "hiddenmembership"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of a group's members; where groups are among them, also those of every group's direct members.

    Raises ReadFailed(PARTIAL_VISIBILITY) where a group with hidden membership names nobody, or one inside is refused:
    whoever was named is a member all the same.
    """
    root = _id_in(scope)
    found: dict[str, bool] = {}
    async for page in _members(azure, scope, root, _ANY):
        yield page
        found |= _seen(page)
    nested = [name for name, is_group in found.items() if is_group]
    silent, refused = [] if found else [root], []
    for group in (root, *nested) if nested else ():
        direct: dict[str, bool] = {}
        try:
            async for page in _members(azure, scope, group, _DIRECT):
                yield page
                direct |= _seen(page)
        except ReadFailed as error:
            if error.reason is not GapReason.FORBIDDEN:
                raise
            refused.append(f"who is directly in group {group} is not told: {error.detail}")
            continue
        if not direct:
            silent.append(group)
    for group in silent:
        await _must_be_open(azure, scope, group)
    if refused:
        raise ReadFailed(GapReason.PARTIAL_VISIBILITY, "; ".join(refused))


async def _members(azure: Azure, scope: Scope, group: str, which: str) -> AsyncIterator[Page]:
    """Yield the pages of a group's members, then those of its applications, which Graph keeps out of the plain list."""
    params = {"$select": _SELECT, "$top": "999"}
    async for page in azure.directory_list(f"/groups/{group}/{which}", scope=scope, params=params):
        yield page
    path = f"/groups/{group}/{which}/{_APPLICATIONS}"
    params |= {"$count": "true"}  # a list by type is answered out of the index, which wants to count
    async for page in azure.directory_list(path, scope=scope, params=params, eventual=True):
        yield page


async def _must_be_open(azure: Azure, scope: Scope, group: str) -> None:
    page = await azure.directory_object(f"/groups/{group}", scope=scope, params={"$select": "id,visibility"})
    try:
        visibility = msgspec.json.decode(page.body, type=_Group).visibility
    except msgspec.MsgspecError as error:
        raise ReadFailed(GapReason.MALFORMED, f"group {group} doesn't tell its visibility: {error}") from error
    if (visibility or "").lower() == _HIDDEN:
        raise ReadFailed(
            GapReason.PARTIAL_VISIBILITY,
            f"group {group} has hidden membership and names nobody: it is empty, or Member.Read.Hidden is missing",
        )


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every member with its page, and how it is one; what two lists name is yielded once."""
    root = _id_in(pages[0].scope)
    walked = any(is_group for page in pages for is_group in _seen(page).values())
    known: set[tuple[str, str, str]] = set()
    for page in pages:
        group, which = _list_of(page)
        told = {_WITHIN: group} if which == _DIRECT.lower() else {_ROOT: root}
        if not walked:
            told[_WITHIN] = root
        for item in listed(page):
            name = _seen_in(item).id.lower()
            if (group, which, name) not in known or not name:
                yield _telling(item, told), page
            known.add((group, which, name))


def normalise(item: bytes, page: Page) -> Iterator[Record]:
    """Yield the row of one member, of one direct membership, or both."""
    member = _ITEM.decode(item)
    if member.root is not None:
        yield GroupMember(
            group_id=member.root,
            member_id=member.id,
            member_type=type_of(member.shape),
            display_name=text(member.display_name),
            user_principal_name=text(member.user_principal_name),
            app_id=text(member.app_id),
            enabled=member.account_enabled,
            user_type=text(member.user_type),
        )
    if member.within is not None:
        yield GroupEdge(group_id=member.within, member_id=member.id, root_group_id=_id_in(page.scope))


def _id_in(scope: Scope) -> str:
    """Return the group's id: the unit's scope is ``/groups/{id}``."""
    return scope.id.rpartition("/")[2]


def _list_of(page: Page) -> tuple[str, str]:
    """Return the group that a page is about, and which list of it, both in lower case."""
    match = _LISTED.search(urlsplit(page.url).path)
    return (match[1].lower(), match[2].lower()) if match else (_id_in(page.scope), _ANY.lower())


def _telling(item: bytes, told: dict[str, str]) -> bytes:
    """Return an item with more fields; what is no object stays as it is, for normalise to name."""
    try:
        return msgspec.json.encode(msgspec.json.decode(item, type=dict[str, msgspec.Raw]) | told)
    except msgspec.MsgspecError:
        return item


def _seen(page: Page) -> dict[str, bool]:
    """Return the ids on a page, and whether each is a group. Items that can't be read are left to normalise."""
    found = {}
    try:
        items = list(listed(page))
    except msgspec.MsgspecError:
        return {}
    for item in items:
        seen = _seen_in(item)
        found[seen.id.lower()] = seen.shape == _GROUP
    return found


def _seen_in(item: bytes) -> _Seen:
    try:
        return msgspec.json.decode(item, type=_Seen)
    except msgspec.MsgspecError:
        return _Seen(id="")


KIND = EvidenceKind(
    name="group_members",
    title="Members of groups",
    records=(GroupMember, GroupEdge),
    per=Level.RESOURCE,
    actions=(),
    directory=("Directory.Read.All",),
    fetch=fetch,
    normalise=normalise,
    combine=combine,
    after=groups.AFTER,
    population=f"with {groups.HOLDING} select distinct '/groups/' || id as scope from holding order by scope",
    affects=f"with {groups.HOLDING}, {groups.CONCERNED} select '/groups/' || id as scope, job_id from concerned",
)
