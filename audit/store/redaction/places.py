"""Values whose place makes them suspect: environment values, scaler metadata, commands and their arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.model import marker
from audit.model.marker import MARKER
from audit.store.redaction import addresses, assignments, names, values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.store.redaction.marks import Marks
    from audit.store.redaction.text import TextRedactor

HIGH_ENTROPY = "high-entropy"
SECRET_NAME = "secret-name"  # noqa: S105  a detector's name

_ASSIGNMENT = re.compile(r"(?P<name>-{0,2}[A-Za-z][\w.-]{0,60})(?P<sign>=)(?P<value>.*)", re.DOTALL)
_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w.-]{0,60})")
_SHORT_FLAG = re.compile(r"-[A-Za-z]{1,2}|-[a-z]+(?:-[a-z]+)*")  # and not -pHunter2
_PASSWORD_FLAGS = frozenset({"-p", "-P", "-pw"})


class Places:
    """The rules by place. Every answer is a marker, or the value as it is."""

    def __init__(self, marks: Marks, text: TextRedactor) -> None:
        self._marks = marks
        self._text = text

    def environment(self, name: str, value: str) -> str:
        """Hide an environment value unless it is plainly harmless; of a connection string, all but where it leads."""
        if not value or MARKER.fullmatch(value):
            return value
        detector = self._text.detector(value) or self._by_name(name, value)
        located = addresses.located(value, self._marks.hide)
        if located is not None and self._text.text(located) == located and (not detector or marker.detector(located)):
            return value if located == value else located
        if detector:
            return self._marks.hide(value, detector)
        if values.is_harmless(value):
            return value
        return self._marks.hide(value, HIGH_ENTROPY if _is_key(name, value) else "")

    def unnamed(self, value: str) -> str:
        """Hide an environment value whose name isn't told: of harmless ones, those that could be a password as well."""
        shown = self.environment("", value)
        if shown == value and value and not values.is_never_secret(value) and not MARKER.search(value):
            return self._marks.hide(value)
        return shown

    def metadata(self, name: str, value: str) -> str:
        """Keep scaler metadata readable unless its name or the value itself shows a secret."""
        if MARKER.search(value):
            return self._text.text(value)
        redacted = self._text.text(value)
        if redacted != value:
            return redacted
        detector = self._by_name(name, value) or (HIGH_ENTROPY if _is_key(name, value) else "")
        return self._marks.hide(value, detector) if detector else value

    def named(self, name: str, value: str) -> str:
        """Hide the value of a member whose name says that it holds a secret, unless it only refers to one."""
        if values.is_reference(value) or MARKER.fullmatch(value):
            return value
        return self._marks.hide(value, assignments.detector(name))

    def words(self, words: Sequence[object]) -> list[object]:
        """Hide the words of a command line that aren't flags, paths or plain words."""
        shown: list[object] = []
        flag = ""
        for word in words:
            if not isinstance(word, str):
                shown.append(word)
                continue
            shown.append(self._after(flag, word) if flag else self.word(word))
            flag = word if _expects_secret(word) else ""
        return shown

    def _after(self, flag: str, word: str) -> str:
        if values.is_reference(word) or MARKER.fullmatch(word) or _is_flag(word):
            return word
        if flag in _PASSWORD_FLAGS:  # a port or a path as often as a password
            return word if values.is_harmless(word) else self._marks.hide(word, self._text.detector(word))
        return self._marks.hide(word, self._text.detector(word) or SECRET_NAME)

    def word(self, word: str) -> str:
        """Hide one word of a command line, or the value in its ``name=value``."""
        if not word or MARKER.fullmatch(word) or self._is_shown(word):
            return word
        match = _ASSIGNMENT.fullmatch(word)
        if match is None or not values.is_plain(match["name"].lstrip("-")):
            detector = self._text.detector(word)
            return self._marks.hide(word, detector or (HIGH_ENTROPY if values.is_random(word) else ""))
        name, value = match["name"], match["value"]
        if MARKER.fullmatch(value):
            return word
        detector = self._text.detector(word) or self._by_name(name, value)
        if not detector and self._is_shown(value):
            return word
        return f"{name}={self._marks.hide(value, detector or (HIGH_ENTROPY if _is_key(name, value) else ''))}"

    def word_after_anything(self, word: str) -> str:
        """Hide a word of a command line unless it is a flag: what stood before it isn't told, and may ask for it."""
        if _is_flag(word) or values.is_reference(word) or MARKER.fullmatch(word):
            return word
        hidden = self.word(word)
        return hidden if hidden != word or MARKER.search(word) else self._marks.hide(word)

    def _is_shown(self, word: str) -> bool:
        if self._text.detector(word):
            return False
        if _FLAG.fullmatch(word):
            return _is_flag(word)
        return (
            not word
            or values.is_harmless(word)
            or values.is_variable(word)
            or (values.is_plain(word) and not values.is_random(word))
        )

    def _by_name(self, name: str, value: str) -> str:
        if not names.suggests_secret(name) or values.is_reference(value):
            return ""
        if names.means_connection(name) and values.is_identifier(value):
            return ""
        return SECRET_NAME


def _is_key(name: str, value: str) -> bool:
    return values.is_random(value) and not names.means_digest(name)


def _is_flag(word: str) -> bool:
    if _SHORT_FLAG.fullmatch(word):
        return True
    return word.startswith("--") and _FLAG.fullmatch(word) is not None and values.is_plain(word[2:])


def _expects_secret(word: str) -> bool:
    if word in _PASSWORD_FLAGS:
        return True
    flag = _FLAG.fullmatch(word)
    return flag is not None and word.startswith("--") and names.suggests_secret(flag["name"])
