"""Who can do what to a job: the answers by capability, who holds it by which grant, and what its identities open."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render import entitlements
from audit.render.dossier import access_words
from audit.render.entitlements import ACT
from audit.render.sections import access

if TYPE_CHECKING:
    import duckdb

    from audit.render.dossier.batch import About, Facts
    from audit.render.names import Where, Who
    from audit.render.rows import Row

SHOWN = 60
"""Rows of a job that its page shows."""
REACHES = 40
"""Things that a job's identities can do, of those that its page shows."""
OTHERS = 100

_JOBS = "select b.position, j.job_id from jobs j join report_jobs b on b.job_key = lower(j.job_id) where j.in_scope"

_IDENTITIES = """
create or replace temp table report_identities as
select distinct on (b.position, lower(i.identity_id)) b.position, b.job_key, i.identity_id,
       lower(i.identity_id) as identity_key, lower(i.principal_id) as principal_key
from job_identities i join report_jobs b on b.job_key = lower(i.job_id)
order by b.position, lower(i.identity_id), i.row_id
"""

# Who holds a privileged capability now, and any ('') of them: how many of each sort, by a group, of whom one asks.
_HELD = """
with people as (
    select c.position, e.capability, e.principal_id, bool_or(e.group_path is not null) as grouped
    from effective_access e join report_chunk c using (job_id) join report_capabilities k using (capability)
    where e.steps = 1 and e.access = 'active' and not e.denied and k.privileged
    group by all
),
each as (
    from people
    union all
    select position, '', principal_id, bool_or(grouped) from people group by all
)
select h.position, h.capability,
       count(*) filter (where lower(p.type) = 'user') as people,
       count(*) filter (where lower(p.type) in ('serviceprincipal', 'managedidentity', 'msi')) as applications,
       count(*) filter (where lower(p.type) in ('group', 'foreigngroup')) as groups,
       count(*) filter (where p.type in ('SharedAccessPolicy', 'AdminUser')) as keys,
       count(*) as total, count(*) filter (where grouped) as grouped,
       count(*) filter (where p.concern = 'guest') as guests,
       count(*) filter (where p.concern = 'disabled') as disabled,
       count(*) filter (where p.concern = 'orphaned') as orphaned
from each h left join access_principals p using (principal_id)
group by all
"""

_REACH = """
select c.position, e.through_identity, e.capability, e.way, e.target_id, e.through_assignment_id,
       count(distinct e.principal_id) filter (where not e.denied and e.access = 'active') as active,
       count(distinct e.principal_id) filter (where not e.denied and e.access = 'eligible') as eligible,
       count(distinct e.principal_id) filter (where e.denied) as denied, bool_and(e.conditional) as conditional
from effective_access e join report_chunk c using (job_id)
where e.steps = 2 group by all
"""

_ACTING = f"""
select i.position, i.identity_key, e.way,
       count(distinct e.principal_id) filter (where e.access = 'active') as active,
       count(distinct e.principal_id) filter (where e.access = 'eligible') as eligible
from effective_access e join report_chunk c using (job_id)
join report_identities i on i.position = c.position and lower(e.target_id) in (i.job_key, i.identity_key)
where e.steps = 1 and e.capability = '{ACT}' and not e.denied
  and lower(e.principal_id) is distinct from i.principal_key
group by grouping sets ((i.position, i.identity_key), (i.position, i.identity_key, e.way))
"""
_MADE = {"report_held": _HELD, "report_reach": _REACH, "report_acting": _ACTING}

_BATCH = "join report_jobs b using (position) where b.position between ? and ?"
QUERIES = {
    "answers": """
        select b.job_key, t.*, k.title, k.privileged, k.number, k.place
        from access_answers t join report_capabilities k using (capability)
        join report_jobs b on b.job_key = lower(t.job_id) where b.position between ? and ?
        order by b.position, k.place
    """,
    "holders": f"""
        select b.job_key, t.* exclude (position), g.* exclude (grant_key), d.name as denial, d.raw_ref as denial_ref,
               p.type as principal_type
        from report_holders t join report_grants g using (grant_no)
        left join access_principals p on p.principal_id = t.principal_id
        left join (select lower(assignment_id) as key, min(name) as name, min(raw_ref) as raw_ref
                   from deny_assignments group by all) d on d.key = lower(t.denied_by)
        {_BATCH} order by b.position, t.number
    """,
    "held": f"select b.job_key, t.* from report_held t {_BATCH} order by b.position, t.capability",
    "reach": f"""
        select b.job_key, t.* exclude (position), k.title, k.privileged, k.number, w.words, g.via_kind, g.scope,
               g.role_guid, g.role, g.role_type, g.role_ref, g.condition, g.raw_ref
        from report_reach t join report_capabilities k using (capability)
        left join access_ways w on w.capability = t.capability and w.way = t.way
        left join report_grants g on g.grant_key = lower(t.through_assignment_id)
        {_BATCH}
        order by b.position, lower(t.through_identity), (t.active + t.eligible = 0), k.number, t.way,
                 lower(t.target_id), lower(t.through_assignment_id)
    """,
    "acting": f"""
        select b.job_key, t.*, w.words from report_acting t
        left join access_ways w on w.capability = '{ACT}' and w.way = t.way
        {_BATCH} order by b.position, t.identity_key, t.way nulls first
    """,
    "given": f"""
        select a.* from ({access.OF_JOBS}) a
        left join report_grants g on g.grant_key = lower(a.assignment_id)
        join report_jobs b using (job_key)
        where (b.position, coalesce(g.grant_no, 0)) not in (select position, grant_no from report_giving)
        order by b.position, len(string_split(trim(a.scope, '/'), '/')) desc, lower(a.scope),
                 lower(coalesce(a.role, a.role_guid)), lower(a.principal_id), lower(a.assignment_id)
    """,
}


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make what the sections read, some jobs at a time."""
    con.execute(_IDENTITIES)
    holders = entitlements.Holders(con, of_job=SHOWN)
    for name, sql in _MADE.items():
        con.execute(f"create or replace temp table {name} as from ({sql}) limit 0")
    whole = entitlements.written(con)
    for _ in entitlements.chunks(con, _JOBS):
        holders.add()
        for name, sql in _MADE.items() if whole else ():
            con.execute(f"insert into {name} {sql}")


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return the answers, the rows, what the identities open, and the sentence that says the worst of it."""
    answers = [row | {"reasons": json.loads(row["reasons"] or "[]")} for row in facts["answers"]]
    shared = access_words.shared([row["reasons"] for row in answers if not row["complete"]])
    for row in answers:
        row["reasons"] = [each for each in row["reasons"] if each not in shared]
    titles = {row["number"]: row["title"] for row in answers}
    applicable = {row["number"] for row in answers if row["applicable"]}
    holders = [_holder(row, about, titles, applicable) for row in facts["holders"]]
    identities = _identities(facts, about)
    total = facts["holders"][0]["total"] if holders else 0
    counted = all(row["active"] is not None for row in answers)
    return {
        "answers": answers,
        "incomplete": shared,
        "holders": holders,
        "holders_left": total - len(holders),
        "counted": counted,
        "worst": access_words.worst(answers, {row["capability"]: row for row in facts["held"]}, identities)
        if counted
        else "",
        "acted_as": identities,
        "other_assignments": [access.told(row, about.names) for row in facts["given"][:OTHERS]],
        "others_left": max(0, len(facts["given"]) - OTHERS),
    }


def _bits(bits: str | None) -> set[int]:
    return {number for number, bit in enumerate(str(bits or "")) if bit == "1"}


def _holder(row: Row, about: About, titles: dict[int, str], applicable: set[int]) -> Row:
    names = about.names
    can, under = _bits(row["can"]), _bits(row["under"])
    groups = [names.principal(each, "Group") for each in json.loads(row["group_path"] or "[]")]
    return row | {
        "who": _who(row, about),
        "where": names.scope(row["scope"]),
        "by": names.principal(row["created_by"]) if row["created_by"] else None,
        "can": access_words.capabilities(can, titles, applicable),
        "taken": [titles[number] for number in sorted(_bits(row["taken"])) if number in titles],
        "under": "all" if under and under == can else [titles[each] for each in sorted(under) if each in titles],
        "groups": groups,
        "condition": None,
        "only_if": row["condition"],
        "only_through": row["assignment_id"].rpartition("/")[2] if row["via_kind"] == "access_policy" and under else "",
    }


def _who(row: Row, about: About) -> Who:
    """Return who holds it; a policy's key and an admin user's password are held by whoever has them."""
    if row["via_kind"] in ("shared_access_policy", "admin_user"):
        return access_words.whoever(row["via_kind"], row["assignment_id"])
    who = about.names.principal(row["principal_id"], row["principal_type"])
    if who.kind in ("group", "foreign group"):
        return who._replace(flags=(*who.flags, "members not known"))
    return who


def _identities(facts: Facts, about: About) -> list[Row]:
    """Return each identity of the job: who can act as it by which ways, and what it opens."""
    found: dict[str, Row] = {}
    for row in facts["identities"]:
        key = row["identity_id"].lower()
        name = access_words.identity(row["identity_id"], row["job_id"])
        found[key] = {"identity_id": row["identity_id"], "name": name, "shared": row["shared"], "by": [], "opens": [],
                      "active": 0, "eligible": 0, "left": 0, "who": row.get("principal")}  # fmt: skip
    for row in facts["acting"]:
        each = found.get(row["identity_key"])
        if each is None:
            continue
        if row["way"] is None:
            each |= {"active": row["active"], "eligible": row["eligible"]}
        else:
            each["by"].append(row)
    secrets = access_words.own_secrets(facts)
    for row in facts["reach"]:
        each = found.get(row["through_identity"].lower())
        if each is None:
            continue
        if len(each["opens"]) == REACHES:
            each["left"] += 1
            continue
        at: Where = about.names.scope(row["target_id"])
        own = secrets.get(row["target_id"].lower(), 0) if row["capability"] == "read_vault_secret" else 0
        each["opens"].append(
            row | {"target": at, "own": own, "where": about.names.scope(row["scope"]) if row["scope"] else None}
        )
    return list(found.values())
