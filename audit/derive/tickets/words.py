"""The words of a change held against tickets, and the table ``change_tickets`` itself."""

from __future__ import annotations

from audit.derive.rows import row_id, utc
from audit.derive.tickets.people import key


def _listed(column: str) -> str:
    return f"array_to_string(from_json({column}, '[\"VARCHAR\"]'), ', ')"


def _short(moment: str) -> str:
    return f"strftime({moment} at time zone 'UTC', '%Y-%m-%d %H:%M UTC')"


_PLANNED = f"'was planned from ' || {_short('t.planned_from')} || ' until ' || {_short('t.planned_until')}"
_MAKER = "coalesce(a.changed_by_name, a.changed_by, 'nobody that Azure names')"

_LACKS = f"""
case when n.ticket_row is null then
         case a.relation when 'job' then 'no ticket names the job' else 'no ticket names what was changed' end
     when not n.names_it then t.ticket || ' is of this time and implementer, but is for ' || t.subject
     else t.ticket || ' names it, but ' || concat_ws(', and ',
         case when not n.in_time then {_PLANNED} end,
         case when n.undecided then 'is for ' || {_listed("t.implementers")} || ' to make, and whether that is '
                  || {_MAKER} || ' can''t be told: '
                  || case when c.known then 'several bear the name' else 'the directory was not asked about either' end
              when not n.by_implementer then
                  'is for ' || {_listed("t.implementers")} || ' to make, and ' || {_MAKER} || ' made it' end)
     end
"""

_DIFFERS = """
case when not n.names_it then 'subject'
     else concat_ws(', ', case when not n.in_time then 'time' end,
                     case when not n.by_implementer then 'implementer' end) end
"""


def _keys(column: str) -> str:
    return f"list_transform(from_json({column}, '[\"VARCHAR\"]'), lambda each: {key('each')})"


# Whom a name means: everybody who bears it, else the name itself. Two names are two people where the directory knows
# one of them and nobody bears both, or where both are sign-in names; otherwise nobody can tell.
_REQUESTED = f"""
with meant as (
    select said.name, list(n.person) filter (where n.person is not null) as people
    from (select {key("requester")} as name from approved_changes
          union select unnest({_keys("approvers")}) from approved_changes) as said
    left join ticket_names n on n.name = said.name
    group by said.name
),
pairs as (
    select each.row_id as ticket_row,
           case when giver.name = asker.name then true
                when list_has_any(giver.people, asker.people)
                    then case when len(giver.people) = 1 and len(asker.people) = 1 then true end
                when giver.people is not null or asker.people is not null
                     or contains(giver.name, '@') and contains(asker.name, '@') then false end as same
    from (select *, unnest(from_json(approvers, '["VARCHAR"]')) as approver from approved_changes) as each
    join meant giver on giver.name = {key("each.approver")}
    join meant asker on asker.name = {key("each.requester")}
)
select ticket_row,
       case when bool_or(not same) then false when count(same) = count(*) then true end as by_requester_alone
from pairs group by ticket_row
"""

_UNUSED = f"""
case when t.subject_kind = 'job' and t.row_id not in (select ticket_row from ticket_places)
         then 'it names no job of this run'
     when t.planned_until <= $since or t.planned_from >= $until
         then 'it was planned for outside the window that was looked at: from ' || {_short("t.planned_from")}
             || ' until ' || {_short("t.planned_until")}
     when t.row_id in (select ticket_row from ticket_candidates where in_time)
         then 'what it names was changed in its planned window, but not by its implementer, or another ticket answers'
     when t.row_id in (select ticket_row from ticket_candidates)
         then 'what it names was changed, but not in its planned window'
     else 'no change of what it names is known' end
"""

CREATE = f"""
create or replace table change_tickets as
with requested as ({_REQUESTED}),
given as (select $given::BOOLEAN or count(*) > 0 as any_ticket from approved_changes),
told as (
    select a.observed_at, a.raw_ref, a.change_id, a.job_id, a.resource_id, a.relation, a.kind, a.operation, a.at,
           a.changed_by, a.changed_by_name,
           case when m.ticket_row is not null then 'matched' when a.unasked is not null then 'not_expected'
                when not given.any_ticket then 'not_compared' else 'unmatched' end as state,
           m.ticket_row, m.known_by as matched_by, m.others
    from ticket_acts a cross join given
    left join ticket_matches m on m.change_id = a.change_id and m.job_id = a.job_id
),
compared as (
    select told.* exclude (ticket_row), told.ticket_row,
           case when state = 'unmatched' then n.ticket_row end as nearest_row,
           case when state = 'unmatched' then nullif({_DIFFERS}, '') end as differs,
           state = 'unmatched' and coalesce(n.undecided and n.in_time, false) as undecided,
           case state when 'matched' then
                    t.ticket || ' names it as ' || t.subject || ', ' || {_PLANNED} || ', and names who made it by '
                        || matched_by
                        || case when told.others > 0 then '; ' || told.others || ' more would fit' else '' end
                when 'not_expected' then a.unasked
                when 'not_compared' then 'no approved changes were given'
                else {_LACKS} end as why,
           case when m.ticket_row is not null and t.approved_at is not null then t.approved_at <= told.at
                end as approved_before,
           makers.approver as approved_by_implementer, makers.reviewer as reviewed_by_implementer
    from told
    join ticket_acts a on a.change_id = told.change_id and a.job_id = told.job_id
    left join ticket_matches m on m.change_id = told.change_id and m.job_id = told.job_id
    left join ticket_makers makers on makers.ticket_row = m.ticket_row and makers.caller = m.caller
    left join ticket_neighbours n on n.change_id = told.change_id and n.job_id = told.job_id
    left join approved_changes t on t.row_id = coalesce(told.ticket_row, n.ticket_row)
    left join ticket_callers c on c.changed_by is not distinct from a.changed_by
        and c.changed_by_id is not distinct from a.changed_by_id
        and c.client_app_id is not distinct from a.client_app_id
),
unused as (
    select t.observed_at, t.raw_ref, null as change_id,
           case when t.subject_kind = 'job' then (
               select case when count(*) = 1 then min(p.job_id) end
               from ticket_places place join population p on lower(p.job_id) = place.key
               where place.ticket_row = t.row_id) end as job_id,
           'unused' as state, t.row_id as ticket_row, {_UNUSED} as why
    from approved_changes t
    where t.row_id not in (select ticket_row from ticket_matches)
),
rows as (select * from compared union all by name select * from unused)
select {row_id("change_tickets", "rows.change_id", "rows.job_id", "rows.ticket_row")} as row_id, rows.observed_at,
       rows.raw_ref, rows.change_id, rows.job_id,
       'write of ' || {utc("rows.at")} || ' (' || rows.change_id || ')' as subject,
       rows.resource_id, rows.relation, rows.kind, rows.operation,
       rows.at, rows.changed_by, rows.changed_by_name, rows.state, t.ticket, t.subject as ticket_subject,
       rows.matched_by, rows.why, near.ticket as nearest, rows.differs, rows.undecided,
       t.planned_from, t.planned_until, t.requester,
       {_listed("t.approvers")} as approvers, {_listed("t.implementers")} as implementers, t.approved_at, t.emergency,
       t.reviewed_at, t.reviewed_by, rows.approved_before, rows.approved_by_implementer,
       r.by_requester_alone as approved_by_requester_alone, rows.reviewed_by_implementer, t.source as ticket_source,
       rows.ticket_row
from rows
left join approved_changes t on t.row_id = rows.ticket_row
left join approved_changes near on near.row_id = rows.nearest_row
left join requested r on r.ticket_row = rows.ticket_row
order by rows.at desc nulls last, rows.change_id, lower(rows.job_id), lower(t.ticket), rows.ticket_row
"""
"""Reads ``approved_changes``, ``population`` and the temporary tables; the window is ($since, $until).

``$given``: a file of approved changes was named, though it may hold none.
"""
