"""``source_work``: what came to each rule's event source and what was done with it; ``backlogs``: work that waited.

Azure Monitor measures the depth of a Service Bus queue or topic, the flow of an event hub, and all queues of a storage
account as one. What it doesn't measure (a broker elsewhere, blobs) has a row without figures, so that nobody takes the
absence of a figure for an empty queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.execution_history import OPEN
from audit.derive.rows import row_id
from audit.derive.untold import UNTOLD

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

# ``measure``: what the figures are of. Topics and accounts are measured as a whole, whoever reads from them.
# ``activation``: null where it is hidden or is no amount; every scaler that is measured here has a default.
_RULES = """
create or replace temp table work_rules as
select distinct on (lower(r.job_id), r.rule_name)
       r.job_id, lower(r.job_id) as job_key, r.rule_name, r.scaler_type, r.source_type, r.entity_kind, r.entity,
       r.parent_entity, r.consumer, r.unresolved, i.resource_id, lower(i.resource_id) as resource_key,
       lower(coalesce(r.parent_entity, r.entity)) as dimension_key,
       case when i.resource_id is null then null
            when r.source_type = 'microsoft.servicebus/namespaces' and r.entity_kind = 'queue' then 'queue'
            when r.source_type = 'microsoft.servicebus/namespaces' and r.entity_kind = 'subscription' then 'topic'
            when r.source_type = 'microsoft.eventhub/namespaces' and r.entity_kind = 'eventhub' then 'hub'
            when r.source_type = 'microsoft.storage/storageaccounts' and r.entity_kind = 'queue' then 'account'
            end as measure,
       f.activation_threshold as activation, r.raw_ref, r.observed_at
from rule_sources r
join jobs j on lower(j.job_id) = lower(r.job_id) and j.in_scope
left join inventory i on lower(i.host) = lower(r.host)
left join scaler_facts f on lower(f.job_id) = lower(r.job_id) and f.rule_name = r.rule_name
order by lower(r.job_id), r.rule_name, lower(i.resource_id)
"""

# A storage account's figure is kept under the account; what is measured at one entity of a namespace has a dimension.
_POINTS = """
create or replace temp table work_points as
select regexp_replace(lower(m.resource_id), '/queueservices/default$', '') as resource_key,
       case when m.metric = 'QueueMessageCount' then '' else coalesce(lower(m.dimension), '') end as dimension_key,
       m.metric, m."at", m.interval_s, epoch(m."at")::BIGINT // m.interval_s as place, max(m.value) as value,
       arg_max(m.raw_ref, m.value) as raw_ref
from metrics m
where m.metric in ('ActiveMessages', 'QueueMessageCount', 'DeadletteredMessages')
   or m.metric in ('IncomingMessages', 'CompleteMessage', 'OutgoingMessages') and m.aggregation = 'total'
group by all
"""

# The intervals in which an execution of the job ran, whatever became of it.
_BUSY = f"""
create or replace temp table work_busy as
with steps as (
    select distinct w.job_key, p.interval_s from work_rules w join work_points p using (resource_key)
),
ran as (
    select lower(e.job_id) as job_key, e.started,
           greatest(e.started, coalesce(e.ended, case when {OPEN.format(status="e.status")} then e.observed_at end,
                                        e.started)) as ended
    from execution_history e where e.started is not null
)
select distinct job_key, interval_s, unnest(generate_series(
    epoch(started)::BIGINT // interval_s, epoch(ended)::BIGINT // interval_s)) as place
from ran join steps using (job_key)
"""

# What waited at each rule's source while no execution of the job ran. Of a hub: events since the last execution.
_WAITING = """
create or replace temp table work_waiting as
with depths as (
    select w.job_key, w.rule_name, p.interval_s, p.place, p.value as depth, p.raw_ref
    from work_rules w join work_points p on p.resource_key = w.resource_key
     and p.dimension_key = case w.measure when 'account' then '' else w.dimension_key end
    where w.measure in ('queue', 'topic', 'account') and p.metric in ('ActiveMessages', 'QueueMessageCount')
      and p.value > coalesce(w.activation, 0)
),
grid as (
    select w.job_key, w.rule_name, w.resource_key, w.dimension_key, w.activation, s.interval_s,
           unnest(generate_series(epoch($since::TIMESTAMPTZ)::BIGINT // s.interval_s,
                                  (epoch($until::TIMESTAMPTZ)::BIGINT - 1) // s.interval_s)) as place
    from work_rules w
    join (select distinct resource_key, dimension_key, interval_s from work_points
          where metric = 'IncomingMessages') s
      on s.resource_key = w.resource_key and s.dimension_key = w.dimension_key
    where w.measure = 'hub'
),
flows as (
    select grid.*, coalesce(p.value, 0) as came, p.raw_ref, busy.place is not null as busy,
           count(busy.place) over (
               partition by grid.job_key, grid.rule_name, grid.interval_s order by grid.place) as run
    from grid
    left join work_points p on p.resource_key = grid.resource_key and p.dimension_key = grid.dimension_key
         and p.metric = 'IncomingMessages' and p.interval_s = grid.interval_s and p.place = grid.place
    left join work_busy busy on busy.job_key = grid.job_key and busy.interval_s = grid.interval_s
         and busy.place = grid.place
),
unread as (
    select job_key, rule_name, interval_s, place, raw_ref, activation, busy,
           sum(case when busy then 0 else came end) over (
               partition by job_key, rule_name, interval_s, run order by place) as depth
    from flows
)
select job_key, rule_name, interval_s, place, depth, raw_ref from unread
where depth > coalesce(activation, 0) and not busy
union all
select depths.* from depths
where (job_key, interval_s, place) not in (select (job_key, interval_s, place) from work_busy)
"""

# Of which intervals it is certain that nothing waited for the job; one that isn't here and isn't waiting is unmeasured.
_CALM = """
create or replace temp table work_calm as
select w.job_key, w.rule_name, p.interval_s, p.place
from work_rules w join work_points p on p.resource_key = w.resource_key
 and p.dimension_key = case w.measure when 'account' then '' else w.dimension_key end
where p.metric in ('ActiveMessages', 'QueueMessageCount') and p.value <= coalesce(w.activation, 0)
union
select w.job_key, w.rule_name, b.interval_s, b.place from work_rules w join work_busy b using (job_key)
"""

_BACKLOGS = f"""
create or replace table backlogs as
with islands as (
    select *, place - row_number() over (partition by job_key, rule_name, interval_s order by place) as island
    from work_waiting
),
stretches as (
    select job_key, rule_name, interval_s, min(place) as first, max(place) as last,
           greatest(to_timestamp(min(place) * interval_s), $since::TIMESTAMPTZ) as since,
           least(to_timestamp((max(place) + 1) * interval_s), $until::TIMESTAMPTZ) as until,
           arg_min(depth, place) as depth_first, arg_max(depth, place) as depth_last, max(depth) as depth_most,
           arg_max(raw_ref, place) filter (where raw_ref is not null) as point_ref
    from islands group by job_key, rule_name, interval_s, island
),
ends as (
    select resource_key, dimension_key, max("at" + to_seconds(interval_s)) as until,
           min(epoch("at")) as first_s, max(epoch("at")) as last_s
    from work_points where metric in ('ActiveMessages', 'QueueMessageCount', 'IncomingMessages') group by all
),
untold as ({UNTOLD}),
starts as (
    select lower(job_id) as job_key, started from execution_history where started is not null
)
select {row_id("backlogs", "job_id", "rule_name", "since::VARCHAR", "interval_s::VARCHAR")} as row_id, *
from (
    select w.observed_at, coalesce(s.point_ref, w.raw_ref) as raw_ref, w.job_id, w.rule_name, w.resource_id,
           coalesce(w.parent_entity, w.entity) as entity, w.measure, s.since, s.until,
           epoch(s.until - s.since) / 3600 as hours,
           hours + s.interval_s / 3600 * case when w.measure = 'hub' then 0 else
               s.first - coalesce(calm_before.place + 1, ends.first_s::BIGINT // s.interval_s)
               + coalesce(calm_after.place - 1, ends.last_s::BIGINT // s.interval_s) - s.last end as hours_highest,
           w.activation is not null as activation_known, s.depth_first, s.depth_last, s.depth_most,
           s.until >= least(ends.until, $until::TIMESTAMPTZ) as ongoing, before.started as last_started, s.interval_s,
           not exists (select 1 from untold where untold.job_key = s.job_key
                       and coalesce(untold.since < s.until, true) and coalesce(untold.until > s.since, true))
               as executions_known
    from stretches s
    join work_rules w using (job_key, rule_name)
    left join ends on ends.resource_key = w.resource_key
         and ends.dimension_key = case w.measure when 'account' then '' else w.dimension_key end
    asof left join work_calm calm_before
        on calm_before.job_key = s.job_key and calm_before.rule_name = s.rule_name
       and calm_before.interval_s = s.interval_s and calm_before.place < s.first
    asof left join work_calm calm_after
        on calm_after.job_key = s.job_key and calm_after.rule_name = s.rule_name
       and calm_after.interval_s = s.interval_s and calm_after.place > s.last
    asof left join starts before on before.job_key = s.job_key and before.started < s.since
    where s.since < s.until
)
order by lower(job_id), rule_name, since, interval_s
"""

_WORK = f"""
create or replace table source_work as
with figures as (
    select w.job_key, w.rule_name,
           arg_min(p.value, p."at") filter (where p.metric in ('ActiveMessages', 'QueueMessageCount')) as depth_first,
           arg_max(p.value, p."at") filter (where p.metric in ('ActiveMessages', 'QueueMessageCount')) as depth_last,
           max(p.value) filter (where p.metric in ('ActiveMessages', 'QueueMessageCount')) as depth_most,
           max(p."at") filter (where p.metric in ('ActiveMessages', 'QueueMessageCount') and p.value = 0) as last_empty,
           arg_min(p.value, p."at") filter (where p.metric = 'DeadletteredMessages') as dead_first,
           arg_max(p.value, p."at") filter (where p.metric = 'DeadletteredMessages') as dead_last,
           max(p.value) filter (where p.metric = 'DeadletteredMessages') as dead_most,
           sum(p.value) filter (where p.metric = 'IncomingMessages') as came,
           sum(p.value) filter (where p.metric = 'CompleteMessage') as completed,
           sum(p.value) filter (where p.metric = 'OutgoingMessages') as read,
           count(*) as points, min(p."at") as measured_from, max(p."at" + to_seconds(p.interval_s)) as measured_until,
           arg_max(p.raw_ref, row(p."at", p.metric)) as raw_ref
    from work_rules w
    join work_points p on p.resource_key = w.resource_key
     and p.dimension_key = case w.measure when 'account' then '' else w.dimension_key end
    where w.measure is not null
    group by all
),
held as (
    select lower(resource_id) as resource_key, entity_kind, lower(name) as name_key,
           lower(coalesce(parent, '')) as parent_key,
           any_value(status) as status, any_value(active_messages) as active_messages,
           any_value(dead_letters) as dead_letters, any_value(max_delivery_count) as max_delivery_count,
           min(raw_ref) as raw_ref
    from event_source_entities group by all
),
readers as (
    select lower(resource_id) as resource_key, lower(parent) as hub_key, count(*) as consumer_groups
    from event_source_entities where entity_kind = 'consumer_group' and name <> '$Default' group by all
)
select {row_id("source_work", "job_id", "rule_name")} as row_id, *
from (
    select w.observed_at, coalesce(held.raw_ref, f.raw_ref, w.raw_ref) as raw_ref, w.job_id, w.rule_name, w.scaler_type,
           w.source_type, w.resource_id, w.entity_kind, w.entity, w.parent_entity, w.measure, w.unresolved,
           coalesce(w.source_type, '') = 'none' or lower(w.scaler_type) in ('cron', 'cpu', 'memory') as sourceless,
           case when w.measure is not null then null
                when w.source_type = 'external' then 'it is no service of Azure''s'
                when w.source_type is null then coalesce(w.unresolved, 'the rule''s source is not known')
                when w.resource_id is null then 'no resource that the caller can see has its address'
                else 'it is ' || coalesce('a ' || nullif(w.entity_kind, 'none') || ' of ', '') || w.source_type
                end as unmeasured_because,
           coalesce(f.points, 0) > 0 as measured, f.measured_from, f.measured_until, f.depth_first, f.depth_last,
           f.depth_most, f.last_empty, f.dead_first, f.dead_last, f.dead_most,
           case when w.measure in ('queue', 'topic', 'hub') and f.points > 0 then coalesce(f.came, 0) end as came,
           case when w.measure in ('queue', 'topic') and f.points > 0 then coalesce(f.completed, 0) end as completed,
           case when w.measure = 'hub' and f.points > 0 then coalesce(f.read, 0) end as read,
           held.status, held.active_messages, held.dead_letters, held.max_delivery_count,
           case when w.measure = 'hub' then coalesce(readers.consumer_groups, 0)
                + if(coalesce(lower(w.consumer), '$default') = '$default', 1, 0) end as consumer_groups,
           case when w.resource_key is not null
                then count(*) over (partition by w.resource_key, lower(w.entity), lower(w.parent_entity))
                end as watched_by,
           f.raw_ref as metrics_ref, held.raw_ref as entity_ref
    from work_rules w
    left join figures f using (job_key, rule_name)
    left join held on held.resource_key = w.resource_key and held.entity_kind = w.entity_kind
         and held.name_key = lower(w.entity) and held.parent_key = lower(coalesce(w.parent_entity, ''))
    left join readers on w.measure = 'hub' and readers.resource_key = w.resource_key
         and readers.hub_key = lower(w.entity)
)
order by lower(job_id), rule_name
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``source_work``, a row for each rule of an in-scope job, and ``backlogs``, one for each wait.

    A backlog is a stretch of consecutive measured intervals in which more waited than the rule's activation threshold
    and no execution of the job ran; of an event hub, which tells no depth, it is what came since the last one ran.
    ``hours_highest``: how long it was if work waited in the unmeasured intervals beside it too. Where the activation
    threshold isn't known, whatever waited counts, and ``activation_known`` says so.
    Needs ``execution_history``, ``continuity``, ``job_gaps`` and ``scaler_facts``.
    """
    given = {"since": run.window.since, "until": run.window.until}
    con.execute(_RULES)
    con.execute(_POINTS)
    con.execute(_BUSY)
    con.execute(_WAITING, given)
    con.execute(_CALM)
    con.execute(_BACKLOGS, given)
    con.execute(_WORK)
    for table in ("work_rules", "work_points", "work_busy", "work_waiting", "work_calm"):
        con.execute(f"drop table {table}")
