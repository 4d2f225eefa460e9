"""Which Azure: the endpoints of the public and sovereign clouds, or a custom set of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from audit.errors import ConfigError

if TYPE_CHECKING:
    from audit.config.settings import CloudSettings


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """The addresses of one cloud, without a trailing slash; empty = that service isn't there.

    ``audience`` is the resource that an ARM token is asked for. ``known_to_entra`` is False for a custom cloud: its
    authority can't be looked up in Microsoft's directory of clouds, so instance discovery stays off.
    ``registry_suffix``: what the login servers of container registries end with; empty = anything, by a custom cloud's
    leave. ``registries``: ``host:port`` to which all their names lead, whatever DNS says; empty = DNS says.
    ``vaults``: the same of key vaults.
    """

    name: str
    resource_manager: str
    audience: str
    authority: str
    graph: str
    logs: str
    registry_suffix: str = ""
    registries: str = ""
    vaults: str = ""
    ca_file: str = ""
    known_to_entra: bool = True
    proxy_from_environment: bool = False

    @property
    def arm_scope(self) -> str:
        """The token scope of Azure Resource Manager."""
        return f"{self.audience}/.default"

    @property
    def graph_scope(self) -> str:
        """The token scope of Microsoft Graph."""
        return f"{self.graph}/.default"

    @property
    def logs_scope(self) -> str:
        """The token scope of Log Analytics queries."""
        return f"{self.logs}/.default"


# As azure.mgmt.core.tools.get_arm_endpoints and azure.identity.AzureAuthorityHosts have them, and
# https://learn.microsoft.com/graph/deployments; https://learn.microsoft.com/azure/azure-monitor/logs/api/access-api
CLOUDS: dict[str, Cloud] = {
    "public": Cloud(
        name="public",
        resource_manager="https://management.azure.com",
        audience="https://management.azure.com",
        authority="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        logs="https://api.loganalytics.azure.com",
        registry_suffix=".azurecr.io",
    ),
    "usgov": Cloud(
        name="usgov",
        resource_manager="https://management.usgovcloudapi.net",
        audience="https://management.core.usgovcloudapi.net",
        authority="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        logs="https://api.loganalytics.us",
        registry_suffix=".azurecr.us",
    ),
    "china": Cloud(
        name="china",
        resource_manager="https://management.chinacloudapi.cn",
        audience="https://management.chinacloudapi.cn",
        authority="https://login.chinacloudapi.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        logs="https://api.loganalytics.azure.cn",
        registry_suffix=".azurecr.cn",
    ),
}


def cloud_of(settings: CloudSettings) -> Cloud:
    """Return the cloud that [cloud] describes.

    A CA file and the proxy switch belong to any cloud, the endpoints only to a custom one.
    Raises ConfigError, naming the key, where a custom cloud lacks an endpoint or names one that isn't https.
    """
    if settings.name != "custom":
        known = CLOUDS[settings.name]
        return Cloud(
            **{
                **vars(known),
                "ca_file": settings.ca_file,
                "proxy_from_environment": settings.proxy_from_environment,
            }
        )
    for key in ("resource_manager", "authority"):
        _endpoint(key, getattr(settings, key), required=True)
    for key in ("graph", "logs"):
        _endpoint(key, getattr(settings, key), required=False)
    return Cloud(
        name="custom",
        resource_manager=settings.resource_manager.rstrip("/"),
        audience=(settings.audience or settings.resource_manager).rstrip("/"),
        authority=settings.authority.rstrip("/"),
        graph=settings.graph.rstrip("/"),
        logs=settings.logs.rstrip("/"),
        registries=settings.registries,
        vaults=settings.vaults,
        ca_file=settings.ca_file,
        known_to_entra=False,
        proxy_from_environment=settings.proxy_from_environment,
    )


def _endpoint(key: str, value: str, *, required: bool) -> None:
    if not value and not required:
        return
    parts = urlsplit(value)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ConfigError(
            f'cloud.{key} is not an https address: "{value}"' if value else f"cloud.{key} is missing",
            where=f"cloud.{key}",
            hint="a custom cloud needs the endpoint's https:// address; tokens are never sent over plain http",
        )
