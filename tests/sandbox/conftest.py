from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
import pytest
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ManagedIdentityCredential
from tiny_estate import tiny

from audit.sandbox import PageSizes, Sandbox, SandboxOptions

PAGES = PageSizes(jobs=2, environments=2, resources=2, role_assignments=2, activity=5, resource_graph=3, identities=1)


class Reply(NamedTuple):
    status: int
    body: dict
    headers: dict


class Client:
    """A sandbox, a stock credential and transport for SDK clients, and a bare door for what SDKs hide."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession, credential) -> None:
        self.sandbox = sandbox
        self.session = session
        self.credential = credential
        self.token = ""

    @property
    def sdk(self) -> dict:
        """Keyword arguments for any azure-mgmt client: default policies, our transport."""
        endpoints = self.sandbox.endpoints
        return {
            "credential": self.credential,
            "base_url": endpoints.arm,
            "credential_scopes": [endpoints.audience + "/.default"],
            "transport": AioHttpTransport(session=self.session, session_owner=False),
            "retry_total": 0,
        }

    async def sign_in(self, resource: str | None = None) -> str:
        endpoints = self.sandbox.endpoints
        query = {"api-version": "2019-08-01", "resource": resource or endpoints.audience}
        async with self.session.get(
            endpoints.identity_endpoint, params=query, headers={"X-IDENTITY-HEADER": endpoints.identity_header}
        ) as reply:
            return json.loads(await reply.read())["access_token"]

    async def ask(self, path: str, *, method: str = "GET", token: str | None = None, base: str | None = None, **more):
        if token is None:
            token = self.token = self.token or await self.sign_in()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.request(
            method, (base or self.sandbox.endpoints.arm) + path, headers=headers | more.pop("headers", {}), **more
        ) as reply:
            content = await reply.read()
            return Reply(reply.status, json.loads(content) if content else {}, dict(reply.headers))


@pytest.fixture
def serve(monkeypatch):
    """``async with serve(estate, **options) as client``."""

    @asynccontextmanager
    async def serving(estate=None, **options):
        made = SandboxOptions(**{"page_sizes": PAGES, **options})
        async with Sandbox(made, estate=estate or tiny()) as sandbox:
            for name, value in sandbox.environment().items():
                monkeypatch.setenv(name, value)
            trust = ssl.create_default_context(cafile=str(sandbox.ca_file))
            connector = aiohttp.TCPConnector(ssl=trust)
            async with aiohttp.ClientSession(connector=connector) as session, ManagedIdentityCredential() as credential:
                yield Client(sandbox, session, credential)

    return serving
