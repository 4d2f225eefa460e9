"""Who can do what to each job, worked out: the answers by capability, and who holds it by which grant."""

from __future__ import annotations

from audit.render.workbook.holders import NEEDED
from audit.render.workbook.sheet import Column, Kind, Link, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

KINDS = (
    "role_assignments",
    "role_definitions",
    "role_eligibility",
    "role_activations",
    "deny_assignments",
    "group_members",
    "group_eligibility",
    "principals",
)
"""Evidence that every answer rests on."""

ANSWERS = Sheet(
    title="Access answers",
    note="Who can do what to each job, in counts: one row for each job and capability. Principals are counted once, "
    "members of groups one by one, deny assignments taken away.",
    query=f"""
        select a.*, {JOB_NAME}, c.title as can, c.privileged, c.position as place,
               array_to_string(a.reasons::VARCHAR[], '; ') as why
        from access_answers a join capabilities c using (capability)
    """,
    order="lower(job), lower(job_id), place, row_id",
    tables=("access_answers", "capabilities"),
    kinds=KINDS,
    columns=(
        JOB,
        Column("can", "Capability", 36),
        Column("privileged", "Privileged", 11, Kind.BOOL),
        Column("applicable", "Applies", 9, Kind.BOOL, "False: the job has no resource that the capability is about."),
        Column("active", "Can now", 9, Kind.INT, "Empty, here and beside: too many to be counted."),
        Column("eligible", "After activation", 11, Kind.INT),
        Column("through_identity", "Through the identity", 11, Kind.INT, "By acting as the job's identity."),
        Column("denied", "Denied", 9, Kind.INT, "A deny assignment stops them on some path."),
        Column("complete", "These are all", 10, Kind.BOOL, "False: at least these."),
        Column("why", "Why not", 70, Kind.LONG),
        Column("capability", "Capability (name)", 22, Kind.CODE),
    ),
)

EFFECTIVE = Sheet(
    title="Effective access",
    note="Who can do what to each job by which assignment or policy and through which groups. One row for each job, "
    "principal, assignment and group path, over all it gives there; what a job's identity opens to whoever can act as "
    "it is on the job's page and in data/effective_access.parquet.",
    query=f"""
        select md5(concat_ws(chr(31), w.job_id, h.principal_id, g.assignment_id, h.group_path, h.access, h.membership,
                             h.membership_expires, h.expires, h.can::VARCHAR))[:16] as row_id,
               g.observed_at, g.raw_ref, w.job_id, w.position, h.number, {JOB_NAME},
               case g.via_kind when 'shared_access_policy'
                        then 'whoever has a key of ' || regexp_extract(g.assignment_id, '[^/]+$')
                    when 'admin_user' then 'whoever has the admin user''s password of '
                        || regexp_extract(g.scope, '[^/]+$')
                    else coalesce(p.display_name, p.user_principal_name, case when p.resolved = false then
                        '(not in the directory)' else '(not looked up)' end) end as principal,
               p.type, h.concern, case when h.access = 'eligible' then 'after activation'
                    when h.expires is null then 'standing' else 'now' end as "when", h.privileged, c.titles as can,
               t.titles as denied, d.name as denied_by, coalesce(g.role, g.role_guid, replace(g.via_kind, '_', ' '))
                    as role, g.role_guid as role_key, g.scope, r.groups,
               h.membership, h.expires, u.titles as under, g.condition, h.principal_id, g.assignment_id,
               p.user_principal_name
        from report_holders h
        join report_work w using (position)
        join report_grants g using (grant_no)
        left join access_principals p on p.principal_id = h.principal_id
        left join report_said c on c.bits = h.can
        left join report_said t on t.bits = h.taken
        left join report_said u on u.bits = h.under
        left join report_paths r on r.group_path = h.group_path
        left join (select lower(assignment_id) as key, min(coalesce(name, assignment_id)) as name from deny_assignments
                   group by all) d on d.key = lower(h.denied_by)
    """,
    order="position, number",
    tables=(*dict.fromkeys(("effective_access", "deny_assignments", *NEEDED)),),
    kinds=KINDS,
    remark="select text from report_remark",
    columns=(
        JOB,
        Column("principal", "Principal", 30, note="A member of a group where the members are known, else the group."),
        Column("concern", "Concern", 11, note="orphaned (not in the directory), disabled or guest."),
        Column("when", "When", 15, note="standing: without an end."),
        Column("role", "Role or policy", 30, note="Leads to its permissions.", link=Link("Roles", "role", "role_key")),
        Column("groups", "Through groups", 30, note="The one that holds the assignment first. Empty: given directly."),
        Column("can", "Can", 60, Kind.LONG, "Capabilities, privileged ones first."),
        Column("denied", "Denied", 40, Kind.LONG, "Given by the assignment, and taken away by a deny assignment."),
        Column("privileged", "Privileged", 11, Kind.BOOL, "At least one of the capabilities is."),
        Column("type", "Type", 16),
        Column("membership", "Membership", 12, note="eligible: to be activated by PIM. Empty: given directly."),
        Column("expires", "Until (UTC)", 20, Kind.DATETIME, "Empty: it lasts."),
        Column("under", "Under a condition", 40, Kind.LONG, "Capabilities that hold under a condition; read it."),
        Column("condition", "Condition", 40, Kind.CODE, "Of the assignment."),
        Column("denied_by", "Denied by", 30),
        Column("scope", "Scope", 60, Kind.CODE),
        Column("user_principal_name", "User name", 32),
        Column("principal_id", "Principal id", 36, Kind.CODE),
        Column("assignment_id", "Assignment id", 60, Kind.CODE),
    ),
)
