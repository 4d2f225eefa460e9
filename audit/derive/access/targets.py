"""``access_targets`` and ``access_sets``: which resources of a job are asked about, and which scopes decide there.

Scopes inherit downwards, segment by segment, whatever their casing. What lies above a subscription (management groups,
the tenant) is what the subscription's own lists name there, and what its ancestors are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

_JOBS = """
create or replace table access.job_numbers as
select (row_number() over (order by lower(job_id)))::INTEGER as job_no, job_id, lower(job_id) as job_key
from jobs where in_scope
"""

# What is made in a resource group or a subscription lies below it: that is where an action on it takes effect, so a
# denial that children don't inherit doesn't reach it.
_WITHIN = "case when relation in ('resource_group', 'subscription') then '/providers' else '' end"

# A rule's entity is its queue, topic or container, else the event source; a subscription's topic is watched with it, as
# its messages come by it and its keys open both. What wasn't resolved is in access_answers.
_FOUND = rf"""
create or replace temp table found_targets as
with told as (
    select j.job_no, d.relation, d.resource_id as target_id, d.via, d.found_by
    from dependencies d join access.job_numbers j on j.job_key = lower(d.job_id)
    where d.resolved and d.relation in (
        'environment', 'workspace', 'identity', 'event_source', 'entity', 'vault', 'registry')
),
placed as (
    select job_no, 'job' as relation, job_id as target_id from access.job_numbers
    union all
    select job_no, 'resource_group', regexp_extract(job_id, '^(/[^/]+/[^/]+/[^/]+/[^/]+)', 1) from access.job_numbers
    union all
    select job_no, 'subscription', regexp_extract(job_id, '^(/[^/]+/[^/]+)', 1) from access.job_numbers
    union all
    select job_no, relation, target_id from told
    union all
    select job_no, 'entity', target_id from told as source
    where relation = 'event_source' and not exists (
        select 1 from told as entity where entity.relation = 'entity' and entity.job_no = source.job_no
        and lower(entity.via) = lower(source.target_id)
        and starts_with(source.found_by || ': ', entity.found_by || ': '))
    union all
    select job_no, 'entity', regexp_extract(target_id, '(?i)^(.*/topics/[^/]+)/subscriptions/', 1) from told
    where relation = 'entity' and regexp_matches(target_id, '(?i)/topics/[^/]+/subscriptions/')
)
select job_no, relation, min(target_id) as target_id, lower(rtrim(target_id, '/')) || {_WITHIN} as target_key
from placed group by job_no, relation, lower(rtrim(target_id, '/'))
"""

# What decides at a resource, in scope order: '' is the tenant; a prefix is cut between segments only.
_ABOVE = """
create or replace temp table scopes_above as
with told as (
    select lower(subscription_id) as subscription, lower(rtrim(scope, '/')) as place from role_assignments
    union select lower(subscription_id), lower(rtrim(scope, '/')) from role_eligibility
    union select lower(subscription_id), lower(rtrim(scope, '/')) from deny_assignments
    union select lower(subscription_id), '/providers/microsoft.management/managementgroups/' || lower(name)
        from management_groups
)
select distinct subscription, place from told where place is not null and not starts_with(place, '/subscriptions/')
"""

_ASSIGNED = """
create or replace temp table assigned_places as
select (row_number() over (order by place))::INTEGER as place_no, place
from (select place from access.grants union select place from denials)
"""

_TARGETS = r"""
create or replace table access.target_numbers as
select (row_number() over (order by target_key))::INTEGER as target_no, target_key, target_id,
       split_part(target_key, '/', 3) as subscription, type
from (
    select target_key, min(target_id) as target_id,
           any_value(case when contains(target_key, '/providers/') then
               split_part(split_part(target_key, '/providers/', -1), '/', 1) || '/' || array_to_string(
                   list_transform(range(2, len(string_split(split_part(target_key, '/providers/', -1), '/')) + 1, 2),
                       lambda n: split_part(split_part(target_key, '/providers/', -1), '/', n::INTEGER)), '/')
           end) as type
    from found_targets group by target_key
)
"""

_CHAINS = """
create or replace temp table target_places as
with prefixes as (
    select target_no, array_to_string(string_split(target_key, '/')[1:length], '/') as place, length
    from access.target_numbers, unnest(range(3, len(string_split(target_key, '/')) + 1)) as lengths (length)
)
select p.target_no, a.place_no, p.length from prefixes p join assigned_places a using (place)
union all
select t.target_no, a.place_no, 0
from access.target_numbers t join scopes_above s using (subscription) join assigned_places a on a.place = s.place
"""

# Resources at which the same scopes decide share a set. A denial that children don't inherit marks its own resource.
_SETS = """
create or replace temp table target_sets as
with marks as (
    select target_no, place_no as mark from target_places
    union all
    select t.target_no, -d.deny_no from access.target_numbers t join denials d on d.exact and d.place = t.target_key
)
select target_no, dense_rank() over (order by marks)::INTEGER as set_no, marks
from (
    select t.target_no, coalesce(list(m.mark order by m.mark) filter (where m.mark is not null), []) as marks
    from access.target_numbers t left join marks m using (target_no) group by t.target_no
)
"""

_SET_PLACES = """
create or replace table access.set_places as
select s.set_no, a.place_no, a.place
from (select distinct set_no, unnest(marks) as mark from target_sets) s join assigned_places a on a.place_no = s.mark
"""

_SET_DENIALS = """
create or replace temp table set_denials as
select p.set_no, d.deny_no from access.set_places p join denials d on d.place = p.place and not d.exact
union
select set_no, -mark from (select distinct set_no, unnest(marks) as mark from target_sets) where mark < 0
"""

_KEPT_TARGETS = f"""
create or replace table access_targets as
select {row_id("access_targets", "job_id", "relation", "target_id")} as row_id, *
from (
    select jobs.observed_at, jobs.raw_ref, j.job_id, f.relation, t.target_id, t.type as target_type, s.set_no as set_id
    from found_targets f join access.job_numbers j using (job_no) join access.target_numbers t using (target_key)
    join target_sets s using (target_no) join jobs on jobs.job_id = j.job_id
)
order by lower(job_id), relation, lower(target_id)
"""

_KEPT_SETS = f"""
create or replace table access_sets as
select {row_id("access_sets", "set_id::VARCHAR", "scope")} as row_id, null::TIMESTAMPTZ as observed_at,
       null::VARCHAR as raw_ref, set_id, scope
from (select set_no as set_id, case when place = '' then '/' else place end as scope from access.set_places)
order by set_id, scope
"""

# Which need is asked of which resource of which job, where the way's condition is met there.
_NEEDS = """
create or replace table access.job_needs as
with facts as (
    select f.job_no, f.relation, t.target_no, t.type, s.set_no, i.job_no is not null as identity,
           e.key is null as local_auth, coalesce(v.rbac, false) as rbac, not coalesce(v.rbac, true) as access_policies,
           coalesce(r.admin_user, false) as admin_user
    from found_targets f join access.target_numbers t using (target_key) join target_sets s using (target_no)
    left join (select distinct job_no from found_targets where relation = 'identity') i on i.job_no = f.job_no
    left join (select distinct lower(resource_id) as key from event_sources where local_auth_disabled) e
        on e.key = array_to_string(string_split(f.target_key, '/')[1:9], '/')
    left join (select lower(vault_id) as key, bool_or(coalesce(rbac, false)) as rbac from key_vaults group by 1) v
        on v.key = f.target_key
    left join (select lower(registry_id) as key, bool_or(admin_user) as admin_user from registries group by 1) r
        on r.key = f.target_key
),
asked as (
    select f.job_no, n.need, n.capability, n.way, n.seq, n.needs, n.place, f.target_no, f.set_no
    from facts f join access_needs n on n.place = f.relation
        and (n.type is null or n.type = f.type or ends_with(n.type, '/*') and starts_with(f.type, rtrim(n.type, '*')))
    where case n.condition when 'identity' then f.identity when 'local_auth' then f.local_auth when 'rbac' then f.rbac
               when 'access_policies' then f.access_policies when 'admin_user' then f.admin_user else true end
)
select * from asked
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``access_targets``, ``access_sets`` and temporary tables with the same in numbers, ``job_needs`` last.

    ``set_id`` numbers the resources at which the same scopes decide; it is a number of this run.
    """
    for statement in (_JOBS, _FOUND, _ABOVE, _ASSIGNED, _TARGETS, _CHAINS, _SETS, _SET_PLACES, _SET_DENIALS):
        con.execute(statement)
    con.execute(_KEPT_TARGETS)
    con.execute(_KEPT_SETS)
    con.execute(_NEEDS)
    con.execute("drop table scopes_above")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for table in ("set_denials", "target_sets", "target_places", "assigned_places", "found_targets"):
        con.execute(f"drop table {table}")
