"""Locks, and exemptions from policy: what the company holds fast, and what it lets pass."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate import events
from audit.sandbox.estate.deploy import KEPT
from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from datetime import datetime

    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_LOCKS = "Microsoft.Authorization/locks"
_EXEMPTIONS = "Microsoft.Authorization/policyExemptions"


def settle(world: World, ground: Foundation) -> None:
    """Lock a namespace and a vault, take a lock away, and excuse two scopes from policy."""
    lock(world, ground.bus, "keep-orders-bus", "CanNotDelete", "Orders stop without it. Ask orders@norvane.example.")
    set_at = world.before(9, "15:20")
    lock(world, ground.vault, "vault-settled", "ReadOnly", "Network was closed; nobody opens it again by mistake.")
    _log(world, f"{ground.vault}/providers/{_LOCKS}/vault-settled", "write", "petra.okafor", set_at)
    gone = f"{ground.storage}/providers/{_LOCKS}/keep-imports"
    _log(world, gone, "delete", "sanjay.rao", world.before(11, "23:24"))
    group = next(body["id"] for body in world.estate.resource_groups if body["name"].lower() == "rg-imports-prod")
    exempt(
        world,
        group,
        "imports-public-registry",
        "Waiver",
        assignment="allowed-registries",
        title="Imports may pull rclone from Docker Hub",
        why="Supplier feed is to be replaced in spring. Risk accepted by P. Okafor, NORV-2214.",
        by="petra.okafor",
        made=world.before(70, "10:02"),
        expires=world.now + timedelta(days=20),
    )
    exempt(
        world,
        f"/subscriptions/{ground.shared}",
        "tools-without-logs",
        "Mitigated",
        assignment="environment-logs",
        title="Build runner logs to its own service",
        why="Logs of workflows are kept by the code host.",
        by="oskar.brandt",
        made=world.before(250, "16:40"),
        expires=world.before(35, "00:00"),
        parts=("containerAppsLogs",),
    )


def generate(world: World, group: str, number: int) -> None:
    """Lock a resource group of a generated subscription, and excuse it from a policy."""
    lock(world, group, "keep", "CanNotDelete", "Production.")
    exempt(
        world,
        group,
        f"legacy-{number + 1:03d}",
        "Waiver" if number % 2 else "Mitigated",
        assignment="allowed-registries",
        title="Images from before the registry",
        why="To be moved.",
        by="petra.okafor",
        made=world.before(120 + number % 60, "09:30"),
        expires=world.now + timedelta(days=number % 90 - 20),
    )


def lock(world: World, scope: str, name: str, level: str, notes: str) -> Body:
    """Lock a subscription, resource group or resource."""
    body: Body = {
        "properties": {"level": level, "notes": notes},
        "id": f"{scope}/providers/{_LOCKS}/{name}",
        "type": _LOCKS,
        "name": name,
    }
    world.estate.locks.setdefault(scope.split("/")[2], []).append(body)
    return body


def exempt(
    world: World,
    scope: str,
    name: str,
    category: str,
    *,
    assignment: str,
    title: str,
    why: str,
    by: str,
    made: datetime,
    expires: datetime | None,
    parts: tuple[str, ...] = (),
) -> Body:
    """Excuse a scope from a policy assignment of the lowest management group."""
    author, above = world.actors[by], world.estate.management_groups[-1]
    body: Body = {
        "properties": {
            "policyAssignmentId": f"{above}/providers/Microsoft.Authorization/policyAssignments/{assignment}",
            "policyDefinitionReferenceIds": list(parts),
            "exemptionCategory": category,
            "displayName": title,
            "description": why,
            "metadata": {"requestedBy": by, "ticket": "NORV-2214" if category == "Waiver" else ""},
            "assignmentScopeValidation": "Default",
            **({"expiresOn": zulu(expires)} if expires else {}),
        },
        "systemData": {
            "createdBy": author.author,
            "createdByType": author.author_type,
            "createdAt": zulu(made),
            "lastModifiedBy": author.author,
            "lastModifiedByType": author.author_type,
            "lastModifiedAt": zulu(made),
        },
        "id": f"{scope}/providers/{_EXEMPTIONS}/{name}",
        "type": _EXEMPTIONS,
        "name": name,
    }
    world.estate.policy_exemptions.setdefault(scope.split("/")[2], []).append(body)
    if (world.now - made).days < KEPT:
        _log(world, body["id"], "write", by, made)
    return body


def _log(world: World, target: str, verb: str, by: str, when: datetime) -> None:
    kind = _LOCKS if _LOCKS.lower() in target.lower() else _EXEMPTIONS
    actor = world.actors[by]
    events.record(
        world,
        events.Operation(when=when, actor=actor, action=f"{kind}/{verb}", target=target, steps=events.SHORT),
    )
