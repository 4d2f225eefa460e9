"""Who may do what, and as whom the jobs act."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

LEVEL = """
    case when lower(scope) in ('/', '') then 'tenant root'
         when lower(scope) like '/providers/microsoft.management/managementgroups/%' then 'management group'
         when regexp_matches(lower(scope), '^/subscriptions/[^/]+/?$') then 'subscription'
         when regexp_matches(lower(scope), '^/subscriptions/[^/]+/resourcegroups/[^/]+/?$') then 'resource group'
         else 'resource' end"""
"""SQL: the level of an ARM ``scope``."""

ROLE_ASSIGNMENTS = Sheet(
    title="Role assignments",
    note="Every grant that reaches the scope, from the management group down to the job, as it was given. What "
    "they add up to is on sheet Effective access; eligible roles, denials and members of groups have sheets of their "
    "own.",
    query=f"""
        with reached as (
            select key, count(*) as jobs from (
                select unnest([lower(job_id), '/subscriptions/' || lower(subscription_id),
                       '/subscriptions/' || lower(subscription_id) || '/resourcegroups/' || lower(resource_group)]) key
                from jobs where in_scope) group by key),
        named as (select lower(principal_id) as principal_key, min_by(p, row_id) as p from principals p group by all),
        roles as (select lower(regexp_extract(role_definition_id, '[^/]+$')) as role_key, min_by(d, row_id) as d
                  from role_definitions d group by all)
        select a.*, {LEVEL} as level, n.p.user_principal_name as user_principal_name,
               case when n.p is null then '(not looked up)' when not n.p.resolved then '(not in the directory)'
                    else coalesce(n.p.display_name, '(no name)') end as principal,
               n.p.enabled as enabled, n.p.user_type as user_type, n.p.resolved as resolved,
               coalesce(r.d.name, regexp_extract(a.role_definition_id, '[^/]+$')) as role, r.d.type as role_type,
               lower(regexp_extract(a.role_definition_id, '[^/]+$')) as role_key, s.name as subscription,
               coalesce(case when {LEVEL} in ('tenant root', 'management group') then above.jobs else below.jobs end, 0)
                   as jobs
        from role_assignments a
        left join named n on n.principal_key = lower(a.principal_id)
        left join roles r on r.role_key = lower(regexp_extract(a.role_definition_id, '[^/]+$'))
        left join subscriptions s on lower(s.subscription_id) = lower(a.subscription_id)
        left join reached below on below.key = lower(rtrim(a.scope, '/'))
        left join reached above on above.key = '/subscriptions/' || lower(a.subscription_id)
    """,
    order="list_position(['tenant root', 'management group', 'subscription', 'resource group', 'resource'], level), "
    "lower(scope), role, principal, lower(principal_id), lower(assignment_id), row_id",
    tables=("role_assignments", "role_definitions", "principals", "subscriptions", "jobs"),
    kinds=("role_assignments", "role_definitions", "principals"),
    columns=(
        Column("principal", "Principal", 30, note="Name in the directory, or why there is none."),
        Column("principal_type", "Type", 16, note="User, Group, ServicePrincipal …"),
        Column("user_principal_name", "User name", 32),
        Column("role", "Role", 34, note="Leads to its permissions.", link=Link("Roles", "role", "role_key")),
        Column("level", "Scope level", 17),
        Column(
            "jobs", "Jobs reached", 9, Kind.INT, "Jobs in scope at or below the grant's scope, in this subscription."
        ),
        Column("subscription", "Read in subscription", 22, note="A grant above subscriptions is read in each of them."),
        Column("scope", "Scope", 60, Kind.CODE),
        Column("enabled", "Enabled", 9, Kind.BOOL, "The account. Empty: not told."),
        Column("user_type", "User type", 11, note="Member or Guest."),
        Column("resolved", "In directory", 10, Kind.BOOL, "False: the directory doesn't know this principal."),
        Column("condition", "Condition", 40, Kind.CODE),
        Column("role_type", "Role type", 14),
        Column("created_on", "Granted (UTC)", 20, Kind.DATETIME),
        Column("created_by", "Granted by", 36, Kind.CODE),
        Column("principal_id", "Principal id", 36, Kind.CODE),
        Column("assignment_id", "Assignment id", 60, Kind.CODE),
    ),
)

ROLES = Sheet(
    title="Roles",
    note="The definitions of the roles that are assigned: blocks of actions as Azure keeps them.",
    query="""
        select d.*, lower(regexp_extract(role_definition_id, '[^/]+$')) as role_key, coalesce(a.grants, 0) as grants
        from role_definitions d left join (
            select lower(regexp_extract(role_definition_id, '[^/]+$')) as role_key,
                   count(distinct lower(assignment_id)) as grants
            from role_assignments group by all) a
        on a.role_key = lower(regexp_extract(d.role_definition_id, '[^/]+$'))
    """,
    order="name, lower(role_definition_id), row_id",
    tables=("role_definitions", "role_assignments"),
    kinds=("role_definitions",),
    columns=(
        Column("name", "Role", 38),
        Column("type", "Type", 14, note="BuiltInRole, or CustomRole: the organisation's own."),
        Column("grants", "Assignments", 12, Kind.INT, "With this role, each counted once wherever it is inherited."),
        Column("permissions", "Permissions (JSON)", 90, Kind.CODE),
        Column("role_definition_id", "Definition id", 60, Kind.CODE),
    ),
    anchors={"role": "role_key"},
)

IDENTITIES = Sheet(
    title="Identities",
    note="The managed identities that the jobs act as: one row for each identity and job.",
    query=f"""
        select i.*, {JOB_NAME}, regexp_extract(identity_id, '[^/]+$') as identity,
               count(*) over (partition by lower(identity_id)) as jobs
        from identities i
    """,
    order="lower(job), lower(job_id), kind, lower(identity_id), row_id",
    tables=("identities",),
    kinds=("identities",),
    columns=(
        JOB,
        Column("kind", "Kind", 10, note="system: the job's own. user: a resource, which several jobs can share."),
        Column("identity", "Identity", 30),
        Column("jobs", "Jobs with it", 9, Kind.INT, "More than 1: shared."),
        Column("principal_id", "Principal id", 36, Kind.CODE),
        Column("client_id", "Client id", 36, Kind.CODE),
        Column(
            "federated_credentials", "Federated credentials (JSON)", 50, Kind.CODE, "Who outside Azure may act as it."
        ),
        Column("identity_id", "Identity id", 60, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
)

PERMISSIONS = Sheet(
    title="Read permissions",
    note="What the collecting caller may read at each scope. Azure leaves out of a list, without a word, what the "
    "caller may not see: only where every needed action is granted does a list count as whole.",
    query="select * from permissions",
    order="can_read, lower(scope), row_id",
    tables=("permissions",),
    kinds=("permissions",),
    columns=(
        Column("scope", "Scope", 60, Kind.CODE),
        Column("caller", "Caller", 38, Kind.CODE),
        Column("can_read", "Reads all of it", 10, Kind.BOOL),
        Column("missing", "Missing actions (JSON)", 60, Kind.CODE, "Actions the evidence needs and the caller lacks."),
    ),
)
