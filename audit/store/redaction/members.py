"""What a member's name says about how its value is redacted."""

from __future__ import annotations

from enum import Enum, auto
from functools import lru_cache
from typing import Any

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

_SECRET_PERMISSIONS = frozenset({"all", "backup", "delete", "get", "list", "purge", "recover", "restore", "set"})


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
    CHANGES = auto()
    PARAMETERS = auto()


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
    "changes": Place.CHANGES,
    "parameters": Place.PARAMETERS,
    "outputs": Place.PARAMETERS,
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


def may_do(value: Any) -> bool:
    """Tell whether a list named ``secrets`` says what a principal may do with secrets: words of an access policy.

    https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/get#secretpermissions
    """
    return type(value) is list and all(type(each) is str and each.lower() in _SECRET_PERMISSIONS for each in value)
