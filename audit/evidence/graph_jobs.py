"""Jobs as Resource Graph knows them: a cross-check of the list that ARM gave, never its replacement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window, graph_rows
from audit.model.wire import ArmId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class GraphJob(Record, frozen=True, kw_only=True):
    """One job in Resource Graph, which lags behind and leaves out what the caller can't read."""

    table = "graph_jobs"
    row_key = ("job_id",)

    job_id: str
    name: str
    subscription_id: str
    resource_group: str
    trigger_type: str | None = None


class _Found(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    subscription_id: Text
    resource_group: Text
    trigger_type: str | None = None


_ITEM = decoder(_Found)
QUERY = """resources
| where type =~ 'microsoft.app/jobs'
| project id, name, subscriptionId, resourceGroup, triggerType = properties.configuration.triggerType
| order by id asc"""


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the query over the subscriptions in ``scope.ids``; none of them raises ReadFailed."""
    async for page in azure.resource_graph(QUERY, subscriptions=scope.ids, scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[GraphJob]:  # noqa: ARG001  the seam is one
    """Yield the row of one job."""
    wire = _ITEM.decode(item)
    yield GraphJob(
        job_id=wire.id,
        name=wire.name,
        subscription_id=wire.subscription_id,
        resource_group=wire.resource_group,
        trigger_type=text(wire.trigger_type),
    )


KIND = EvidenceKind(
    name="graph_jobs",
    title="Jobs in Resource Graph",
    records=(GraphJob,),
    per=Level.TENANT,
    actions=("Microsoft.App/jobs/read",),
    fetch=fetch,
    normalise=normalise,
    items=graph_rows,
    item_path="$.data[{index}]",
    after=("subscriptions",),
)
