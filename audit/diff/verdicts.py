"""Verdicts: what a control said of a subject before and after, and which subjects came and went.

A verdict that evidence was lacking for, on one side, is ``unknown``. Beside a verdict stands whether its control or a
baseline in force for its job is another one: then the estate may be as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import found

if TYPE_CHECKING:
    import duckdb

# The row's id is made of control, job and subject, whatever their casing.
_DIFFERING = """
create or replace temp table verdict_pairs as
with a as (select row_id, control_id, job_id, subject, verdict, waived, waiver_id, reason, raw_ref from old.verdicts),
b as (select row_id, control_id, job_id, subject, verdict, waived, waiver_id, reason, raw_ref from new.verdicts)
select coalesce(b.control_id, a.control_id) as control_id, coalesce(b.job_id, a.job_id) as job_id,
       lower(coalesce(b.job_id, a.job_id, '')) as job_key, coalesce(b.subject, a.subject) as subject,
       a.verdict as was, b.verdict as is_now, a.waived as was_waived, b.waived as is_waived,
       a.waiver_id as old_waiver, b.waiver_id as new_waiver, a.reason as old_reason, b.reason as new_reason,
       a.raw_ref as old_ref, b.raw_ref as new_ref
from a full join b using (row_id)
where a.verdict is distinct from b.verdict or a.waived is distinct from b.waived
"""

_BASELINES = """
create or replace temp table verdict_baselines as
with asked as (select distinct control_id, job_key from verdict_pairs),
names as (
    select control_id, name from old.parameters union select control_id, name from new.parameters
),
in_force as (
    select a.control_id, a.job_key, n.name, coalesce(oj.value, og.value)::VARCHAR as before,
           coalesce(nj.value, ng.value)::VARCHAR as after
    from asked a join names n using (control_id)
    left join old.parameters og on og.control_id = n.control_id and og.name = n.name and og.job_id is null
    left join old.parameters oj
        on oj.control_id = n.control_id and oj.name = n.name and lower(oj.job_id) = a.job_key
    left join new.parameters ng on ng.control_id = n.control_id and ng.name = n.name and ng.job_id is null
    left join new.parameters nj
        on nj.control_id = n.control_id and nj.name = n.name and lower(nj.job_id) = a.job_key
),
rewritten as (
    select control_id from old.controls a join new.controls b using (control_id) where a.sql is distinct from b.sql
),
told as (
    select control_id, job_key, name || ' was ' || coalesce(left(before, 120), 'unset') || ' and is '
        || coalesce(left(after, 120), 'unset') as words
    from in_force where before is distinct from after
    union all
    select control_id, job_key, 'its control is written anew' from asked join rewritten using (control_id)
)
select control_id, job_key, 'the baseline changed: ' || string_agg(words, '; ' order by words) as words
from told group by all
"""

# A control that lacked evidence of a job says so once; then any of its other subjects may be missing for want of it.
_LACKED = """
create or replace temp table verdict_lacks as
select side, control_id, job_key,
       min({'side': side, 'kind': null::VARCHAR, 'scope': job_id, 'reason': 'not_assessed', 'detail': reason,
            'raw_ref': raw_ref}) as because
from (
    select 'old' as side, control_id, lower(coalesce(job_id, '')) as job_key, job_id, reason, raw_ref
    from old.verdicts where verdict = 'not_assessed'
    union all
    select 'new', control_id, lower(coalesce(job_id, '')), job_id, reason, raw_ref
    from new.verdicts where verdict = 'not_assessed'
)
where (control_id, job_key) in (select control_id, job_key from verdict_pairs where was is null or is_now is null)
group by all
"""

_TOLD = """
with told as (
    select p.*, f.fate, f.because as fate_because, f.words as fate_words, b.words as baseline,
           s.old_state, s.new_state, if(p.is_now is null, 'new', 'old') as lacking, l.because as lacks,
           p.control_id not in (select control_id from new.controls) and p.is_now is null as not_run_new,
           p.control_id not in (select control_id from old.controls) and p.was is null as not_run_old
    from verdict_pairs p
    left join job_fates_seen f using (job_key)
    left join verdict_baselines b using (control_id, job_key)
    left join sides_jobs s using (job_key)
    left join verdict_lacks l on l.control_id = p.control_id and l.job_key = p.job_key
        and l.side = if(p.is_now is null, 'new', 'old') and (p.was is null or p.is_now is null)
),
-- What was deleted before, and isn't told of any more, is no news.
judged as (
    select * from told
    where not coalesce(old_state = 'deleted' and new_state is null, false)
      and not coalesce(new_state = 'deleted' and old_state is null and fate is null, false)
),
explained as (
    select *, case
        when was is not null and is_now is not null and was is distinct from is_now
             and coalesce(fate, '') not in ('removed', 'added') then
            case when was = 'not_assessed' then {'side': 'old', 'kind': null, 'scope': job_id, 'reason': 'not_assessed',
                                                 'detail': old_reason, 'raw_ref': old_ref}
                 when is_now = 'not_assessed' then {'side': 'new', 'kind': null, 'scope': job_id,
                                                    'reason': 'not_assessed', 'detail': new_reason,
                                                    'raw_ref': new_ref} end
        when was is not null and is_now is not null then null
        when fate = 'unknown' then fate_because
        when fate in ('removed', 'added') then null
        when not_run_new or not_run_old then {'side': lacking, 'kind': null, 'scope': job_id, 'reason': 'not_run',
             'detail': 'the control was not run there', 'raw_ref': 'run.json'}
        when was = 'not_assessed' then {'side': 'old', 'kind': null, 'scope': job_id, 'reason': 'not_assessed',
             'detail': old_reason, 'raw_ref': old_ref}
        when is_now = 'not_assessed' then {'side': 'new', 'kind': null, 'scope': job_id, 'reason': 'not_assessed',
             'detail': new_reason, 'raw_ref': new_ref}
        else lacks end as because
    from judged
)
select 'verdicts' as area, 'verdicts' as table_name, [control_id, subject] as key, job_id, 'verdict' as property,
       case when because is not null then 'unknown' when was is null then 'added' when is_now is null then 'removed'
            when fate in ('removed', 'added') then fate else 'changed' end as kind,
       shown_state(was, was_waived) as before, shown_state(is_now, is_waived) as after, because,
       nullif(concat_ws('; ', case when because is null and fate is not null then fate_words end,
           case when coalesce(fate, '') not in ('removed', 'added') then baseline end), '') as note,
       old_ref, new_ref
from explained
where was is distinct from is_now
union all
select 'verdicts', 'verdicts', [control_id, subject], job_id, 'waived', 'changed',
       coalesce(if(was_waived, old_waiver, 'false'), 'true'), coalesce(if(is_waived, new_waiver, 'false'), 'true'),
       null, baseline, old_ref, new_ref
from explained
where was = is_now
"""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Add what controls say differently; needs ``job_fates_seen``."""
    con.execute(_DIFFERING)
    con.execute(_BASELINES)
    con.execute(_LACKED)
    found.add(con, _TOLD)
    for table in ("verdict_pairs", "verdict_baselines", "verdict_lacks"):
        con.execute(f"drop table {table}")
