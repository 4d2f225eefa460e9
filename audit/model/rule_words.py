"""What a scale rule says in its own words: in metadata, by environment variables, or by secrets that nobody reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from audit.model import marker
from audit.model.containerapp import written
from audit.model.wire import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.model.containerapp import Rule, Variable

_PAIR = re.compile(r"\s*([A-Za-z][\w ]*?)\s*=\s*([^;]*)")
_SERVERS = ("server", "data source", "addr", "address", "network address", "host")
_DATABASES = ("database", "initial catalog", "dbname")


class Said(NamedTuple):
    """A parameter's value, what gave it, and, where it can't be read, why not (then ``text`` is empty)."""

    text: str
    by: str
    """The metadata key, ``env:NAME`` or ``secret:NAME``."""
    why: str = ""


class Words:
    """A rule's parameters by name, wherever their values stand."""

    def __init__(self, rule: Rule, variables: Mapping[str, Variable]) -> None:
        self.identity = bool(text(rule.identity))
        """The rule signs in by an identity; then connection strings don't count."""
        self._metadata = {name: written(value) or "" for name, value in (rule.metadata or {}).items()}
        self._secrets = {each.trigger_parameter: each.secret_ref for each in rule.auth or () if text(each.secret_ref)}
        self._variables = variables

    def said(self, name: str) -> Said | None:
        """Return what a parameter says, or None where it isn't stated at all."""
        if secret := self._secrets.get(name):
            return Said("", f"secret:{secret}", f"it stands in the secret {secret}, whose value Azure never returns")
        if value := self._metadata.get(name):
            return _readable(value, name, f"{name} is hidden as a secret")
        if variable := self._metadata.get(f"{name}FromEnv"):
            return self._of_variable(variable)
        return None

    def plain(self, name: str) -> str | None:
        """Return a parameter's value where it can be read whole, else None."""
        said = self.said(name)
        return said.text or None if said and not marker.hidden(said.text) else None

    @property
    def connection(self) -> Said | None:
        """The connection string; its keys may be hidden, its other parts not."""
        return self.said("connection")

    def of_connection(self, key: str) -> str | None:
        """Return a part of the connection string by its name, or None where it is hidden or not there."""
        return _pairs(self.connection).get(key.lower())

    @staticmethod
    def of_database(connection: Said | None) -> tuple[str | None, str | None]:
        """Return server and database of a database's connection string: pairs with ``;`` or blanks, or a URL."""
        if connection is None or not connection.text:
            return None, None
        if found := re.match(r"[a-z]+://(?:[^/@]*@)?(?P<host>[^/?]+)(?:/(?P<path>[\w-]+))?", connection.text):
            asked = re.search(r"[?&]database=([\w-]+)", connection.text)
            return found["host"], found["path"] or (asked[1] if asked else None)
        if ";" in connection.text:
            pairs = _pairs(connection)
        else:
            pairs = {name.lower(): value for name, value in re.findall(r"(\w+)\s*=\s*(\S+)", connection.text)}
        server = next((pairs[name] for name in _SERVERS if name in pairs), None)
        database = next((pairs[name] for name in _DATABASES if name in pairs), None)
        return (re.sub(r"(?i)^tcp:", "", server).partition(",")[0] if server else None), database

    def _of_variable(self, name: str) -> Said:
        by, variable = f"env:{name}", self._variables.get(name)
        if variable is None:
            return Said("", by, f"no container of the job sets the environment variable {name}")
        if secret := text(variable.secret_ref):
            return Said("", by, f"{name} takes the secret {secret}, whose value Azure never returns")
        if not variable.value:
            return Said("", by, f"the environment variable {name} is empty")
        return _readable(variable.value, by, f"the value of the environment variable {name} is hidden")


def _readable(value: str, by: str, why: str) -> Said:
    return Said("", by, why) if marker.MARKER.fullmatch(value.strip()) else Said(value, by)


def _pairs(said: Said | None) -> dict[str, str]:
    """Return a connection string's parts that can be read, by name in lower case."""
    if said is None:
        return {}
    found = (match for part in said.text.split(";") if (match := _PAIR.fullmatch(part)))
    return {match[1].lower(): match[2] for match in found if match[2] and not marker.hidden(match[2])}
