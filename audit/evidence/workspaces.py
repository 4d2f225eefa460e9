"""Log Analytics workspaces that receive logs of in-scope jobs, their environments or their subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, ids, whole
from audit.model.wire import ResourceId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Workspace(Record, frozen=True, kw_only=True):
    """One workspace. Source: GET {workspace}.

    An environment names its workspace by customer id alone. Where the inventory doesn't know that id (another tenant,
    or a subscription that the caller can't see) there is no row; its logs are asked for all the same.
    """

    table = "workspaces"
    row_key = ("workspace_id",)

    workspace_id: str
    """Resource id; diagnostic settings name it so."""
    customer_id: str
    """The GUID by which environments and queries name it."""
    name: str
    subscription_id: str
    resource_group: str
    location: str | None = None
    sku: str | None = None
    retention_days: int | None = None
    """Days that its tables keep rows unless a table says otherwise; what is older can't be read."""
    daily_quota_gb: float | None = None
    """GB a day after which nothing more is taken in; -1 = no cap, as Azure says it."""
    public_ingestion: str | None = None
    """``Enabled`` or ``Disabled``; null = not stated."""
    public_query: str | None = None
    """Likewise for queries."""
    local_auth_disabled: bool | None = None
    """Writing by the shared key is off."""
    provisioning_state: str | None = None


class _Sku(Wire, frozen=True, kw_only=True):
    name: str | None = None


class _Capping(Wire, frozen=True, kw_only=True):
    daily_quota_gb: float | None = None


class _Features(Wire, frozen=True, kw_only=True):
    disable_local_auth: bool | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    customer_id: Text
    sku: _Sku | None = None
    retention_in_days: int | None = None
    workspace_capping: _Capping | None = None
    features: _Features | None = None
    public_network_access_for_ingestion: str | None = None
    public_network_access_for_query: str | None = None
    provisioning_state: str | None = None


class _Workspace(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    properties: _Properties


_ITEM = decoder(_Workspace)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one workspace."""
    yield await azure.get(scope.id, api_version="2022-10-01", scope=scope)


def normalise(item: bytes, page: Page) -> Iterator[Workspace]:  # noqa: ARG001  the seam is one
    """Yield the workspace's row."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    yield Workspace(
        workspace_id=wire.id,
        customer_id=facts.customer_id,
        name=wire.name,
        subscription_id=ids.subscription_of(wire.id) or "",
        resource_group=ids.resource_group_of(wire.id) or "",
        location=text(wire.location),
        sku=text(facts.sku.name) if facts.sku else None,
        retention_days=facts.retention_in_days,
        daily_quota_gb=facts.workspace_capping.daily_quota_gb if facts.workspace_capping else None,
        public_ingestion=text(facts.public_network_access_for_ingestion),
        public_query=text(facts.public_network_access_for_query),
        local_auth_disabled=facts.features.disable_local_auth if facts.features else None,
        provisioning_state=text(facts.provisioning_state),
    )


_NAMED = """
    with homes as (
        select jobs.job_id, jobs.subscription_id, environments.environment_id, environments.workspace_id
        from jobs left join environments on lower(environments.environment_id) = lower(jobs.environment_id)
        where jobs.in_scope
    ), named as (
        select inventory.resource_id as workspace, homes.job_id
        from homes join inventory on lower(inventory.customer_id) = lower(homes.workspace_id)
        union
        select settings.workspace_id, homes.job_id
        from homes join diagnostic_settings settings on lower(settings.resource_id)
            in (lower(homes.job_id), lower(homes.environment_id), '/subscriptions/' || lower(homes.subscription_id))
        where settings.workspace_id is not null
    ), units as (
        select min(workspace) over (partition by lower(workspace)) as scope, job_id from named
    )
"""

KIND = EvidenceKind(
    name="workspaces",
    title="Log Analytics workspaces",
    records=(Workspace,),
    per=Level.RESOURCE,
    actions=("Microsoft.OperationalInsights/workspaces/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=("jobs", "environments", "diagnostic_settings", "inventory"),
    population=f"{_NAMED} select scope, list(distinct job_id order by job_id) as ids from units group by 1 order by 1",
    affects=f"{_NAMED} select distinct scope, job_id from units",
)
