"""The evidence kinds, in the order in which they stand on each other: the registry of what is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.evidence import (
    action_groups,
    activity_log,
    alerts,
    budgets,
    costs,
    deny_assignments,
    deployments,
    diagnostic_settings,
    environment_quotas,
    environments,
    event_sources,
    execution_logs,
    executions,
    fired_alerts,
    graph_jobs,
    group_eligibility,
    group_members,
    identities,
    image_digests,
    inventory,
    jobs,
    key_vaults,
    locks,
    log_volumes,
    management_group_members,
    management_groups,
    metrics,
    networks,
    permissions,
    policy_exemptions,
    principals,
    private_dns,
    private_endpoints,
    registries,
    resource_changes,
    role_activations,
    role_assignments,
    role_definitions,
    role_eligibility,
    subscriptions,
    tags,
    workspaces,
)

if TYPE_CHECKING:
    from audit.model import EvidenceKind, Record

_AFTER_PERMISSIONS = (
    management_group_members.KIND,
    inventory.KIND,
    jobs.KIND,
    environments.KIND,
    environment_quotas.KIND,
    event_sources.KIND,
    key_vaults.KIND,
    registries.KIND,
    image_digests.KIND,
    private_endpoints.KIND,
    private_dns.KIND,
    networks.KIND,
    executions.KIND,
    role_assignments.KIND,
    role_eligibility.KIND,
    role_activations.KIND,
    deny_assignments.KIND,
    role_definitions.KIND,
    principals.KIND,
    group_members.KIND,
    group_eligibility.KIND,
    activity_log.KIND,
    diagnostic_settings.KIND,
    workspaces.KIND,
    execution_logs.KIND,
    log_volumes.KIND,
    identities.KIND,
    tags.KIND,
    budgets.KIND,
    action_groups.KIND,
    alerts.KIND,
    fired_alerts.KIND,
    metrics.KIND,
    costs.KIND,
    resource_changes.KIND,
    deployments.KIND,
    locks.KIND,
    policy_exemptions.KIND,
    management_groups.KIND,
    graph_jobs.KIND,
)
_NEEDED = (action for each in (subscriptions.KIND, *_AFTER_PERMISSIONS) for action in each.actions)

KINDS: tuple[EvidenceKind, ...] = (subscriptions.KIND, permissions.kind(_NEEDED), *_AFTER_PERMISSIONS)
"""Every kind once; a kind comes after those in its ``after``."""


def kind(name: str) -> EvidenceKind:
    """Return a kind by name. Raises UsageError for a name that none has."""
    for each in KINDS:
        if each.name == name:
            return each
    raise UsageError(f'there is no evidence kind "{name}"', hint="kinds: " + ", ".join(each.name for each in KINDS))


def record_types() -> tuple[type[Record], ...]:
    """Return the record class of every table, in the kinds' order."""
    return tuple(record for each in KINDS for record in each.records)


def actions() -> tuple[str, ...]:
    """Return every Azure action that the reads need, sorted, each once whatever its casing."""
    found: dict[str, str] = {}
    for action in sorted(action for each in KINDS for action in each.actions):
        found.setdefault(action.lower(), action)
    return tuple(found[name] for name in sorted(found))
