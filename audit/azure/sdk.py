"""The typed SDK clients, each over the shared pipeline, made once per subscription and imported when first asked for.

The clients take a ready pipeline, so none of them builds one of its own (with the SDK's automatic provider
registration in it). azure-mgmt-authorization and -msi are multi-version packages whose top client makes every
operation group anew at each use; the client of one version is used instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline import AsyncPipeline
    from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient
    from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient
    from azure.mgmt.consumption.aio import ConsumptionManagementClient
    from azure.mgmt.monitor.aio import MonitorManagementClient
    from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient
    from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

# ruff: noqa: PLC0415  an SDK package costs 50 to 400 ms to import, and most commands need none of them


class Clients:
    """The typed clients of one cloud."""

    def __init__(self, pipeline: AsyncPipeline[Any, Any], credential: AsyncTokenCredential, endpoint: str) -> None:
        self._shared: dict[str, Any] = {
            "credential": credential,
            "base_url": endpoint,
            "pipeline": pipeline,
            "policies": [],
        }
        self._made: dict[tuple[type, str | None], Any] = {}

    def container_apps(self, subscription_id: str) -> ContainerAppsAPIClient:
        """Return the client of Microsoft.App."""
        from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient

        client: ContainerAppsAPIClient = self._client(ContainerAppsAPIClient, subscription_id)
        return client

    def authorization(self, subscription_id: str) -> AuthorizationManagementClient:
        """Return the client of Microsoft.Authorization, api-version 2022-04-01."""
        from azure.mgmt.authorization.v2022_04_01.aio import AuthorizationManagementClient

        client: AuthorizationManagementClient = self._client(AuthorizationManagementClient, subscription_id)
        return client

    def monitor(self, subscription_id: str) -> MonitorManagementClient:
        """Return the client of Microsoft.Insights."""
        from azure.mgmt.monitor.aio import MonitorManagementClient

        client: MonitorManagementClient = self._client(MonitorManagementClient, subscription_id)
        return client

    def resources(self, subscription_id: str) -> ResourceManagementClient:
        """Return the client of Microsoft.Resources."""
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        client: ResourceManagementClient = self._client(ResourceManagementClient, subscription_id)
        return client

    def identities(self, subscription_id: str) -> ManagedServiceIdentityClient:
        """Return the client of Microsoft.ManagedIdentity, api-version 2024-11-30."""
        from azure.mgmt.msi.v2024_11_30.aio import ManagedServiceIdentityClient

        client: ManagedServiceIdentityClient = self._client(ManagedServiceIdentityClient, subscription_id)
        return client

    def consumption(self, subscription_id: str) -> ConsumptionManagementClient:
        """Return the client of Microsoft.Consumption."""
        from azure.mgmt.consumption.aio import ConsumptionManagementClient

        client: ConsumptionManagementClient = self._client(ConsumptionManagementClient, subscription_id)
        return client

    def subscriptions(self) -> SubscriptionClient:
        """Return the client of the tenant's subscriptions."""
        from azure.mgmt.resource.subscriptions.aio import SubscriptionClient

        client: SubscriptionClient = self._client(SubscriptionClient, None)
        return client

    def _client(self, kind: Any, subscription_id: str | None) -> Any:
        """Return a client, made once; None = the tenant's. Raises ReadFailed where an id gave no subscription."""
        if subscription_id == "":
            raise ReadFailed(GapReason.MALFORMED, "the id lies in no subscription, so there is nobody to ask")
        key = (kind, subscription_id)
        if key not in self._made:
            named = {"subscription_id": subscription_id} if subscription_id else {}
            self._made[key] = kind(**self._shared, **named)
        return self._made[key]
