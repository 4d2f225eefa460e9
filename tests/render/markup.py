"""HTML as tests look at it: elements in order, with their attributes and the text inside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

INLINE = {"a", "abbr", "code", "em", "span", "strong"}
VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parent: Element | None
    content: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self._words()).split())

    @property
    def children(self) -> list[Element]:
        return [each for each in self.content if isinstance(each, Element)]

    @property
    def texts(self) -> list[str]:
        """The element's own text, without that of the elements in it."""
        return [each for each in self.content if isinstance(each, str)]

    def _words(self) -> Iterator[str]:
        for each in self.content:
            if isinstance(each, str):
                yield each
            elif each.tag in INLINE:
                yield from each._words()
            else:
                yield f" {each.text} "

    def all(self, *tags: str) -> list[Element]:
        found = [self] if not tags or self.tag in tags else []
        return found + [each for child in self.children for each in child.all(*tags)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("#document", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.content.append(made)
        if tag not in VOID:
            self.at = made

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.content.append(data)


def read(path: Path) -> Element:
    """Parse a page; an end tag that closes another element fails."""
    reader = _Reader()
    reader.feed(path.read_text("utf-8"))
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is not closed in {path}"
    return reader.root


def pages(folder: Path) -> list[Path]:
    """Every page of a report."""
    return sorted(folder.rglob("*.html"))
