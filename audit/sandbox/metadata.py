"""``/metadata/endpoints``: how a cloud describes itself to command-line clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.sandbox.settings import Endpoints

_SINGLE_SINCE = "2022-09-01"


def cloud_metadata(endpoints: Endpoints) -> dict[str, Any]:
    """Return the description that api-version 2022-09-01 and newer give."""
    return {
        "portal": "https://portal.jobaudit.test",
        "authentication": {
            "loginEndpoint": f"{endpoints.authority}/",
            "audiences": [f"{endpoints.audience}/", endpoints.audience],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "name": "JobauditSandbox",
        "resourceManager": f"{endpoints.arm}/",
        "graph": f"{endpoints.graph}/",
        "graphAudience": f"{endpoints.graph}/",
        "microsoftGraphResourceId": f"{endpoints.graph}/",
        "logAnalyticsResourceId": endpoints.logs,
        "logAnalyticsEndpoint": f"{endpoints.logs}/v1",
        "gallery": "https://gallery.jobaudit.test/",
        "batch": "https://batch.jobaudit.test/",
        "suffixes": {
            "storage": "storage.jobaudit.test",
            "keyVaultDns": "vault.jobaudit.test",
            "acrLoginServer": "registry.jobaudit.test",
        },
    }


def described(endpoints_metadata: dict[str, Any], version: str) -> Any:
    """Return the description as an api-version shapes it: before 2022 a list of clouds."""
    return endpoints_metadata if version >= _SINGLE_SINCE else [endpoints_metadata]
