"""Acts: the Activity Log's events folded, one row per operation that somebody asked for, and deployments beside them.

Temporary tables ``change_acts`` and ``change_deployments``.
"""

from __future__ import annotations

ON_SCOPE = (
    r"/providers/(microsoft\.authorization|microsoft\.insights/diagnosticsettings|microsoft\.consumption|"
    r"microsoft\.resources/tags)(/.*)?$"
)
"""What lies on a scope rather than in it: its id, in lower case, names the scope that it changes before this."""

_ENDED = "lower(status) in ('succeeded', 'success', 'failed', 'canceled', 'cancelled')"

# One operation writes several events. A correlation may hold the same operation on the same resource more than once
# (a pipeline that retries): after an event that ended one, an event of another operation id begins the next.
_EVENTS = f"""
create or replace temp table change_events as
with events as (
    select event_id, observed_at, raw_ref, event_time, lower(operation) as operation, operation as spelled, status,
           sub_status, caller, caller_object_id, claims ->> '$.appid' as app_id, correlation_id, operation_id,
           client_ip, resource_id, lower(rtrim(resource_id, '/')) as resource_key, {_ENDED} as ended,
           coalesce(json_extract_string(properties, '$.requestbody'),
                    json_extract_string(properties, '$.requestBody')) as request,
           coalesce(json_extract_string(properties, '$.responseBody'),
                    json_extract_string(properties, '$.responsebody')) as response,
           coalesce(correlation_id, event_id) || ' ' || lower(coalesce(operation, '')) || ' '
               || lower(rtrim(coalesce(resource_id, ''), '/')) as thread
    from activity_log
    where coalesce(category, 'Administrative') in ('Administrative', 'Security') and operation is not null
),
neighbours as (
    select *, lag(ended) over by_time as ended_before, lag(operation_id) over by_time as operation_before
    from events
    window by_time as (
        partition by thread
        order by event_time, case lower(status) when 'started' then 0 when 'accepted' then 1 else 2 end, event_id)
)
select * exclude (ended_before, operation_before),
       thread || ' ' || sum(case when ended_before and operation_id is distinct from operation_before
                                 then 1 else 0 end) over (
           partition by thread
           order by event_time, case lower(status) when 'started' then 0 when 'accepted' then 1 else 2 end, event_id
       )::VARCHAR as fold,
       row(case lower(status) when 'started' then 0 when 'accepted' then 1 else 2 end, event_time, event_id)
           as finality,
       row(event_time, event_id) as moment
from neighbours
"""

_ACTS = f"""
create or replace temp table change_acts as
select substr(sha256('act ' || fold), 1, 16) as change_id, min(event_time) as "at", max(event_time) as ended_at,
       arg_min(spelled, moment) as operation, arg_min(operation, moment) as operation_key,
       arg_max(resource_id, moment) as resource_id, any_value(resource_key) as resource_key,
       arg_max(status, finality) as status, arg_max(sub_status, finality) as sub_status,
       arg_min(caller, moment) filter (where caller is not null) as caller,
       arg_min(caller_object_id, moment) filter (where caller_object_id is not null) as caller_object_id,
       arg_min(app_id, moment) filter (where app_id is not null) as app_id,
       arg_min(client_ip, moment) filter (where client_ip is not null) as client_ip,
       any_value(lower(correlation_id)) as correlation_key, min(correlation_id) as correlation_id,
       arg_min(request, moment) filter (where request is not null) as request,
       arg_max(response, moment) filter (where response is not null) as response,
       count(*) as events, arg_max(raw_ref, finality) as raw_ref, arg_max(observed_at, finality) as observed_at,
       regexp_replace(any_value(resource_key), '{ON_SCOPE}', '') as about
from change_events
group by fold
"""

# The events of a deployment wrap the writes that it makes: where those are there, they are the change.
_WRAPPERS = """
create or replace temp table change_deployments as
select lower(correlation_id) as correlation_key, string_agg(distinct name, ', ' order by name) as deployment
from deployments
where correlation_id is not null
group by all
"""

_UNWRAP = """
delete from change_acts
where operation_key = 'microsoft.resources/deployments/write'
  and correlation_key in (
      select correlation_key from change_acts where operation_key <> 'microsoft.resources/deployments/write')
"""

# A deployment that the Activity Log doesn't tell of, or no longer does.
_DEPLOYED = """
insert into change_acts by name
select substr(sha256('deployment ' || lower(deployment_id)), 1, 16) as change_id, "at",
       "at" as ended_at, 'Microsoft.Resources/deployments/write' as operation,
       'microsoft.resources/deployments/write' as operation_key, deployment_id as resource_id,
       lower(deployment_id) as resource_key, state as status, lower(correlation_id) as correlation_key, correlation_id,
       0 as events, raw_ref, observed_at, lower(rtrim(scope, '/')) as about
from deployments
where "at" >= $since and "at" < $until
  and lower(coalesce(correlation_id, deployment_id)) not in (
      select correlation_key from change_acts where correlation_key is not null)
"""

FOLD = (_EVENTS, _ACTS, _WRAPPERS, _UNWRAP)
"""Statements in order; they read ``activity_log`` and ``deployments``."""
ADD_DEPLOYMENTS = _DEPLOYED
"""Deployments of the window ($since, $until) that no event tells of."""
