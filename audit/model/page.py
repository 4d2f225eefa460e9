"""One answer of Azure, as received: the evidence that every row leads back to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from audit.model.scope import Scope


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer and the request that got it. ``body`` is JSON, as received or as redacted on its way to disk.

    ``line`` is the page's line (from 1) in its raw file; 0 before it is stored.
    """

    scope: Scope
    method: str
    url: str
    api_version: str
    status: int
    request_id: str
    correlation_id: str
    received_at: datetime
    body: bytes
    request_body: bytes | None = None
    line: int = 0


class _List(msgspec.Struct):
    value: list[msgspec.Raw]


class _Column(msgspec.Struct):
    name: str


class _Grid(msgspec.Struct):
    columns: list[_Column]
    rows: list[list[msgspec.Raw]]


class _Found(msgspec.Struct):
    data: list[msgspec.Raw] | _Grid


def listed(page: Page) -> Iterator[bytes]:
    """Yield each element of ``value``, undecoded: the shape of every ARM and Graph list.

    Raises msgspec.ValidationError where the page has no array ``value``.
    """
    for item in msgspec.json.decode(page.body, type=_List).value:
        yield bytes(item)


def graph_rows(page: Page) -> Iterator[bytes]:
    """Yield each row of a Resource Graph answer as an object: ``data`` is a list of them, or columns and rows.

    Raises msgspec.ValidationError where ``data`` is neither.
    """
    data = msgspec.json.decode(page.body, type=_Found).data
    if isinstance(data, list):
        yield from (bytes(item) for item in data)
        return
    names = [column.name for column in data.columns]
    for row in data.rows:
        yield msgspec.json.encode(dict(zip(names, row, strict=True)))


def whole(page: Page) -> Iterator[bytes]:
    """Yield the body as one item: the shape of a GET on one resource."""
    yield page.body
