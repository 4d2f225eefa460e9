"""Container Apps environments that in-scope jobs run in: logging and network facts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, ids, whole
from audit.model import environments as homes
from audit.model.wire import ResourceId, Text, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Environment(Record, frozen=True, kw_only=True):
    """One managed environment. Source: GET {environment}."""

    table = "environments"
    row_key = ("environment_id",)

    environment_id: str
    name: str
    subscription_id: str
    resource_group: str
    location: str | None = None
    internal: bool | None = None
    """Only an internal load balancer; null where no virtual network is configured."""
    vnet_subnet_id: str | None = None
    """The infrastructure subnet; null = no network of the owner's."""
    public_access: str | None = None
    """``Enabled`` or ``Disabled``; null = not stated."""
    zone_redundant: bool | None = None
    log_destination: str | None = None
    """``log-analytics``, ``azure-monitor`` or ``none``; null = not configured."""
    workspace_id: str | None = None
    """The Log Analytics workspace's customer id (a GUID, not a resource id)."""
    provisioning_state: str | None = None
    static_ip: str | None = None
    default_domain: str | None = None
    workload_profiles: Json | None = None
    """List of {name, workloadProfileType, minimumCount, maximumCount}."""
    infrastructure_resource_group: str | None = None


class _Vnet(Wire, frozen=True, kw_only=True):
    internal: bool | None = None
    infrastructure_subnet_id: str | None = None


class _Workspace(Wire, frozen=True, kw_only=True):
    customer_id: str | None = None


class _Logs(Wire, frozen=True, kw_only=True):
    destination: str | None = None
    log_analytics_configuration: _Workspace | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    vnet_configuration: _Vnet | None = None
    app_logs_configuration: _Logs | None = None
    public_network_access: str | None = None
    zone_redundant: bool | None = None
    provisioning_state: str | None = None
    static_ip: str | None = None
    default_domain: str | None = None
    workload_profiles: list[dict[str, Any]] | None = None
    infrastructure_resource_group: str | None = None


class _Environment(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    location: str | None = None
    properties: _Properties


_ITEM = decoder(_Environment)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the one page of one environment. Raises ReadFailed for an id of something else, such as an Arc one."""
    group, name = homes.named(scope)
    client = azure.container_apps(scope.subscription_id)
    operation = client.managed_environments.get(group, name)
    async for page in azure.typed(operation, scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Environment]:  # noqa: ARG001  the seam is one
    """Yield the environment's row."""
    wire = _ITEM.decode(item)
    facts = wire.properties
    vnet, logs = facts.vnet_configuration or _Vnet(), facts.app_logs_configuration or _Logs()
    workspace = logs.log_analytics_configuration
    yield Environment(
        environment_id=wire.id,
        name=wire.name,
        subscription_id=ids.subscription_of(wire.id) or "",
        resource_group=ids.resource_group_of(wire.id) or "",
        location=text(wire.location),
        internal=vnet.internal,
        vnet_subnet_id=text(vnet.infrastructure_subnet_id),
        public_access=text(facts.public_network_access),
        zone_redundant=facts.zone_redundant,
        log_destination=text(logs.destination),
        workspace_id=text(workspace.customer_id) if workspace else None,
        provisioning_state=text(facts.provisioning_state),
        static_ip=text(facts.static_ip),
        default_domain=text(facts.default_domain),
        workload_profiles=kept(facts.workload_profiles),
        infrastructure_resource_group=text(facts.infrastructure_resource_group),
    )


KIND = EvidenceKind(
    name="environments",
    title="Environments",
    records=(Environment,),
    per=Level.RESOURCE,
    actions=("Microsoft.App/managedEnvironments/read",),
    fetch=fetch,
    normalise=normalise,
    items=whole,
    item_path="$",
    after=homes.AFTER,
    population=homes.POPULATION,
    affects=homes.AFFECTS,
)
