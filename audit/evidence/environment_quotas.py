"""Quotas of Container Apps environments that in-scope jobs run in: how many cores may run at once, how many do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window
from audit.model import environments as homes
from audit.model.wire import Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class EnvironmentQuota(Record, frozen=True, kw_only=True):
    """One quota of one managed environment. Source: GET {environment}/usages."""

    table = "environment_quotas"
    row_key = ("environment_id", "name")

    environment_id: str
    name: str
    """Azure's name, such as ``ManagedEnvironmentConsumptionCores``: the cores of everything that runs on the
    Consumption profile."""
    title: str | None = None
    """As Azure words it."""
    used: float
    """In use when it was read, in ``unit``."""
    quota: float
    """At most at once, in ``unit``."""
    unit: str | None = None
    """``Count``: of cores where the name ends in Cores."""


class _Name(Wire, frozen=True, kw_only=True):
    value: Text
    localized_value: str | None = None


class _Usage(Wire, frozen=True, kw_only=True):
    name: _Name
    current_value: float
    limit: float
    unit: str | None = None


_ITEM = decoder(_Usage)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages of one environment's quotas. Raises ReadFailed for an id of something else, such as Arc's."""
    group, name = homes.named(scope)
    client = azure.container_apps(scope.subscription_id)
    operation = client.managed_environment_usages.list(group, name)
    async for page in azure.typed(operation, scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[EnvironmentQuota]:
    """Yield the quota's row."""
    wire = _ITEM.decode(item)
    yield EnvironmentQuota(
        environment_id=page.scope.id,
        name=wire.name.value,
        title=text(wire.name.localized_value),
        used=wire.current_value,
        quota=wire.limit,
        unit=text(wire.unit),
    )


KIND = EvidenceKind(
    name="environment_quotas",
    title="Quotas of environments",
    records=(EnvironmentQuota,),
    per=Level.RESOURCE,
    actions=("Microsoft.App/managedEnvironments/usages/read",),
    fetch=fetch,
    normalise=normalise,
    after=homes.AFTER,
    population=homes.POPULATION,
    affects=homes.AFFECTS,
)
