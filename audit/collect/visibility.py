"""Whether the caller sees a whole scope: Azure leaves out of a list, without a word, what the caller may not read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from audit.model import Scope
from audit.model.ids import contains, key


class Visibility:
    """The caller's own permissions, scope by scope, as the kind ``permissions`` collected them."""

    def __init__(self) -> None:
        self._missing: dict[str, frozenset[str]] = {}
        self._chosen: frozenset[str] = frozenset()

    def choose(self, subscriptions: Iterable[str]) -> None:
        """Take in the subscriptions of the run's scope: only of these are permissions read."""
        self._chosen = frozenset(each.lower() for each in subscriptions)

    def learn(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in rows of table ``permissions`` (columns scope, missing)."""
        for row in rows:
            missing = row["missing"]
            actions = json.loads(missing) if isinstance(missing, str) else missing
            self._missing[key(row["scope"])] = frozenset(action.lower() for action in actions)

    def hidden(self, scope: Scope, actions: Iterable[str]) -> str:
        """Return why a list at ``scope`` can't be taken for the whole; empty where the caller sees all of it.

        A list over the tenant is one over the subscriptions in ``scope.ids``. Those outside of the run's scope aren't
        vouched for: what is named and can't be found there is unresolved, whatever the reason.
        """
        if scope.id == "/":
            chosen = [Scope(id=f"/subscriptions/{each}") for each in scope.ids if each.lower() in self._chosen]
            return "; ".join(filter(None, (self.hidden(each, actions) for each in chosen)))
        known = [place for place in self._missing if contains(place, scope.id)]
        if not known:
            return (
                f"the caller's own permissions at {scope.id} could not be read, so nothing shows the list to be whole"
            )
        nearest = max(known, key=len)
        lacking = sorted(action for action in actions if action.lower() in self._missing[nearest])
        if not lacking:
            return ""
        return f"the caller lacks {', '.join(lacking)} on the whole of {nearest}: Azure leaves rows out without a word"
