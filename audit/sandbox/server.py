"""The sandbox: one estate behind loopback hosts, from ARM to registries and vaults, and one that isn't Azure."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

from audit.sandbox import estate as estates
from audit.sandbox import key_vault, registries
from audit.sandbox.arm import ResourceManager
from audit.sandbox.faults import Faults
from audit.sandbox.front import Arrival, Front, Host, Logged, Violation
from audit.sandbox.hosts import Hosts
from audit.sandbox.identity import Application, IdentityPlatform, ManagedIdentityEndpoint
from audit.sandbox.limits import Buckets, QueryUnits, Quota
from audit.sandbox.metadata import cloud_metadata
from audit.sandbox.options import SandboxOptions
from audit.sandbox.routes.graph import Directory
from audit.sandbox.settings import AUDIENCE, SECRET_VARIABLE, Endpoints, config_toml
from audit.sandbox.tls import Authority
from audit.sandbox.tokens import Tokens
from audit.sandbox.world import World

if TYPE_CHECKING:
    from types import TracebackType

    from audit.sandbox.estate.model import Estate

_LOOPBACK = "127.0.0.1"


class Sandbox:
    """A simulated Azure for as long as the ``async with`` lasts.

    ``estate`` replaces the one that the options describe. Raises UsageError for an unknown fault preset, OSError when
    the port is taken.
    """

    endpoints: Endpoints
    ca_file: Path
    tokens: Tokens

    def __init__(self, options: SandboxOptions | None = None, *, estate: Estate | None = None) -> None:
        self.options = options or SandboxOptions()
        self.faults = Faults(self.options.faults)
        self.estate = estates.build(self.options) if estate is None else estate
        self._front = Front(self.faults, latency_ms=self.options.latency_ms, seed=self.options.seed)
        self._stack = AsyncExitStack()

    @property
    def requests(self) -> list[Logged]:
        """Every request, in the order in which they were answered."""
        return self._front.requests

    @property
    def violations(self) -> list[Violation]:
        """Every attempt to write."""
        return self._front.violations

    @property
    def arrivals(self) -> list[Arrival]:
        """What reached the host that isn't Azure."""
        return self._hosts.arrivals

    async def __aenter__(self) -> Self:
        """Start serving."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and remove the CA file."""
        await self._stack.aclose()

    async def _start(self) -> None:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="jobaudit-sandbox-")))
        authority = await asyncio.to_thread(Authority, folder)
        self.ca_file = authority.ca_file
        sockets = [self._bound(self.options.port if index == 0 else 0) for index in range(8)]
        ports = [each.getsockname()[1] for each in sockets]
        arm, authority_host, graph, logs, foreign = (f"https://{_LOOPBACK}:{port}" for port in ports[:5])
        header = uuid.uuid5(uuid.NAMESPACE_OID, f"identity header {self.options.seed}").hex
        self.endpoints = Endpoints(
            arm,
            authority_host,
            graph,
            logs,
            foreign,
            f"http://{_LOOPBACK}:{ports[5]}/msi/token",
            header,
            f"{_LOOPBACK}:{ports[6]}",
            f"{_LOOPBACK}:{ports[7]}",
        )
        self._front.foreign_base = self.endpoints.foreign
        self.tokens = Tokens(tenant_id=self.estate.tenant_id, issuer=self.endpoints.authority, seed=self.options.seed)
        self._application = self._collector()
        for host, listener in zip(self._hosts_made(), sockets, strict=True):
            runner = web.ServerRunner(self._front.server(host), shutdown_timeout=1.0)
            await runner.setup()
            self._stack.push_async_callback(runner.cleanup)
            context = authority.server_context if host.scheme == "https" else None
            await web.SockSite(runner, listener, ssl_context=context, backlog=512).start()

    def _bound(self, port: int) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._stack.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_LOOPBACK, port))
        return listener

    def _collector(self) -> Application:
        """Return the principal that the collector signs in as."""
        object_id = self.estate.collector_id
        entry = self.estate.directory.get(object_id, {})
        names = [name for name in entry.get("alternativeNames", ()) if name.lower().startswith("/subscriptions/")]
        home = self.estate.subscriptions[0]["subscriptionId"] if self.estate.subscriptions else self.estate.tenant_id
        fallback = (
            f"/subscriptions/{home}/resourcegroups/rg-audit/providers/Microsoft.ManagedIdentity/"
            "userAssignedIdentities/jobaudit-collector"
        )
        return Application(
            object_id=object_id,
            app_id=entry.get("appId") or str(uuid.uuid5(uuid.NAMESPACE_OID, f"application of {object_id}")),
            secret=uuid.uuid5(uuid.NAMESPACE_OID, f"client secret {self.options.seed}").hex,
            managed_id=names[0] if names else fallback,
        )

    def _hosts_made(self) -> list[Host]:
        clock = asyncio.get_running_loop().time
        options, endpoints = self.options, self.endpoints
        self._manager = ResourceManager(
            World(self.estate),
            options,
            tokens=self.tokens,
            audience=AUDIENCE,
            buckets=Buckets(capacity=options.arm_capacity, refill=options.arm_refill, clock=clock),
            cost_units=QueryUnits(limit=options.cost_quota, clock=clock),
            quota=Quota(limit=options.graph_quota, seconds=options.graph_quota_seconds, clock=clock),
            metadata=cloud_metadata(endpoints),
        )
        audiences = (AUDIENCE, endpoints.graph, endpoints.logs, registries.AUDIENCE, key_vault.AUDIENCE)
        platform = IdentityPlatform(self.tokens, self._application, host=endpoints.authority, audiences=audiences)
        managed = ManagedIdentityEndpoint(
            self.tokens, self._application, header=endpoints.identity_header, audiences=audiences
        )
        self._hosts = Hosts(self.tokens)
        return [
            self._hosts.arm(self._manager),
            self._hosts.authority(platform),
            self._hosts.graph(Directory(self.estate, options, endpoints.graph), endpoints.graph),
            self._hosts.logs(self._manager, endpoints.logs, options.log_rows, options.log_bytes),
            self._hosts.foreign(),
            self._hosts.identity(managed, self.report),
            self._hosts.registries(self._manager),
            self._hosts.vaults(options.key_vault_actions),
        ]

    def refresh(self) -> None:
        """Serve the estate as it is now: it was encoded and indexed when the sandbox started."""
        self._manager.world = World(self.estate)

    def config_toml(self, credential: str | None = None) -> str:
        """Return an audit.toml that leads here; ``credential`` is ``managed_identity`` or ``client_secret``."""
        access = config_toml(
            self.endpoints,
            self.ca_file,
            credential=credential or self.options.credential,
            tenant_id=self.estate.tenant_id,
            client_id=self._application.app_id,
            subscriptions=[each["subscriptionId"] for each in self.estate.subscriptions],
        )
        return f"{access}\n{estates.policy_toml(self.estate)}"

    def naming_toml(self) -> str:
        """Return what that audit.toml says besides, where the files lie beside it: tickets, exceptions."""
        return estates.changes_toml(self.estate) + estates.exceptions_toml(self.estate)

    def files(self) -> dict[str, str]:
        """Return what lies beside that audit.toml, by path: register, what it attaches, tickets, exceptions."""
        beside = estates.register_files(self.estate) | estates.ticket_files(self.estate)
        return beside | estates.exception_files(self.estate)

    def environment(self) -> dict[str, str]:
        """Return the environment variables that either credential needs."""
        return {
            "IDENTITY_ENDPOINT": self.endpoints.identity_endpoint,
            "IDENTITY_HEADER": self.endpoints.identity_header,
            SECRET_VARIABLE: self._application.secret,
        }

    def report(self) -> dict[str, Any]:
        """Return what was asked: counts by host and status, attempts to write, and what reached the foreign host."""
        return {
            "requests": len(self.requests),
            "by_host": dict(sorted(Counter(each.host for each in self.requests).items())),
            "by_status": dict(sorted(Counter(str(each.status) for each in self.requests).items())),
            "violations": [each._asdict() for each in self.violations],
            "foreign": [each._asdict() for each in self.arrivals],
        }
