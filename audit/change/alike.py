"""When two settings are the same though they are spelled differently: what Azure rewrites by itself, in one place.

A property is one of table ``job_configuration``, such as ``containers/main/cpu``. Null: the property isn't set.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids

if TYPE_CHECKING:
    from collections.abc import Callable


class Rule(NamedTuple):
    """Values of the properties that a pattern names are compared in the form that ``folded`` gives them."""

    pattern: str
    folded: Callable[[str], str]
    why: str


def _number(value: str) -> str:
    try:
        return f"{float(value):g}"
    except ValueError:
        return value


def _id(value: str) -> str:
    return ids.key(value) if value.startswith("/") else value.lower()


def _place(value: str) -> str:
    return value.replace(" ", "").lower()


def _url(value: str) -> str:
    found = re.match(r"(?i)(https?://[^/?#]+)(.*)", value)
    return found[1].lower() + found[2].rstrip("/") if found else value


def _metadata(value: str) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        return value
    if not isinstance(found, dict):
        return value
    texts = {key: each if isinstance(each, str) or each is None else json.dumps(each) for key, each in found.items()}
    return json.dumps(texts, sort_keys=True)


def _unordered(value: str) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return json.dumps(sorted(json.dumps(each, sort_keys=True) for each in found)) if isinstance(found, list) else value


RULES = (
    Rule(r"location", _place, 'the API answers "West Europe" to what was written as westeurope'),
    Rule(
        r"environment_id|(rules|secrets|registries)/.*/identity",
        _id,
        "ids have no case; Azure spells groups its own way",
    ),
    Rule(
        r"trigger_type|identity_type|workload_profile|identities/.*/(kind|lifecycle)",
        _place,
        "words of a fixed list have no case; Azure puts a space into SystemAssigned, UserAssigned",
    ),
    Rule(
        r"replica_timeout_s|replica_retry_limit|parallelism|replica_completion_count|min_executions|max_executions|"
        r"polling_interval_s|containers/.*/(cpu|memory_gib)",
        _number,
        "numbers have no spelling: 1 and 1.0 are one",
    ),
    Rule(r"secrets/.*/key_vault_url", _url, "a host has no case, and a slash at the end of a path means nothing"),
    Rule(r"rules/.*/metadata", _metadata, "KEDA takes texts, so Azure keeps 5 as text; an object has no order"),
    Rule(r"rules/.*/auth", _unordered, "which secret answers which parameter doesn't go by their order"),
)

DEFAULTS = {
    "parallelism": "1",
    "replica_completion_count": "1",
    "replica_retry_limit": "0",
    "min_executions": "0",
    "max_executions": "100",
    "polling_interval_s": "30",
    "workload_profile": "consumption",
    "identity_type": "none",
}
"""What Azure fills in where nothing is set, folded. Source: JobScale and JobConfiguration, API 2025-07-01."""
_LIFECYCLE = re.compile(r"identities/.*/lifecycle")
_NAMED_BY_ID = re.compile(r"(identities|registries)/")


def key(prop: str) -> str:
    """Return the form in which two spellings of one property are equal: ids and hosts in its path have no case."""
    return prop.lower() if _NAMED_BY_ID.match(prop) else prop


def alike(prop: str, left: str | None, right: str | None) -> bool:
    """Tell whether two values of a property set the same."""
    return left == right or _folded(prop, left) == _folded(prop, right)


def _folded(prop: str, value: str | None) -> str | None:
    """Return the form to compare. An empty text is nothing: Azure leaves it out of what it answers."""
    if not value:
        return DEFAULTS.get(prop) or ("all" if _LIFECYCLE.fullmatch(prop) else None)
    return next((rule.folded(value) for rule in RULES if re.fullmatch(rule.pattern, prop, re.DOTALL)), value)
