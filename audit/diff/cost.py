"""Cost: what each job cost in the window, by basis and currency; never one basis held against another.

Windows of different length are compared by the day. A figure that a gap makes too small is ``unknown``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import found
from audit.store.tables import literal

if TYPE_CHECKING:
    import duckdb

    from audit.diff.side import Side

_TOTALS = """
with a as (select *, lower(job_id) as job_key from old.cost_totals),
b as (select *, lower(job_id) as job_key from new.cost_totals),
pairs as (
    select coalesce(b.job_id, a.job_id) as job_id, job_key, basis, currency, a.amount as was, b.amount as is_now,
           a.final as old_final, b.final as new_final, a.raw_ref as old_ref, b.raw_ref as new_ref,
           a.job_key is null as fresh, b.job_key is null as gone
    from a full join b using (job_key, basis, currency)
),
lacks as (
    select side, lower(job_id) as job_key, if(kind = 'executions', 'estimate', 'any') as basis,
           min({'side': side, 'kind': kind, 'scope': scope, 'reason': reason, 'detail': detail,
                'raw_ref': raw_ref}) as because
    from (select 'old' as side, job_id, kind, scope, reason, detail, raw_ref from old.job_gaps
          union all
          select 'new', job_id, kind, scope, reason, detail, raw_ref from new.job_gaps)
    where kind in ('costs', 'executions', 'log_volumes') group by all
),
told as (
    select p.*, f.fate, f.words as fate_words, f.because as fate_because,
           (select min(because) from lacks l where l.job_key = p.job_key
            and (l.basis = 'any' or l.basis = p.basis)) as lack
    from pairs p left join job_fates_seen f using (job_key)
),
figures as (
    select *, if($by_day, (was / $old_days)::DECIMAL(38, 6), was::DECIMAL(38, 6)) as before,
           if($by_day, (is_now / $new_days)::DECIMAL(38, 6), is_now::DECIMAL(38, 6)) as after,
           case when fate = 'unknown' and (fresh or gone) then fate_because else lack end as because
    from told
)
select 'cost' as area, 'cost_totals' as table_name, [job_id, basis, currency] as key, job_id,
       if($by_day, 'amount_a_day', 'amount') as property,
       case when because is not null then 'unknown' when fresh then 'added' when gone then 'removed'
            else 'changed' end as kind,
       before::VARCHAR as before, after::VARCHAR as after, because,
       nullif(concat_ws('; ', case when fresh or gone then fate_words end,
           case when basis = 'estimate' then 'an estimate'
                when not coalesce(old_final, true) and not coalesce(new_final, true) then 'neither is final'
                when not coalesce(old_final, true) then 'the old figure is not final'
                when not coalesce(new_final, true) then 'the new figure is not final' end, $windows), '') as note,
       old_ref, new_ref, 'costs' as evidence, case when (fresh or gone) and because is null then job_id end as anchor
from figures
where before is distinct from after or fresh or gone
"""


def find(con: duckdb.DuckDBPyConnection, old: Side, new: Side) -> None:
    """Add what jobs cost more or less; needs ``job_fates_seen``."""
    by_day = old.days != new.days
    windows = None
    if by_day:
        windows = f"by the day: the windows have {old.days} and {new.days} days"
    elif old.run.window != new.run.window:
        windows = f"the windows differ: {old.run.window.label} and {new.run.window.label}"
    given = {"by_day": by_day, "old_days": old.days, "new_days": new.days}
    found.add(con, _TOTALS.replace("$windows", literal(windows) if windows else "null"), **given)
