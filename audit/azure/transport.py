"""One aiohttp session and one TLS context for every client and every credential.

The stock transport builds a TLS context per request when it is given a CA by path, which costs hundreds of megabytes
and every kept-alive connection; so the context is made once, here.
"""

from __future__ import annotations

import ssl
from socket import AF_INET
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.resolver import ThreadedResolver
from azure.core.pipeline.transport import AioHttpTransport

from audit import __version__
from audit.errors import ConfigError

if TYPE_CHECKING:
    import socket

    from aiohttp.abc import ResolveResult

    from audit.azure.clouds import Cloud
    from audit.azure.meter import Meter

USER_AGENT = f"jobaudit/{__version__}"

CONNECT_SECONDS = 20
READ_SECONDS = 60
"""The longest silence within an answer; ARM itself gives up after 60 seconds."""


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a verifying context that trusts the system's CAs and, where given, those of ``ca_file`` (PEM).

    Raises ConfigError naming cloud.ca_file when the file is missing, unreadable or holds no certificate.
    """
    context = ssl.create_default_context()
    if not ca_file:
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        unreadable = error.strerror if not isinstance(error, ssl.SSLError) else None
        why = unreadable or "it holds no PEM certificate"
        raise ConfigError(
            f"the CA file can't be used: {why}",
            where=f"cloud.ca_file: {ca_file}",
            hint="give the PEM file of the CA that signed the endpoints' certificates, or remove the key",
        ) from error
    return context


def open_session(cloud: Cloud, meter: Meter, *, connections: int, leads_to: str = "") -> aiohttp.ClientSession:
    """Return the session that everything shares; the caller closes it.

    Bodies arrive compressed (the SDK's transport unpacks gzip), cookies are dropped, and a proxy is taken from the
    environment only where the settings ask for it. ``leads_to``: ``host:port`` that every name leads to; TLS still
    asks for a certificate of the name.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=tls_context(cloud.ca_file),
            limit=connections,
            resolver=_LeadsTo(leads_to) if leads_to else None,
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=cloud.proxy_from_environment,
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
        trace_configs=[_counting(meter)],
    )


class _LeadsTo(ThreadedResolver):
    """Name resolution by which every name leads to one place."""

    def __init__(self, place: str) -> None:
        super().__init__()
        self._host, _, port = place.rpartition(":")
        self._port = int(port)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = AF_INET) -> list[ResolveResult]:  # noqa: ARG002  the seam is aiohttp's
        """Return the addresses of that place, whatever is asked for."""
        return await super().resolve(self._host, self._port, family)


def share(session: aiohttp.ClientSession) -> AioHttpTransport:
    """Return a transport over the shared session; closing it leaves the session open."""
    return AioHttpTransport(
        session=session,
        session_owner=False,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )


def _counting(meter: Meter) -> aiohttp.TraceConfig:
    async def chunk(_: object, __: object, params: aiohttp.TraceResponseChunkReceivedParams) -> None:
        meter.bytes_received += len(params.chunk)

    trace: Any = aiohttp.TraceConfig()
    trace.on_response_chunk_received.append(chunk)
    return trace  # type: ignore[no-any-return]
