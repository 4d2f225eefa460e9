"""The least-privilege role: every action that the evidence kinds read with, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.model.kind import EvidenceKind

NAME = "jobaudit collector"
PLACE = "/providers/Microsoft.Management/managementGroups/<management-group>"
"""Placeholder for the scope at which the owner makes the role assignable."""


def least_privilege(kinds: Iterable[EvidenceKind], *, assignable: Iterable[str] = (PLACE,)) -> dict[str, Any]:
    """Return the custom role in the JSON form of ``az role definition create``, its actions sorted, each once.

    Casing doesn't tell two actions apart; the first spelling in sorted order stays.
    """
    spelled: dict[str, str] = {}
    for action in sorted({action for kind in kinds for action in kind.actions}):
        spelled.setdefault(action.lower(), action)
    return {
        "Name": NAME,
        "IsCustom": True,
        "Description": "Reads the audit evidence of Container Apps jobs. Read actions only; no secret can be listed.",
        "Actions": [spelled[name] for name in sorted(spelled)],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": list(assignable),
    }
