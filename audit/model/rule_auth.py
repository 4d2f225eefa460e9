"""How a KEDA scale rule reaches its event source: by an identity, by a secret, or by neither."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from audit.model import marker
from audit.model.containerapp import Rule, Variable, written
from audit.model.wire import text

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIAL = re.compile(r"(?i)(connection|key|password|token|secret|credential|^host|sas|pat)\w*FromEnv$")
"""Metadata keys that name an environment variable with a credential in it (a RabbitMQ host carries its password)."""


def method(rule: Rule, variables: Mapping[str, Variable]) -> str:
    """Return ``identity``, ``secret`` or ``none``, as far as the job tells.

    ``variables``: the job's environment variables by name, which ``…FromEnv`` keys of the metadata point to.
    """
    if text(rule.identity):
        return "identity"
    if any(text(each.secret_ref) for each in rule.auth or ()):
        return "secret"
    return "secret" if any(_is_secret(*each, variables) for each in (rule.metadata or {}).items()) else "none"


def _is_secret(name: str, value: Any, variables: Mapping[str, Variable]) -> bool:
    """Tell whether a metadata entry holds a secret, or names an environment variable that does."""
    entry = written(value)
    if marker.hidden(entry) or _CREDENTIAL.search(name):
        return True
    source = variables.get(entry or "") if name.lower().endswith("fromenv") else None
    return source is not None and bool(text(source.secret_ref) or marker.hidden(source.value))
