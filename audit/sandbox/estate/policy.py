"""What the company has agreed on: the [policy] by which its estate is judged."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Estate

APPROVED_REGISTRIES = ("norvane.azurecr.io", "norvaneshared.azurecr.io")
APPROVED_VAULTS = ("kv-norvane-prod", "kv-norvane-shared")
APPROVED_PRINCIPALS = (
    "grp-platform-engineers",
    "grp-release-managers",
    "deploy-*",
    "ines.halloran@norvane.example",
    "marek.dvorak@norvane.example",
    "petra.okafor@norvane.example",
    "emergency.access@norvane.example",
)
APPROVED_OPERATORS = ("grp-operations-on-call", "grp-*-developers", "orders-replay-scheduler")
APPROVED_LOG_READERS = ("grp-auditors", "grp-operations-on-call", "grp-security-readers", "nightly-report*")
STANDING_PRINCIPALS = ("deploy-*", "emergency.access@norvane.example")
COST_PER_EXECUTION_MOST = {"EUR": "0.05", "USD": "0.50"}
REQUIRED_TAGS = ("owner", "environment", "cost-centre", "runbook")
STALE_AFTER_DAYS = 30
MAX_EXECUTIONS_IN_PRODUCTION = 50


def policy_toml(estate: Estate) -> str:
    """Return the [policy] section and the verified scalers of an audit.toml for this estate, whichever it is."""
    lists = {
        "approved_log_readers": APPROVED_LOG_READERS,
        "approved_operators": APPROVED_OPERATORS,
        "approved_principals": APPROVED_PRINCIPALS,
        "approved_registries": APPROVED_REGISTRIES,
        "approved_vaults": APPROVED_VAULTS,
        "required_tags": REQUIRED_TAGS,
        "standing_principals": STANDING_PRINCIPALS,
    }
    tried = (estate.now - timedelta(days=120)).date().isoformat()
    return (
        "[policy]\n"
        + "".join(f"{key} = {json.dumps(list(values))}\n" for key, values in lists.items())
        + f"stale_after_days = {STALE_AFTER_DAYS}\n"
        + "cost_per_execution_most = { "
        + ", ".join(f"{key} = {json.dumps(value)}" for key, value in COST_PER_EXECUTION_MOST.items())
        + " }\n"
        + _overrides(estate)
        + '\n[[scalers]]\ntype = "azure-eventhub"\nverified_by = "tove.lindqvist@norvane.example"\n'
        + f'verified_on = {tried}\nverified_for = "identity, checkpoints in blobs, 0 to 200 executions"\n'
    )


def _overrides(estate: Estate) -> str:
    """Return what holds for production alone; a generated estate has no such rule."""
    if not any(body["name"] == "orders-fulfil" for body in estate.resources.values()):
        return ""
    chosen = f'tags = {{ environment = "production" }}\nmax_executions_most = {MAX_EXECUTIONS_IN_PRODUCTION}\n'
    return f"\n[[policy.overrides]]\n{chosen}"
