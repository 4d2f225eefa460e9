"""What stands before every host of the sandbox: log, watch for writes, faults, latency, common headers."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import msgspec
from aiohttp import web

from audit.sandbox.call import split_target
from audit.sandbox.faults import Effect, Fault, Faults, edited
from audit.sandbox.wire import FIRST, JSON, Answer, Cursor, encode, error_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Incoming(NamedTuple):
    """One request. ``raw`` is path and query as sent, ``base`` scheme, host and port as the client spelled them."""

    method: str
    raw: str
    body: bytes
    headers: Mapping[str, str]
    base: str
    request_id: str


class Logged(NamedTuple):
    """One request as the log keeps it.

    ``status`` is 0 where the connection was cut; ``caller`` is the object id that the token stands for, or empty.
    """

    method: str
    path: str
    status: int
    caller: str
    host: str
    query: str


class Violation(NamedTuple):
    """An attempt to write."""

    method: str
    path: str
    caller: str
    host: str


class Host(NamedTuple):
    """One of the hosts: ``answer`` fills in headers and says who asked, ``reads`` tells reads from writes.

    ``faulty`` False keeps faults away from it.
    """

    name: str
    answer: Callable[[Incoming, dict[str, str]], tuple[Answer, str]]
    reads: Callable[[str, str], bool]
    caller: Callable[[Incoming], str]
    scheme: str = "https"
    faulty: bool = True


class Front:
    """The part that all hosts share."""

    def __init__(self, faults: Faults, *, latency_ms: float, seed: int) -> None:
        self.faults = faults
        self.requests: list[Logged] = []
        self.violations: list[Violation] = []
        self.foreign_base = ""
        self._latency = latency_ms / 1000
        self._seed = seed
        self._seen: Counter[bytes] = Counter()

    def server(self, host: Host) -> web.Server:
        """Return an aiohttp server for one host."""

        async def handle(request: web.BaseRequest) -> web.Response:
            return await self._handle(host, request)

        return web.Server(handle, access_log=None, keepalive_timeout=120.0)

    async def _handle(self, host: Host, request: web.BaseRequest) -> web.Response:
        method, raw = request.method, request.raw_path
        body = await request.read() if request.can_read_body else b""
        request_id = self._request_id(host.name, method, raw, body)
        incoming = Incoming(method, raw, body, request.headers, f"{host.scheme}://{request.host}", request_id)
        struck = self._struck(incoming) if self.faults and host.faulty else []
        answer, caller, headers = self._answer(host, incoming, struck)
        delay = self._latency + sum(fault.latency_ms for fault in struck) / 1000
        if delay:
            await asyncio.sleep(delay)
        path, _, query = raw.partition("?")
        cut = any(fault.effect is Effect.DISCONNECT for fault in struck)
        self.requests.append(Logged(method, unquote(path), 0 if cut else answer.status, caller, host.name, query))
        if cut and request.transport is not None:
            request.transport.abort()
        if answer.headers:
            headers.update(answer.headers)
        headers.setdefault("Content-Type", JSON)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _answer(self, host: Host, incoming: Incoming, struck: list[Fault]) -> tuple[Answer, str, dict[str, str]]:
        headers = {
            "Cache-Control": "no-cache",
            "x-ms-request-id": incoming.request_id,
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
            "X-Content-Type-Options": "nosniff",
        }
        path = unquote(incoming.raw.partition("?")[0])
        if not host.reads(incoming.method, path):
            caller = host.caller(incoming)
            self.violations.append(Violation(incoming.method, path, caller, host.name))
            message = f"The client '{caller}' does not have authorization to perform a write over scope '{path}'."
            return Answer(403, error_body("AuthorizationFailed", message)), caller, headers
        for fault in struck:
            if fault.effect is Effect.ANSWER:
                return fault.answer(), host.caller(incoming), headers
        answer, caller = host.answer(incoming, headers)
        if struck and answer.status == HTTPStatus.OK:  # only a true answer can be spoilt
            for fault in struck:
                answer = answer._replace(body=self._spoilt(fault, answer.body, incoming))
        return answer, caller, headers

    def _request_id(self, host: str, method: str, raw: str, body: bytes) -> str:
        """Return a GUID that is the same for the nth such request of every run with this seed."""
        what = hashlib.blake2b(f"{self._seed} {host} {method} {raw}\n".encode() + body, digest_size=16).digest()
        self._seen[what] += 1
        nth = hashlib.blake2b(what, key=self._seen[what].to_bytes(4, "big"), digest_size=16).hexdigest()
        return f"{nth[:8]}-{nth[8:12]}-4{nth[13:16]}-a{nth[17:20]}-{nth[20:]}"

    def _struck(self, incoming: Incoming) -> list[Fault]:
        return self.faults.strike(incoming.method, unquote(incoming.raw), _asked(incoming).page)

    def _spoilt(self, fault: Fault, body: bytes, incoming: Incoming) -> bytes:
        if fault.effect is Effect.EDIT:
            return edited(body, fault.edits)
        if fault.effect is Effect.BAD_JSON:
            return body[: len(body) // 2]
        if fault.effect in (Effect.FOREIGN_LINK, Effect.LOOP_LINK):
            return self._misled(fault, body, incoming)
        return body

    def _misled(self, fault: Fault, body: bytes, incoming: Incoming) -> bytes:
        document = msgspec.json.decode(body)
        if fault.effect is Effect.LOOP_LINK and "totalRecords" in document:
            document["$skipToken"] = _asked(incoming).token()
        elif fault.effect is Effect.LOOP_LINK:
            document["nextLink"] = incoming.base + incoming.raw
        else:
            document["nextLink"] = self.foreign_base + incoming.raw
        return encode(document)


def _asked(incoming: Incoming) -> Cursor:
    """Return which page of a list a request asks for, wherever it carries its token."""
    token = split_target(incoming.raw)[1].get("$skiptoken")
    if token is None and incoming.method == "POST":
        token = _token_of(incoming.body)
    if token is None:
        return FIRST
    try:
        return Cursor.read(token)
    except ValueError:
        return FIRST


def _token_of(body: bytes) -> str | None:
    try:
        options = msgspec.json.decode(body).get("options") or {}
    except (msgspec.DecodeError, AttributeError):
        return None
    token = options.get("$skipToken")
    return token if isinstance(token, str) else None


class Arrival(NamedTuple):
    """A request that reached the foreign host: where to, and whether one of our bearer tokens came along."""

    path: str
    bearer: bool


def reads_only(method: str, _path: str) -> bool:
    """Tell whether a request only reads, on a host without queries by POST."""
    return method == "GET"


__all__ = ["Arrival", "Front", "Host", "Incoming", "Logged", "Violation", "reads_only"]
