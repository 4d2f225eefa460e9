"""Access that isn't a standing grant: eligible and activated roles, denials, members of groups, vault policies."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Link, Sheet
from audit.render.workbook.sheets.access import LEVEL

_NAMED = "(select lower(principal_id) as principal_key, min_by(p, row_id) as p from principals p group by all)"
_ROLES = "(select lower(role_guid) as role_key, min_by(d, row_id) as d from role_definitions d group by all)"
_WHO = """case when n.p is null then '(not looked up)' when not n.p.resolved then '(not in the directory)'
                    else coalesce(n.p.display_name, '(no name)') end as principal"""
_PIM = f"""
        select t.*, {LEVEL} as level, {_WHO}, coalesce(r.d.name, t.role_guid) as role, lower(t.role_guid) as role_key
        from {{table}} t left join {_NAMED} n on n.principal_key = lower(t.principal_id)
        left join {_ROLES} r on r.role_key = lower(t.role_guid)
    """
_ORDER = "lower(scope), role, principal, lower(principal_id), lower({id}), lower(subscription_id), row_id"
_LEADS = (
    Column("principal", "Principal", 30, note="Name in the directory, or why there is none."),
    Column("principal_type", "Type", 16),
    Column("role", "Role", 34, note="Leads to its permissions.", link=Link("Roles", "role", "role_key")),
    Column("level", "Scope level", 17),
    Column("scope", "Scope", 60, Kind.CODE),
)
_TRAILS = (
    Column("member_type", "Held", 11, note="Direct, Inherited from a scope above, or by a Group."),
    Column("starts", "From (UTC)", 20, Kind.DATETIME),
    Column("ends", "Until (UTC)", 20, Kind.DATETIME, "Empty: it lasts."),
    Column("status", "Status", 14),
    Column("condition", "Condition", 40, Kind.CODE),
    Column("created_on", "Granted (UTC)", 20, Kind.DATETIME),
    Column("principal_id", "Principal id", 36, Kind.CODE),
    Column("subscription_id", "Listed by subscription", 36, Kind.CODE),
)

ELIGIBLE = Sheet(
    title="Eligible roles",
    note="Roles that a principal may activate in Privileged Identity Management. One row for each subscription whose "
    "list it stands in.",
    query=_PIM.format(table="role_eligibility"),
    order=_ORDER.format(id="eligibility_id"),
    tables=("role_eligibility", "role_definitions", "principals"),
    kinds=("role_eligibility", "role_definitions", "principals"),
    columns=(*_LEADS, *_TRAILS, Column("eligibility_id", "Eligibility id", 60, Kind.CODE)),
)

ACTIVATIONS = Sheet(
    title="Activations",
    note="Active assignments as Privileged Identity Management sees them: until when, and whether somebody activated "
    "them. The role assignment itself is on sheet Role assignments.",
    query=_PIM.format(table="role_activations"),
    order=_ORDER.format(id="activation_id"),
    tables=("role_activations", "role_definitions", "principals"),
    kinds=("role_activations", "role_definitions", "principals"),
    columns=(
        *_LEADS,
        Column("assignment_type", "How", 12, note="Activated by somebody eligible, or Assigned."),
        *_TRAILS,
        Column("origin_assignment_id", "Role assignment id", 60, Kind.CODE),
        Column("activation_id", "Activation id", 60, Kind.CODE),
    ),
)

DENIALS = Sheet(
    title="Deny assignments",
    note="What is taken away from principals whatever their roles. Deployment stacks and managed applications make "
    "them; nobody can by hand.",
    query=f"select *, {LEVEL} as level from deny_assignments",
    order="lower(scope), name, lower(assignment_id), lower(subscription_id), row_id",
    tables=("deny_assignments",),
    kinds=("deny_assignments",),
    columns=(
        Column("name", "Deny assignment", 38),
        Column("description", "Description", 50, Kind.LONG),
        Column("level", "Scope level", 17),
        Column("scope", "Scope", 60, Kind.CODE),
        Column("do_not_apply_to_child_scopes", "At the scope only", 10, Kind.BOOL, "Empty: not told; below it too."),
        Column("permissions", "Permissions (JSON)", 60, Kind.CODE),
        Column("principals", "Principals (JSON)", 50, Kind.CODE, "The zero id stands for everybody."),
        Column("excluded_principals", "Excluded (JSON)", 50, Kind.CODE, "Whom it doesn't hold for."),
        Column("is_system_protected", "Protected", 10, Kind.BOOL, "True: Azure made it, nobody can change it."),
        Column("condition", "Condition", 40, Kind.CODE),
        Column("created_on", "Made (UTC)", 20, Kind.DATETIME),
        Column("created_by", "Made by", 36, Kind.CODE),
        Column("updated_on", "Changed (UTC)", 20, Kind.DATETIME),
        Column("subscription_id", "Listed by subscription", 36, Kind.CODE),
        Column("assignment_id", "Assignment id", 60, Kind.CODE),
    ),
)

_GROUP = "coalesce(n.p.display_name, group_id) as named"

MEMBERS = Sheet(
    title="Group members",
    note="Members of the groups that hold access, directly or through a group in them.",
    query=f"""
        select m.*, {_GROUP}, e.direct is not null
               or lower(m.group_id) not in (select lower(group_id) from group_edges) as direct
        from group_members m left join {_NAMED} n on n.principal_key = lower(m.group_id)
        left join (select distinct lower(group_id) as group_key, lower(member_id) as member_key, true as direct
                   from group_edges) e
            on e.group_key = lower(m.group_id) and e.member_key = lower(m.member_id)
    """,
    order="lower(named), lower(group_id), member_type, lower(display_name), lower(member_id), row_id",
    tables=("group_members", "group_edges", "principals"),
    kinds=("group_members",),
    columns=(
        Column("named", "Group", 34),
        Column("display_name", "Member", 34, note="Empty here and beside: not told."),
        Column("member_type", "Type", 18),
        Column("direct", "Direct", 9, Kind.BOOL, "False: through a group in it."),
        Column("user_principal_name", "User name", 36),
        Column("enabled", "Enabled", 9, Kind.BOOL),
        Column("user_type", "User type", 11, note="Member or Guest."),
        Column("member_id", "Member id", 36, Kind.CODE),
        Column("group_id", "Group id", 36, Kind.CODE),
    ),
)

MEMBERSHIPS = Sheet(
    title="Group eligibility",
    note="Membership and ownership of groups by Privileged Identity Management: eligible, or active for a time.",
    query=f"""
        select m.*, {_GROUP} from group_eligibility m left join {_NAMED} n on n.principal_key = lower(m.group_id)
    """,
    order="lower(named), lower(group_id), access, access_id, lower(display_name), lower(principal_id), "
    "lower(instance_id), row_id",
    tables=("group_eligibility", "principals"),
    kinds=("group_eligibility",),
    columns=(
        Column("named", "Group", 34),
        Column("display_name", "Principal", 34, note="Empty: not told."),
        Column("principal_type", "Type", 18),
        Column("access_id", "As", 10, note="member, or owner: who can change who the members are."),
        Column("access", "Access", 10, note="eligible, or active."),
        Column("assignment_type", "How", 12, note="Of an active one: activated by somebody eligible, or assigned."),
        Column("member_type", "Held", 10, note="direct, or by another group."),
        Column("starts", "From (UTC)", 20, Kind.DATETIME),
        Column("ends", "Until (UTC)", 20, Kind.DATETIME, "Empty: it lasts."),
        Column("user_principal_name", "User name", 36),
        Column("enabled", "Enabled", 9, Kind.BOOL),
        Column("user_type", "User type", 11),
        Column("principal_id", "Principal id", 36, Kind.CODE),
        Column("group_id", "Group id", 36, Kind.CODE),
        Column("instance_id", "Instance id", 40, Kind.CODE),
    ),
)
