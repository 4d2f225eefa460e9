"""``reviews``, ``review_decisions``, ``review_outcomes``: what earlier reviews decided, and whether it was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.entitlements import earlier
from audit.derive.rows import row_id, utc
from audit.model import groups

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_REVIEWS = f"""
create or replace table reviews as
with owed as (
    select r.review, count(*) as entitlements, count(d.decision) as decided
    from history.review_rows r
    left join history.review_decisions d using (review, entitlement_id)
    where r.review in (select review from history.review_issued where last) group by all
)
select {row_id("reviews", "i.review")} as row_id, i.run_finished as observed_at, null::VARCHAR as raw_ref, i.review,
       i.run_id, i.run_started, i.since, i.until, i.due, i.entitlements, i.records, i.pack_sha256, i.last,
       case when i.last then coalesce(o.decided, 0) end as decided,
       case when i.last then i.entitlements - coalesce(o.decided, 0) end as owed
from history.review_issued i left join owed o using (review)
order by i.run_started, i.review
"""

_DECISIONS = f"""
create or replace table review_decisions as
select {row_id("review_decisions", "r.review", "r.entitlement_id")} as row_id, d.imported_at as observed_at,
       null::VARCHAR as raw_ref, r.review, r.entitlement_id, r.kind, r.access, r.principal_id, r.principal, r.role,
       r.scope, r.scope_words, r.privileged, r.jobs, r.reviewer, d.decision, d.reason, d.decided_by, d.decided_on,
       d.imported_at,
       coalesce((r.review, lower(d.decided_by), lower(r.principal_id)) in (
           select review, lower(reviewer), lower(principal_id) from history.review_subjects), false)
       or coalesce(lower(d.decided_by) in (lower(r.principal_id), lower(r.principal)), false)
       or case when not exists (from coverage where kind in ('principals', 'group_members') and outcome = 'gap')
               then false end as own_access
from history.review_rows r left join history.review_decisions d using (review, entitlement_id)
order by r.review, r.entitlement_id
"""

# Whether this run could see that something is gone: the list in which it would stand was read whole. The members of a
# group inside another are read with that one. A group that was not asked about holds nothing, as far as all the lists
# tell that say who is asked about.
_SEEN = """
create or replace temp table outcome_seen as
with decided as (
    select distinct entitlement_id, kind, scope, lower(scope) as scope_key,
           lower(regexp_extract(scope, '(?i)^/subscriptions/([^/]+)', 1)) as subscription,
           case kind when 'role' then 'role_assignments' when 'eligible_role' then 'role_eligibility'
                     when 'membership' then 'group_members' when 'eligible_membership' then 'group_eligibility'
                     when 'shared_access_policy' then 'event_sources' when 'vault_access_policy' then 'key_vaults'
                     else 'registries' end as evidence
    from review_decisions where decision in ('revoke', 'change')
),
around as (
    select lower(group_id) as scope_key, lower(root_group_id) as root_key from group_edges
    union select lower(member_id), lower(root_group_id) from group_edges
),
read_with as (
    select entitlement_id, kind, subscription, evidence, scope_key from decided
    union
    select d.entitlement_id, d.kind, d.subscription, d.evidence, around.root_key
    from decided d join around using (scope_key) where d.kind = 'membership'
),
units as (
    select d.entitlement_id, c.outcome
    from read_with d join coverage c on c.kind = d.evidence and c.place is null
        and (c.scope = '/'
             or d.kind in ('role', 'eligible_role')
                and (d.subscription = '' or lower(split_part(c.scope, '/', 3)) = d.subscription)
             or d.kind in ('membership', 'eligible_membership') and ends_with(lower(c.scope), '/' || d.scope_key)
             or starts_with(d.scope_key || '/', lower(rtrim(c.scope, '/')) || '/') and c.scope <> '/'
                and d.kind in ('shared_access_policy', 'vault_access_policy', 'registry_admin'))
),
holds as (
    select bool_and(outcome = 'collected') as whole from coverage where list_contains($holding::VARCHAR[], kind)
)
select d.entitlement_id, coalesce(bool_and(u.outcome = 'collected'), false) as seen,
       d.kind in ('membership', 'eligible_membership') and count(u.outcome) = 0 and any_value(h.whole) as group_idle
from decided d left join units u using (entitlement_id) cross join holds h
group by d.entitlement_id, d.kind
"""

_GONE = """
create or replace temp table outcome_deletions as
select lower(rtrim(resource_id, '/')) as via_key, max(event_time) as "at", arg_max_null(caller, event_time) as caller
from activity_log
where lower(operation) like '%/delete' and lower(status) in ('succeeded', 'success') and resource_id is not null
group by all
"""

_OUTCOMES = f"""
create or replace table review_outcomes as
with decided as (
    select d.*, r.via_ids, r.condition, r.expires
    from review_decisions d join history.review_rows r using (review, entitlement_id)
    where d.decision in ('revoke', 'change')
),
there as (
    select entitlement_id, list(distinct lower(via_id)) as via_keys,
           case when bool_or(condition is null) then null else min(condition) end as condition,
           case when bool_or(expires is null) then null else max(expires) end as expires,
           max(given_on) as given_on, min(raw_ref) as raw_ref, max(observed_at) as observed_at
    from given_entitlements group by all
),
deleted as (
    select d.review, d.entitlement_id, max(x."at") as "at", arg_max_null(x.caller, x."at") as caller
    from (select review, entitlement_id, lower(unnest(via_ids::VARCHAR[])) as via_key from decided) d
    join outcome_deletions x using (via_key) group by all
),
proven as (
    select review, entitlement_id, arg_min_null("at", run_started) as "at", arg_min_null("by", run_started) as "by",
           min(run_started) as run_started
    from history.review_proofs where state = 'done' group by all
),
judged as (
    select d.*, d.decided_on + $days::INTEGER as due, there.entitlement_id is not null as present,
           there.raw_ref as seen_ref, there.given_on, s.seen, s.group_idle,
           deleted."at" as deleted_at, coalesce(n.display_name, deleted.caller) as deleted_by,
           p.run_started as proven_on, p."at" as proven_at, p."by" as proven_by,
           len(list_filter(there.via_keys, lambda v: not list_contains(
               list_transform(d.via_ids::VARCHAR[], lambda w: lower(w)), v))) > 0 as anew,
           concat_ws(' and ',
               case when there.condition is distinct from d.condition then 'its condition' end,
               case when there.expires is distinct from d.expires then 'its end' end) as altered
    from decided d
    left join there using (entitlement_id)
    left join outcome_seen s using (entitlement_id)
    left join deleted on deleted.review = d.review and deleted.entitlement_id = d.entitlement_id
    left join proven p on p.review = d.review and p.entitlement_id = d.entitlement_id
    left join principals n on lower(deleted.caller) in (lower(n.principal_id), lower(n.user_principal_name))
),
told as (
    select *, case when not present and (seen or group_idle) then 'done'
                   when not present then 'unknown'
                   when decision = 'change' and altered <> '' then 'done'
                   when anew or proven_on is not null or deleted_at > imported_at then 're-granted'
                   when $now::TIMESTAMPTZ::DATE > due then 'overdue' else 'open' end as state
    from judged
)
select {row_id("review_outcomes", "review", "entitlement_id")} as row_id, $now::TIMESTAMPTZ as observed_at,
       seen_ref as raw_ref, review, entitlement_id, kind, access, principal_id, principal, role, scope, scope_words,
       privileged, jobs, decision, reason, decided_by, decided_on, imported_at, due, state,
       case state when 'done' then coalesce(proven_at, deleted_at) when 're-granted' then given_on end as "at",
       case when state = 'done' then coalesce(proven_by, deleted_by) end as "by",
       case state
           when 'done' then case
               when decision = 'change' and present then 'changed: ' || altered
               when group_idle and not seen then 'its group gives no access to any job any more'
               when deleted_at is not null then 'deleted at ' || {utc("deleted_at")} || ', as the Activity Log tells'
               when proven_on is not null then 'found gone by the collection of ' || {utc("proven_on")}
               else 'found gone by this collection; no deletion of it stands in the window of the Activity Log' end
           when 'unknown' then 'the list in which it would stand was not read whole'
           when 're-granted' then case
               when proven_on is not null
                   then 'it was gone in the collection of ' || {utc("proven_on")} || ' and is there again'
               when anew then 'it was given anew since the review'
               else 'it was deleted at ' || {utc("deleted_at")} || ' and is there again' end
           when 'overdue' then 'it should have been done by ' || due
           else 'it has to be done by ' || due end as detail
from told
order by review, entitlement_id
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create the tables. ``state``: ``done`` ``open`` ``overdue`` ``re-granted`` ``unknown`` (a gap hides it).

    The moment judged against is the run's end, so that a run says the same for ever. What an entitlement gives changes
    with the jobs that are there: a ``change`` is done when its condition or its end is another, or it is gone.
    """
    earlier.create(con)
    con.execute(_REVIEWS)
    con.execute(_DECISIONS)
    con.execute(_SEEN, {"holding": [*groups.AFTER, "group_members", "group_eligibility"]})
    con.execute(_GONE)
    con.execute(_OUTCOMES, {"days": run.review.days_to_revoke, "now": run.finished or run.started})
    con.execute("drop table outcome_seen")
    con.execute("drop table outcome_deletions")
