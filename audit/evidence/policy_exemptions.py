"""Policy exemptions: rules that a scope was excused from, why, and until when."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, kept, moment, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class PolicyExemption(Record, frozen=True, kw_only=True):
    """One exemption, as one subscription lists it.

    Source: GET /subscriptions/{id}/providers/Microsoft.Authorization/policyExemptions. The list holds those of the
    management groups above and of what lies below, expired ones too.
    """

    table = "policy_exemptions"
    row_key = ("exemption_id", "subscription_id")

    exemption_id: str
    name: str
    subscription_id: str
    """The one whose list it stands in."""
    scope: str
    """What is excused, with everything below it."""
    category: str | None = None
    """``Waiver`` (the risk is accepted) or ``Mitigated`` (the goal is met in another way)."""
    assignment_id: str | None = None
    """The policy assignment that doesn't hold there."""
    definition_reference_ids: Json | None = None
    """List of the policies of an initiative that it is limited to; null or empty = the whole assignment."""
    display_name: str | None = None
    description: str | None = None
    expires: datetime | None = None
    """From then on the policy holds again; null = never."""
    created_by: str | None = None
    created_at: datetime | None = None
    modified_by: str | None = None
    modified_at: datetime | None = None
    metadata: Json | None = None
    """What whoever made it wrote down, such as a ticket."""


class _Author(Wire, frozen=True, kw_only=True):
    created_by: str | None = None
    created_at: Instant | None = None
    last_modified_by: str | None = None
    last_modified_at: Instant | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    policy_assignment_id: str | None = None
    policy_definition_reference_ids: list[str] | None = None
    exemption_category: str | None = None
    display_name: str | None = None
    description: str | None = None
    expires_on: Instant | None = None
    metadata: dict[str, Any] | None = None


class _Exemption(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties
    system_data: _Author | None = None


_ITEM = decoder(_Exemption)
_CATEGORIES = ("Waiver", "Mitigated")
_ROUTE = "/providers/microsoft.authorization/policyexemptions/"


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the exemptions that hold in a subscription."""
    path = f"{scope.id}/providers/Microsoft.Authorization/policyExemptions"
    async for page in azure.pages(path, api_version="2022-07-01-preview", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[PolicyExemption]:
    """Yield the row of one exemption."""
    wire = _ITEM.decode(item)
    facts, author = wire.properties, wire.system_data or _Author()
    at = wire.id.lower().rfind(_ROUTE)
    yield PolicyExemption(
        exemption_id=wire.id,
        name=wire.name,
        subscription_id=page.scope.subscription_id,
        scope=wire.id[:at] if at > 0 else page.scope.id,
        category=spelled(text(facts.exemption_category), _CATEGORIES),
        assignment_id=text(facts.policy_assignment_id),
        definition_reference_ids=kept(facts.policy_definition_reference_ids),
        display_name=text(facts.display_name),
        description=text(facts.description),
        expires=moment(facts.expires_on),
        created_by=text(author.created_by),
        created_at=moment(author.created_at),
        modified_by=text(author.last_modified_by),
        modified_at=moment(author.last_modified_at),
        metadata=kept(facts.metadata),
    )


KIND = EvidenceKind(
    name="policy_exemptions",
    title="Policy exemptions",
    records=(PolicyExemption,),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.Authorization/policyExemptions/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
)
