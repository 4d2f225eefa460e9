"""Hidden values taken out of a definition: where each stood there is null, and it becomes a required input.

A redaction mark must never reach production: none is left in what this returns, nor in the words that go with it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from audit.model import json_path, marker

_SECRETS = re.compile(r"properties\.configuration\.secrets\[\d+\]")
_LONGEST = 160


class Input(NamedTuple):
    """A value that a person has to give: where it belongs, and why it isn't known."""

    path: str
    why: str


def taken_out(definition: dict[str, Any], now: dict[str, Any]) -> tuple[dict[str, Any], list[Input]]:
    """Return the definition with null for each value that nobody but a person can give, and these as inputs, in order.

    These are the values that were hidden before they were stored, and the values of secrets that the job keeps itself,
    which Azure never tells. ``now``: the definition of today, which may hold the same.
    """
    found: list[Input] = []
    kept: dict[str, Any] = _Taking(found, _kept_in_job(now)).value(definition, now, "")
    return kept, found


class _Taking:
    def __init__(self, found: list[Input], kept_secrets: set[str]) -> None:
        self._found = found
        self._kept_secrets = kept_secrets

    def value(self, value: Any, now: Any, path: str) -> Any:
        if isinstance(value, dict):
            return self._members(value, now, path)
        if isinstance(value, list):
            return [
                self.value(each, json_path.inside(now, index), json_path.element(path, index))
                for index, each in enumerate(value)
            ]
        if isinstance(value, str) and marker.marked(value):
            self._found.append(Input(path, _hidden(value, same=value == now)))
            return None
        return value

    def _members(self, members: dict[str, Any], now: Any, path: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in members.items():
            if marker.marked(name):
                shown = f"hidden name {len(self._found) + 1}"
                kept[shown] = None
                why = "its name was hidden before it was stored: write the name and the value"
                self._found.append(Input(json_path.member(path, shown), why))
            else:
                kept[name] = self.value(value, json_path.inside(now, name), json_path.member(path, name))
        if _SECRETS.fullmatch(path) and not members.get("keyVaultUrl") and "value" not in members:
            kept["value"] = None
            self._found.append(Input(json_path.member(path, "value"), self._kept_in_job(members.get("name"))))
        return kept

    def _kept_in_job(self, name: Any) -> str:
        why = "the job keeps this secret itself, and Azure never tells the value"
        if isinstance(name, str) and name.lower() in self._kept_secrets:
            return f"{why}; without this line the container-app CLI sends the value that the job has now"
        return why


def _kept_in_job(definition: dict[str, Any]) -> set[str]:
    """Return the names of the secrets whose values a job keeps itself, in lower case."""
    secrets = json_path.at(definition, ("properties", "configuration", "secrets")) or ()
    return {str(each.get("name")).lower() for each in secrets if not each.get("keyVaultUrl")}


def _hidden(value: str, *, same: bool) -> str:
    why = "the value was hidden before it was stored"
    if word := marker.detector(value):
        why += f", because it looks like a secret ({word})"
    if same:
        why += "; the job has the same value now"
    rest = marker.unmarked(value)
    if rest == "(hidden)":
        return why
    return f"{why}; what is known of it: {rest if len(rest) <= _LONGEST else rest[:_LONGEST] + ' …'}"
