"""What is new, changed or gone since the last review, and what was decided then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb


def _words(ours: str, theirs: str) -> str:
    """Return the SQL of the capabilities that one row has and the other hasn't, in words."""
    return f"""array_to_string(list_transform(list_filter({ours}.capabilities::VARCHAR[],
        lambda c: not list_contains({theirs}.capabilities::VARCHAR[], c)), lambda c: replace(c, '_', ' ')), ', ')"""


# The last review is the newest that came back at least in part, else the newest that was sent.
_MARKED = f"""
create or replace table entitlements as
with last as (
    select r.* from history.review_rows r join reviews v using (review) where v.last
),
decided as (
    select d.entitlement_id, arg_max(d.decision, (d.decided_on, d.review)) as decision,
           arg_max_null(d.reason, (d.decided_on, d.review)) as reason,
           arg_max_null(d.decided_by, (d.decided_on, d.review)) as decided_by,
           max(d.decided_on) as decided_on, arg_max(d.review, (d.decided_on, d.review)) as review
    from review_decisions d where d.decision is not null group by all
),
compared as (
    select e.entitlement_id, l.entitlement_id is not null as known,
           concat_ws('; ',
               case when l.jobs <> e.jobs then 'jobs: ' || l.jobs || ' before, ' || e.jobs || ' now' end,
               case when l.capabilities::VARCHAR <> e.capabilities::VARCHAR then concat_ws(', ',
                   'gives now also ' || nullif({_words("e", "l")}, ''), 'no longer ' || nullif({_words("l", "e")}, ''))
               end,
               case when l.condition is distinct from e.condition then 'another condition' end,
               case when l.expires is distinct from e.expires then 'another end' end) as detail
    from entitlements e left join last l using (entitlement_id)
)
select e.*,
       case when not exists (from last) then null when not c.known then 'new'
            when c.detail <> '' then 'changed' else 'same' end as since_last,
       nullif(c.detail, '') as since_last_detail,
       d.decision as previous_decision, d.reason as previous_reason, d.decided_by as previous_reviewer,
       d.decided_on as previous_on, d.review as previous_review, o.state as previous_outcome
from entitlements e
join compared c using (entitlement_id)
left join decided d using (entitlement_id)
left join review_outcomes o on o.review = d.review and o.entitlement_id = e.entitlement_id
order by e.position
"""

_REMOVED = f"""
create or replace table entitlement_removals as
select {row_id("entitlement_removals", "l.entitlement_id")} as row_id, null::TIMESTAMPTZ as observed_at,
       null::VARCHAR as raw_ref, l.review, l.entitlement_id, l.kind, l.access, l.principal_id, l.principal, l.role,
       l.scope, l.scope_words, l.privileged, l.jobs, d.decision, o.state as outcome, o."at", o."by",
       case when g.entitlement_id is not null then 'it is there, and reaches no job any more'
            when o.detail is not null then o.detail
            else 'it is not among what was read' end as detail
from history.review_rows l
join reviews v on v.review = l.review and v.last
left join entitlements e using (entitlement_id)
left join (select distinct entitlement_id from given_entitlements) g using (entitlement_id)
left join review_decisions d on d.review = l.review and d.entitlement_id = l.entitlement_id
left join review_outcomes o on o.review = l.review and o.entitlement_id = l.entitlement_id
where e.entitlement_id is null
order by lower(l.principal), l.entitlement_id
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Mark the rows of ``entitlements`` and create ``entitlement_removals``. Needs ``review_outcomes``."""
    con.execute(_MARKED)
    con.execute(_REMOVED)
