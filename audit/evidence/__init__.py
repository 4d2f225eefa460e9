"""The evidence kinds, in the order in which they stand on each other: the registry of what is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.evidence import (
    action_groups,
    activity_log,
    budgets,
    diagnostic_settings,
    environments,
    graph_jobs,
    identities,
    jobs,
    management_group_members,
    permissions,
    principals,
    role_assignments,
    role_definitions,
    subscriptions,
    tags,
)

if TYPE_CHECKING:
    from audit.model import EvidenceKind, Record

_AFTER_PERMISSIONS = (
    management_group_members.KIND,
    jobs.KIND,
    environments.KIND,
    role_assignments.KIND,
    role_definitions.KIND,
    principals.KIND,
    activity_log.KIND,
    diagnostic_settings.KIND,
    identities.KIND,
    tags.KIND,
    budgets.KIND,
    action_groups.KIND,
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
