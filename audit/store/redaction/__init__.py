"""Redaction, before the first byte reaches the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.store.redaction.document import DocumentRedactor
from audit.store.redaction.listing import ListRedactor
from audit.store.redaction.marks import Marks
from audit.store.redaction.text import TextRedactor

if TYPE_CHECKING:
    from audit.model import Page

__all__ = ["Redactor"]

_BOM = b"\xef\xbb\xbf"
_LINE_BREAKS = bytes.maketrans(b"\r\n", b"  ")


class Redactor:
    """Hides secrets in pages and texts under one key; deterministic, and what is redacted stays as it is.

    A hidden value reads ``[redacted:<16 hex>]``, or ``[redacted:<16 hex>:<detector>]`` where it looks like a secret.
    """

    def __init__(self, key: bytes) -> None:
        self._marks = Marks(key)
        self._text = TextRedactor(self._marks)
        self._pages = ListRedactor(DocumentRedactor(self._marks, self._text))
        self.key_id = self._marks.key_id

    def digest(self, value: str) -> str:
        """Return the keyed digest that stands for a value: equal for equal values under one key."""
        return self._marks.digest(value)

    def text(self, value: str) -> str:
        """Return any text with its secrets hidden."""
        return self._text.text(value)

    def page(self, page: Page) -> Page:
        """Return a page as it may be stored: on one line, without secrets; an empty answer becomes ``null``."""
        return msgspec.structs.replace(
            page,
            url=self._text.text(page.url),
            body=self._body(page.body),
            request_body=None if page.request_body is None else self._body(page.request_body),
        )

    def _body(self, body: bytes) -> bytes:
        """Line breaks in JSON stand between values only; in a text that isn't JSON they don't matter."""
        line = body.removeprefix(_BOM).translate(_LINE_BREAKS).strip()
        return self._pages.body(line) if line else b"null"
