"""Resource Graph's changes: ``{path: {previousValue, newValue}}``, each value by the rules of the place it came from.

A path such as ``properties.template.containers[0].env[2].value`` leads to an environment value, so it is hidden as it
is in the configuration itself, under the same digest. What a path doesn't tell (the variable's name, the word before
an argument) is taken from the other paths of the same change, or for the worst.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from audit.model.marker import MARKER
from audit.store.redaction import names
from audit.store.redaction.members import Place, may_do, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.store.redaction.document import DocumentRedactor
    from audit.store.redaction.marks import Marks
    from audit.store.redaction.places import Places
    from audit.store.redaction.text import TextRedactor

SIDES = ("previousValue", "newValue")
_STEP = re.compile(r"\[(?P<index>\d+)\]|\[['\"](?P<quoted>[^'\"]*)['\"]\]|(?P<name>[^.\[\]]+)")
_LAST_WORD = re.compile(r"[^\s;,&?=\"'<>]*\Z")
_VALUES = ("value", "defaultValue")
_OPENING = ("{", "[")
_OF_ADDRESSES = ("rules", "prefixes", "addresses", "ranges")
"""Lists whose items have a value and no name: a firewall's."""

Steps = tuple[str | int, ...]


def steps(path: str) -> Steps:
    """Take a path apart: names as texts, positions in a list as numbers."""
    found = _STEP.finditer(path)
    return tuple(int(each["index"]) if each["index"] else each["quoted"] or each["name"] or "" for each in found)


class ChangeRedactor:
    """Redacts the member ``changes`` of a resource change."""

    def __init__(self, document: DocumentRedactor, places: Places, *, marks: Marks, text: TextRedactor) -> None:
        self._document = document
        self._places = places
        self._marks = marks
        self._text = text

    def changes(self, changes: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return the changes with their secrets hidden; the same object where there is none."""
        self._document.count(changes)
        told = {
            side: {path: change.get(side) for path, change in changes.items() if isinstance(change, dict)}
            for side in SIDES
        }
        new = {self._path(path): self._change(path, each, told, depth + 1) for path, each in changes.items()}
        same = list(new) == list(changes) and all(new[path] is each for path, each in changes.items())
        return changes if same else new

    def _path(self, path: str) -> str:
        """Return the path without secrets: a tag may be named by one, and begins after a dot."""
        for at in (0, *(dot.end() for dot in re.finditer(r"[.'\[]", path))):
            tail = path[at:]
            if (shown := self._text.text(tail)) != tail:
                return path[:at] + shown
        return path

    def _change(self, path: str, change: Any, told: Mapping[str, Mapping[str, Any]], depth: int) -> Any:
        if not isinstance(change, dict) or not any(side in change for side in SIDES):
            return self._document.named_value(path, change, depth)
        self._document.count(change)
        cut = str(change.get("isTruncated", "")).lower() == "true"
        new = {}
        for name, value in change.items():
            if name not in SIDES:
                new[name] = self._document.named_value(name, value, depth)
                continue
            redacted = self._leaf(path, value, told[name], depth)
            new[name] = self._cut(redacted) if cut and redacted is value and isinstance(value, str) else redacted
        return change if all(new[name] is value for name, value in change.items()) else new

    def _cut(self, value: str) -> str:
        """Hide the last word of a value that was cut short: what was cut no longer looks like the secret it was."""
        at = _LAST_WORD.search(value)
        if at is None or not at[0]:
            return value
        return value[: at.start()] + self._marks.hide(at[0])

    def _leaf(self, path: str, value: Any, told: Mapping[str, Any], depth: int) -> Any:  # noqa: PLR0911  one a place
        """Redact the value at a path; ``told`` are the values of the same moment at the other paths."""
        if value is None or isinstance(value, bool):
            return value
        way = steps(MARKER.sub("_", self._path(path)))  # what was redacted in a name is no name
        for at, name in enumerate(way):
            if isinstance(name, int):
                continue
            where, rest = place(name), way[at + 1 :]
            if where is Place.ENVIRONMENT and rest and not _describes(rest):
                return self._variable(path, rest, value, told, depth)
            if where is Place.METADATA and rest:
                key = ".".join(map(str, rest))
                return self._of_text(value, depth, lambda text, key=key: self._places.metadata(key, text))
            if where is Place.WORDS and len(rest) == 1 and isinstance(rest[0], int):
                return self._word(path, rest[0], value, told, depth)
            if where is Place.SECRETS and len(rest) == 1 and may_do([value]):
                return value
            if where in (Place.SECRET, Place.SECRETS) and not _describes(rest):
                return self._secret(name, rest, value, depth)
        return self._elsewhere(path, way, value, told, depth)

    def _variable(self, path: str, rest: Steps, value: Any, told: Mapping[str, Any], depth: int) -> Any:
        """Redact one environment variable, or its value: of a list of pairs, or of an object."""
        if not isinstance(rest[0], int):
            return self._of_text(value, depth, lambda text: self._places.environment(str(rest[0]), text))
        if len(rest) == 1:
            return self._whole(value, lambda each: self._document.variable(each, depth))
        return self._of_text(value, depth, lambda text: self._paired(path, text, told))

    def _paired(self, path: str, text: str, told: Mapping[str, Any]) -> str:
        name = told.get(path.removesuffix("value") + "name")
        return self._places.environment(name, text) if isinstance(name, str) else self._places.unnamed(text)

    def _word(self, path: str, index: int, value: Any, told: Mapping[str, Any], depth: int) -> Any:
        before = told.get(f"{path.rpartition('[')[0]}[{index - 1}]")
        if index == 0:
            return self._of_text(value, depth, self._places.word)
        if isinstance(before, str):
            return self._of_text(value, depth, lambda text: str(self._places.words([before, text])[1]))
        return self._of_text(value, depth, self._places.word_after_anything)

    def _secret(self, name: str, rest: Steps, value: Any, depth: int) -> Any:
        """Redact a secret, one of a list of secrets, or what its description holds."""
        if not rest:
            return self._whole(value, lambda each: self._document.named_value(name, each, depth))
        if len(rest) == 1 and isinstance(rest[0], int):
            return self._whole(value, lambda each: self._document.secret(name, each, depth))
        return self._of_text(value, depth, lambda text: self._document.described(name, text))

    def _elsewhere(self, path: str, way: Steps, value: Any, told: Mapping[str, Any], depth: int) -> Any:
        """Redact what has no place of its own; the value of a pair goes by its name, as far as that is told."""
        last = way[-1] if way else ""
        if last == "value" and len(way) > 1 and isinstance(way[-2], int):
            beside = (told.get(path.removesuffix("value") + word) for word in ("name", "key"))
            name = next((each for each in beside if isinstance(each, str)), None)
            of = str(way[-3]).lower() if len(way) > 2 else ""  # noqa: PLR2004  list, position, value
            if name is None and not of.endswith(_OF_ADDRESSES):
                return self._of_text(value, depth, self._places.unnamed)
            if name is not None and names.holds_secret(name):
                return self._of_text(value, depth, lambda text: self._places.named(name, text))
        if isinstance(last, str) and last:
            return self._whole(value, lambda each: self._document.named_value(last, each, depth))
        return self._document.value(value, depth)

    def _whole(self, value: Any, redact: Any) -> Any:
        """Redact a value that may be an object or a list, also where Azure writes it as a text."""
        if isinstance(value, str) and value.startswith(_OPENING) and not MARKER.match(value):
            return self._document.nested(value, redact)
        return redact(value)

    def _of_text(self, value: Any, depth: int, rule: Any) -> Any:
        """Apply a rule for texts; a number that stands where texts do is one, too."""
        if isinstance(value, dict | list):
            return self._document.value(value, depth)
        redacted = rule(text := value if isinstance(value, str) else str(value))
        return value if redacted == text else redacted


def _describes(rest: Steps) -> bool:
    """Tell whether a path goes on to what is said about a secret or variable (name, vault), and not to its value."""
    return len(rest) > 1 and rest[-1] not in _VALUES and not isinstance(rest[-1], int)
