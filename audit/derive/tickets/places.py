"""What a ticket names: jobs of the population, and resources that were changed. Temporary table ``ticket_places``.

An id stands for the resource and what belongs to it (its child resources, what was granted or set on it); that of a
resource group or a subscription not for the resources in it: a pattern says that.
"""

from __future__ import annotations

from audit.derive.tickets.people import key

_TOP = r"^/subscriptions/[^/]+/resourcegroups/([^/]+)/providers/[^/]+/[^/]+/([^/]+)"
_WILD = "regexp_matches(subject, '[*?]')"

_PLACES = f"""
create or replace temp table ticket_places as
with tickets as (
    select row_id as ticket_row, subject_kind, {key("subject")} as subject from approved_changes
),
jobs_named as (
    select lower(job_id) as key, unnest([lower(job_id), lower(name), lower(resource_group || '/' || name)]) as name
    from population
),
resources as (
    select distinct about, resource_key from ticket_acts
),
parts as (
    select *, string_split(resource_key, '/') as segments, regexp_extract(about, '{_TOP}', 1) as in_group,
           regexp_extract(about, '{_TOP}', 2) as top, regexp_extract(about, '[^/]+$') as last
    from resources
),
resources_named as (
    select resource_key as key, about as name from parts
    union
    select resource_key, array_to_string(segments[:depth], '/')
    from parts, unnest(range(9, len(segments) + 1)) as d (depth)
    where starts_with(resource_key, '/subscriptions/') and segments[4] = 'resourcegroups' and segments[6] = 'providers'
    union
    select resource_key, last from parts
    union
    select resource_key, unnest([top, in_group || '/' || top, in_group || '/' || last]) from parts where top <> ''
),
named as (
    select 'job' as kind, key, name from jobs_named
    union all
    select 'resource', key, name from resources_named
    union all
    select 'resource', resource_key, resource_key from resources
),
patterns as (
    select distinct subject_kind, subject from tickets where {_WILD}
),
fitting as (
    select distinct subject_kind, subject, key from patterns
    join named on named.kind = patterns.subject_kind and named.name glob patterns.subject
        and starts_with(named.name, '/') = starts_with(patterns.subject, '/')
        and (starts_with(named.name, '/') or contains(named.name, '/') = contains(patterns.subject, '/'))
)
select distinct ticket_row, tickets.subject_kind as kind, key
from tickets join named on named.kind = tickets.subject_kind and named.name = tickets.subject
where not {_WILD}
union
select distinct ticket_row, tickets.subject_kind, key
from tickets join fitting using (subject_kind, subject)
"""

PLACES = (_PLACES,)
"""Reads ``approved_changes``, ``population`` and ``ticket_acts``."""
