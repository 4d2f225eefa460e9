"""Access: who was given what, where, of all that reaches a job; and the roles and denials that decide what it gives.

``entitlements`` are compared, a row per principal, role and scope, and not ``effective_access``: that is their product
with every job, capability and path, of which one assignment makes thousands of rows. What an entitlement gives is its
``capabilities``; an entitlement that comes to reach a first job is added, one that reaches none any more is removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.entitlements import given
from audit.diff import found, things
from audit.diff.volatile import ignored

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

_KEYS = ("entitlement_id", "kind", "principal_id", "scope")

_WORDS = """concat_ws(' ', {0}.role, 'for', {0}.principal, 'on', {0}.scope_words)
       || if({0}.access = 'eligible', ', eligible', '')"""

_CHANGED = """
select 'access' as area, 'entitlements' as table_name, [b.entitlement_id, b.principal_id, b.scope] as key,
       each.property, 'changed' as kind, each.before, each.after, a.raw_ref as old_ref, b.raw_ref as new_ref,
       each.is_json, {words} as note
from old.entitlements a join new.entitlements b using (entitlement_id), unnest([{compared}]) as told (each)
where folded(each.before) is distinct from folded(each.after)
"""

# What a property's value rests on: where that is a gap on one side, another value may be the gap's doing. A gap that
# both sides have alike explains no difference.
_RESTS_ON = """
update found set kind = 'unknown', because = gap.because
from (
    select asked.property, min({'side': u.side, 'kind': u.kind, 'scope': u.scope, 'reason': u.reason,
                                'detail': u.detail, 'raw_ref': u.raw_ref}) as because
    from (values ('principal', 'principals'), ('principal_login', 'principals'), ('principal_type', 'principals'),
                 ('concern', 'principals'), ('role', 'role_definitions'), ('holders', 'group_members'),
                 ('holders', 'group_eligibility'), ('expires', 'role_activations'), ('standing', 'role_activations'),
                 ('expires', 'group_eligibility'), ('standing', 'group_eligibility'))
         as asked (property, evidence)
    join units u using (evidence)
    where u.outcome = 'gap' and not exists (
        select 1 from units o where o.side <> u.side and o.kind = u.kind and o.scope_key = u.scope_key
            and o.outcome = 'gap')
    group by asked.property
) as gap
where found.table_name = 'entitlements' and found.kind = 'changed' and found.property = gap.property
"""

# Capabilities of which a side can't tell all the holders at some job, where the other side told more, or lacked else.
_INCOMPLETE = """
create or replace temp table incomplete_answers as
with lacking as (
    select 'old' as side, lower(job_id) as job_key, job_id, capability, reasons::VARCHAR as reasons, raw_ref
    from old.access_answers where not complete
    union all
    select 'new', lower(job_id), job_id, capability, reasons::VARCHAR, raw_ref
    from new.access_answers where not complete
)
select side, capability, min({'side': side, 'kind': null::VARCHAR, 'scope': job_id, 'reason': 'not_complete',
                             'detail': 'who holds ' || capability || ' is not all known: '
                                       || coalesce(array_to_string(reasons::JSON::VARCHAR[], '; '), ''),
                             'raw_ref': raw_ref}) as because
from lacking l
where not exists (
    select 1 from lacking o
    where o.side <> l.side and o.job_key = l.job_key and o.capability = l.capability
      and o.reasons is not distinct from l.reasons
)
group by all
"""

_CAPABILITIES = """
update found set kind = 'unknown', because = gap.because
from (
    select f.id, min(i.because) as because
    from found f join incomplete_answers i
        on list_contains(f.before::JSON::VARCHAR[], i.capability)
           <> list_contains(f.after::JSON::VARCHAR[], i.capability)
       and i.side = if(list_contains(f.before::JSON::VARCHAR[], i.capability), 'new', 'old')
    where f.table_name = 'entitlements' and f.kind = 'changed' and f.property = 'capabilities'
    group by f.id
) as gap
where found.id = gap.id
"""

_ONE_SIDED = """
create or replace temp table one_sided as
select 'removed' as kind, 'new' as side, a.entitlement_id, a.kind as given_as, a.principal_id, a.scope,
       {words_a} as words, a.raw_ref
from old.entitlements a anti join new.entitlements b using (entitlement_id)
union all
select 'added', 'old', b.entitlement_id, b.kind, b.principal_id, b.scope, {words_b}, b.raw_ref
from new.entitlements b anti join old.entitlements a using (entitlement_id)
"""

# The list in which it would stand on the side that lacks it; a role's stands in that of each subscription below.
_SEEN = """
create or replace temp table one_sided_seen as
with asked as (
    select entitlement_id, side, given_as, lower(rtrim(scope, '/')) as scope_key,
           lower(regexp_extract(scope, '(?i)^/subscriptions/([^/]+)', 1)) as subscription,
           case given_as when 'role' then 'role_assignments' when 'eligible_role' then 'role_eligibility'
                when 'membership' then 'group_members' when 'eligible_membership' then 'group_eligibility'
                when 'shared_access_policy' then 'event_sources' when 'vault_access_policy' then 'key_vaults'
                else 'registries' end as evidence
    from one_sided
),
met as (
    select a.entitlement_id, a.side, u.outcome, u.scope_key,
           {'side': u.side, 'kind': u.kind, 'scope': u.scope, 'reason': u.reason, 'detail': u.detail,
            'raw_ref': u.raw_ref} as gap
    from asked a join units u on u.side = a.side and u.evidence = a.evidence
        and (u.scope_key = ''
             or a.given_as in ('role', 'eligible_role') and u.scope_key like '/subscriptions/%'
                and (a.subscription = '' or split_part(u.scope_key, '/', 3) = a.subscription)
             or a.given_as in ('membership', 'eligible_membership') and ends_with(u.scope_key, '/' || a.scope_key)
             or a.given_as in ('shared_access_policy', 'vault_access_policy', 'registry_admin')
                and starts_with(a.scope_key || '/', u.scope_key || '/'))
)
select entitlement_id, side, count(*) as asked, min(gap) filter (where outcome = 'gap') as gap
from met group by all
"""

# Given all the same, it reaches no job there: true only as far as jobs and what they stand on were read.
_BLIND = """
create or replace temp table blind as
select side, min(because) as because from (
    select side, because from incomplete_answers
    union all
    select side, {'side': side, 'kind': kind, 'scope': scope, 'reason': reason, 'detail': detail, 'raw_ref': raw_ref}
    from units where outcome = 'gap' and evidence in ('jobs', 'role_assignments', 'role_eligibility')
) group by side
"""

_STILL = """
select distinct entitlement_id, '{side}' from given_entitlements
where entitlement_id in (select entitlement_id from one_sided where side = '{side}')
"""

_TOLD = """
with placed as (
    select o.*, s.gap, s.entitlement_id is null as unasked, g.entitlement_id is not null as still, b.because as blind,
           not o.scope ilike '/subscriptions/%' or lower(split_part(o.scope, '/', 3)) in (
               select split_part(scope_key, '/', 3) from units where side = o.side and evidence = 'jobs')
           or exists (select 1 from units where side = o.side and evidence = 'jobs' and scope_key = '') as within
    from one_sided o
    left join one_sided_seen s using (entitlement_id, side)
    left join still_given g using (entitlement_id, side)
    left join blind b using (side)
),
told as (
    select *, case when gap is not null then gap
                   when unasked and not within then {'side': side, 'kind': 'role_assignments', 'scope': scope,
                       'reason': 'out_of_scope', 'detail': 'it lies outside of what this run reads',
                       'raw_ref': 'run.json'}
                   when still or unasked then blind end as because
    from placed
)
select 'access' as area, 'entitlements' as table_name, [entitlement_id, principal_id, scope] as key,
       if(because is not null, 'unknown', kind) as kind, case when kind = 'removed' then words end as before,
       case when kind = 'added' then words end as after, because,
       case when because is not null then null
            when still and kind = 'removed' then 'it is still given, and reaches no job any more'
            when still then 'it was given before, and reached no job then'
            when unasked and given_as in ('membership', 'eligible_membership')
                then 'the group gives no access to any job ' || if(kind = 'removed', 'any more', 'before')
            when unasked and kind = 'removed' then 'no job stands on it any more'
            when unasked then 'no job stood on it before' end as note,
       case when kind = 'removed' then raw_ref end as old_ref, case when kind = 'added' then raw_ref end as new_ref
from told
"""


def _changed(con: duckdb.DuckDBPyConnection, there: Mapping[str, str]) -> None:
    """Add what both sides have and tell differently."""
    own = {name: kind for name, kind in there.items() if name not in _KEYS and name not in ignored("entitlements")}
    found.add(con, _CHANGED.format(compared=things.compared(own), words=_WORDS.format("b")))


def _given(con: duckdb.DuckDBPyConnection, side: str) -> None:
    """Note what of the other side's entitlements this side was given all the same, whatever it reaches."""
    if con.execute("select 1 from one_sided where side = $side limit 1", {"side": side}).fetchone() is None:
        return
    (here,) = con.execute("select current_database() || '.' || current_schema()").fetchall()[0]
    con.execute(f"use {side}")
    try:
        con.execute(given.GIVEN)
    finally:
        con.execute(f"use {here}")
    con.execute(f"insert into still_given {_STILL.format(side=side)}")
    con.execute("drop table given_entitlements")


def find(con: duckdb.DuckDBPyConnection, shared: things.Columns) -> None:
    """Add what was given, taken away or changed."""
    _changed(con, shared.get("entitlements", {}))
    con.execute(_RESTS_ON)
    con.execute(_INCOMPLETE)
    con.execute(_CAPABILITIES)
    con.execute(_ONE_SIDED.format(words_a=_WORDS.format("a"), words_b=_WORDS.format("b")))
    con.execute(_SEEN)
    con.execute(_BLIND)
    con.execute("create or replace temp table still_given (entitlement_id VARCHAR, side VARCHAR)")
    for side in ("old", "new"):
        _given(con, side)
    found.add(con, _TOLD)
    for table in ("incomplete_answers", "one_sided", "one_sided_seen", "blind", "still_given"):
        con.execute(f"drop table {table}")
    for each in things.THINGS:
        if each.area == "access":
            things.find(con, each, shared)
