"""Deny assignments: what nobody may do, or nobody but those who are excluded, whatever role they hold."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class DenyAssignment(Record, frozen=True, kw_only=True):
    """One deny assignment, once per subscription that it was read from (inherited ones appear in several).

    Deployment stacks and managed applications make them; nobody can make one by hand.

    Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/denyAssignments.
    """

    table = "deny_assignments"
    row_key = ("assignment_id", "subscription_id")

    assignment_id: str
    """ARM id."""
    name: str | None = None
    """denyAssignmentName: as people read it."""
    description: str | None = None
    scope: str
    """What is denied there is denied below it too, unless do_not_apply_to_child_scopes; ``/`` is the tenant."""
    permissions: Json
    """List of {actions, notActions, dataActions, notDataActions, condition…}, evaluated block by block."""
    principals: Json
    """List of {id, type}. Id 00000000-0000-0000-0000-000000000000 of type ``SystemDefined`` is everyone."""
    excluded_principals: Json
    """List of {id, type}: whom it doesn't hold for; an excluded group excludes its members."""
    do_not_apply_to_child_scopes: bool | None = None
    """True: it holds at the scope itself only. Null = not told; Azure's default is false."""
    is_system_protected: bool | None = None
    """True: Azure made it, and nobody can change or remove it."""
    condition: str | None = None
    """Attribute-based condition, as written."""
    created_on: datetime | None = None
    created_by: str | None = None
    """Object id."""
    updated_on: datetime | None = None
    subscription_id: str
    """The subscription whose list named it."""


class _Principal(Wire, frozen=True, kw_only=True):
    id: Text
    type: str | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    scope: Text
    permissions: list[dict[str, Any]]
    principals: list[_Principal]
    exclude_principals: list[_Principal] | None = None
    deny_assignment_name: str | None = None
    description: str | None = None
    do_not_apply_to_child_scopes: bool | None = None
    is_system_protected: bool | None = None
    condition: str | None = None
    created_on: Instant | None = None
    created_by: str | None = None
    updated_on: Instant | None = None


class _Deny(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Properties


_ITEM = decoder(_Deny)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a subscription's deny assignments, unfiltered: at the scope, above it and below it.

    https://learn.microsoft.com/azure/role-based-access-control/deny-assignments-rest
    """
    path = f"{scope.id}/providers/Microsoft.Authorization/denyAssignments"
    async for page in azure.pages(path, api_version="2022-04-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[DenyAssignment]:
    """Yield the row of one deny assignment. One that doesn't tell what it denies, or to whom, is malformed."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield DenyAssignment(
        assignment_id=wire.id,
        name=text(facts.deny_assignment_name),
        description=text(facts.description),
        scope=facts.scope,
        permissions=Json(facts.permissions),
        principals=_people(facts.principals),
        excluded_principals=_people(facts.exclude_principals or []),
        do_not_apply_to_child_scopes=facts.do_not_apply_to_child_scopes,
        is_system_protected=facts.is_system_protected,
        condition=text(facts.condition),
        created_on=moment(facts.created_on),
        created_by=text(facts.created_by),
        updated_on=moment(facts.updated_on),
        subscription_id=page.scope.subscription_id,
    )


def _people(listed: list[_Principal]) -> Json:
    return Json([{"id": each.id, "type": each.type} for each in listed])


KIND = EvidenceKind(
    name="deny_assignments",
    title="Deny assignments",
    records=(DenyAssignment,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/denyAssignments/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
