"""Signing in: the credential that [credential] names, over the shared transport, and the proof that it works."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.identity import CredentialUnavailableError

from audit.azure.caller import caller_of
from audit.azure.faults import clean
from audit.azure.transport import USER_AGENT, share
from audit.errors import AzureUnreachable, ConfigError, SignInFailed

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from audit.azure.clouds import Cloud
    from audit.config.settings import CredentialSettings
    from audit.model.run import Caller

HINTS = {
    "default": "run `az login`, or name the sign-in that this machine has: set credential.kind to managed_identity, "
    "workload_identity, client_secret or azure_cli",
    "managed_identity": "run on an Azure host that has a managed identity, and for a user-assigned one set "
    "credential.client_id to its client id",
    "workload_identity": "set AZURE_FEDERATED_TOKEN_FILE to the projected token's file, and credential.tenant_id and "
    "credential.client_id (or AZURE_TENANT_ID and AZURE_CLIENT_ID) to the application that trusts it",
    "client_secret": "check credential.tenant_id and credential.client_id, and that the secret in the environment "
    "variable named by credential.client_secret_env is right and hasn't expired",
    "azure_cli": "run `az login` (for a sovereign cloud `az cloud set` first), and check `az account show`",
}


def make(settings: CredentialSettings, cloud: Cloud, session: aiohttp.ClientSession) -> AsyncTokenCredential:
    """Return the configured credential; the caller closes it.

    Raises ConfigError where a key or an environment variable that the kind needs is missing.
    """
    from azure.identity import aio  # noqa: PLC0415  imports msal and cryptography: half a second that `render` needn't pay

    common: dict[str, Any] = {
        "transport": share(session),
        "user_agent": USER_AGENT,
        "retry_total": 3,
        "retry_backoff_factor": 0.4,
    }
    entra = {**common, "authority": cloud.authority, "disable_instance_discovery": not cloud.known_to_entra}
    tenant, client = settings.tenant_id, settings.client_id
    try:
        match settings.kind:
            case "managed_identity":
                return aio.ManagedIdentityCredential(client_id=client or None, **common)
            case "workload_identity":
                return aio.WorkloadIdentityCredential(tenant_id=tenant or None, client_id=client or None, **entra)
            case "client_secret":
                secret = _secret(settings.client_secret_env)
                return aio.ClientSecretCredential(tenant, client, secret, **entra)
            case "azure_cli":
                return aio.AzureCliCredential(tenant_id=tenant, process_timeout=30)
            case "default":
                chosen = {"managed_identity_client_id": client} if client else {}
                if tenant:
                    chosen["workload_identity_tenant_id"] = tenant
                return aio.DefaultAzureCredential(**entra, **chosen)
    except ValueError as error:
        raise ConfigError(
            f"the sign-in can't be set up: {clean(str(error))}",
            where=f'credential.kind = "{settings.kind}"',
            hint=HINTS[settings.kind],
        ) from error


def _secret(variable: str) -> str:
    secret = os.environ.get(variable, "")
    if not secret:
        raise ConfigError(
            f"the environment variable {variable} is not set",
            where="credential.client_secret_env",
            hint=f"put the client secret into {variable}, or name the variable that holds it",
        )
    return secret


async def sign_in(credential: AsyncTokenCredential, settings: CredentialSettings, cloud: Cloud) -> Caller:
    """Get a token for Azure Resource Manager and return who it speaks of.

    Raises SignInFailed where the sign-in is refused or unavailable, AzureUnreachable where the authority can't be
    reached.
    """
    try:
        token = await credential.get_token(cloud.arm_scope)
    except (ServiceRequestError, ServiceResponseError) as error:
        raise unreachable(cloud.authority, error) from error
    except (AzureError, aiohttp.ClientError, ValueError, OSError) as error:
        raise SignInFailed(
            f"the sign-in failed: {_reason(error)}",
            where=f'credential.kind = "{settings.kind}" at {cloud.authority}',
            hint=HINTS[settings.kind],
        ) from error
    return caller_of(token.token)


def unreachable(endpoint: str, error: BaseException) -> AzureUnreachable:
    """Return the error for an endpoint without a connection, naming it, and the remedy that fits the cause."""
    inner = getattr(error, "inner_exception", None) or error
    if isinstance(inner, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        why, hint = "its certificate isn't trusted", "name the CA that signed it in cloud.ca_file (PEM)"
    elif isinstance(inner, aiohttp.ClientConnectorDNSError):
        why, hint = "its name can't be resolved", "check the network, DNS and, for a custom cloud, the endpoint's name"
    elif isinstance(inner, TimeoutError):
        why, hint = "it doesn't answer", "check the network and firewalls"
    else:
        why = f"no connection ({type(inner).__name__})"
        hint = "check the network and firewalls"
    proxy = "; behind a proxy set cloud.proxy_from_environment = true and HTTPS_PROXY"
    return AzureUnreachable(f"{endpoint} can't be reached: {why}", where=endpoint, hint=hint + proxy)


def _reason(error: BaseException) -> str:
    if isinstance(error, CredentialUnavailableError):
        return clean(error.message)
    if isinstance(error, HttpResponseError) and error.message:
        return clean(error.message)
    return clean(f"{type(error).__name__}: {error}")
