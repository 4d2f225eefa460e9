"""How the collector signs in: a host's managed-identity endpoint, the identity platform's client credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from audit.sandbox.wire import Answer, encode, ok

if TYPE_CHECKING:
    from audit.sandbox.tokens import Tokens

_NEWEST = "2019-08-01"


class Application:
    """The principal that the collector is. ``managed_id`` is its resource id where it is a managed identity."""

    def __init__(self, *, object_id: str, app_id: str, secret: str, managed_id: str) -> None:
        self.object_id = object_id
        self.app_id = app_id
        self.secret = secret
        self.managed_id = managed_id


class ManagedIdentityEndpoint:
    """What ``IDENTITY_ENDPOINT`` leads to on a machine with an identity: plain HTTP that wants the secret header."""

    def __init__(self, tokens: Tokens, application: Application, *, header: str, audiences: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._application = application
        self._header = header
        self._audiences = audiences

    def answer(self, query: dict[str, str], header: str | None) -> Answer:
        """Answer a request for a token."""
        application = self._application
        if header != self._header:
            return _plain(401, "The X-IDENTITY-HEADER header is missing or wrong.")
        if query.get("api-version") != _NEWEST:
            return _plain(400, f"The api-version is missing or not supported; use {_NEWEST}.")
        asked = query.get("client_id") or query.get("mi_res_id") or query.get("principal_id") or query.get("object_id")
        known = {each.lower() for each in (application.app_id, application.object_id, application.managed_id)}
        if asked is not None and asked.lower() not in known:
            return _plain(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        resource = query.get("resource", "")
        if resource.rstrip("/") not in self._audiences:
            return _plain(400, f"The resource '{resource}' is not registered in this tenant.")
        token, grant = self._tokens.issue(
            object_id=application.object_id,
            app_id=application.app_id,
            audience=resource,
            managed=application.managed_id,
            roles=("Directory.Read.All",),
        )
        return ok(
            {
                "access_token": token,
                "client_id": application.app_id.upper(),
                "expires_on": str(grant.expires),
                "not_before": str(grant.expires - self._tokens.lifetime),
                "resource": resource,
                "token_type": "Bearer",
            }
        )


def _plain(status: int, message: str) -> Answer:
    return Answer(status, encode({"statusCode": status, "message": message}))


class IdentityPlatform:
    """The authority: OpenID configuration and the client-credential grant."""

    def __init__(self, tokens: Tokens, application: Application, *, host: str, audiences: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._application = application
        self._host = host
        self._audiences = audiences

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer ``/{tenant}/v2.0/.well-known/openid-configuration`` and ``/{tenant}/oauth2/v2.0/token``."""
        tenant, _, rest = path.strip("/").partition("/")
        if tenant.lower() not in (self._tokens.tenant_id.lower(), "organizations", "common"):
            return _failed(
                400, "invalid_tenant" if method == "GET" else "invalid_request", 90002, f"Tenant '{tenant}' not found."
            )
        if method == "GET" and rest.lower() == "v2.0/.well-known/openid-configuration":
            return ok(self._configuration(tenant))
        if method == "POST" and rest.lower() == "oauth2/v2.0/token":
            return self._token({name: values[-1] for name, values in parse_qs(body.decode()).items()})
        return Answer(404, b"", {"Content-Type": "text/html"})

    def _configuration(self, tenant: str) -> dict[str, Any]:
        base = f"{self._host}/{tenant}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "tenant_region_scope": "EU",
        }

    def _token(self, form: dict[str, str]) -> Answer:
        application = self._application
        if form.get("grant_type") != "client_credentials":
            return _failed(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("client_id", "").lower() != application.app_id.lower():
            message = f"Application with identifier '{form.get('client_id')}' was not found in the directory."
            return _failed(400, "unauthorized_client", 700016, message)
        if form.get("client_secret") != application.secret:
            message = (
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{application.app_id}'."
            )
            return _failed(401, "invalid_client", 7000215, message)
        audience = form.get("scope", "").removesuffix("/.default")
        if audience.rstrip("/") not in self._audiences:
            message = f"The resource principal named {audience} was not found in the tenant."
            return _failed(400, "invalid_resource", 500011, message)
        token, _ = self._tokens.issue(
            object_id=application.object_id,
            app_id=application.app_id,
            audience=audience,
            roles=("Directory.Read.All",),
        )
        lifetime = self._tokens.lifetime
        return ok({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})


def _failed(status: int, error: str, code: int, message: str) -> Answer:
    body = {"error": error, "error_description": f"AADSTS{code}: {message}", "error_codes": [code]}
    return Answer(status, encode(body))
