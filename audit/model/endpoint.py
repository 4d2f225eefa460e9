"""Hosts of endpoints, in the one spelling by which a job's words and Azure's are compared."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)\.?(?::\d{1,5})?(?:/(?P<path>[^?]*))?(?:\?.*)?",
    re.IGNORECASE | re.DOTALL,
)
_SERVICE = re.compile(r"^(?P<account>[^.]+(?:\.z\d+)?)\.(?:blob|queue|table|file|dfs)\.")


def host_of(address: str | None) -> str | None:
    """Return the host of a URL, of ``host:port`` or of a bare name, in lower case; None where there is none.

    Scheme, user, port, path and a closing dot are left out. A hidden part in place of the host is no host.
    """
    found = _ADDRESS.fullmatch((address or "").strip())
    return found["host"].lower() if found else None


def path_of(address: str | None) -> str:
    """Return what follows the host, without slashes at its ends and without a query; empty where nothing does."""
    found = _ADDRESS.fullmatch((address or "").strip())
    return (found["path"] or "").strip("/") if found else ""


def account_host(address: str | None) -> str | None:
    """Return the host that stands for a whole storage account, from the endpoint of any of its services.

    ``https://acct.queue.core.windows.net/`` gives ``acct.core.windows.net``, in every cloud alike.
    """
    host = host_of(address)
    return _SERVICE.sub(r"\g<account>.", host) if host else None
