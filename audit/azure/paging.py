"""All pages or an error: links are followed to the same origin only, and never in a circle.

The stock SDK pager follows a link to any host and sends the bearer token along, and the pagers of some operations
ignore the link altogether; so every link is read and followed here, for typed operations too.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec

from audit.azure.guard import origin
from audit.model.outcome import GapReason, NotThere, ReadFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.azure.recorder import Answer

_KEPT = frozenset({GapReason.THROTTLED, GapReason.FORBIDDEN, GapReason.TRUNCATED})


class _Listed(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="nextLink", default=None)
    odata_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Links:
    """The links of one list, in the order in which they are followed."""

    def __init__(self) -> None:
        self.pages = 0
        self._seen: set[str] = set()

    def read(self, answer: Answer) -> str | None:
        """Count a page and return its link to the next one, unchecked. Raises msgspec.MsgspecError if it is no list."""
        listed = msgspec.json.decode(answer.body, type=_Listed)
        self.count(answer)
        return listed.next_link or listed.odata_link

    def count(self, answer: Answer) -> None:
        """Count a page that has been read."""
        self.pages += 1
        self._seen.add(answer.url)

    def follow(self, answer: Answer, link: str) -> str:
        """Return the address that ``link`` on this page leads to.

        Raises ReadFailed(TRUNCATED) where that is another origin, or a page that was read before.
        """
        try:
            there = urljoin(answer.url, link)
            foreign = origin(there) != origin(answer.url)
        except ValueError:
            there, foreign = "", True
        if foreign:
            raise ReadFailed(
                GapReason.TRUNCATED,
                f"page {self.pages} leads on to another host ({_host(there)}); the link was not followed",
            )
        if there in self._seen:
            raise ReadFailed(GapReason.TRUNCATED, f"page {self.pages} leads back to a page that was read before")
        return there

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let a failure count for the list: after the first page, what can't be read truncates it."""
        try:
            yield
        except (ReadFailed, NotThere) as error:
            if not self.pages or (isinstance(error, ReadFailed) and error.reason in _KEPT):
                raise
            raise ReadFailed(GapReason.TRUNCATED, f"page {self.pages + 1} could not be read: {error}") from error


def _host(url: str) -> str:
    try:
        scheme, host, port = origin(url)
    except ValueError:
        return "not a valid address"
    return f"{scheme}://{host}:{port}"
