"""What the company has agreed on: the [policy] by which its estate is judged."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Estate

APPROVED_REGISTRIES = ("norvane.azurecr.io", "norvaneshared.azurecr.io")
APPROVED_VAULTS = ("kv-norvane-prod", "kv-norvane-shared")
REQUIRED_TAGS = ("owner", "environment", "cost-centre", "runbook")


def policy_toml(estate: Estate) -> str:
    """Return the [policy] section of an audit.toml for this estate, the story's or a generated one."""
    lists = {
        "approved_registries": APPROVED_REGISTRIES,
        "approved_vaults": APPROVED_VAULTS,
        "required_tags": REQUIRED_TAGS,
    }
    tried = (estate.now - timedelta(days=120)).date().isoformat()
    return (
        "[policy]\n"
        + "".join(f"{key} = {json.dumps(list(values))}\n" for key, values in lists.items())
        + "\n[policy.verified_scalers.azure-eventhub]\n"
        + f'by = "tove.lindqvist@norvane.example"\non = "{tried}"\n'
    )
