"""What Resource Graph saw: properties before and after, each set beside the act that it belongs to.

Temporary table ``change_seen``.
"""

from __future__ import annotations

# Resource Graph's changes, each with the act of the same correlation on the same resource (or, for a child resource,
# the nearest above it), else on its own.
_SEEN = """
create or replace temp table change_seen as
with graph as (
    select *, lower(rtrim(target_resource_id, '/')) as resource_key,
           nullif(lower(correlation_id), '00000000-0000-0000-0000-000000000000') as correlation_key
    from resource_changes
    where "at" >= $since and "at" < $until
)
select graph.change_id as seen_id, graph.* exclude (change_id),
       coalesce(acts.change_id, substr(sha256('seen ' || graph.change_id), 1, 16)) as change_id,
       acts.change_id is not null as told
from graph
left join lateral (
    select change_id from change_acts
    where change_acts.correlation_key = graph.correlation_key
      and (change_acts.resource_key = graph.resource_key
           or starts_with(graph.resource_key, change_acts.resource_key || '/'))
      and (ends_with(change_acts.operation_key, '/write') or ends_with(change_acts.operation_key, '/delete')
           or ends_with(change_acts.operation_key, '/action'))
    order by length(change_acts.resource_key) desc, ends_with(change_acts.operation_key, '/action'),
             abs(epoch_us(change_acts.at) - epoch_us(graph.at)),
             change_acts.change_id
    limit 1
) as acts on true
"""

_ALONE = """
insert into change_acts by name
select change_id, min("at") as "at", max("at") as ended_at, min(operation) as operation,
       coalesce(min(lower(operation)), '') as operation_key, min(target_resource_id) as resource_id,
       min(resource_key) as resource_key, 'Succeeded' as status, min(changed_by) as caller,
       case when regexp_full_match(min(changed_by), '(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
            then min(changed_by) end as caller_object_id,
       min(correlation_key) as correlation_key, min(correlation_id) as correlation_id, 0 as events,
       min(raw_ref) as raw_ref, min(observed_at) as observed_at, min(resource_key) as about
from change_seen
where not told
group by change_id
"""

SEEN = _SEEN
"""Every change of the window ($since, $until) with the act of its correlation and resource, or on its own."""
ADD_UNTOLD = _ALONE
"""What no event tells of, such as what the platform did itself, becomes an act."""
