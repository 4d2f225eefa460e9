"""What a sandbox can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec

from audit.sandbox import key_vault
from audit.sandbox.faults import Fault


def _this_morning() -> datetime:
    today = datetime.now(UTC).date()
    return datetime.combine(today, time(0), UTC) + timedelta(hours=6)


class PageSizes(msgspec.Struct, frozen=True, kw_only=True):
    """Items per page of each list that Azure pages; small, so that every client has to follow links."""

    jobs: int = 5
    environments: int = 20
    executions: int = 40
    resources: int = 10
    role_assignments: int = 50
    activity: int = 50
    costs: int = 5000
    fired_alerts: int = 25
    resource_graph: int = 100
    identities: int = 10
    network: int = 1
    members: int = 100


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the estate is made and how the server behaves.

    ``jobs`` 0 is the story estate, N that many generated jobs. ``latency_ms`` is added to every answer.
    ``faults`` are names of presets or faults. ``port`` 0 is any free one. ``caller_role`` is the body of the role
    definition that the collector's principal holds at the root; None is a role with every read that is served.
    ``subscription_permissions_route`` False makes ``permissions`` at a subscription answer 404: whether Azure answers
    there isn't documented.
    """

    seed: int = 7
    jobs: int = 0
    subscriptions: int = 2
    latency_ms: float = 0.0
    faults: tuple[Fault | str, ...] = ()
    port: int = 0
    now: datetime = msgspec.field(default_factory=_this_morning)
    caller_role: dict[str, Any] | None = None
    page_sizes: PageSizes = PageSizes()
    subscription_permissions_route: bool = True
    arm_capacity: int = 250
    """Reads at once per subscription and principal, and a second later ``arm_refill`` more."""
    arm_refill: float = 25.0
    cost_quota: int = 12
    """Cost Management queries in ten seconds; a minute allows five times, an hour fifty times as many."""
    graph_quota: int = 15
    """Resource Graph queries in ``graph_quota_seconds``."""
    graph_quota_seconds: float = 5.0
    graph_permissions: tuple[str, ...] = (
        "Directory.Read.All",
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    )
    """Application permissions that the collector holds at Microsoft Graph."""
    key_vault_actions: tuple[str, ...] = (key_vault.READ, key_vault.SIGN)
    """What the collector may do with the keys of its vault: of the role Key Vault Crypto User what signing takes."""
    refused_groups: tuple[str, ...] = ()
    """Display names of groups of whose members Graph says 403."""
    log_rows: int = 500_000
    """Rows that one answer of Log Analytics holds at most; a longer result is cut off with an error beside it."""
    log_bytes: int = 64_000_000
    """Bytes of rows, likewise. https://learn.microsoft.com/kusto/concepts/query-limits"""
    credential: str = "managed_identity"
    """What config_toml() asks for: ``managed_identity`` or ``client_secret``."""
