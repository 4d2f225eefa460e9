"""What is asked beside ARM's lists: Resource Graph, and the directory by Microsoft Graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from audit.azure.faults import named
from audit.azure.paging import Links
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from audit.azure.door import Door
    from audit.azure.recorder import Answer

RESOURCE_GRAPH_VERSION = "2022-10-01"
GRAPH_VERSION = "v1.0"
MOST_SUBSCRIPTIONS = 1000
MOST_IDS = 1000
"""https://learn.microsoft.com/graph/api/directoryobject-getbyids: up to 1,000 ids."""
_PAGE = 1000
_PROPERTIES = "id,displayName,userPrincipalName,accountEnabled,userType,appId,servicePrincipalType"


class _Found(msgspec.Struct):
    """https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources."""

    total: int = msgspec.field(name="totalRecords")
    count: int
    data: list[msgspec.Raw]
    truncated: bool | str = msgspec.field(name="resultTruncated", default="false")
    skip_token: str | None = msgspec.field(name="$skipToken", default=None)


async def resource_graph(door: Door, query: str, subscriptions: Sequence[str]) -> AsyncIterator[Answer]:
    """Yield every page of a query over these subscriptions.

    Raises ReadFailed(UNSUPPORTED) without subscriptions (Azure would search the whole tenant), and
    ReadFailed(TRUNCATED) where Azure cut the result off or gave fewer rows than it counted.
    """
    if not subscriptions:
        raise ReadFailed(GapReason.UNSUPPORTED, "there is no subscription to ask Resource Graph about")
    for start in range(0, len(subscriptions), MOST_SUBSCRIPTIONS):
        async for answer in _graph_pages(door, query, list(subscriptions[start : start + MOST_SUBSCRIPTIONS])):
            yield answer


async def _graph_pages(door: Door, query: str, subscriptions: list[str]) -> AsyncIterator[Answer]:
    links, rows, seen = Links(), 0, set()
    options: dict[str, Any] = {"resultFormat": "objectArray", "$top": _PAGE}
    path = f"/providers/Microsoft.ResourceGraph/resources?api-version={RESOURCE_GRAPH_VERSION}"
    while True:
        with links.whole(), named("POST Resource Graph", one=False):
            answer = await door.post(path, {"query": query, "subscriptions": subscriptions, "options": options})
            found = msgspec.json.decode(answer.body, type=_Found)
        links.pages += 1
        rows += len(found.data)
        yield answer
        if not found.skip_token:
            if str(found.truncated).lower() == "true" or rows < found.total:
                raise ReadFailed(GapReason.TRUNCATED, f"Resource Graph gave {rows} of {found.total} rows and no way on")
            return
        if found.skip_token in seen:
            raise ReadFailed(GapReason.TRUNCATED, f"page {links.pages} leads back to a page that was read before")
        seen.add(found.skip_token)
        options["$skipToken"] = found.skip_token


def graph_url(door: Door, path: str, params: Mapping[str, str] | None) -> str:
    """Return the address of a path below ``/v1.0`` at Graph."""
    query = "?" + urlencode(params, safe="$,()':/", quote_via=quote) if params else ""
    return f"{door.endpoint}/{GRAPH_VERSION}{quote(path, safe='/')}{query}"


async def directory_list(
    door: Door, path: str, params: Mapping[str, str] | None, *, eventual: bool
) -> AsyncIterator[Answer]:
    """Yield every page of a Graph list; its links lead to Graph itself or nowhere."""
    headers = {"ConsistencyLevel": "eventual"} if eventual else {}
    async for answer in door.pages(graph_url(door, path, params), one=True, headers=headers):
        yield answer


async def directory_objects(door: Door, object_ids: Sequence[str]) -> AsyncIterator[Answer]:
    """Yield the directory's answers about these object ids, a thousand at a time; unknown ids are left out."""
    links = Links()
    for start in range(0, len(object_ids), MOST_IDS):
        ids = list(object_ids[start : start + MOST_IDS])
        with links.whole(), named("POST Graph getByIds", one=False):
            answer = await door.post(f"/v1.0/directoryObjects/getByIds?$select={_PROPERTIES}", {"ids": ids})
            link = links.read(answer)
        yield answer
        if link:
            raise ReadFailed(GapReason.TRUNCATED, "Graph split its answer to getByIds, which has no pages")
