"""JSON documents: every text in them, by the rules of its place. What has no secret comes back as the same object."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model.marker import MARKER
from audit.store.redaction import assignments, names, parameters
from audit.store.redaction.changes import ChangeRedactor
from audit.store.redaction.members import CLAIMS, Place, may_do, place
from audit.store.redaction.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.store.redaction.marks import Marks
    from audit.store.redaction.text import TextRedactor

_OPENING = frozenset('{["')
_LOOKS_LIKE_JSON = re.compile(r"\s*\"?\s*(?:\{\s*\\*[\"}]|\[\s*(?:\{|\\*\"))")
_DEEPEST = 60
_NAMES = 10_000
_SECRET_VALUE = "secret-value"  # noqa: S105  a detector's name


def members_in(body: bytes) -> int:
    """Count the members of all objects in a JSON document.

    A member that stands twice in an object is decoded once. Where fewer were seen than stand there, the document may
    only be kept as it was seen, not as it was received.
    """
    return body.count(b'":') - body.count(b'\\":')


class DocumentRedactor:
    """Walks JSON values. ``decode`` and ``encode`` keep numbers as they were spelled."""

    def __init__(self, marks: Marks, text: TextRedactor) -> None:
        self._marks = marks
        self._text = text
        self._places = Places(marks, text)
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)
        self._encoder = msgspec.json.Encoder(decimal_format="number")
        self._changes = ChangeRedactor(self, self._places, marks=marks, text=text)
        self._plain: set[str] = set()
        self._members = 0

    def body(self, body: bytes) -> bytes:
        """Return a JSON document redacted, byte for byte as received where it holds no secret.

        A body that isn't JSON becomes a JSON text, redacted: the decoder says later what is wrong with it.
        """
        try:
            value = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._encoder.encode(self._unparsed(body.decode("utf-8", "replace")))
        self._members = 0
        redacted = self.value(value)
        if redacted is value and self._members == members_in(body):
            return body
        return self._encoder.encode(redacted)

    def member(self, name: str, body: bytes) -> tuple[bytes, int]:
        """Redact the value of one member, as JSON, and return it with the number of members seen in it.

        Where nothing was hidden it is the same object.
        """
        value = self._decoder.decode(body)
        self._members = 0
        redacted = self.named_value(name, value, 1)
        kept = redacted is value and self._members == members_in(body)
        return (body if kept else self._encoder.encode(redacted)), self._members

    def value(self, value: Any, depth: int = 0) -> Any:
        """Redact any JSON value."""
        if type(value) is str:
            return self._string(value, depth)
        if depth > _DEEPEST:
            return value if isinstance(value, int | None | Decimal) else self._marks.hide(repr(value), "too-deep")
        if type(value) is dict:
            return self._object(value, depth + 1)
        if type(value) is list:
            return self._list(value, depth + 1)
        return value

    def _object(self, members: dict[str, Any], depth: int) -> dict[str, Any]:
        self._members += len(members)
        changed: dict[str, Any] = {}
        clean, plain = self._text.clean, self._plain
        renamed = False
        for name, value in members.items():
            if name in plain:
                if type(value) is str and value in clean:
                    continue
                redacted = self.value(value, depth)
            else:
                redacted = self.named_value(name, value, depth)
                renamed = self.hides(name) or renamed
            if redacted is not value:
                changed[name] = redacted
        if "value" in members:
            self._pair(members, changed)
        if renamed:
            return {self._text.text(name): changed.get(name, value) for name, value in members.items()}
        return {**members, **changed} if changed else members

    def count(self, members: dict[str, Any]) -> None:
        """Count the members of an object that another rule walks through (see members_in)."""
        self._members += len(members)

    def hides(self, name: str) -> bool:
        """Tell whether a member's name itself holds a secret; remember the plain ones."""
        if name in self._plain:
            return False
        if self._text.text(name) != name:
            return True
        if place(name) is Place.PLAIN and len(self._plain) < _NAMES:
            self._plain.add(name)
        return False

    def _pair(self, members: dict[str, Any], changed: dict[str, Any]) -> None:
        """Hide the value of a pair of name and value: a list of them is an object spelled differently."""
        name = members.get("name", members.get("keyName", members.get("key")))
        value = members["value"]
        if isinstance(name, str) and isinstance(value, str) and (names.holds_secret(name) or "keyName" in members):
            hidden = self._places.named(name, value)
            if hidden != value:
                changed["value"] = hidden

    def named_value(self, name: str, value: Any, depth: int) -> Any:  # noqa: C901, PLR0911  one branch a place
        """Redact the value of a member by the rules of its name."""
        match place(name):
            case Place.PLAIN:
                return self.value(value, depth)
            case Place.SECRET:
                return self.secret(name, value, depth)
            case Place.ENVIRONMENT if isinstance(value, list):
                return self._same_or_new(value, [self.variable(each, depth) for each in value])
            case Place.ENVIRONMENT if isinstance(value, dict):
                return self._map(value, depth, self._places.environment)
            case Place.SECRETS:
                return value if may_do(value) else self.secret(name, value, depth)
            case Place.METADATA if isinstance(value, dict):
                return self._map(value, depth, self._places.metadata)
            case Place.WORDS if isinstance(value, list):
                return self._same_or_new(value, self._places.words(value))
            case Place.WORDS if isinstance(value, str):
                return self._places.word(value)
            case Place.CLAIMS:
                return self._claims(value, depth)
            case Place.CURSOR if isinstance(value, str):
                return value
            case Place.CHANGES if isinstance(value, dict):
                return self._changes.changes(value, depth)
            case Place.PARAMETERS if isinstance(value, dict):
                return parameters.redact(self, value, depth)
        return self.value(value, depth)

    def _list(self, items: list[Any], depth: int) -> list[Any]:
        return self._same_or_new(items, [self.value(item, depth) for item in items])

    @staticmethod
    def _same_or_new(old: list[Any], new: list[Any]) -> list[Any]:
        return old if all(left is right for left, right in zip(old, new, strict=True)) else new

    def _map(self, members: Any, depth: int, rule: Callable[[str, str], str]) -> Any:
        """Apply a rule of (name, value) to an object's texts, and to numbers where they stand for texts."""
        new = {
            name: rule(name, value) if isinstance(value, str) else self.value(value, depth + 1)
            for name, value in members.items()
        }
        self._members += len(members)
        return members if all(new[name] is value for name, value in members.items()) else new

    def variable(self, item: Any, depth: int) -> Any:
        """Redact one environment variable: an object of name and value."""
        if not isinstance(item, dict) or not isinstance(value := item.get("value"), str):
            return self.value(item, depth + 1)
        name = item.get("name")
        hidden = self._places.environment(name if isinstance(name, str) else "", value)
        rest = {key: each for key, each in item.items() if key != "value"}
        walked = self._object(rest, depth + 1)
        self._members += 1
        if hidden is value and walked is rest:
            return item
        return {key: hidden if key == "value" else walked.get(key, each) for key, each in item.items()}

    def secret(self, name: str, value: Any, depth: int) -> Any:
        """Hide a secret, or the secrets in a list, or the value of an object that describes one."""
        if isinstance(value, str):
            return self._places.named(name, value)
        if isinstance(value, list):
            return self._same_or_new(value, [self.secret(name, each, depth + 1) for each in value])
        if isinstance(value, dict):
            walked = self._object(value, depth + 1)
            kept = walked.get("value", walked.get("defaultValue"))
            if isinstance(kept, str) and (hidden := self.described(name, kept)) != kept:
                return {**walked, "value" if "value" in walked else "defaultValue": hidden}
            return walked
        if names.is_password(name) and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return self._marks.hide(str(value), assignments.detector(name))
        return value

    def described(self, name: str, value: str) -> str:
        """Redact the value in an object that describes a secret of this name."""
        if place(name) is Place.SECRETS and value and not MARKER.fullmatch(value):
            return self._marks.hide(value, _SECRET_VALUE)
        return self._places.named(name, value)

    def hide(self, value: Any) -> str:
        """Return the marker of what is said to be a secret."""
        text = value if isinstance(value, str) else self._encoder.encode(value).decode()
        return self._marks.hide(text, _SECRET_VALUE)

    def _claims(self, claims: Any, depth: int) -> Any:
        """Cut an event's claims to what says who acted, by what, from where."""
        if isinstance(claims, str):
            try:
                claims = self._decoder.decode(claims)
            except msgspec.DecodeError:
                return self._marks.hide(claims) if claims else claims
        if not isinstance(claims, dict):
            return self.value(claims, depth)
        kept = {name: value for name, value in claims.items() if name in CLAIMS}
        walked = self._object(kept, depth + 1)
        return claims if len(kept) == len(claims) and walked is kept else walked

    def _string(self, value: str, depth: int) -> str:
        first = value[:1]
        if first in _OPENING or (first.isspace() and value.lstrip()[:1] in _OPENING):
            return self._nested(value, depth)
        return self._text.text(value)

    def _nested(self, value: str, depth: int) -> str:
        """Redact a text that holds JSON by the same rules."""
        if value in self._text.clean or MARKER.match(value):
            return self._text.text(value)
        return self.nested(value, lambda parsed: self.value(parsed, depth + 1))

    def nested(self, value: str, redact: Callable[[Any], Any]) -> str:
        """Redact what a text that holds JSON says, by ``redact``; one that was cut off is hidden whole."""
        try:
            parsed = self._decoder.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return self._marks.hide(value) if _LOOKS_LIKE_JSON.match(value) else self._text.text(value)
        outer, self._members = self._members, 0
        redacted = redact(parsed)
        whole = redacted is parsed and self._members == value.count('":') - value.count('\\":')
        self._members = outer
        return value if whole else self._encoder.encode(redacted).decode()

    def _unparsed(self, text: str) -> str:
        return self._marks.hide(text) if _LOOKS_LIKE_JSON.match(text) else self._text.text(text)
