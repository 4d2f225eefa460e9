"""Diagnostic settings of in-scope jobs, their environments and their subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window
from audit.model.wire import ArmId, Text, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class DiagnosticSetting(Record, frozen=True, kw_only=True):
    """One diagnostic setting. A resource without a row and without a gap has none: that was confirmed.

    Source: GET {resource}/providers/Microsoft.Insights/diagnosticSettings.
    """

    table = "diagnostic_settings"
    row_key = ("resource_id", "setting_id")

    setting_id: str
    resource_id: str
    """The job, environment or subscription that was asked about."""
    name: str
    workspace_id: str | None = None
    """Resource id of a Log Analytics workspace."""
    storage_account_id: str | None = None
    event_hub_rule_id: str | None = None
    """Resource id of an Event Hubs authorisation rule."""
    event_hub_name: str | None = None
    marketplace_partner_id: str | None = None
    log_analytics_destination_type: str | None = None
    """``Dedicated`` = resource-specific tables; null = the platform's choice."""
    logs: Json | None = None
    """List of {category | categoryGroup, enabled, retentionPolicy}."""
    metrics: Json | None = None
    """List of {category, enabled, retentionPolicy}."""


class _Properties(Wire, frozen=True, kw_only=True):
    workspace_id: str | None = None
    storage_account_id: str | None = None
    event_hub_authorization_rule_id: str | None = None
    event_hub_name: str | None = None
    marketplace_partner_id: str | None = None
    log_analytics_destination_type: str | None = None
    logs: list[dict[str, Any]] | None = None
    metrics: list[dict[str, Any]] | None = None


class _Setting(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties


_ITEM = decoder(_Setting)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of one resource's diagnostic settings; no SDK client of ours knows this route."""
    path = f"{scope.id}/providers/Microsoft.Insights/diagnosticSettings"
    async for page in azure.pages(path, api_version="2021-05-01-preview", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[DiagnosticSetting]:
    """Yield the row of one setting."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield DiagnosticSetting(
        setting_id=wire.id,
        resource_id=page.scope.id,
        name=wire.name,
        workspace_id=text(facts.workspace_id),
        storage_account_id=text(facts.storage_account_id),
        event_hub_rule_id=text(facts.event_hub_authorization_rule_id),
        event_hub_name=text(facts.event_hub_name),
        marketplace_partner_id=text(facts.marketplace_partner_id),
        log_analytics_destination_type=text(facts.log_analytics_destination_type),
        logs=kept(facts.logs),
        metrics=kept(facts.metrics),
    )


_ASKED = """
    with asked as (
        select job_id as resource_id, job_id from jobs where in_scope
        union all select environment_id, job_id from jobs where in_scope and environment_id is not null
        union all select '/subscriptions/' || subscription_id, job_id from jobs where in_scope
    )
"""

KIND = EvidenceKind(
    name="diagnostic_settings",
    title="Diagnostic settings",
    records=(DiagnosticSetting,),
    per=Level.RESOURCE,
    actions=("Microsoft.Insights/diagnosticSettings/read",),
    fetch=fetch,
    normalise=normalise,
    after=("jobs",),
    population=f"""{_ASKED}
        select min(resource_id) as scope from asked group by lower(resource_id) order by lower(resource_id)
    """,
    affects=f"""{_ASKED}
        select min(resource_id) over (partition by lower(resource_id)) as scope, job_id from asked
    """,
)
