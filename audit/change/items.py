"""Items as Azure sent them, found again by where rows lead."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from audit.model import listed
from audit.render import links

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.model import Page
    from audit.render.raw_pages import Answers


def items(stored: Answers, refs: Collection[str]) -> Iterator[tuple[str, Page, bytes]]:
    """Yield the raw_ref, the page and the item of each of ``refs`` that this run has, one page in memory at a time.

    A row from history leads to another run, so there is no item of it here. Raises IntegrityError.
    """
    wanted: dict[tuple[str, str], dict[tuple[int, int], str]] = defaultdict(dict)
    for raw_ref in refs:
        ref = links.parse(raw_ref)
        if ref is not None:
            wanted[ref.kind, ref.unit][ref.line, ref.item] = raw_ref
    for (kind, unit), places in wanted.items():
        lines = {line for line, _ in places}
        for page in stored.pages(kind, unit):
            for index, item in enumerate(listed(page)) if page.line in lines else ():
                if (page.line, index) in places:
                    yield places[page.line, index], page, item
