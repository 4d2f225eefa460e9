"""Definitions of the roles that are assigned or can be activated, each read once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, ids, whole
from audit.model.wire import ArmId, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class RoleDefinition(Record, frozen=True, kw_only=True):
    """One role. Join assignments by role_guid: the id carries the subscription that it was read through.

    Source: GET {roleDefinitionId}.
    """

    table = "role_definitions"
    row_key = ("role_guid",)

    role_definition_id: str
    role_guid: str
    name: str | None = None
    """The role's display name."""
    type: str | None = None
    """``BuiltInRole`` or ``CustomRole``."""
    description: str | None = None
    permissions: Json
    """List of {actions, notActions, dataActions, notDataActions, condition…}, evaluated block by block."""
    assignable_scopes: Json | None = None
    """List of scopes."""


class _Properties(Wire, frozen=True, kw_only=True):
    permissions: list[dict[str, Any]]
    role_name: str | None = None
    type: str | None = None
    description: str | None = None
    assignable_scopes: list[str] | None = None


class _Definition(Wire, frozen=True, kw_only=True):
    id: ArmId
    properties: _Properties


_ITEM = decoder(_Definition)
_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
"""The client wants one; reading by id doesn't put it into the address."""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one role definition."""
    client = azure.authorization(scope.subscription_id or _NO_SUBSCRIPTION)
    async for page in azure.typed(client.role_definitions.get_by_id(scope.id), scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[RoleDefinition]:  # noqa: ARG001  the seam is one
    """Yield the role's row. A definition without permissions is malformed: nothing could be concluded from it."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield RoleDefinition(
        role_definition_id=wire.id,
        role_guid=ids.name_of(wire.id),
        name=text(facts.role_name),
        type=text(facts.type),
        description=text(facts.description),
        permissions=Json(facts.permissions),
        assignable_scopes=kept(facts.assignable_scopes),
    )


_GIVEN = """
    with given as (
        select role_definition_id, role_guid, scope, subscription_id from role_assignments
        union all select role_definition_id, role_guid, scope, subscription_id from role_eligibility
        union all select role_definition_id, role_guid, scope, subscription_id from role_activations
    )
"""

KIND = EvidenceKind(
    name="role_definitions",
    title="Role definitions",
    records=(RoleDefinition,),
    per=Level.RESOURCE,
    actions=("Microsoft.Authorization/roleDefinitions/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=("jobs", "role_assignments", "role_eligibility", "role_activations"),
    population=f"""{_GIVEN}
        select min(role_definition_id) as scope
        from given
        group by lower(role_guid)
        order by lower(role_guid)
    """,
    affects=f"""{_GIVEN}, used as (
            select min(role_definition_id) over (partition by lower(role_guid)) as definition,
                rtrim(lower(scope), '/') as place, lower(subscription_id) as subscription_id
            from given
        )
        select distinct used.definition as scope, jobs.job_id
        from used join jobs on lower(jobs.subscription_id) = used.subscription_id
        where jobs.in_scope and (
            not starts_with(used.place, '/subscriptions/')
            or starts_with(lower(jobs.job_id) || '/', used.place || '/')
        )
    """,
)
