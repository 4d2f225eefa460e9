"""What there is for a job to depend on: namespaces, accounts, vaults, registries, workspaces, caches, databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, graph_rows
from audit.model.endpoint import account_host, host_of
from audit.model.wire import ArmId, Text, Wire, decoder, kept, text

if TYPE_CHECKING:
    from audit.azure import Azure

_TYPES = (
    "Microsoft.Cache/redis",
    "Microsoft.Cache/redisEnterprise",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.DBforPostgreSQL/flexibleServers",
    "Microsoft.EventHub/namespaces",
    "Microsoft.KeyVault/vaults",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.ServiceBus/namespaces",
    "Microsoft.Sql/servers",
    "Microsoft.Storage/storageAccounts",
)


class InventoryItem(Record, frozen=True, kw_only=True):
    """One resource of a type that jobs depend on, in any subscription that the caller can see.

    Resource Graph leaves out what the caller can't read, without a word: a name that isn't here is unresolved, never
    absent. Source: POST /providers/Microsoft.ResourceGraph/resources.
    """

    table = "inventory"
    row_key = ("resource_id",)

    resource_id: str
    name: str
    type: str
    """In lower case, for example ``microsoft.servicebus/namespaces``."""
    kind: str | None = None
    location: str | None = None
    """As Azure's code for it: ``westeurope``."""
    subscription_id: str
    resource_group: str
    """In lower case, as Resource Graph spells it."""
    sku: str | None = None
    host: str | None = None
    """Host of the endpoint, in lower case: ``x.servicebus.windows.net``, ``x.vault.azure.net``, ``x.azurecr.io``.

    A storage account has one host for all its services: ``acct.core.windows.net``.
    """
    customer_id: str | None = None
    """Of a Log Analytics workspace: the GUID by which environments name it."""
    tags: Json | None = None


class _Endpoints(Wire, frozen=True, kw_only=True):
    blob: str | None = None
    queue: str | None = None
    table: str | None = None
    file: str | None = None
    dfs: str | None = None


class _Found(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    type: Text
    kind: str | None = None
    location: str | None = None
    subscription_id: Text
    resource_group: Text
    sku: str | None = None
    tags: dict[str, Any] | None = None
    address: str | None = None
    endpoints: _Endpoints | None = None
    customer_id: str | None = None


_ITEM = decoder(_Found)
QUERY = f"""resources
| where type in~ ({", ".join(f"'{each}'" for each in _TYPES)})
| extend address = coalesce(tostring(properties.serviceBusEndpoint), tostring(properties.vaultUri),
    tostring(properties.loginServer), tostring(properties.hostName), tostring(properties.fullyQualifiedDomainName))
| project id, name, type, kind, location, subscriptionId, resourceGroup, sku = tostring(sku.name), tags, address,
    endpoints = properties.primaryEndpoints, customerId = tostring(properties.customerId)
| order by id asc"""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the query over the subscriptions in ``scope.ids``; none of them raises ReadFailed."""
    async for page in azure.resource_graph(QUERY, subscriptions=scope.ids, scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[InventoryItem]:  # noqa: ARG001  the seam is one
    """Yield the row of one resource."""
    wire = _ITEM.decode(item)
    ends = wire.endpoints or _Endpoints()
    store = next((each for each in (ends.blob, ends.queue, ends.table, ends.file, ends.dfs) if each), None)
    yield InventoryItem(
        resource_id=wire.id,
        name=wire.name,
        type=wire.type.lower(),
        kind=text(wire.kind),
        location=text(wire.location),
        subscription_id=wire.subscription_id,
        resource_group=wire.resource_group,
        sku=text(wire.sku),
        host=host_of(wire.address) or account_host(store),
        customer_id=text(wire.customer_id),
        tags=kept(wire.tags),
    )


KIND = EvidenceKind(
    name="inventory",
    title="Inventory",
    records=(InventoryItem,),
    per=Level.TENANT,
    actions=tuple(f"{each}/read" for each in _TYPES),
    fetch=fetch,
    normalise=normalise,
    items=graph_rows,
    item_path="$.data[{index}]",
    after=("subscriptions",),
    population="""
        select '/' as scope, list(subscription_id order by subscription_id) as ids
        from subscriptions having count(*) > 0
    """,
    filtered=True,
)
