"""Whether who approved or reviewed a change is who made it. Temporary table ``ticket_makers``.

``approver``, ``reviewer``: true = the maker is one of them; false = somebody else; null = nobody can tell.
"""

from __future__ import annotations

from audit.derive.tickets.people import key, untold

MAKERS = f"""
create or replace temp table ticket_makers as
with pairs as (
    select distinct ticket_row, caller from ticket_matches
),
said as (
    select row_id as ticket_row, 'approver' as part, unnest(from_json(approvers, '["VARCHAR"]')) as name
    from approved_changes
    union all
    select row_id, 'reviewer', reviewed_by from approved_changes where reviewed_by is not null
),
asked as (
    select pairs.*, said.part, {key("said.name")} as name, one.known, one.changed_by
    from pairs join said using (ticket_row) join ticket_callers as one using (caller)
),
judged as (
    select asked.ticket_row, asked.caller, asked.part, bool_or(coalesce(people.bearers = 1, false)) as is_maker,
           bool_or(coalesce(people.bearers > 1, false) or {untold("asked", "asked.name")}) as untold
    from asked left join ticket_people as people on people.caller = asked.caller and people.name = asked.name
    group by all
)
select ticket_row, caller, bool_or(case when is_maker then true when not untold then false end)
           filter (where part = 'approver') as approver,
       bool_or(case when is_maker then true when not untold then false end) filter (where part = 'reviewer') as reviewer
from judged
group by ticket_row, caller
"""
"""Reads ``approved_changes`` and ``ticket_matches``."""
