"""What executions used and what for: a temporary table ``job_usage``, one row per job, day and part.

An execution's seconds fall on the days that it ran in. Its part is what they were good for: ``succeeded``, ``retried``
(replicas that failed inside an execution that succeeded), ``failed``, ``stopped``, ``unfinished``, ``idle`` and
``duplicate_suspect``. The last two are only said with a named signal of the event source's own metrics; where those
weren't read, a success is a success.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.execution_history import OPEN

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run, Window

_OPEN = OPEN.format(status="e.status")
_AT_ONCE = 1_000
"""Jobs whose sources' intervals are held at once: each has one for every five minutes or hour of the window."""
IDLE = "the event source held no message, and none came, while it ran"
DUPLICATE = "more successful executions that day than messages completed"

# What the metrics of a job's event sources say by interval; null where any of its rules has no figure for it. Only
# sources that tell their depth count: of the others an interval without a row may be empty or unmeasured.
_SOURCE = """
with every_rule as (
    select lower(r.job_id) as job_key, r.rule_name, lower(i.resource_id) as resource_key,
           lower(case r.entity_kind when 'subscription' then r.parent_entity else r.entity end) as entity,
           r.entity_kind = 'queue' as alone, alone and lower(i.type) = 'microsoft.storage/storageaccounts' as whole,
           count(*) over (partition by lower(r.job_id)) as of_job,
           count(*) over (
               partition by lower(i.resource_id), lower(r.entity), lower(r.parent_entity)) as sharing
    from rule_sources r left join inventory i on lower(i.host) = lower(r.host)
),
rules as (select * from every_rule where hash(job_key) % $parts::UBIGINT = $part::UBIGINT),
wanted as (
    select resource_key, entity from rules union select resource_key, null from rules where whole
),
told_of as (
    select m.resource_key, m.entity, m."at", m.interval_s, m.metric, m.aggregation, m.value
    from (select lower(resource_id) as resource_key, lower(dimension) as entity, "at", interval_s, metric, aggregation,
                 value
          from metrics where metric in ('ActiveMessages', 'QueueMessageCount', 'IncomingMessages', 'CompleteMessage')
         ) m
    semi join wanted w on w.resource_key = m.resource_key and w.entity is not distinct from m.entity
),
depths as (
    select resource_key, entity, "at", interval_s, max(value) as depth
    from told_of where metric in ('ActiveMessages', 'QueueMessageCount')
    group by all
),
-- Of several zeros in a row the table holds the first and the last: what lies between two zeros is zero.
filled as (
    select resource_key, entity, interval_s, depth,
           unnest(generate_series("at", case when depth = 0 and following = 0 then later - to_seconds(interval_s)
                                             else "at" end, to_seconds(interval_s))) as "at"
    from (select *, lead(depth) over by_time as following, lead("at") over by_time as later from depths
          window by_time as (partition by resource_key, entity, interval_s order by "at"))
),
traffic as (
    select resource_key, entity, "at", interval_s,
           max(value) filter (where metric = 'IncomingMessages') as incoming,
           max(value) filter (where metric = 'CompleteMessage') as completed
    from told_of where metric in ('IncomingMessages', 'CompleteMessage') and aggregation = 'total'
    group by all
),
points as (
    select filled.*, traffic.incoming, traffic.completed
    from filled left join traffic
      on traffic.resource_key = filled.resource_key and traffic.entity is not distinct from filled.entity
     and traffic."at" = filled."at" and traffic.interval_s = filled.interval_s
),
told as (
    select rules.*, points."at", points.interval_s, points.depth, points.incoming, points.completed
    from rules
    join points on points.resource_key = rules.resource_key
               and (points.entity = rules.entity or points.entity is null and rules.whole)
)
select job_key, "at", "at" + to_seconds(interval_s) as until, any_value(interval_s) as interval_s,
       case when count(*) = any_value(of_job)
            then bool_and(depth = 0 and coalesce(incoming, 0) = 0 and coalesce(completed, 0) = 0) end as empty,
       case when count(*) = any_value(of_job) and bool_and(sharing = 1 and alone and not whole)
            then sum(coalesce(completed, 0)) end as completed
from told
group by job_key, "at", interval_s
"""

_COLUMNS = "execution_id, job_id, status, started, ended, cpu, memory_gib, replica_count, raw_ref, observed_at"
_IN_WINDOW = f"""
select {_COLUMNS}, coalesce(
    (select any_value(x.replicas) from executions x where lower(x.execution_id) = lower(e.execution_id)),
    (select any_value(x.replicas) from history.executions x where lower(x.execution_id) = lower(e.execution_id))
) as replicas
from execution_history e
"""

# Of a longer time also what Azure's list holds beyond the window, and what earlier runs saw.
_AT_ALL = f"""
select * from (
    select *, 1 as nearest from ({_IN_WINDOW})
    union all by name select {_COLUMNS}, replicas, 2 as nearest from executions
    union all by name select {_COLUMNS}, replicas, 3 as nearest from history.month_executions
)
where lower(job_id) in (select lower(job_id) from population)
qualify row_number() over (partition by lower(execution_id) order by nearest) = 1
"""

_EXECUTIONS = f"""
create or replace temp table usage_executions as
select lower(e.job_id) as job_key, e.execution_id, e.status, e.started, e.raw_ref, e.observed_at,
       greatest(e.started, coalesce(e.ended, case when {_OPEN} then least($until, e.observed_at) end)) as ended,
       e.ended is null and not {_OPEN} as endless,
       coalesce(e.replica_count, j.parallelism, 1) as replicas, coalesce(e.cpu, asked.cpu) as cpu,
       coalesce(e.memory_gib, asked.memory_gib) as memory_gib, e.cpu is null as assumed,
       case lower(e.status) when 'succeeded' then 'succeeded' when 'failed' then 'failed' when 'degraded' then 'failed'
            when 'stopped' then 'stopped' else 'unfinished' end as part,
       coalesce((
           select count(*) filter (where list_has_any(r.codes, [0]) = false and len(r.codes) > 0)
                  / greatest(count(*), 1)::DOUBLE
           from (select from_json(json_extract(unit, '$.containers[*].code'), '["BIGINT"]') as codes
                 from (select unnest(from_json(e.replicas, '["JSON"]')) as unit)) as r), 0) as failed_share
from ({{source}}) e
left join jobs j on lower(j.job_id) = lower(e.job_id)
left join (select lower(job_id) as job_key, sum(cpu) as cpu, sum(memory_gib) as memory_gib from containers
           where not init group by all having count(cpu) = count(*)) asked on asked.job_key = lower(e.job_id)
where e.started is not null and e.started < $until and coalesce(e.ended, $until) >= $since
"""

# Executions whose every interval the event source's metrics cover; idle where all of these are empty.
_KNOWN = """
select e.execution_id, bool_and(s.empty) as idle
from usage_executions e
join usage_source s on s.job_key = e.job_key and s."at" < e.ended and s.until > e.started
where e.part = 'succeeded'
group by e.execution_id, e.started, e.ended
having count(s.empty) = count(*) and min(s."at") <= e.started and max(s.until) >= e.ended
"""

# What the sources completed on a day, as far as every interval of it tells.
_COMPLETED = """
select job_key, "at"::DATE as day, case when count(completed) = count(*) then sum(completed) end as messages
from usage_source where interval_s <= 86400 group by all
"""

_DAYS = """
create or replace temp table usage_days as
with days as (
    select e.*, known.idle, unnest(generate_series(date_trunc('day', e.started), e.ended, interval 1 day)) as day
    from usage_executions e left join usage_known known using (execution_id)
)
select job_key, execution_id, day::DATE as day,
       case when idle then 'idle' else part end as part, (started >= day and idle is not null)::INTEGER as measured,
       case when part = 'succeeded' and not coalesce(idle, false) then failed_share else 0 end as retried,
       greatest(0, epoch(least(ended, day + interval 1 day)) - epoch(greatest(started, day))) as seconds,
       seconds * replicas * cpu as vcpu_s, seconds * replicas * memory_gib as gib_s,
       (started >= day)::INTEGER as starts, (started >= day and assumed)::INTEGER as assumed,
       (started >= day and endless)::INTEGER as endless, raw_ref, observed_at
from days
"""

_DUPLICATES = """
create or replace temp table usage_duplicates as
with done as (
    select job_key, day, sum(starts) as successes from usage_days where part = 'succeeded'
    group by all having sum(starts) = sum(measured)
)
select job_key, day, (successes - messages) / successes::DOUBLE as share
from done join usage_completed using (job_key, day)
where messages < successes and successes > 0
"""

_USAGE = """
create or replace temp table {target} as
with split as (
    select d.job_key, d.day, d.execution_id, d.starts, d.measured, d.assumed, d.endless, d.seconds, d.vcpu_s, d.gib_s,
           d.raw_ref, d.observed_at,
           unnest([
               {{'part': d.part, 'share': (1 - d.retried) * (1 - coalesce(twice.share, 0)), 'counts': true}},
               {{'part': 'retried', 'share': d.retried, 'counts': false}},
               {{'part': 'duplicate_suspect', 'share': (1 - d.retried) * coalesce(twice.share, 0), 'counts': false}}
           ], recursive := true)
    from usage_days d
    left join usage_duplicates twice on twice.job_key = d.job_key and twice.day = d.day and d.part = 'succeeded'
)
select job_key, day, part, sum(starts) filter (where counts) as executions,
       sum(measured) filter (where counts) as measured,
       sum(assumed) filter (where counts) as assumed, sum(endless) filter (where counts) as endless,
       sum(seconds * share) as seconds,
       case when count(vcpu_s) = count(*) then sum(vcpu_s * share) end as vcpu_s,
       case when count(gib_s) = count(*) then sum(gib_s * share) end as gib_s,
       min(raw_ref) as raw_ref, max(observed_at) as observed_at
from split
where share > 0 or counts and starts > 0
group by all
order by all
"""

_TEMPORARY = ("usage_executions", "usage_days", "usage_duplicates")


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_usage``: job_key, day (UTC), part, executions started, measured, seconds, vCPU and GiB seconds.

    ``measured``: of the executions, those for which the event source's metrics tell whether it was empty. ``assumed``:
    those whose own template isn't known (the logs alone tell of them), taken to have asked for what the job asks for
    now. ``endless``: those that are over, or may be, at a time that nobody tells; they count without any seconds.
    Quantities are null where nothing says what was asked for. Needs ``execution_history``.
    """
    _executions(con, _IN_WINDOW, run.window)
    _ask_sources(con)
    _fill(con, "job_usage")


def _ask_sources(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``usage_known`` and ``usage_completed`` from the sources' intervals, some jobs at a time."""
    row = con.execute("select count(distinct lower(job_id)) from rule_sources").fetchone()
    parts = 1 + (int(row[0]) if row else 0) // _AT_ONCE
    for part in range(parts):
        con.execute(f"create or replace temp table usage_source as {_SOURCE}", {"parts": parts, "part": part})
        for table, sql in (("usage_known", _KNOWN), ("usage_completed", _COMPLETED)):
            made = f"insert into {table}" if part else f"create or replace temp table {table} as"
            con.execute(f"{made} {sql}")
    con.execute("drop table usage_source")


def of_months(con: duckdb.DuckDBPyConnection, span: Window) -> None:
    """Create ``month_usage``: as ``job_usage``, of a longer time; needs it, and ``history.month_executions``.

    Where the run has no metrics of the event source, a success is a success: what the metrics say of the executions in
    the run's window is what they say of them here.
    """
    _executions(con, _AT_ALL, span)
    _fill(con, "month_usage")


def _executions(con: duckdb.DuckDBPyConnection, source: str, span: Window) -> None:
    con.execute(_EXECUTIONS.format(source=source), {"since": span.since, "until": span.until})


def _fill(con: duckdb.DuckDBPyConnection, target: str) -> None:
    for sql in (_DAYS, _DUPLICATES, _USAGE.format(target=target)):
        con.execute(sql)
    for table in _TEMPORARY:
        con.execute(f"drop table {table}")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop ``job_usage`` and what the sources said: nothing downstream may rest on them."""
    for table in ("job_usage", "usage_known", "usage_completed"):
        con.execute(f"drop table {table}")
