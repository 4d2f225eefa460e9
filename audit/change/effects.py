"""``change_effects``: a job's executions and cost before and after the change, over stretches of the same length.

The stretch after begins when the change had ended and lasts to the end of the run's window; the one before is as long
and ends when the change began, as far as the window reaches back. What lies between the first write and the end of the
last is told apart. Of cost, whole days count only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.changes.words import SILENT
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_STRETCHES = """
create or replace temp table change_stretches as
with made as (
    select lower(c.job_id) as job_key, min(c."at") as first_at, max(coalesce(c.ended_at, c."at")) as last_at
    from changes c, change_request q
    where c.relation <> 'scope' and c.kind not in (select unnest($silent::VARCHAR[]))
      and c."at" >= q.since and c."at" < q.until
    group by all
),
moments as (
    select j.job_id, lower(j.job_id) as job_key, coalesce(m.first_at, q.until) as began,
           coalesce(m.last_at, q.until) as ended, m.first_at is not null as known
    from change_jobs j cross join change_request q left join made m on m.job_key = lower(j.job_id)
    where not q.proposal
),
lengths as (
    select *, greatest(least($until::TIMESTAMPTZ - ended, began - $since::TIMESTAMPTZ), interval 0 seconds) as length
    from moments
)
select job_id, job_key, 'before' as phase, 1 as place, began - length as since, began as until from lengths
union all
select job_id, job_key, 'during', 2, began, ended from lengths where known and ended > began
union all
select job_id, job_key, 'after', 3, ended, ended + length from lengths where known
union all
select j.job_id, lower(j.job_id), 'recent', 0, $since::TIMESTAMPTZ, $until::TIMESTAMPTZ
from change_jobs j cross join change_request q where q.proposal
"""

_CREATE = f"""
create or replace table change_effects as
with ran as (
    select s.job_key, s.phase, count(h.execution_id) as executions,
           count(*) filter (where h.status = 'Succeeded') as succeeded,
           count(*) filter (where h.status in ('Failed', 'Degraded')) as failed,
           count(h.execution_id) filter (where h.status is null) as unknown,
           quantile_cont(h.duration_s, 0.5) as p50_s, quantile_cont(h.duration_s, 0.95) as p95_s
    from change_stretches s
    left join execution_history h on lower(h.job_id) = s.job_key and h.started >= s.since and h.started < s.until
    group by all
),
paid as (
    select s.job_key, s.phase, c.basis, c.currency, sum(c.amount) as amount, bool_and(c.final) as final,
           min(c.raw_ref) as raw_ref
    from change_stretches s
    join (select job_id, basis, currency from cost_totals where told) t on lower(t.job_id) = s.job_key
    join job_costs c on lower(c.job_id) = s.job_key and c.basis = t.basis and c.currency is not distinct from t.currency
        and c.day >= (s.since + interval 1 day - interval 1 microsecond)::DATE and c.day < s.until::DATE
    group by all
),
unsure as (
    select s.job_key, s.phase, string_agg(distinct g.why, '; ' order by g.why) as because
    from change_stretches s join (
        select lower(job_id) as job_key, null::TIMESTAMPTZ as gone_from, null::TIMESTAMPTZ as gone_to,
               'executions: ' || reason as why
        from job_gaps where kind = 'executions'
        union all
        select lower(rtrim(scope, '/')), "from", "to", 'executions: ' || coalesce(detail, 'a hole in what is known')
        from continuity where kind = 'executions' and state = 'hole'
    ) g on g.job_key = s.job_key and (g.gone_from is null or g.gone_from < s.until and g.gone_to > s.since)
    group by all
)
select {row_id("change_effects", "s.job_id", "s.phase")} as row_id, $observed::TIMESTAMPTZ as observed_at,
       coalesce(p.raw_ref, 'run.json') as raw_ref, s.job_id, s.phase, s.place, s.since, s.until,
       date_diff('second', s.since, s.until) / 86400.0 as days, r.executions, r.succeeded, r.failed, r.unknown,
       r.p50_s, r.p95_s, p.basis, p.currency, p.amount,
       greatest(0, date_diff('day', (s.since + interval 1 day - interval 1 microsecond)::DATE, s.until::DATE))
           as cost_days,
       p.final, u.because
from change_stretches s
join ran r using (job_key, phase)
left join paid p using (job_key, phase)
left join unsure u using (job_key, phase)
order by lower(s.job_id), s.place
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create the table: ``before``, ``during`` and ``after``; of a proposal ``recent``, the run's whole window."""
    window = {"since": run.window.since, "until": run.window.until}
    con.execute(_STRETCHES, window | {"silent": list(SILENT)})
    con.execute(_CREATE, {"observed": run.finished or run.started})
    con.execute("drop table change_stretches")
