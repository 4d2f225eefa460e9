"""The changes that are held against tickets: one row for each change of the window and job. Table ``ticket_acts``."""

from __future__ import annotations

from audit.derive.changes.acts import ON_SCOPE

# What sets nothing needs no ticket; neither does what the platform did by itself, which nobody asked for.
_UNASKED = """
case when lower(changed_by) = 'system' then 'Azure''s platform did it by itself'
     when lower(status) in ('failed', 'canceled', 'cancelled') then 'it failed, so nothing changed'
     when kind in ('start', 'stop', 'secret_read', 'action') then 'it sets nothing' end
"""

ACTS = f"""
create or replace temp table ticket_acts as
select change_id, job_id, any_value(lower(job_id)) as job_key, min(observed_at) as observed_at,
       min(raw_ref) as raw_ref, any_value(resource_id) as resource_id,
       any_value(lower(rtrim(resource_id, '/'))) as resource_key,
       any_value(regexp_replace(lower(rtrim(resource_id, '/')), '{ON_SCOPE}', '')) as about,
       any_value(relation) as relation, any_value(kind) as kind, any_value(operation) as operation,
       any_value("at") as "at", any_value(changed_by) as changed_by, any_value(changed_by_name) as changed_by_name,
       any_value(changed_by_type) as changed_by_type, any_value(changed_by_id) as changed_by_id,
       any_value(client_app_id) as client_app_id, any_value({_UNASKED}) as unasked
from changes
where "at" >= $since and "at" < $until
group by change_id, job_id
"""
"""Reads ``changes``; the window is ($since, $until). A change is the same on all of its rows."""
