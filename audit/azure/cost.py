"""Cost Management: one question, asked page by page.

The link to the next page is asked with the same question again, as a POST on the same host.
https://learn.microsoft.com/rest/api/cost-management/query/usage
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from audit.azure.faults import named
from audit.azure.paging import Links
from audit.azure.recorder import NotOk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from audit.azure.door import Door
    from audit.azure.recorder import Answer

VERSION = "2023-11-01"
_EMPTY = 204
_ROWS = "5000"
"""Rows to a page, as many as the service gives: each page counts against the tenant's small quota. Unasked: 1,000."""


class _Table(msgspec.Struct):
    columns: list[msgspec.Raw]
    rows: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="nextLink", default=None)


class _Answer(msgspec.Struct):
    properties: _Table


async def query(door: Door, path: str, body: Any) -> AsyncIterator[Answer]:
    """Yield every page of what the scope ``path`` cost; status 204 (nothing was charged) is a page without a body.

    Raises ReadFailed: UNSUPPORTED where the billing account can't be asked (400, 422), FORBIDDEN, THROTTLED, or
    TRUNCATED where a page after the first can't be read.
    """
    links = Links()
    url = door.address(f"{path}/providers/Microsoft.CostManagement/query", VERSION, {"$top": _ROWS})
    what = f"POST {url.partition('?')[0]}"
    while True:
        link = None
        with links.whole(), named(what, one=False):
            try:
                answer = await door.ask(url, body)
            except NotOk as error:
                if error.answer.status != _EMPTY or links.pages:
                    raise
                answer = error.answer
            else:
                link = msgspec.json.decode(answer.body, type=_Answer).properties.next_link
        links.count(answer)
        yield answer
        if not link:
            return
        url = links.follow(answer, link)
