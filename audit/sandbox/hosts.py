"""The hosts of the sandbox: how each turns a request into an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from audit.sandbox import log_analytics
from audit.sandbox.arm import ResourceManager, is_read
from audit.sandbox.call import split_target
from audit.sandbox.front import Arrival, Host, Incoming, reads_only
from audit.sandbox.key_vault import KeyVault
from audit.sandbox.registries import EXCHANGES, Registries
from audit.sandbox.routes.graph import Directory, refusal
from audit.sandbox.wire import Answer, Refused, encode, ok

if TYPE_CHECKING:
    from audit.sandbox.identity import IdentityPlatform, ManagedIdentityEndpoint
    from audit.sandbox.tokens import Tokens

_LOOKUP = "/v1.0/directoryobjects/getbyids"


class Hosts:
    """Makes the hosts over one set of tokens."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.arrivals: list[Arrival] = []

    def _caller(self, incoming: Incoming) -> str:
        grant = self._tokens.known(incoming.headers.get("Authorization"))
        return grant.object_id if grant else ""

    def arm(self, manager: ResourceManager) -> Host:
        """Return Azure Resource Manager."""

        def answer(incoming: Incoming, headers: dict[str, str]) -> tuple[Answer, str]:
            correlation = incoming.headers.get("x-ms-correlation-request-id") or incoming.request_id
            headers["x-ms-correlation-request-id"] = correlation
            headers["x-ms-routing-request-id"] = f"SANDBOX:{incoming.request_id}"
            if incoming.headers.get("x-ms-return-client-request-id", "").lower() == "true":
                headers["x-ms-client-request-id"] = incoming.headers.get("x-ms-client-request-id", "")
            found, grant = manager.answer(
                incoming.method,
                incoming.raw,
                incoming.body,
                authorization=incoming.headers.get("Authorization"),
                base=incoming.base,
                headers=headers,
            )
            return found, grant.object_id if grant else ""

        return Host("arm", answer, is_read, self._caller)

    def authority(self, platform: IdentityPlatform) -> Host:
        """Return the identity platform."""

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            path = unquote(incoming.raw.partition("?")[0])
            return platform.answer(incoming.method, path, incoming.body), ""

        def reads(method: str, path: str) -> bool:
            return method == "GET" or (method == "POST" and path.lower().endswith("/oauth2/v2.0/token"))

        return Host("authority", answer, reads, self._caller)

    def graph(self, directory: Directory, audience: str) -> Host:
        """Return Microsoft Graph."""

        def answer(incoming: Incoming, headers: dict[str, str]) -> tuple[Answer, str]:
            headers["request-id"] = headers["client-request-id"] = incoming.request_id
            caller = ""
            try:
                caller = self._tokens.check(incoming.headers.get("Authorization"), audience).object_id
                return directory.answer(incoming), caller
            except Refused as refused:
                return Answer(refused.status, refusal(refused, incoming.request_id), refused.headers), caller

        def reads(method: str, path: str) -> bool:
            return method == "GET" or (method == "POST" and path.lower() == _LOOKUP)

        return Host("graph", answer, reads, self._caller)

    def logs(self, manager: ResourceManager, audience: str, most: int, most_bytes: int) -> Host:
        """Return the Log Analytics query service over the same world; so many rows and bytes fit into one answer."""

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            caller = ""
            try:
                grant = self._tokens.check(incoming.headers.get("Authorization"), audience)
                caller = grant.object_id
                path = unquote(incoming.raw.partition("?")[0])
                body = incoming.body
                return log_analytics.answer(manager.world, grant, path, body, most=most, most_bytes=most_bytes), caller
            except Refused as refused:
                return refused.answer(), caller

        def reads(method: str, path: str) -> bool:
            return method == "GET" or (method == "POST" and path.lower().endswith("/query"))

        return Host("logs", answer, reads, self._caller)

    def registries(self, manager: ResourceManager) -> Host:
        """Return the login servers of the world's container registries."""
        served = Registries(self._tokens, manager)

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            return served.answer(incoming)

        def reads(method: str, path: str) -> bool:
            return method == "GET" or (method == "POST" and path in EXCHANGES)

        return Host("registries", answer, reads, self._caller)

    def vaults(self, actions: tuple[str, ...]) -> Host:
        """Return the key vaults; a vault's keys are read and sign, and nothing in them is changed."""
        served = KeyVault(self._tokens, actions)

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            return served.answer(incoming)

        def reads(method: str, path: str) -> bool:
            return method == "GET" or (method == "POST" and path.lower().rstrip("/").endswith("/sign"))

        return Host("vaults", answer, reads, self._caller)

    def foreign(self) -> Host:
        """Return the host that isn't Azure: it answers as if it were, and notes who brought a token."""

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            token = self._tokens.known(incoming.headers.get("Authorization"))
            self.arrivals.append(Arrival(unquote(incoming.raw), bearer=token is not None))
            return Answer(200, b'{"value":[]}'), token.object_id if token else ""

        return Host("foreign", answer, lambda _method, _path: True, self._caller, faulty=False)

    def identity(self, endpoint: ManagedIdentityEndpoint, report: Any) -> Host:
        """Return the managed-identity endpoint of the machine that the collector runs on; the report is there, too."""

        def answer(incoming: Incoming, _headers: dict[str, str]) -> tuple[Answer, str]:
            path, query = split_target(incoming.raw)
            if path == "/msi/token":
                return endpoint.answer(query, incoming.headers.get("X-IDENTITY-HEADER")), ""
            if path == "/admin/report":
                return ok(report()), ""
            return Answer(404, encode({"statusCode": 404, "message": "Not Found"})), ""

        return Host("identity", answer, reads_only, self._caller, "http")
