"""Roles that principals may activate for themselves: eligibility by Privileged Identity Management."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, ids, pim
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, moment, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class RoleEligibility(Record, frozen=True, kw_only=True):
    """One role that a principal may activate, once per subscription that it was read from.

    A tenant without a licence for Privileged Identity Management has none, which is a confirmed absence.

    Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances.
    """

    table = "role_eligibility"
    row_key = ("eligibility_id", "subscription_id")

    eligibility_id: str
    """ARM id of the instance."""
    scope: str
    """Where the role can be activated, or anywhere below."""
    principal_id: str
    principal_type: str | None = None
    """``User``, ``Group``, ``ServicePrincipal``…; each member of a group may activate for themselves."""
    role_definition_id: str
    role_guid: str
    """The last segment of role_definition_id: the same role in every subscription."""
    condition: str | None = None
    """Attribute-based condition that an activated assignment will carry, as written."""
    member_type: str | None = None
    """``Direct``, ``Inherited`` from a scope above, or ``Group``: by membership of a group that is eligible."""
    starts: datetime | None = None
    ends: datetime | None = None
    """Null = permanent."""
    status: str | None = None
    """As Azure spells it, such as ``Provisioned``."""
    schedule_id: str | None = None
    """The schedule that this is an instance of."""
    created_on: datetime | None = None
    subscription_id: str
    """The subscription whose list named it."""


class _Properties(Wire, frozen=True, kw_only=True):
    scope: Text
    principal_id: Text
    role_definition_id: ArmId
    principal_type: str | None = None
    condition: str | None = None
    member_type: str | None = None
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    status: str | None = None
    role_eligibility_schedule_id: str | None = None
    created_on: Instant | None = None


class _Instance(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Properties


_ITEM = decoder(_Instance)
_MEMBERS = ("Direct", "Inherited", "Group")


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the instances above, at and below a subscription."""
    path = f"{scope.id}/providers/Microsoft.Authorization/roleEligibilityScheduleInstances"
    async for page in pim.instances(partial(azure.pages, path, api_version="2020-10-01", scope=scope)):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[RoleEligibility]:
    """Yield the row of one instance."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield RoleEligibility(
        eligibility_id=wire.id,
        scope=facts.scope,
        principal_id=facts.principal_id,
        principal_type=text(facts.principal_type),
        role_definition_id=facts.role_definition_id,
        role_guid=ids.name_of(facts.role_definition_id),
        condition=text(facts.condition),
        member_type=spelled(text(facts.member_type), _MEMBERS),
        starts=moment(facts.start_date_time),
        ends=moment(facts.end_date_time),
        status=text(facts.status),
        schedule_id=text(facts.role_eligibility_schedule_id),
        created_on=moment(facts.created_on),
        subscription_id=page.scope.subscription_id,
    )


KIND = EvidenceKind(
    name="role_eligibility",
    title="Eligible roles",
    records=(RoleEligibility,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/roleEligibilityScheduleInstances/read",),
    fetch=fetch,
    normalise=normalise,
    combine=pim.each_once,
    after=("subscriptions",),
    filtered=True,
)
