"""What is held for a time, can be activated, or is denied: PIM of roles and of groups, and deny assignments."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate import roles
from audit.sandbox.estate.access import definition_id, grant
from audit.sandbox.estate.moments import zulu

if TYPE_CHECKING:
    from datetime import datetime

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World

_PROVIDER = "/providers/Microsoft.Authorization"
EVERYONE = {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
"""How a deny assignment names all principals."""


def eligible(
    world: World,
    role: str,
    to: Actor,
    scope: str,
    *,
    days: int = 120,
    ends: datetime | None = None,
    how: str = "Direct",
) -> Body:
    """Let someone activate a built-in role since ``days`` days ago; return the instance."""
    name = world.chance.guid("eligibility", role, to.object_id, scope.lower())
    schedule = world.chance.guid("eligibility schedule", role, to.object_id, scope.lower())
    body = _instance(world, role, to, scope, sort="RoleEligibilityScheduleInstances", name=name, days=days, ends=ends)
    body["properties"] |= {
        "roleEligibilityScheduleId": f"{_at(scope)}{_PROVIDER}/RoleEligibilitySchedules/{schedule}",
        "memberType": how,
    }
    world.estate.role_eligibility.append(body)
    return body


def activated(world: World, role: str, to: Actor, scope: str, *, since: timedelta, ends: timedelta) -> str:
    """Let someone who is eligible have activated the role ``since`` ago, for ``ends`` from now; return the assignment.

    The assignment that carries it stands among the others, and nothing in it says that it ends.
    """
    using = eligible(world, role, to, scope)
    made = grant(world, role, to, scope, days=0, by="")
    body = _active(world, role, to, scope, made)
    body["properties"] |= {
        "assignmentType": "Activated",
        "linkedRoleEligibilityScheduleId": using["properties"]["roleEligibilityScheduleId"].rsplit("/", 1)[-1],
        "linkedRoleEligibilityScheduleInstanceId": using["name"],
        "startDateTime": zulu(world.now - since),
        "endDateTime": zulu(world.now + ends),
        "createdOn": zulu(world.now - since),
    }
    assignment = next(each for each in reversed(world.estate.role_assignments) if each["id"] == made)
    assignment["properties"] |= {name: zulu(world.now - since) for name in ("createdOn", "updatedOn")}
    return made


def standing(world: World, assignment: Body) -> None:
    """Show an assignment that was made past PIM as PIM shows it: assigned, without an end."""
    facts = assignment["properties"]
    to = next(each for each in world.actors.values() if each.object_id == facts["principalId"])
    role = facts["roleDefinitionId"].rsplit("/", 1)[-1]
    body = _active(world, role, to, facts["scope"], assignment["id"])
    body["properties"] |= {
        "assignmentType": "Assigned",
        "startDateTime": facts["createdOn"],
        "createdOn": facts["createdOn"],
    }


def _active(world: World, role: str, to: Actor, scope: str, assignment: str) -> Body:
    name = world.chance.guid("activation", role, to.object_id, scope.lower())
    schedule = world.chance.guid("assignment schedule", role, to.object_id, scope.lower())
    body = _instance(world, role, to, scope, sort="RoleAssignmentScheduleInstances", name=name, days=0, ends=None)
    body["properties"] |= {
        "roleAssignmentScheduleId": f"{_at(scope)}{_PROVIDER}/RoleAssignmentSchedules/{schedule}",
        "originRoleAssignmentId": assignment,
        "memberType": "Direct",
    }
    world.estate.role_activations.append(body)
    return body


def _instance(
    world: World, role: str, to: Actor, scope: str, *, sort: str, name: str, days: int, ends: datetime | None
) -> Body:
    guid = role if role in world.estate.role_definitions else roles.guid_of(role)
    start = zulu(world.before(days, "08:15"))
    title = world.estate.role_definitions[guid]["properties"]["roleName"]
    return {
        "properties": {
            "scope": scope,
            "roleDefinitionId": definition_id(scope, guid),
            "principalId": to.object_id,
            "principalType": to.kind,
            "status": "Provisioned",
            "startDateTime": start,
            **({"endDateTime": zulu(ends)} if ends else {}),
            "createdOn": start,
            "condition": None,
            "conditionVersion": None,
            "expandedProperties": {
                "scope": {"id": scope, "displayName": scope.rsplit("/", 1)[-1], "type": "subscription"},
                "roleDefinition": {"id": definition_id(scope, guid), "displayName": title, "type": "BuiltInRole"},
                "principal": {"id": to.object_id, "displayName": to.name, "type": to.kind},
            },
        },
        "name": name,
        "id": f"{_at(scope)}{_PROVIDER}/{sort}/{name}",
        "type": f"Microsoft.Authorization/{sort}",
    }


def _at(scope: str) -> str:
    return "" if scope == "/" else scope


def deny(
    world: World,
    title: str,
    scope: str,
    actions: tuple[str, ...],
    *,
    to: tuple[Actor, ...] = (),
    but: tuple[Actor, ...] = (),
    spared: tuple[str, ...] = (),
    here_only: bool = False,
    days: int = 90,
) -> None:
    """Deny actions but for those ``spared`` at a scope to some (nobody named: to everyone), ``but`` not to others."""
    name = world.chance.guid("deny", title, scope.lower())
    made = zulu(world.before(days, "13:20"))
    world.estate.deny_assignments.append(
        {
            "properties": {
                "denyAssignmentName": title,
                "description": "Created by a deployment stack.",
                "permissions": [
                    {
                        "actions": list(actions),
                        "notActions": list(spared),
                        "dataActions": [],
                        "notDataActions": [],
                        "condition": None,
                        "conditionVersion": None,
                    }
                ],
                "scope": scope,
                "doNotApplyToChildScopes": here_only,
                "principals": [_named(each) for each in to] or [dict(EVERYONE)],
                "excludePrincipals": [_named(each) for each in but],
                "isSystemProtected": True,
                "createdOn": made,
                "updatedOn": made,
                "createdBy": None,
                "updatedBy": None,
            },
            "id": f"{_at(scope)}{_PROVIDER}/denyAssignments/{name}",
            "type": "Microsoft.Authorization/denyAssignments",
            "name": name,
        }
    )


def _named(who: Actor) -> Body:
    return {"id": who.object_id, "type": who.kind}


def join(world: World, group: Actor, *members: Actor) -> None:
    """Put members into a group."""
    world.estate.memberships.setdefault(group.object_id, []).extend(each.object_id for each in members)


def may_join(world: World, group: Actor, who: Actor, *, access: str = "member", ends: timedelta | None = None) -> None:
    """Let someone make themselves a member or owner of a group."""
    body = _in_group(world, group, who, access)
    body |= {
        "@odata.type": "#microsoft.graph.privilegedAccessGroupEligibilityScheduleInstance",
        "endDateTime": zulu(world.now + ends) if ends else None,
        "eligibilityScheduleId": body["id"],
    }
    world.estate.group_eligibility.setdefault(group.object_id, []).append(body)


def joined(world: World, group: Actor, who: Actor, *, ends: timedelta | None = None) -> None:
    """Show a membership as PIM shows it: assigned, or activated by someone eligible until ``ends`` from now."""
    if ends:
        may_join(world, group, who)
    body = _in_group(world, group, who, "member")
    body |= {
        "@odata.type": "#microsoft.graph.privilegedAccessGroupAssignmentScheduleInstance",
        "startDateTime": zulu(world.now - timedelta(hours=1)) if ends else body["startDateTime"],
        "endDateTime": zulu(world.now + ends) if ends else None,
        "assignmentType": "activated" if ends else "assigned",
        "assignmentScheduleId": body["id"],
    }
    world.estate.group_activations.setdefault(group.object_id, []).append(body)
    join(world, group, who)


def _in_group(world: World, group: Actor, who: Actor, access: str) -> Body:
    schedule = world.chance.guid("group schedule", group.object_id, access, who.object_id)
    return {
        "id": f"{group.object_id}_{access}_{schedule}",
        "startDateTime": zulu(world.before(75, "09:40")),
        "principalId": who.object_id,
        "accessId": access,
        "groupId": group.object_id,
        "memberType": "direct",
    }
