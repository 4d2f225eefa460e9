"""Text anywhere: hide what shows as a secret and keep the rest, so that a reader still sees what it was about."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from audit.model.marker import MARKER
from audit.store.redaction import assignments, denylists
from audit.store.redaction.formats import OWN, Format
from audit.store.redaction.hints import may_hold_secret

if TYPE_CHECKING:
    from audit.store.redaction.marks import Marks

_SHORTEST = 5
_REMEMBERED_LENGTH = 512
_REMEMBERED = 100_000
_PASSES = 8
_DEEPEST = 8
_CURSOR = re.compile(r"(?i)(?<=skiptoken=)[^&\s]+")
_PASSING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]{2,10}(?:Z|\+00:00)?|\d{1,20}",
    re.ASCII,
)
"""What Azure sends most and never twice: identifiers and times, harmless by their shape."""
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


class TextRedactor:
    """Redacts one text at a time; remembers clean ones, because Azure repeats itself."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._formats: tuple[Format, ...] = (*OWN, *denylists.formats())
        self.clean: set[str] = set()
        """Texts known to hold no secret."""
        self._redacted: dict[str, str] = {}

    def text(self, value: str) -> str:
        """Return the text with its secrets hidden; the same object where it has none. Idempotent."""
        if value in self.clean or len(value) < _SHORTEST or _PASSING.fullmatch(value) is not None:
            return value
        known = self._redacted.get(value)
        if known is not None:
            return known
        redacted = self._settled(value) if may_hold_secret(value) else value
        if len(value) <= _REMEMBERED_LENGTH:
            self._remember(value, redacted)
        return value if redacted == value else redacted

    def _remember(self, value: str, redacted: str) -> None:
        if len(self.clean) + len(self._redacted) >= _REMEMBERED:
            self.clean.clear()
            self._redacted.clear()
        if redacted == value:
            self.clean.add(value)
        else:
            self._redacted[value] = redacted

    def detector(self, value: str) -> str:
        """Return the name of the first detector that takes a part of the text for a secret, or an empty text."""
        redacted = self.text(value)
        if redacted == value:
            return ""
        return next((match["detector"] for match in MARKER.finditer(redacted) if match["detector"]), "")

    def _settled(self, value: str) -> str:
        """Repeat until nothing changes: what one rule hides may lay bare what another one sees."""
        for _ in range(_PASSES):
            passed = self._decoded(self._once(value))
            if passed == value:
                return value
            value = passed
        return self._marks.hide(value, "unsettled")

    def _once(self, value: str) -> str:
        value = assignments.hide(value, self._marks.hide)
        for form in self._formats:
            if not form.needles or any(needle in value for needle in form.needles):
                value = form.pattern.sub(partial(self._found, form), value)
        return value

    def _found(self, form: Format, match: re.Match[str]) -> str:
        whole = match[0]
        secret = next((text for text in match.groupdict().values() if text), whole)
        if (form.accept is not None and not form.accept(secret)) or _is_cursor(match):
            return whole
        return whole.replace(secret, self._marks.hide(secret, form.detector))

    def _decoded(self, value: str, depth: int = 0) -> str:
        """Look below percent-encoding; where a secret lies there, the text is kept decoded and redacted."""
        if _ESCAPED.search(value) is None:
            return value
        plain = unquote(value)
        if plain == value:
            return value
        if depth > _DEEPEST:
            return self._marks.hide(value)
        redacted = self._decoded(self._once(plain), depth + 1)
        return value if redacted == plain else redacted


def _is_cursor(match: re.Match[str]) -> bool:
    """Tell whether a match is a list's own place marker: it looks random and opens nothing."""
    return any(found.start() <= match.start() < found.end() for found in _CURSOR.finditer(match.string))
