"""What a member's name says about how its value is redacted."""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache

from audit.store.redaction import names

CLAIMS = frozenset(
    {
        "appid",
        "appidacr",
        "oid",
        "http://schemas.microsoft.com/identity/claims/objectidentifier",
        "tid",
        "http://schemas.microsoft.com/identity/claims/tenantid",
        "upn",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
        "name",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        "idtyp",
        "amr",
        "http://schemas.microsoft.com/claims/authnmethodsreferences",
        "ipaddr",
        "xms_mirid",
    }
)
"""What is kept of the token's claims in an Activity Log event: who, by which application, how, from where."""


class Place(Enum):
    """What a member's name says about its value's rules."""

    PLAIN = auto()
    SECRET = auto()
    ENVIRONMENT = auto()
    SECRETS = auto()
    METADATA = auto()
    WORDS = auto()
    CLAIMS = auto()
    CURSOR = auto()


_PLACES = {
    "env": Place.ENVIRONMENT,
    "environmentvariables": Place.ENVIRONMENT,
    "envvars": Place.ENVIRONMENT,
    "appsettings": Place.ENVIRONMENT,
    "secrets": Place.SECRETS,
    "metadata": Place.METADATA,
    "command": Place.WORDS,
    "args": Place.WORDS,
    "claims": Place.CLAIMS,
    "$skiptoken": Place.CURSOR,
    "skiptoken": Place.CURSOR,
}


@lru_cache(maxsize=8192)
def place(name: str) -> Place:
    """Return which rules a member's value follows."""
    known = _PLACES.get(name.lower())
    if known is not None:
        return known
    return Place.SECRET if names.holds_secret(name) else Place.PLAIN
