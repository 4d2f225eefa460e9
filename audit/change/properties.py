"""``change_properties``: before and after, property by property: of the jobs, what they stand on, and who has access.

The differences are those of :mod:`audit.diff` between the run before and this one (or between this one and the
proposal), as far as they concern the jobs of the change; so what a gap hides is unknown here, too. Beside each stands
the one change that set it, where only one can have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.changes.words import SILENT
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

_EMPTY = """
create or replace table change_properties (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, area VARCHAR, subject VARCHAR,
    property VARCHAR, kind VARCHAR, before VARCHAR, after VARCHAR, because VARCHAR, note VARCHAR, before_ref VARCHAR,
    change_id VARCHAR, candidates BIGINT
)
"""

# Which resources are whose, on either side: a difference of what a job stands on is the job's.
_AROUND = """
create or replace temp table change_around as
select distinct lower(d.job_id) as job_key, lower(rtrim(d.resource_id, '/')) as thing
from (select job_id, resource_id from old.dependencies where relation <> 'reaches'
      union select job_id, resource_id from new.dependencies where relation <> 'reaches') d
join change_jobs j on lower(j.job_id) = lower(d.job_id)
"""
_REACHING = """
create or replace temp table change_reaching as
select distinct lower(r.job_id) as job_key, r.entitlement_id
from (select e.entitlement_id, r.job_id from old.entitlements e join old.entitlement_reach r using (reach_id)
      union select e.entitlement_id, r.job_id from new.entitlements e join new.entitlement_reach r using (reach_id)) r
join change_jobs j on lower(j.job_id) = lower(r.job_id)
"""

# A registry's images are many jobs'; a job's own are those that its containers name.
_IMAGES = """
create or replace temp table change_images as
select distinct lower(c.job_id) as job_key, c.image
from (select job_id, image from old.containers union select job_id, image from new.containers) c
join change_jobs j on lower(j.job_id) = lower(c.job_id)
"""

_OWN = """
create or replace temp table change_differences as
select lower(job_id) as job_key, * from told_differences
where area in ('jobs', 'configuration') and lower(job_id) in (select lower(job_id) from change_jobs)
union all
select a.job_key, d.* from told_differences d join change_around a
    on list_contains(list_transform(d.key, lambda part: lower(rtrim(part, '/'))), a.thing)
where d.area = 'configuration' and d.job_id is null
  and (d.table_name <> 'image_digests' or (a.job_key, d.key[1]) in (select (job_key, image) from change_images))
union all
select r.job_key, d.* from told_differences d join change_reaching r on r.entitlement_id = d.key[1]
where d.area = 'access' and d.table_name = 'entitlements'
"""

# A property's area, in the words of who decides on a change.
_AREA = """
case when area = 'access' then 'access'
     when area = 'jobs' then 'job'
     when table_name in ('job_identities', 'identities') or property like 'identities/%' or property = 'identity_type'
         then 'identity'
     when property like 'containers/%/image' or table_name = 'image_digests' then 'image'
     when property like 'containers/%' then 'container'
     when property like 'rules/%' or property in ('min_executions', 'max_executions', 'polling_interval_s',
                                                  'parallelism', 'replica_completion_count') then 'scale'
     when property like 'secrets/%' then 'secret'
     when property like 'values/%' then 'variable'
     when property like 'registries/%' or table_name = 'registries' then 'registry'
     when table_name in ('environments', 'virtual_networks', 'subnets', 'private_endpoints', 'private_dns')
         then 'network'
     when table_name = 'tags' then 'tag'
     when table_name in ('diagnostic_settings', 'workspaces') then 'logging'
     when table_name = 'job_configuration' then 'job'
     else replace(table_name, '_', ' ') end
"""

_INSERT = f"""
insert into change_properties by name
with own as (
    select lower(c.job_id) as job_key, c.change_id, c.kind as act
    from changes c, change_request q
    where c.relation = 'job' and c.kind not in (select unnest($silent::VARCHAR[]))
      and lower(coalesce(c.status, '')) not in ('failed', 'failure', 'canceled', 'cancelled')
      and c."at" >= coalesce(q.before_at, q.since) and c."at" < q.until
    group by all
),
made as (
    select job_key, count(distinct change_id) as candidates,
           if(count(distinct change_id) = 1, min(change_id), null) as change_id
    from own group by all
),
told as (
    select d.*, j.job_id as whose, {_AREA} as told_area,
           if(d.job_id is null or d.area <> 'configuration', null, m.change_id) as made_by,
           if(d.job_id is null or d.area <> 'configuration', null, m.candidates) as could_be
    from change_differences d join change_jobs j on lower(j.job_id) = d.job_key left join made m using (job_key)
)
select {row_id("change_properties", "whose", "table_name", "array_to_string(key, chr(31))", "property", "kind")}
           as row_id,
       $observed::TIMESTAMPTZ as observed_at, coalesce(new_ref, old_ref) as raw_ref, whose as job_id, told_area as area,
       case when area = 'configuration' and job_id is null then key[1] when area = 'access' then note end as subject,
       coalesce(property, case area when 'access' then 'access' when 'jobs' then 'job'
                                    else replace(table_name, '_', ' ') end) as property,
       kind, before, after,
       case when because is not null
                then concat_ws(': ', replace(because.kind, '_', ' '), because.reason, because.detail)
                     || if(because.side = 'old', ' (before)', ' (after)') end as because,
       note, old_ref as before_ref, made_by as change_id, could_be as candidates
from told
order by lower(whose), told_area, subject, property, kind
"""


# Where there is no picture from before: what Azure tells of each write, from the first before to the last after.
_OF_CHANGES = f"""
insert into change_properties by name
with made as (
    select c.*, lower(c.job_id) as job_key from changes c join change_jobs j on lower(j.job_id) = lower(c.job_id),
           change_request q
    where c."at" >= q.since and c."at" < q.until and c.kind not in (select unnest($silent::VARCHAR[]))
      and lower(coalesce(c.status, '')) not in ('failed', 'failure', 'canceled', 'cancelled')
),
told as (
    select job_key, min(job_id) as job_id, lower(resource_id) as thing, min(resource_id) as resource_id,
           min(relation) as relation, property, first(before order by "at", change_id) as before,
           last(after order by "at", change_id) as after, count(distinct change_id) as writes,
           min(change_id) as change_id, last(raw_ref order by "at", change_id) as raw_ref
    from made where before_after = 'known' and property is not null group by job_key, thing, property
),
untold as (
    select job_key, min(job_id) as job_id, min(resource_id) as resource_id, min(relation) as relation,
           count(distinct change_id) as writes, min(raw_ref) as raw_ref, min(before_after) as why
    from made where before_after in ('unknown', 'cut by Azure') group by job_key, lower(resource_id)
),
summed as (
    select job_id, resource_id, relation, property, before, after, writes, change_id, raw_ref, null as because
    from told where before is distinct from after
    union all
    select job_id, resource_id, relation, null, null, null, writes, null, raw_ref,
           if(why = 'unknown', 'Azure doesn''t tell before and after of ', 'Azure cut before and after of ')
           || if(writes = 1, 'a write', writes || ' writes')
    from untold
)
select {row_id("change_properties", "job_id", "resource_id", "coalesce(property, because)")} as row_id,
       $observed::TIMESTAMPTZ as observed_at, raw_ref, job_id,
       case when property ilike '%containers[%].image' then 'image'
            when property ilike '%.env[%' then 'variable'
            when property ilike '%template.containers%' or property ilike '%initContainers%' then 'container'
            when property ilike '%eventTriggerConfig%' then 'scale'
            when property ilike '%.secrets%' then 'secret'
            when property ilike '%.registries%' then 'registry'
            when property ilike 'identity%' then 'identity'
            when property ilike 'tags%' then 'tag'
            when property ilike 'roleAssignment%' then 'access'
            when relation = 'job' then 'job'
            else replace(relation, '_', ' ') end as area,
       if(relation = 'job', null, resource_id) as subject, coalesce(property, 'every property') as property,
       case when because is not null then 'unknown' when before is null then 'added' when after is null then 'removed'
            else 'changed' end as kind,
       before, after, because,
       if(writes > 1 and because is null, 'from the first of ' || writes || ' writes to the last', null) as note,
       null as before_ref, if(writes = 1, change_id, null) as change_id, writes as candidates
from summed
order by lower(job_id), area, subject, property
"""


def create(con: duckdb.DuckDBPyConnection, *, compared: bool) -> None:
    """Create the table.

    ``compared``: there are ``told_differences`` and the catalogs ``old`` and ``new`` to tell from. Without them it
    holds what Azure tells of each write; Resource Graph keeps that for fourteen days.
    """
    con.execute(_EMPTY)
    if not compared:
        row = con.execute("select observed_at from change_request").fetchone()
        con.execute(_OF_CHANGES, {"silent": list(SILENT), "observed": row[0] if row else None})
        return
    for sql in (_AROUND, _REACHING, _IMAGES, _OWN):
        con.execute(sql)
    row = con.execute("select observed_at from change_request").fetchone()
    con.execute(_INSERT, {"silent": list(SILENT), "observed": row[0] if row else None})
    for table in ("change_around", "change_reaching", "change_images", "change_differences"):
        con.execute(f"drop table {table}")
