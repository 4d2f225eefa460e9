"""``job_alerts``: which alert rules are about a job, what of it they would tell, and whether anybody would hear them.

A rule is about a job that it names, about what the job stands on, or about a scope above it whose jobs it watches. What
it would tell is read from its condition: of a metric, which one and of which state; of a query, which reasons of the
platform's log it asks for and which jobs by name. What isn't understood stays ``open``; nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

# What an alert's scope may name for it to be about the job. A query over a whole subscription or group may read the
# job's log: whether its workspace lies there is left open.
_WATCH = """
create or replace temp table alert_watch as
select distinct job_id, job_key, scope_key, about from (
    select job_id, lower(job_id) as job_key, lower(job_id) as scope_key, 'job' as about from population
    union all
    select job_id, lower(job_id), lower(rtrim(environment_id, '/')), 'environment' from jobs
    where in_scope and environment_id is not null
    union all
    select job_id, lower(job_id), lower(rtrim(resource_id, '/')), relation from dependencies
    where relation in ('event_source', 'entity', 'vault', 'registry', 'workspace')
    union all
    select job_id, lower(job_id), lower(rtrim(resource_id, '/')) || '/queueservices/default', 'event_source'
    from dependencies where relation = 'event_source' and resource_type = 'microsoft.storage/storageaccounts'
    union all
    select job_id, lower(job_id), unnest([
        lower('/subscriptions/' || subscription_id || '/resourcegroups/' || resource_group),
        lower('/subscriptions/' || subscription_id)]), 'scope' from population
) order by all
"""
_FOUND = """
create or replace temp table alert_found as
with scoped as (
    select a.row_id, a.alert_id, a.kind, a.target_type,
           a.kind = 'log' and contains(lower(a.condition::VARCHAR), 'containerappsystemlogs') as reads_logs,
           lower(rtrim(unnest(from_json(a.scopes, '["VARCHAR"]')), '/')) as scope_key from alerts a
)
select w.job_id, w.job_key, s.row_id as alert_row, min_by(w.about, row(w.about = 'scope', w.about)) as about,
       list(distinct w.scope_key order by w.scope_key) as scope_keys
from scoped s join alert_watch w using (scope_key)
where w.about <> 'scope' or s.kind = 'activity_log' or lower(s.target_type) = 'microsoft.app/jobs' or s.reads_logs
group by all order by all
"""

# Whether a metric's condition would tell of executions that fail, or of work that is stuck. ``rising``: more than.
_METRICS = """
create or replace temp table alert_metrics as
with conditions as (
    select a.row_id as alert_row, c.id as position, lower(c.value ->> '$.metricName') as metric,
           lower(coalesce(c.value ->> '$.operator', '')) in ('greaterthan', 'greaterthanorequal', 'greaterorlessthan')
               as rising,
           lower(coalesce(c.value ->> '$.operator', '')) in ('lessthan', 'lessthanorequal', 'greaterorlessthan')
               as falling,
           coalesce(c.value -> '$.dimensions', '[]') as dimensions
    from alerts a, json_each(case when json_type(a.condition, '$.allOf') = 'ARRAY' then a.condition -> '$.allOf'
                                  else '[]' end) as c
    where a.kind = 'metric'
),
dimensioned as (
    select conditions.alert_row, conditions.position,
           list(lower(v.value ->> '$')) filter (where d.value is not null) as named,
           bool_or(lower(coalesce(d.value ->> '$.operator', 'Include')) <> 'include') as excluding
    from conditions
    left join json_each(conditions.dimensions) as d on true
    left join json_each(coalesce(d.value -> '$.values', '[]')) as v on true
    group by all
),
judged as (
    select f.job_key, c.alert_row, c.position,
           case when c.metric = 'executions' and c.rising and coalesce(d.excluding, false) then 'open'
                when c.metric = 'executions' and c.rising and list_contains(d.named, 'failed') then 'yes'
                when c.metric = 'executions' and c.rising and list_contains(d.named, '*') then 'open'
                else 'no' end as failed,
           case when c.metric = 'executions'
                     and (c.falling or c.rising and list_has_any(d.named, ['running', 'processing']))
                     and f.about <> 'event_source' then 'yes'
                when c.metric in ('activemessages', 'messages', 'queuemessagecount') and c.rising
                     or c.metric in ('completemessage', 'outgoingmessages') and c.falling
                then case when f.about not in ('event_source', 'entity') then 'no'
                          when coalesce(d.excluding, false) then 'open'
                          when len(coalesce(d.named, [])) = 0 or list_contains(d.named, '*') then 'yes'
                          when list_has_any(d.named, e.names) then 'yes' else 'no' end
                else 'no' end as stuck
    from alert_found f
    join conditions c using (alert_row)
    join dimensioned d using (alert_row, position)
    left join (select lower(job_id) as job_key, list(distinct lower(coalesce(parent_entity, entity)))
                          filter (where entity is not null) as names
               from rule_sources group by all) e on e.job_key = f.job_key
)
-- Conditions of one rule hold together: it tells of what each of them is about.
select job_key, alert_row,
       case when bool_and(failed = 'yes') then 'yes' when bool_and(failed <> 'no') then 'open' else 'no' end as failed,
       case when bool_and(stuck = 'yes') then 'yes' when bool_and(stuck <> 'no') then 'open' else 'no' end as stuck
from judged group by all
"""

_FAILING = r"backofflimitexceeded|deadlineexceeded|containercrashing|oomkilled|\bfailed\b"
_STUCK = "deadlineexceeded|kedascaler"
_BY_NAME = (
    r"""jobname(?:_s)?\s*(==|=~|!=|!~|startswith|endswith|contains|has|in~?|matches regex|[!a-z~]+)\s*"""
    r"""(\([^)]*\)|["'][^"']*["'])"""
)
# Which jobs a query names, if any: what compares the job's name, with what.
_QUERIES = f"""
create or replace temp table alert_queries as
with queries as (
    select a.row_id as alert_row, c.id as position, lower(coalesce(c.value ->> '$.query', '')) as query,
           -- what only groups or shows names no job
           regexp_replace(query, '\\b(summarize|project|distinct|order|sort|top)\\b[^|]*', '', 'g') as filters,
           coalesce(c.value -> '$.dimensions', '[]') as dimensions,
           lower(coalesce(c.value ->> '$.operator', '')) in ('greaterthan', 'greaterthanorequal') as rising
    from alerts a, json_each(case when json_type(a.condition, '$.allOf') = 'ARRAY' then a.condition -> '$.allOf'
                                  else '[]' end) as c
    where a.kind = 'log'
),
names as (
    select alert_row, position, unnest(regexp_extract_all(filters, $by_name::VARCHAR, 1)) as op,
           unnest(regexp_extract_all(filters, $by_name::VARCHAR, 2)) as given
    from queries
    union all
    select q.alert_row, q.position, case when lower(coalesce(d.value ->> '$.operator', 'Include')) = 'include'
                                         then 'in' else '!in' end, lower((d.value -> '$.values')::VARCHAR)
    from queries q, json_each(q.dimensions) as d
    where d.value ->> '$.name' ilike 'jobname%' and not contains((d.value -> '$.values')::VARCHAR, '"*"')
),
matched as (
    select f.job_key, n.alert_row, n.position,
           case when n.op in ('==', '=~', 'in', 'in~')
                     then if(list_contains(regexp_extract_all(n.given, $quoted::VARCHAR, 1), lower(p.name)),
                             'in', 'out')
                when n.op = 'startswith'
                     then if(starts_with(lower(p.name), regexp_extract(n.given, $quoted::VARCHAR, 1)), 'in', 'out')
                when n.op = 'endswith'
                     then if(suffix(lower(p.name), regexp_extract(n.given, $quoted::VARCHAR, 1)), 'in', 'out')
                when n.op = 'contains'
                     then if(contains(lower(p.name), regexp_extract(n.given, $quoted::VARCHAR, 1)), 'in', 'out')
                else 'open' end as answer
    from names n
    join alert_found f using (alert_row)
    join population p on lower(p.job_id) = f.job_key
),
named as (
    select job_key, alert_row, position, bool_or(answer = 'in') as inside, bool_or(answer = 'open') as open,
           bool_or(answer = 'out') as outside
    from matched group by all
),
judged as (
    select f.job_key, q.alert_row, q.query,
           case when not contains(q.query, 'containerappsystemlogs') then 'other'
                when named.outside and not named.inside and not named.open then 'out'
                when f.about = 'scope' or named.open or named.outside or not q.rising
                     or contains(q.filters, 'environmentname')
                     or len(regexp_extract_all(q.filters, 'jobname'))
                        > len(regexp_extract_all(q.filters, $by_name::VARCHAR)) then 'open'
                else 'in' end as covers
    from queries q
    join alert_found f using (alert_row)
    left join named on named.job_key = f.job_key and named.alert_row = q.alert_row and named.position = q.position
)
select job_key, alert_row,
       max(case when covers in ('other', 'out') or not regexp_matches(query, '{_FAILING}') then '0no'
                when covers = 'open' then '1open' else '2yes' end)[2:] as failed,
       max(case when covers in ('other', 'out') or not regexp_matches(query, '{_STUCK}') then '0no'
                when covers = 'open' then '1open' else '2yes' end)[2:] as stuck
from judged group by all
"""

# Who hears: a group that is enabled and has a receiver that is; one that wasn't read leaves it open.
_HEARD = """
create or replace temp table alert_heard as
with alive as (
    select lower(rtrim(g.action_group_id, '/')) as group_key, bool_or(coalesce(g.enabled, true)) as enabled,
           count(r.value) filter (where lower(coalesce(r.value ->> '$.status', 'Enabled')) <> 'disabled') as receivers
    from action_groups g left join json_each(coalesce(g.receivers, '[]')) as r on true
    group by all
),
told as (
    select a.row_id as alert_row, unnest(from_json(coalesce(a.action_group_ids, '[]'), '["VARCHAR"]')) as group_id
    from alerts a
),
states as (
    select told.*, case when alive.group_key is null then case when exists (
                    select 1 from coverage c where c.kind = 'action_groups' and c.outcome = 'collected'
                      and starts_with(lower(told.group_id), lower(rtrim(c.scope, '/')) || '/'))
                    then 'dead' else 'open' end
                when not alive.enabled or alive.receivers = 0 then 'dead' else 'live' end as state,
           'action group ' || split_part(rtrim(told.group_id, '/'), '/', -1)
           || case when alive.group_key is null then ' (not found)' when not alive.enabled then ' (disabled)'
                   when alive.receivers = 0 then ' (no receiver that is enabled)'
                   else ' (receivers: ' || alive.receivers || ')' end as words
    from told left join alive on alive.group_key = lower(rtrim(told.group_id, '/'))
)
select a.row_id as alert_row,
       case when a.enabled is false then 'off'
            when bool_or(s.state = 'live') then 'live'
            when bool_or(s.state = 'open') then 'open' else 'dead' end as hears,
       string_agg(s.words, ', ' order by s.words) as told
from alerts a left join states s on s.alert_row = a.row_id
group by a.row_id, a.enabled
"""

_CREATE = f"""
create or replace table job_alerts as
select {row_id("job_alerts", "job_id", "alert_id")} as row_id, *
from (
    select a.observed_at, a.raw_ref, f.job_id, a.alert_id, a.name, a.kind, f.about,
           coalesce(m.failed, q.failed, 'no') as tells_failed, coalesce(m.stuck, q.stuck, 'no') as tells_stuck,
           h.hears, h.told as heard_by
    from alert_found f
    join alerts a on a.row_id = f.alert_row
    join alert_heard h on h.alert_row = f.alert_row
    left join alert_metrics m on m.job_key = f.job_key and m.alert_row = f.alert_row
    left join alert_queries q on q.job_key = f.job_key and q.alert_row = f.alert_row
)
order by lower(job_id), lower(alert_id)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``job_alerts``; needs ``population``, ``dependencies`` and ``coverage``. A rule about no job has no row.

    ``tells_failed``, ``tells_stuck``: ``yes``, ``no``, or ``open`` where the condition isn't understood. ``hears``:
    ``live``, ``dead`` (it tells nobody), ``off`` (switched off) or ``open`` (its action group wasn't read).
    """
    con.execute(_WATCH)
    con.execute(_FOUND)
    con.execute(_METRICS)
    con.execute(_QUERIES, {"by_name": _BY_NAME, "quoted": "[\"']([^\"']*)[\"']"})
    con.execute(_HEARD)
    con.execute(_CREATE)
    for table in ("alert_watch", "alert_found", "alert_metrics", "alert_queries", "alert_heard"):
        con.execute(f"drop table {table}")
