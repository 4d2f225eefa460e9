"""Connection strings and addresses: what says where something is stays, what opens it goes.

Which queue, server or broker a job is connected to is evidence; the key beside it is not. Only forms that are known
part by part are shown so: in any other value nobody can tell where a secret ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from audit.model.marker import MARKER
from audit.store.redaction import values

Hide = Callable[[str, str], str]
"""(text, detector) to marker."""

_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,8}\.?"
_NAME = r"[A-Za-z0-9$][\w.$/-]{0,99}"
_SHOWN = {
    **dict.fromkeys(("endpoint",), rf"(?:sb|amqps?)://{_HOST}(?::\d{{1,5}})?/?"),
    **dict.fromkeys(
        ("blobendpoint", "queueendpoint", "tableendpoint", "fileendpoint"), rf"https?://{_HOST}(?::\d{{1,5}})?/?"
    ),
    "accountname": r"[a-z0-9]{3,24}",
    "endpointsuffix": _HOST,
    "defaultendpointsprotocol": "https?",
    **dict.fromkeys(("entitypath", "sharedaccesskeyname", "database", "initialcatalog", "dbname"), _NAME),
    **dict.fromkeys(
        ("server", "datasource", "addr", "address", "networkaddress", "host"), rf"(?:tcp:)?{_HOST}(?:,\d{{1,5}})?"
    ),
    "port": r"\d{1,5}",
}
_PLACES = frozenset(_SHOWN) - {
    "endpointsuffix",
    "defaultendpointsprotocol",
    "port",
    "entitypath",
    "sharedaccesskeyname",
}
_HIDDEN = {
    "sharedaccesskey": "shared-access-key",
    "sharedaccesssignature": "sas",
    "accountkey": "azure-storage-key",
    "password": "password",
    "pwd": "password",
}
_BESIDES = {
    "userid", "uid", "user", "username", "applicationname", "authentication", "commandtimeout", "connecttimeout",
    "connectiontimeout", "encrypt", "integratedsecurity", "loadbalancehosts", "maxpoolsize", "minpoolsize",
    "multipleactiveresultsets", "multisubnetfailover", "persistsecurityinfo", "pooling", "ssl", "sslmode", "timeout",
    "transporttype", "trustservercertificate", "usedevelopmentstorage",
}  # fmt: skip
"""Known keys whose values are hidden because nobody needs them."""
_KNOWN = _BESIDES | set(_SHOWN) | set(_HIDDEN)
_PAIR = re.compile(r"(?P<key>\s*[A-Za-z][A-Za-z ]{0,40}?\s*)=(?P<value>.*)", re.DOTALL)
_URL = re.compile(
    rf"(?P<scheme>amqps?|postgres(?:ql)?|rediss?|sb|sqlserver)://(?:(?P<user>.*)@)?"
    rf"(?P<place>{_HOST}(?::\d{{1,5}})?)(?P<path>/[^?#]*)?(?P<rest>[?#].*)?",
    re.DOTALL,
)
_PATH = re.compile(r"/(?:[A-Za-z][\w-]{0,40}|\d{1,3})?")


def located(value: str, hide: Hide) -> str | None:
    """Return the value with all but its place hidden; None where it has no form that is known. Idempotent."""
    return _of_url(value, hide) or _of_pairs(value, hide)


def _of_url(value: str, hide: Hide) -> str | None:
    found = _URL.fullmatch(value)
    if found is None:
        return None
    path = found["path"] or ""
    if path and not (_PATH.fullmatch(path) and not values.is_random(path[1:])):
        path = f"/{_once(path[1:], '', hide)}"
    user = f":{_once(found['user'].removeprefix(':'), 'url-password', hide)}@" if found["user"] else ""
    rest = found["rest"][0] + _once(found["rest"][1:], "", hide) if found["rest"] else ""
    return f"{found['scheme']}://{user}{found['place']}{path}{rest}"


def _of_pairs(value: str, hide: Hide) -> str | None:
    """Every key must be a known one: behind an unknown one may stand the rest of a password with a semicolon."""
    shown: list[str] = []
    places = 0
    parts = value.split(";")
    for part in parts[:-1] if not parts[-1].strip() else parts:
        found = _PAIR.fullmatch(part)
        key = re.sub(r"\s", "", found["key"]).lower() if found else ""
        if found is None or key not in _KNOWN:
            return None
        text = found["value"]
        if key in _SHOWN and re.fullmatch(_SHOWN[key], text) and not values.is_random(text):
            places += key in _PLACES
        else:
            text = _once(text, _HIDDEN.get(key, ""), hide)
        shown.append(f"{found['key']}={text}")
    return ";".join([*shown, *([""] if value.rstrip().endswith(";") else [])]) if places else None


def _once(text: str, detector: str, hide: Hide) -> str:
    return text if not text or MARKER.fullmatch(text) else hide(text, detector)
