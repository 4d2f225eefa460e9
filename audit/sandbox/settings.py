"""How a client is told where the sandbox is: its endpoints and an audit.toml."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

AUDIENCE = "https://management.jobaudit.test"
"""The audience of ARM's tokens: unlike the endpoint, so that mixing the two up shows."""
SECRET_VARIABLE = "JOBAUDIT_SANDBOX_SECRET"  # noqa: S105  the name of a variable


class Endpoints(NamedTuple):
    """Where everything listens: URLs without a trailing slash."""

    arm: str
    authority: str
    graph: str
    logs: str
    foreign: str
    identity_endpoint: str
    identity_header: str
    registries: str = ""
    """``host:port`` of the container registries, whatever their names."""
    vaults: str = ""
    """``host:port`` of the key vaults, whatever their names."""
    audience: str = AUDIENCE


FALLBACK_REVIEWER = "access-reviews@norvane.example"
"""Who decides, in an access review, about what no team alone answers for."""


def config_toml(
    endpoints: Endpoints,
    ca_file: Path,
    *,
    credential: str,
    tenant_id: str,
    client_id: str,
    subscriptions: Sequence[str],
) -> str:
    """Return the text of an audit.toml. Raises UsageError for a credential that isn't offered."""
    custom = {
        "name": "custom",
        "resource_manager": endpoints.arm,
        "audience": endpoints.audience,
        "authority": endpoints.authority,
        "graph": endpoints.graph,
        "logs": endpoints.logs,
        "registries": endpoints.registries,
        "vaults": endpoints.vaults,
        "ca_file": str(ca_file),
    }
    offered: dict[str, dict[str, str]] = {
        "managed_identity": {"kind": "managed_identity"},
        "client_secret": {
            "kind": "client_secret",
            "tenant_id": tenant_id,
            "client_id": client_id,
            "client_secret_env": SECRET_VARIABLE,
        },
    }
    if credential not in offered:
        raise UsageError(f"the sandbox offers no credential {credential!r}", hint=f"choose from: {', '.join(offered)}")
    scope = {"subscriptions": list(subscriptions), "expected_subscriptions": list(subscriptions)}
    sections: dict[str, Mapping[str, str | list[str]]] = {
        "cloud": custom,
        "credential": offered[credential],
        "scope": scope,
        "review": {"fallback": FALLBACK_REVIEWER},
    }
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items())
        for section, values in sections.items()
    )


def _toml(value: str | list[str]) -> str:
    """Return a TOML string or array of strings: JSON's escapes are TOML's."""
    return json.dumps(value, ensure_ascii=False)
