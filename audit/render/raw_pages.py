"""Raw pages made readable: one view per stored page, with an anchor for each item, so that a row leads to its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from markupsafe import Markup

from audit.evidence import KINDS
from audit.render import links
from audit.render.text import visible

if TYPE_CHECKING:
    from audit.model import EvidenceKind, Page, Run, UnitRecord
    from audit.render.staging import Staging
    from audit.render.templates import Templates

_ARRAYS = ("value", "data")
"""Where ARM, Graph and Resource Graph put the items of a list."""
LONGEST = 12_000
"""Characters of the longest item that a view shows whole."""
FOLDED = 1_000
"""Characters from which on an item has its innermost objects on a line each, unless they are long themselves."""
LONGEST_LINE = 600
MOST_ALIKE, FIRST_ALIKE, LAST_ALIKE = 60, 12, 3
"""Objects in a row, with nothing inside them, that a view shows; of more, the first and the last: a metric has many."""
BEGINNING = 3_000
"""Characters that a view shows of a longer one: enough to tell what it is."""
_INNERMOST = re.compile(r"\{\n[^{}\[\]]*\n\s*\}")
_BREAK = re.compile(r"\n\s*")
# A quotation mark inside a JSON text is escaped, so what looks like the beginning of an object is one.
_OBJECT = rb'\{\s*"[^"\\]*"\s*:[^{}\[\]]*\}'
_ONE = re.compile(_OBJECT)
_SERIES = re.compile(rb"(?:%b\s*,\s*){%d,}%b" % (_OBJECT, MOST_ALIKE, _OBJECT))


class RawViews:
    """Which views were written: rows link only to what is there."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str, int], int] = {}

    def add(self, kind: str, unit: str, line: int, items: int) -> None:
        """Remember a page and how many items it shows."""
        self._items[kind, unit, line] = items

    def lines(self, kind: str, unit: str) -> Iterator[str]:
        """Yield the first view of each page of a unit."""
        line = 1
        while (kind, unit, line) in self._items:
            yield links.view(kind, unit, line)
            line += 1

    def __call__(self, raw_ref: str | None) -> str | None:
        """Return where a raw_ref leads inside the pack: an item's view, a unit's first page, a file; or None."""
        ref = links.parse(raw_ref) or links.parse(f"{raw_ref}#line=1&item=0")
        if ref is None:
            return raw_ref if raw_ref and (raw_ref == "run.json" or raw_ref.startswith("controls/")) else None
        items = self._items.get((ref.kind, ref.unit, ref.line))
        if items is None:
            return None
        part, item = divmod(ref.item, links.ITEMS_PER_VIEW)
        if ref.item >= max(items, 1):
            part, item = 0, 0
        return f"{links.view(ref.kind, ref.unit, ref.line, part)}#i{part * links.ITEMS_PER_VIEW + item}"


class Answers(Protocol):
    """What rendering reads of a run beside its tables: a stored run, or a pack that was made of one."""

    @property
    def run(self) -> Run:
        """The run."""

    def pages(self, kind: str, unit: str) -> Iterator[Page]:
        """Yield the stored pages of a unit."""

    def lost(self, raw_ref: str) -> bool:
        """Tell whether the raw answer that a row of another run names is gone."""


def write(stored: Answers, templates: Templates, staging: Staging) -> RawViews:
    """Write the views of every raw page of a run and return which there are. One page is in memory at a time."""
    views = RawViews()
    kinds = {kind.name: kind for kind in KINDS}
    sheet = templates.sheet_of("raw_page.html")
    for unit in stored.run.units:
        if not unit.outcome.pages:
            continue
        kind = kinds.get(unit.kind)
        for page in stored.pages(unit.kind, unit.unit):
            rest, items = _split(page)
            if kind is not None and unit.outcome.pages == 1:
                items += _beyond(kind, page)
            views.add(unit.kind, unit.unit, page.line, len(items))
            for name, context in _views(unit, page, items):
                told = context | sheet | {"title": kind.title if kind else unit.kind, "page": page, "rest": rest}
                staging.write(name, templates.render("raw_page.html", **told))
    return views


def _views(unit: UnitRecord, page: Page, items: list[Markup]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each view of a page: its name, and what is told on it besides the page itself."""
    last = max(0, len(items) - 1) // links.ITEMS_PER_VIEW
    for part in range(last + 1):
        first = part * links.ITEMS_PER_VIEW
        yield (
            links.view(unit.kind, unit.unit, page.line, part),
            {
                "base": "../../",
                "kind": unit.kind,
                "request_body": _pretty(page.request_body) if page.request_body else "",
                "items": list(enumerate(items[first : first + links.ITEMS_PER_VIEW], first)),
                "total": len(items),
                "part": part + 1,
                "parts": last + 1,
                "pages": unit.outcome.pages,
                "previous_part": links.view(unit.kind, unit.unit, page.line, part - 1) if part else "",
                "next_part": links.view(unit.kind, unit.unit, page.line, part + 1) if part < last else "",
                "previous_page": links.view(unit.kind, unit.unit, page.line - 1) if page.line > 1 else "",
                "next_page": links.view(unit.kind, unit.unit, page.line + 1) if page.line < unit.outcome.pages else "",
                "file": f"raw/{unit.kind}/{unit.unit}.jsonl.zst",
            },
        )


def _split(page: Page) -> tuple[Markup | None, list[Markup]]:
    """Return what stands around the items, and the items; a page that is no list is one item."""
    try:
        body = msgspec.json.decode(page.body, type=dict[str, msgspec.Raw])
        array = next(name for name in _ARRAYS if bytes(body.get(name, b""))[:1] == b"[")
    except (msgspec.MsgspecError, StopIteration):
        return None, [_pretty(page.body)]
    items = msgspec.json.decode(body[array], type=list[msgspec.Raw])
    told = f"… {len(items)} item{'' if len(items) == 1 else 's'}, shown below …"
    around = {**body, array: msgspec.Raw(msgspec.json.encode(told))}
    return _pretty(msgspec.json.encode(around)), [_pretty(bytes(item)) for item in items]


def _beyond(kind: EvidenceKind, page: Page) -> list[Markup]:
    """Return items that rows were made of though Azure didn't send them: ids that were asked for and not found."""
    if kind.combine is None or page.request_body is None:
        return []
    try:
        sent = len(list(kind.items(page)))
        return [_pretty(item) for item, _ in list(kind.combine([page]))[sent:]]
    except (msgspec.MsgspecError, ValueError):
        return []  # a malformed page made no rows either; coverage says so


def _pretty(value: bytes) -> Markup:
    """Return JSON indented, its words untouched: a number keeps its digits, an escape stays an escape.

    A long one has its innermost objects on a line each; of a long series of them the first and the last are shown, of
    what is longer still the beginning; either is said where it happens.
    """
    if len(value) > FOLDED:
        value = _SERIES.sub(_ends, value)
    text = msgspec.json.format(value, indent=2).decode("utf-8", "backslashreplace")
    if len(text) > FOLDED:
        text = _INNERMOST.sub(_on_a_line, text)
    if len(text) > LONGEST:
        shown = text[: text.rfind("\n", 0, BEGINNING) + 1] or text[:BEGINNING] + "\n"
        text = f"{shown}… {len(text) - len(shown):,} more characters: the file named above has all of them"
    return _as_text(visible(text))


def _on_a_line(found: re.Match[str]) -> str:  # no line break stands inside a JSON text
    return _BREAK.sub(" ", found[0]) if len(found[0]) <= LONGEST_LINE else found[0]


def _ends(found: re.Match[bytes]) -> bytes:
    each = _ONE.findall(found[0])
    more = len(each) - FIRST_ALIKE - LAST_ALIKE
    said = f'"… {more:,} more between these: the file named above has all of them …"'.encode()
    return b",".join([*each[:FIRST_ALIKE], said, *each[-LAST_ALIKE:]])


def _as_text(text: str) -> Markup:
    """Return text for between two tags: there a quotation mark is just one, and JSON is full of them."""
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704
