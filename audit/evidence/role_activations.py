"""Roles that are held for a time or by activation: active assignments by Privileged Identity Management."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, ids, pim
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, moment, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class RoleActivation(Record, frozen=True, kw_only=True):
    """One active assignment as Privileged Identity Management sees it, once per subscription that it was read from.

    It grants nothing by itself: ``origin_assignment_id`` is the role assignment that does, and this row says until when
    and how it came about. Assignments that were made past it appear here as well, ``Assigned`` and without an end.

    Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances.
    """

    table = "role_activations"
    row_key = ("activation_id", "subscription_id")

    activation_id: str
    """ARM id of the instance."""
    scope: str
    principal_id: str
    principal_type: str | None = None
    role_definition_id: str
    role_guid: str
    """The last segment of role_definition_id: the same role in every subscription."""
    condition: str | None = None
    assignment_type: str | None = None
    """``Activated`` by someone who was eligible, or ``Assigned``."""
    member_type: str | None = None
    """``Direct``, ``Inherited`` from a scope above, or ``Group``: by membership of a group that holds it."""
    starts: datetime | None = None
    ends: datetime | None = None
    """Null = no end."""
    status: str | None = None
    """As Azure spells it, such as ``Provisioned``."""
    schedule_id: str | None = None
    """The schedule that this is an instance of."""
    origin_assignment_id: str | None = None
    """ARM id of the role assignment that carries it: role_assignments.assignment_id."""
    eligibility_id: str | None = None
    """linkedRoleEligibilityScheduleInstanceId as Azure spells it: an ARM id or its last segment; null = not by one."""
    eligibility_schedule_id: str | None = None
    """linkedRoleEligibilityScheduleId, likewise; joins role_eligibility.schedule_id by the last segment."""
    created_on: datetime | None = None
    subscription_id: str
    """The subscription whose list named it."""


class _Properties(Wire, frozen=True, kw_only=True):
    scope: Text
    principal_id: Text
    role_definition_id: ArmId
    principal_type: str | None = None
    condition: str | None = None
    assignment_type: str | None = None
    member_type: str | None = None
    start_date_time: Instant | None = None
    end_date_time: Instant | None = None
    status: str | None = None
    role_assignment_schedule_id: str | None = None
    origin_role_assignment_id: str | None = None
    linked_role_eligibility_schedule_id: str | None = None
    linked_role_eligibility_schedule_instance_id: str | None = None
    created_on: Instant | None = None


class _Instance(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Properties


_ITEM = decoder(_Instance)
_TYPES, _MEMBERS = ("Activated", "Assigned"), ("Direct", "Inherited", "Group")


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the instances above, at and below a subscription."""
    path = f"{scope.id}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances"
    async for page in pim.instances(partial(azure.pages, path, api_version="2020-10-01", scope=scope)):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[RoleActivation]:
    """Yield the row of one instance."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield RoleActivation(
        activation_id=wire.id,
        scope=facts.scope,
        principal_id=facts.principal_id,
        principal_type=text(facts.principal_type),
        role_definition_id=facts.role_definition_id,
        role_guid=ids.name_of(facts.role_definition_id),
        condition=text(facts.condition),
        assignment_type=spelled(text(facts.assignment_type), _TYPES),
        member_type=spelled(text(facts.member_type), _MEMBERS),
        starts=moment(facts.start_date_time),
        ends=moment(facts.end_date_time),
        status=text(facts.status),
        schedule_id=text(facts.role_assignment_schedule_id),
        origin_assignment_id=text(facts.origin_role_assignment_id),
        eligibility_id=text(facts.linked_role_eligibility_schedule_instance_id),
        eligibility_schedule_id=text(facts.linked_role_eligibility_schedule_id),
        created_on=moment(facts.created_on),
        subscription_id=page.scope.subscription_id,
    )


KIND = EvidenceKind(
    name="role_activations",
    title="Active roles with an end",
    records=(RoleActivation,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/roleAssignmentScheduleInstances/read",),
    fetch=fetch,
    normalise=normalise,
    combine=pim.each_once,
    after=("subscriptions",),
    filtered=True,
)
