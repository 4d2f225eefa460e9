"""A small TLS server of ours that plays Azure: answers are scripted per path, every request is kept."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import ssl
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from audit.azure import connect
from audit.config.settings import CloudSettings, CredentialSettings
from audit.model.outcome import ReadFailed
from audit.model.scope import Scope

TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
OBJECT = "33333333-3333-3333-3333-333333333333"
SECRET = "correct-horse-battery"
SCOPE = Scope(id=f"/subscriptions/{SUBSCRIPTION}")
JOBS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.App/jobs"


def token(**claims) -> str:
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    known = {"oid": OBJECT, "tid": TENANT, "idtyp": "app", "appid": "app-1", "app_displayname": "collector"}
    return f"{part({'alg': 'none'})}.{part({**known, **claims})}.signature"


@dataclass
class Asked:
    method: str
    path: str
    query: str
    headers: dict
    body: bytes
    at: float


@dataclass
class Reply:
    body: object = None
    status: int = 200
    headers: dict = field(default_factory=dict)
    raw: bytes | None = None
    delay: float = 0.0
    drop: bool = False
    """Close the connection instead of answering."""
    cut: bool = False
    """Promise more bytes than are sent."""

    def bytes(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


def error(status: int, code: str, message: str = "no", **headers) -> Reply:
    return Reply({"error": {"code": code, "message": message}}, status=status, headers=headers)


class Server:
    """``script[path]``: replies in turn, the last one for ever; or a function of the request."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.script: dict[str, list[Reply]] = {}
        self.asked: list[Asked] = []
        self.url = ""
        self._tls = tls
        self._turn: dict[str, int] = defaultdict(int)

    def on(self, path: str, *replies) -> None:
        self.script[path.lower()] = list(replies)

    def to(self, path: str) -> list[Asked]:
        return [each for each in self.asked if each.path.lower() == path.lower()]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        path = request.path.lower()
        asked = Asked(
            request.method, request.path, request.query_string, dict(request.headers), await request.read(), loop.time()
        )
        self.asked.append(asked)
        replies = self.script.get(path)
        if replies is None:
            reply = error(404, "ResourceNotFound")
        else:
            reply = replies[min(self._turn[path], len(replies) - 1)]
            self._turn[path] += 1
            if callable(reply):
                reply = reply(asked)
        await asyncio.sleep(reply.delay)
        if reply.drop:
            request.transport.close()
            return web.Response()
        headers = {"Content-Type": "application/json", "x-ms-request-id": f"r{len(self.asked)}", **reply.headers}
        if reply.cut:
            response = web.StreamResponse(status=reply.status, headers={**headers, "Content-Length": "1000"})
            await response.prepare(request)
            await response.write(reply.bytes())
            request.transport.close()
            return response
        return web.Response(status=reply.status, body=reply.bytes(), headers=headers)

    @asynccontextmanager
    async def running(self):
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()


class Sandbox(Server):
    """Azure: ARM, the authority and Graph on one address."""

    ca_file = ""

    @property
    def cloud(self) -> CloudSettings:
        return CloudSettings(
            name="custom",
            resource_manager=self.url,
            authority=self.url,
            graph=self.url,
            logs=self.url,
            ca_file=self.ca_file,
        )

    @property
    def credential(self) -> CredentialSettings:
        return CredentialSettings(
            kind="client_secret", tenant_id=TENANT, client_id="app-1", client_secret_env="TEST_CLIENT_SECRET"
        )

    def connect(self, cloud=None, credential=None, **options):
        return connect(cloud or self.cloud, credential or self.credential, **{"backoff": 0.01, **options})

    def grants_tokens(self, **claims) -> None:
        granted = {"access_token": token(**claims), "expires_in": 3600, "token_type": "Bearer"}
        self.on(f"/{TENANT}/oauth2/v2.0/token", Reply(granted))


def jobs(*names: str, **more) -> Reply:
    return Reply({"value": [{"id": f"{JOBS}/{name}", "name": name} for name in names], **more})


def zipped(reply: Reply) -> Reply:
    return Reply(raw=gzip.compress(reply.bytes()), headers={"Content-Encoding": "gzip"})


async def read(pages) -> list:
    return [page async for page in pages]


async def read_until_broken(pages) -> tuple[list, ReadFailed]:
    """Return the pages that came before the failure, and the failure."""
    kept = []
    try:
        async for page in pages:
            kept.append(page)  # noqa: PERF401  what came before the failure counts
    except ReadFailed as failure:
        return kept, failure
    raise AssertionError("nothing failed")


async def until(condition) -> None:
    """Wait for what happens in the server or the client, at most five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  the condition is anybody's counter, not ours to signal
            await asyncio.sleep(0.005)
