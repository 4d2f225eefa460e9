"""Role assignments as ARM answers them, and the events of those that were made inside the log's ninety days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import events, roles
from audit.sandbox.estate.deploy import KEPT
from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

_WRITE = "Microsoft.Authorization/roleAssignments/write"


def definition_id(scope: str, guid: str) -> str:
    """Return a role definition's id as an assignment at ``scope`` spells it."""
    parts = scope.split("/")
    prefix = f"/subscriptions/{parts[2]}" if scope.startswith("/subscriptions/") else ""
    return f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def grant(
    world: World,
    role: str,
    to: Actor,
    scope: str,
    *,
    days: int = 400,
    by: str = "",
    condition: str | None = None,
    description: str | None = None,
) -> str:
    """Assign a role (a built-in role's name, or a GUID) ``days`` days ago; return the assignment's id."""
    guid = role if role in world.estate.role_definitions else roles.guid_of(role)
    name = world.chance.guid("assignment", guid, to.object_id, scope.lower())
    made = world.before(days, f"{7 + world.chance.number(10, name):02d}:{world.chance.number(60, name, 'minute'):02d}")
    maker = world.actors[by] if by else None
    body: Body = {
        "properties": {
            "roleDefinitionId": definition_id(scope, guid),
            "principalId": to.object_id,
            "principalType": to.kind,
            "scope": scope,
            "condition": condition,
            "conditionVersion": "2.0" if condition else None,
            "createdOn": zulu(made),
            "updatedOn": zulu(made),
            "createdBy": maker.object_id if maker else None,
            "updatedBy": maker.object_id if maker else None,
            "delegatedManagedIdentityResourceId": None,
            "description": description,
        },
        "id": f"{'' if scope == '/' else scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    }
    world.estate.role_assignments.append(body)
    if maker and days < KEPT and scope.startswith("/subscriptions/"):
        events.record(
            world,
            events.Operation(
                when=made,
                actor=maker,
                action=_WRITE,
                target=body["id"],
                steps=events.SHORT,
                request={"Id": name, "Properties": _asked(body["properties"])},
                response={"properties": body["properties"], "id": body["id"], "name": name},
            ),
        )
    return str(body["id"])


def _asked(properties: Body) -> Body:
    return {
        "PrincipalId": properties["principalId"],
        "PrincipalType": properties["principalType"],
        "RoleDefinitionId": properties["roleDefinitionId"],
        "Scope": properties["scope"],
        "Condition": properties["condition"],
        "ConditionVersion": properties["conditionVersion"],
    }


def custom_role(world: World, name: str, description: str, actions: list[str], scopes: list[str]) -> str:
    """Add a role of the company's own; return its GUID."""
    guid = world.chance.guid("role", name)
    world.estate.role_definitions[guid] = roles.definition(
        guid=guid,
        name=name,
        kind="CustomRole",
        description=description,
        permissions=[{"actions": actions}],
        scopes=scopes,
        created=zulu(world.before(380, "15:04")),
    )
    return guid


def collector(world: World, role: Body | None, scope: str) -> str:
    """Give the collector its role at ``scope``: a custom one made of ``role``, or Reader; return its object id."""
    actor = world.actors["collector"]
    held = "Reader"
    if role is not None:
        name, description, permissions = roles.described(role)
        held = world.chance.guid("collector's role")
        world.estate.role_definitions[held] = roles.definition(
            guid=held,
            name=name,
            kind="CustomRole",
            description=description,
            permissions=permissions,
            scopes=[scope],
            created=zulu(world.before(200, "11:40")),
        )
    grant(world, held, actor, scope, days=199, by="petra.okafor")
    world.estate.collector_id = actor.object_id
    return actor.object_id
