"""Role assignments at, above and below a subscription."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, ids
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class RoleAssignment(Record, frozen=True, kw_only=True):
    """One role assignment, once per subscription that it was read from (inherited ones appear in several).

    Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/roleAssignments.
    """

    table = "role_assignments"
    row_key = ("assignment_id", "subscription_id")

    assignment_id: str
    scope: str
    """Where it was given: a management group, subscription, resource group or resource; ``/`` is the tenant."""
    principal_id: str
    principal_type: str | None = None
    """``User``, ``Group``, ``ServicePrincipal``, ``ForeignGroup`` or ``Device``."""
    role_definition_id: str
    role_guid: str
    """The last segment of role_definition_id: the same role in every subscription."""
    condition: str | None = None
    """Attribute-based condition, as written."""
    description: str | None = None
    created_on: datetime | None = None
    created_by: str | None = None
    """Object id."""
    updated_on: datetime | None = None
    delegated_identity_id: str | None = None
    """delegatedManagedIdentityResourceId, in cross-tenant assignments."""
    subscription_id: str
    """The subscription whose list named it."""


class _Properties(Wire, frozen=True, kw_only=True):
    scope: Text
    principal_id: Text
    role_definition_id: ArmId
    principal_type: str | None = None
    condition: str | None = None
    description: str | None = None
    created_on: Instant | None = None
    created_by: str | None = None
    updated_on: Instant | None = None
    delegated_managed_identity_resource_id: str | None = None


class _Assignment(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Properties


_ITEM = decoder(_Assignment)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a subscription's assignments, unfiltered: a filter would drop what is given below it."""
    path = f"{scope.id}/providers/Microsoft.Authorization/roleAssignments"
    async for page in azure.pages(path, api_version="2022-04-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[RoleAssignment]:
    """Yield the row of one assignment."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield RoleAssignment(
        assignment_id=wire.id,
        scope=facts.scope,
        principal_id=facts.principal_id,
        principal_type=text(facts.principal_type),
        role_definition_id=facts.role_definition_id,
        role_guid=ids.name_of(facts.role_definition_id),
        condition=text(facts.condition),
        description=text(facts.description),
        created_on=moment(facts.created_on),
        created_by=text(facts.created_by),
        updated_on=moment(facts.updated_on),
        delegated_identity_id=text(facts.delegated_managed_identity_resource_id),
        subscription_id=page.scope.subscription_id,
    )


KIND = EvidenceKind(
    name="role_assignments",
    title="Role assignments",
    records=(RoleAssignment,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/roleAssignments/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
