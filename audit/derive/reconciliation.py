"""``reconciliation``: whether the sources agree, per subscription, on the jobs and subscriptions there are.

The jobs list of ARM is held against Resource Graph, ARM's general resources list and the Activity Log; the
subscriptions that were read against those the owner expects. A difference that nothing explains becomes a gap in
``coverage``, because lists leave out, without a word, what their reader may not see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive import differences
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

KIND = "reconciliation"
"""The kind under which coverage lists an unexplained difference."""

_TABLE = """
create or replace table reconciliation (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, subscription_id VARCHAR,
    source_a VARCHAR, count_a BIGINT, source_b VARCHAR, count_b BIGINT, difference BIGINT, explained BOOLEAN,
    explanation VARCHAR, only_a JSON, only_b JSON
)
"""

# count_a and count_b are null where the source has a gap: a part would pass for the whole.
_COMPARE = f"""
insert into reconciliation by name
with sides as (
    select source, subscription_key, count(*) as jobs, min(raw_ref) as raw_ref, min(observed_at) as observed_at
    from known_jobs group by all
),
found as (
    select source_b, subscription_key, count(*) as differing, bool_and(explanation is not null) as explained,
           string_agg(job_id || ': ' || coalesce(explanation,
               case side when 'a' then 'only in the jobs list of ARM' else 'missing from the jobs list of ARM' end
               || ', unexplained'), '; ' order by job_key) as told,
           string_agg(job_id, ', ' order by job_key) filter (where explanation is null) as unexplained,
           to_json(coalesce(list(job_id order by job_key) filter (where side = 'a'), [])) as only_a,
           to_json(coalesce(list(job_id order by job_key) filter (where side = 'b'), [])) as only_b,
           bool_or(side = 'b' and explanation is null) as hidden
    from job_differences group by all
)
select {row_id("reconciliation", "here.subscription_id", "'arm_jobs'", "pair.source_b")} as row_id,
       coalesce(a.observed_at, b.observed_at, here.observed_at) as observed_at,
       coalesce(a.raw_ref, b.raw_ref, here.raw_ref) as raw_ref,
       here.subscription_id, 'arm_jobs' as source_a, pair.source_b,
       case when ours.gap is null then coalesce(a.jobs, 0) end as count_a,
       case when theirs.gap is null then coalesce(b.jobs, 0) end as count_b,
       case when ours.gap is null and theirs.gap is null then coalesce(found.differing, 0) end as difference,
       ours.gap is null and theirs.gap is null and coalesce(found.explained, true) as explained,
       concat_ws('. ',
           case when ours.gap is not null then 'Not comparable: the jobs list of ARM is ' || ours.gap end,
           case when theirs.gap is not null then 'Not comparable: ' || pair.words || ' is ' || theirs.gap end,
           coalesce(found.told, case when ours.gap is null and theirs.gap is null then pair.agreement end)
       ) as explanation,
       coalesce(found.only_a, '[]') as only_a, coalesce(found.only_b, '[]') as only_b
from read_subscriptions as here
cross join (values
    ('resource_graph', 'Resource Graph''s answer', 'Both list the same jobs'),
    ('arm_resources', 'ARM''s resources list', 'Both list the same tagged jobs'),
    ('activity_log', 'the Activity Log', 'Every job that the Activity Log names in the window is listed')
) as pair (source_b, words, agreement)
join source_states as ours on ours.subscription_key = here.subscription_key and ours.source = 'arm_jobs'
join source_states as theirs on theirs.subscription_key = here.subscription_key and theirs.source = pair.source_b
left join sides as a on a.subscription_key = here.subscription_key
    and a.source = case when pair.source_b = 'arm_resources' then 'arm_jobs_tagged' else 'arm_jobs' end
left join sides as b on b.subscription_key = here.subscription_key and b.source = pair.source_b
left join found on found.subscription_key = here.subscription_key and found.source_b = pair.source_b
order by here.subscription_key, pair.source_b
"""

_EXPECTED = f"""
insert into reconciliation by name
with wanted as (
    select lower(id) as subscription_key, min(id) as id from unnest($expected::VARCHAR[]) as t(id) group by all
),
visible as (
    select lower(subscription_id) as subscription_key, min(subscription_id) as subscription_id,
           min(observed_at) as observed_at, min(raw_ref) as raw_ref
    from subscriptions group by all
),
told as (
    select observed_at, raw_ref, outcome from coverage where kind = 'subscriptions' order by row_id limit 1
),
paired as (
    select coalesce(wanted.id, visible.subscription_id) as subscription_id, wanted.id is not null as expected,
           visible.subscription_id is not null as visible, here.subscription_key is not null as read,
           states.gap as jobs_gap, (select outcome = 'gap' from told) and visible.subscription_id is null as untold,
           coalesce(visible.observed_at, (select observed_at from told)) as observed_at,
           coalesce(visible.raw_ref, (select raw_ref from told)) as raw_ref
    from wanted
    full join visible on visible.subscription_key = wanted.subscription_key
    left join source_states as states
        on states.source = 'arm_jobs'
        and states.subscription_key = coalesce(wanted.subscription_key, visible.subscription_key)
    left join read_subscriptions as here
        on here.subscription_key = coalesce(wanted.subscription_key, visible.subscription_key)
    where wanted.id is not null or here.subscription_key is not null
)
select {row_id("reconciliation", "subscription_id", "'expected_subscriptions'", "'subscriptions'")} as row_id,
       observed_at, raw_ref, subscription_id, 'expected_subscriptions' as source_a, expected::BIGINT as count_a,
       'subscriptions' as source_b, case when not untold then (visible and read)::BIGINT end as count_b,
       case when not untold then (expected <> (visible and read))::BIGINT end as difference,
       not untold and (not expected or (visible and read)) as explained,
       case when untold then 'Not comparable: the list of subscriptions is a gap'
            when not expected then 'Read, but not among the subscriptions that the owner expects'
            when not visible then 'Expected by the owner, but the caller can''t see it'
            when not read then 'Expected by the owner and visible, but outside the configured scope: not read'
            when jobs_gap is not null then 'Expected by the owner, and visible; the jobs list of ARM is ' || jobs_gap
            else 'Expected by the owner, and read' end as explanation,
       '[]' as only_a, '[]' as only_b
from paired
where len($expected::VARCHAR[]) > 0
order by lower(subscription_id)
"""

# A difference beside a source that is itself a gap adds no second gap: coverage names that one already.
_GAPS = f"""
insert into coverage by name
select {row_id("coverage", f"'{KIND}'", "subscription_id", "source_a", "source_b")} as row_id, observed_at, raw_ref,
       '{KIND}' as kind, '/subscriptions/' || subscription_id as scope, 'gap' as outcome,
       case when only_b <> '[]' or source_a = 'expected_subscriptions' then 'partial_visibility'
            else 'unavailable' end as reason,
       source_a || ' and ' || source_b || ' differ: ' || explanation as detail, 0 as pages, 0 as "rows",
       0 as requests, observed_at as started, observed_at as finished
from reconciliation
where not explained and difference is not null
order by lower(subscription_id), source_a, source_b
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``reconciliation`` and list unexplained differences in ``coverage``; needs ``job_fates``."""
    con.execute(f"delete from coverage where kind = '{KIND}'")
    con.execute(_TABLE)
    differences.create(con, run)
    con.execute(_COMPARE)
    con.execute(_EXPECTED, {"expected": list(run.expected_subscriptions)})
    con.execute(_GAPS)
    differences.drop(con)
