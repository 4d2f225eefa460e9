"""Which tickets speak of which change, and which of them answers for it.

Temporary tables ``ticket_candidates`` and ``ticket_matches``.
"""

from __future__ import annotations

from audit.derive.tickets.people import key, untold

# A ticket for a job speaks of what was done to the job itself; what it stands on needs a ticket of its own.
CANDIDATES = f"""
create or replace temp table ticket_candidates as
with named as (
    select act.change_id, act.job_id, place.ticket_row
    from ticket_acts as act join ticket_places as place on place.kind = 'job' and place.key = act.job_key
    where act.relation = 'job'
    union
    select act.change_id, act.job_id, place.ticket_row
    from ticket_acts as act join ticket_places as place on place.kind = 'resource' and place.key = act.resource_key
),
implementers as (
    select row_id as ticket_row, {key("implementer")} as implementer
    from (select row_id, unnest(from_json(implementers, '["VARCHAR"]')) as implementer from approved_changes)
),
of_callers as (
    select named.*, caller.caller
    from named
    join ticket_acts as act on act.change_id = named.change_id and act.job_id = named.job_id
    join ticket_callers as caller on caller.changed_by is not distinct from act.changed_by
        and caller.changed_by_id is not distinct from act.changed_by_id
        and caller.client_app_id is not distinct from act.client_app_id
),
made as (
    select people.caller, implementers.ticket_row, bool_or(people.bearers = 1) as sure,
           min(people.known_by) filter (where people.bearers = 1) as known_by
    from implementers join ticket_people as people on people.name = implementers.implementer
    group by all
),
doubtful as (
    select distinct pair.caller, pair.ticket_row
    from (select distinct caller, ticket_row from of_callers) as pair
    join ticket_callers as caller using (caller)
    join implementers using (ticket_row)
    where {untold("caller", "implementers.implementer")}
)
select act.change_id, act.job_id, act.at, ticket.row_id as ticket_row, ticket.ticket, named.caller,
       act.at >= ticket.planned_from and act.at < ticket.planned_until as in_time,
       coalesce(made.sure, false) as by_implementer, made.known_by,
       coalesce(not made.sure, doubtful.caller is not null) as undecided,
       coalesce(ticket.approved_at <= act.at, false) as approved_before, ticket.emergency,
       greatest(epoch(ticket.planned_from - act.at), epoch(act.at - ticket.planned_until), 0) as away,
       epoch(ticket.planned_until - ticket.planned_from) as planned_for
from of_callers as named
join ticket_acts as act on act.change_id = named.change_id and act.job_id = named.job_id
join approved_changes as ticket on ticket.row_id = named.ticket_row
left join made on made.caller = named.caller and made.ticket_row = named.ticket_row
left join doubtful on doubtful.caller = named.caller and doubtful.ticket_row = named.ticket_row
"""

# Of several the one that was approved in time, then the one whose window is the narrowest.
MATCHES = """
create or replace temp table ticket_matches as
select *, count(*) over (partition by change_id, job_id) - 1 as others
from ticket_candidates
where in_time and by_implementer
qualify row_number() over (
    partition by change_id, job_id
    order by approved_before desc, emergency, planned_for, lower(ticket), ticket_row) = 1
"""
