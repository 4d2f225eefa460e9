"""Who may make themselves a member or owner of a group that holds access: Privileged Identity Management for groups."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, groups, pim
from audit.model.directory_object import type_of
from audit.model.wire import Instant, Text, Wire, decoder, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class GroupEligibility(Record, frozen=True, kw_only=True):
    """One membership or ownership of a group by PIM: eligible, or active by activation or assignment.

    A group that isn't managed there has none. A tenant without a licence has none either (AadPremiumLicenseRequired),
    which is a confirmed absence; every other refusal is a gap, as what a group that can't be read holds isn't told.

    Source: GET /v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances and
    …/assignmentScheduleInstances, $filter=groupId eq '{id}'.
    """

    table = "group_eligibility"
    row_key = ("access", "instance_id")

    instance_id: str
    group_id: str
    principal_id: str
    """Where that is a group itself, each of its members may do so; who they are is known if it holds access too."""
    principal_type: str | None = None
    """``User``, ``Group`` or ``ServicePrincipal``; null here and below: not told."""
    display_name: str | None = None
    user_principal_name: str | None = None
    enabled: bool | None = None
    user_type: str | None = None
    """``Member`` or ``Guest``."""
    access_id: str | None = None
    """``member``, or ``owner``: an owner can change who the members are."""
    access: str
    """``eligible``: may activate it; ``active``: has it now."""
    assignment_type: str | None = None
    """Of an active one: ``activated`` by someone who was eligible, or ``assigned``."""
    member_type: str | None = None
    """``direct``, or ``group``: by membership of another group."""
    starts: datetime | None = None
    ends: datetime | None = None
    """Null = no end."""


class _Principal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    shape: str | None = msgspec.field(default=None, name="@odata.type")
    display_name: str | None = None
    user_principal_name: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None


class _Instance(Wire, frozen=True, kw_only=True):
    id: Text
    group_id: Text
    principal_id: Text
    access_id: str | None = None
    assignment_type: str | None = None
    member_type: str | None = None
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    principal: _Principal | None = None


_ITEM = decoder(_Instance)
_ROOT = "/identityGovernance/privilegedAccess/group"
_ELIGIBLE = re.compile(r"/eligibilityScheduleInstances$", re.IGNORECASE)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of who may come into a group, then of who is in it by PIM now."""
    params = {"$filter": f"groupId eq '{scope.id.rpartition('/')[2]}'", "$expand": "principal"}
    for name in ("eligibilityScheduleInstances", "assignmentScheduleInstances"):
        pages = azure.directory_list(f"{_ROOT}/{name}", scope=scope, params=params)
        async for page in pim.if_licensed(pages):
            yield page


def normalise(item: bytes, page: Page) -> Iterator[GroupEligibility]:
    """Yield the row of one instance."""
    wire = _ITEM.decode(item)
    who = wire.principal or _Principal()
    eligible = _ELIGIBLE.search(urlsplit(page.url).path) is not None
    yield GroupEligibility(
        instance_id=wire.id,
        group_id=wire.group_id,
        principal_id=wire.principal_id,
        principal_type=type_of(who.shape),
        display_name=text(who.display_name),
        user_principal_name=text(who.user_principal_name),
        enabled=who.account_enabled,
        user_type=text(who.user_type),
        access_id=_word(wire.access_id),
        access="eligible" if eligible else "active",
        assignment_type=None if eligible else _word(wire.assignment_type),
        member_type=_word(wire.member_type),
        starts=moment(wire.start_date_time),
        ends=moment(wire.end_date_time),
    )


def _word(value: str | None) -> str | None:
    """Return a word in lower case: Graph's documentation spells it so, its answers not always."""
    return value.lower() if value else None


_ASKED = f"""
    with {groups.HOLDING}, inside as (
        select lower(member_id) as id, lower(group_id) as root from group_members where member_type = 'Group'
    )
"""
"""``inside``: the groups in the groups that hold access; whoever comes into one of them comes into its root too."""

KIND = EvidenceKind(
    name="group_eligibility",
    title="Eligible members of groups",
    records=(GroupEligibility,),
    per=Level.RESOURCE,
    actions=(),
    directory=(
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    ),
    fetch=fetch,
    normalise=normalise,
    after=(*groups.AFTER, "group_members"),
    population=f"""{_ASKED}
        select distinct '/groups/' || id as scope from (select id from holding union select id from inside)
        order by scope
    """,
    affects=f"""{_ASKED}, {groups.CONCERNED}
        select '/groups/' || id as scope, job_id from concerned
        union select '/groups/' || inside.id, concerned.job_id from inside join concerned on concerned.id = inside.root
    """,
)
