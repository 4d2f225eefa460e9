"""The raw door: requests through the pipeline, answers as received, without the SDK's models in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from azure.core.rest import HttpRequest

from audit.azure.faults import named
from audit.azure.paging import Links
from audit.azure.recorder import Answer, answer_of
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from azure.core.pipeline import AsyncPipeline

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_ACCEPT = {"Accept": "application/json"}


class Door:
    """Reads from one endpoint. Every failure is ReadFailed or NotThere."""

    def __init__(self, pipeline: AsyncPipeline[Any, Any], endpoint: str) -> None:
        self._pipeline = pipeline
        self.endpoint = endpoint

    def address(self, path: str, api_version: str, params: Mapping[str, str] | None = None) -> str:
        """Return the URL of an ARM path. Raises ReadFailed(MALFORMED) for an id that isn't one, such as ``/a/../b``."""
        if not path.startswith("/") or ("/." in path and {".", ".."} & set(path.split("/"))):
            raise ReadFailed(GapReason.MALFORMED, f"not an Azure path: {path!r}")
        query = "?api-version=" + api_version
        if params:
            query += "&" + urlencode(params, safe="$,()':/", quote_via=quote)
        return self.endpoint + quote(path, safe="/:@$()!*',;=+~&") + query

    async def get(self, url: str) -> Answer:
        """Return the answer to a GET on one thing: a JSON object. Raises NotThere where Azure says there is none."""
        with named(_what("GET", url), one=True):
            answer = await self._send(HttpRequest("GET", url, headers=_ACCEPT))
            must_be_object(answer)
        return answer

    async def post(self, path: str, body: Any) -> Answer:
        """Return the answer to a question that Azure wants as a POST (see guard.READ_ONLY_POSTS)."""
        url = self.endpoint + path
        with named(_what("POST", url), one=False):
            return await self.ask(url, body)

    async def ask(self, url: str, body: Any) -> Answer:
        """Return the answer to such a question at a whole address. What fails is raised as it comes, unnamed."""
        return await self._send(HttpRequest("POST", url, headers=_JSON, content=msgspec.json.encode(body)))

    async def pages(
        self, url: str, links: Links | None = None, *, one: bool = False, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Answer]:
        """Yield a list's pages from ``url`` to the last one, or raise.

        A page that was read is yielded before what is wrong with its link is raised. ``one``: a 404 says that what the
        list belongs to isn't there. ``headers`` go with each request.
        """
        links = links or Links()
        while True:
            with links.whole(), named(_what("GET", url), one=one):
                answer = await self._send(HttpRequest("GET", url, headers=_ACCEPT | dict(headers or {})))
                link = links.read(answer)
            yield answer
            if not link:
                return
            url = links.follow(answer, link)

    async def _send(self, request: HttpRequest) -> Answer:
        return answer_of(await self._pipeline.run(request))


def must_be_object(answer: Answer) -> None:
    """Raise msgspec.MsgspecError unless the body is a JSON object."""
    msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])


def _what(method: str, url: str) -> str:
    return f"{method} {url.partition('?')[0]}"
