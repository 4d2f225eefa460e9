"""The registries' door: what a tag stands for, asked of the login server that ARM names for the registry.

A registry takes no token of Entra's. One for the registry service only is exchanged for the registry's refresh token,
and that for a token to the metadata of one repository: https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md.
The answers that hold these tokens never become pages, and errors quote no bodies (faults.py).
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from azure.core.rest import HttpRequest

from audit.azure.door import must_be_object
from audit.azure.faults import named
from audit.azure.recorder import answer_of
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.pipeline import AsyncPipeline

    from audit.azure.recorder import Answer
    from audit.model.page import Page
    from audit.model.scope import Scope

Shape = TypeVar("Shape")
TOKEN_SCOPE = "https://containerregistry.azure.net/.default"  # noqa: S105  an address
"""The audience of the registry service, in every cloud: a token for it opens nothing else of Azure."""
EXCHANGE, TOKEN = "/oauth2/exchange", "/oauth2/token"
POSTS = (re.compile(re.escape(EXCHANGE)), re.compile(re.escape(TOKEN)))
"""The two POSTs that a registry is sent: the exchanges of tokens."""
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_SERVER = re.compile(r"(?=.{4,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
_REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Refresh(msgspec.Struct):
    refresh_token: str


class _Access(msgspec.Struct):
    access_token: str


def endpoint_of(login_server: str, suffix: str) -> str:
    """Return the https endpoint of a login server.

    Raises ReadFailed(UNSUPPORTED) for what isn't the plain name of a host below ``suffix`` (empty: of any host), so
    that no token is sent anywhere else.
    """
    host = login_server.lower()
    if not _SERVER.fullmatch(host) or not host.endswith(suffix):
        raise ReadFailed(GapReason.UNSUPPORTED, f"not a login server of this cloud's registries: {login_server!r}")
    return f"https://{host}"


class Registry:
    """One registry for as long as one unit reads it. Every failure is ReadFailed or NotThere."""

    def __init__(
        self, pipeline: AsyncPipeline[Any, Any], credential: AsyncTokenCredential, endpoint: str, tenant_id: str
    ) -> None:
        self._pipeline = pipeline
        self._credential = credential
        self._endpoint = endpoint
        self._tenant_id = tenant_id
        self._refresh = ""
        self._access: dict[str, str] = {}
        self._one_by_one = asyncio.Lock()

    async def tag(self, repository: str, tag: str, *, scope: Scope) -> Page:
        """Return what the registry says of a tag: its digest and its times. NotThere: there is no such tag."""
        return await self._read(repository, "_tags", _well_formed(tag, _TAG), scope)

    async def manifest(self, repository: str, digest: str, *, scope: Scope) -> Page:
        """Return what the registry says of a manifest: its size and its times. NotThere: there is no such manifest."""
        return await self._read(repository, "_manifests", _well_formed(digest, _DIGEST), scope)

    async def _read(self, repository: str, what: str, name: str, scope: Scope) -> Page:
        url = f"{self._endpoint}/acr/v1/{_well_formed(repository, _REPOSITORY)}/{what}/{name}"
        token = await self._token(repository)
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        with named(f"GET {url}", one=True):
            answer = await self._send(HttpRequest("GET", url, headers=headers))
            must_be_object(answer)
        return answer.page(scope, "v1")

    async def _token(self, repository: str) -> str:
        """Return an access token to the metadata of one repository."""
        async with self._one_by_one:
            if not self._refresh:
                self._refresh = await self._exchanged()
            if repository not in self._access:
                question = {
                    "grant_type": "refresh_token",
                    "scope": f"repository:{repository}:metadata_read",
                    "refresh_token": self._refresh,
                }
                self._access[repository] = (await self._posted(TOKEN, question, _Access)).access_token
            return self._access[repository]

    async def _exchanged(self) -> str:
        with named(f"sign-in for {self._endpoint}", one=False):
            token = await self._credential.get_token(TOKEN_SCOPE)
        question = {"grant_type": "access_token", "tenant": self._tenant_id, "access_token": token.token}
        return (await self._posted(EXCHANGE, question, _Refresh)).refresh_token

    async def _posted(self, path: str, question: dict[str, str], shape: type[Shape]) -> Shape:
        url = self._endpoint + path
        form = urlencode({"service": self._endpoint.removeprefix("https://"), **question})
        with named(f"POST {url}", one=False):
            answer = await self._send(HttpRequest("POST", url, headers=_FORM, content=form))
            return msgspec.json.decode(answer.body, type=shape)

    async def _send(self, request: HttpRequest) -> Answer:
        return answer_of(await self._pipeline.run(request))


def _well_formed(text: str, grammar: re.Pattern[str]) -> str:
    """Return the text, or raise ReadFailed(UNSUPPORTED) where it could lead to another path."""
    if not grammar.fullmatch(text):
        raise ReadFailed(GapReason.UNSUPPORTED, f"not a part of an image reference that a registry knows: {text!r}")
    return text
