"""From stored pages to rows: the same steps while collecting, on resume and when a pack is verified offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from audit.model.record import must_fit
from audit.model.run import MalformedItem

if TYPE_CHECKING:
    from audit.model.kind import EvidenceKind
    from audit.model.page import Page
    from audit.model.record import Record


class Row(NamedTuple):
    """A decoded row, the page that it leads to, and the item's index among those of that page."""

    record: Record
    page: Page
    item: int


class _Named(msgspec.Struct):
    id: str


def raw_ref(kind: str, page: Page, item: int) -> str:
    """Return where a row's words are kept: file, line (from 1), item (from 0) and Azure's request id."""
    return f"raw/{kind}/{page.scope.unit}.jsonl.zst#line={page.line}&item={item}&request={page.request_id}"


def decode(kind: EvidenceKind, pages: Iterable[Page]) -> Iterator[Row | MalformedItem]:
    """Yield every row of a unit's pages, and one MalformedItem per item that can't be decoded; no item is lost.

    ``pages`` are as stored (redacted, with their line numbers). Kinds with ``combine`` need all pages of the unit at
    once, the others may be given page by page.
    """
    if kind.combine is not None:
        yield from _combined(kind, list(pages))
        return
    for page in pages:
        try:
            items = list(kind.items(page))
        except (msgspec.MsgspecError, ValueError) as error:
            yield MalformedItem(scope=page.scope.id, detail=_placed("$", error), raw_ref=raw_ref(kind.name, page, 0))
            continue
        for index, item in enumerate(items):
            yield from _item(kind, item, page, index)


def _combined(kind: EvidenceKind, pages: list[Page]) -> Iterator[Row | MalformedItem]:
    if not pages or kind.combine is None:
        return
    try:
        items = list(kind.combine(pages))
    except (msgspec.MsgspecError, ValueError) as error:
        page = pages[0]
        yield MalformedItem(scope=page.scope.id, detail=_placed("$", error), raw_ref=raw_ref(kind.name, page, 0))
        return
    told: Counter[int] = Counter()
    for item, page in items:
        yield from _item(kind, item, page, told[page.line])
        told[page.line] += 1


def _item(kind: EvidenceKind, item: bytes, page: Page, index: int) -> Iterator[Row | MalformedItem]:
    try:
        records = list(kind.normalise(item, page))
        for record in records:
            must_fit(record)
    except (msgspec.MsgspecError, ValueError) as error:
        yield MalformedItem(
            scope=_id_of(item) or f"{page.scope.id} (item {index} of page {page.line})",
            detail=_placed(kind.item_path.format(index=index), error),
            raw_ref=raw_ref(kind.name, page, index),
        )
        return
    for record in records:
        yield Row(record, page, index)


def _id_of(item: bytes) -> str:
    try:
        return msgspec.json.decode(item, type=_Named).id
    except msgspec.MsgspecError:
        return ""


def _placed(at: str, error: Exception) -> str:
    what, _, path = str(error).partition(" - at `$")
    return f"{at}{path.rstrip('`')}: {what}"
