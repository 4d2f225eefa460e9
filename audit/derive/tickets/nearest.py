"""For a change that no ticket answers for: the ticket that comes nearest. Temporary table ``ticket_neighbours``."""

from __future__ import annotations

from audit.derive.tickets.people import key

# One that names what was changed, whatever else it lacks; else one of the same implementer and time for something else.
NEIGHBOURS = f"""
create or replace temp table ticket_neighbours as
with open as (
    select act.*, caller.caller
    from ticket_acts as act
    join ticket_callers as caller on caller.changed_by is not distinct from act.changed_by
        and caller.changed_by_id is not distinct from act.changed_by_id
        and caller.client_app_id is not distinct from act.client_app_id
    where (act.change_id, act.job_id) not in (select (change_id, job_id) from ticket_matches)
),
speaking as (
    select change_id, job_id, ticket_row, in_time, by_implementer, undecided
    from ticket_candidates
    where (change_id, job_id) in (select (change_id, job_id) from open)
    qualify row_number() over (
        partition by change_id, job_id
        order by in_time desc, by_implementer desc, undecided desc, away, lower(ticket), ticket_row) = 1
),
begun as (
    select people.caller, ticket.planned_from,
           arg_min(ticket.row_id, row(ticket.planned_until, ticket.row_id)) as ticket_row
    from (select *, unnest(from_json(implementers, '["VARCHAR"]')) as implementer from approved_changes) as ticket
    join ticket_people as people on people.name = {key("ticket.implementer")} and people.bearers = 1
    group by all
),
elsewhere as (
    select open.change_id, open.job_id, begun.ticket_row
    from (select * from open where (change_id, job_id) not in (select (change_id, job_id) from speaking)) as open
    asof join begun on begun.caller = open.caller and begun.planned_from <= open.at
    join approved_changes as ticket on ticket.row_id = begun.ticket_row and open.at < ticket.planned_until
)
select change_id, job_id, ticket_row, true as names_it, in_time, by_implementer, undecided from speaking
union all
select change_id, job_id, ticket_row, false, true, true, false from elsewhere
"""
