"""How the jobs did: every execution that is known, and each job's month in one row."""

from __future__ import annotations

from audit.render.workbook.sheet import Column, Kind, Sheet
from audit.render.workbook.sheets.jobs import JOB, JOB_NAME

EXECUTIONS = Sheet(
    title="Executions",
    note="Every execution in the period that is known: from Azure's list of the latest hundred, from the logs, and "
    "from earlier runs. Where a hole is left, the sheet Continuity names it.",
    query=f"select *, {JOB_NAME} from execution_history",
    order="started desc nulls last, lower(job_id), execution_id, row_id",
    tables=("execution_history",),
    kinds=("executions", "execution_logs"),
    columns=(
        JOB,
        Column("started", "Began (UTC)", 20, Kind.DATETIME),
        Column("ended", "Ended (UTC)", 20, Kind.DATETIME, "Empty: it had not ended when it was read."),
        Column("duration_s", "Took (s)", 10, Kind.NUMBER),
        Column("status", "Status", 12),
        Column("exit_codes", "Exit codes", 12, note="Of its containers, over all replicas. Empty: not told."),
        Column("replica_count", "Replicas", 9, Kind.INT, "More than the job's parallelism means retries."),
        Column("cpu", "CPU (cores)", 9, Kind.NUMBER, "Requested by one replica."),
        Column("memory_gib", "Memory (GiB)", 9, Kind.NUMBER, "Requested by one replica."),
        Column("images", "Images", 50, Kind.CODE),
        Column("source", "Known from", 14, note="azure, log_analytics or history (an earlier run)."),
        Column("first_seen_run", "First seen by run", 28, Kind.CODE),
        Column("name", "Execution", 34, Kind.CODE),
        Column("execution_id", "Execution id", 60, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
    frozen=1,
)

HEALTH = Sheet(
    title="Health",
    note="Each job's period in one row: how often it ran, how that ended, how long it took against its timeout, and "
    "what it cost. Empty cells are not known; where executions were not read, the gaps say so.",
    query="""
        with ran as (
            select lower(job_id) as job_key, count(*) as executions, max(started) as last_started,
                   count(*) filter (lower(status) = 'succeeded') as succeeded,
                   count(*) filter (lower(status) in ('failed', 'degraded')) as failed,
                   count(*) filter (lower(status) = 'stopped') as stopped,
                   quantile_cont(duration_s, 0.5) as p50, quantile_cont(duration_s, 0.95) as p95,
                   max(duration_s) as longest
            from execution_history group by all),
        lacking as (
            select lower(job_id) as job_key, string_agg(distinct kind, ', ' order by kind) as unread from job_gaps
            where kind in ('executions', 'execution_logs', 'metrics', 'costs') group by all),
        signs as (
            select lower(job_id) as job_key, max(value) filter (signal = 'running_share') as running,
                   max(value) filter (signal = 'near_timeout_share') as near_timeout,
                   max(value) filter (signal = 'idle_share') as idle
            from fit group by all),
        summed as (
            select lower(job_id) as job_key, basis, currency, sum(amount) as amount from job_costs group by all),
        spent as (
            select * from summed
            qualify row_number() over (partition by job_key
                order by list_position(['actual', 'amortised', 'estimate'], basis), amount desc, currency) = 1)
        select p.row_id, p.observed_at, p.raw_ref, p.job_id, p.name as job, coalesce(r.executions, 0) as executions,
               r.* exclude (job_key, executions), j.replica_timeout_s, r.p95 / nullif(j.replica_timeout_s, 0) as share,
               s.* exclude (job_key), c.amount, c.currency, c.basis, l.unread
        from population p
        left join jobs j on lower(j.job_id) = lower(p.job_id)
        left join ran r on r.job_key = lower(p.job_id)
        left join signs s on s.job_key = lower(p.job_id)
        left join spent c on c.job_key = lower(p.job_id)
        left join lacking l on l.job_key = lower(p.job_id)
        where p.state = 'present'
    """,
    order="failed desc nulls last, lower(job), lower(job_id), row_id",
    tables=("execution_history", "population", "jobs", "fit", "job_costs", "job_gaps"),
    kinds=("executions",),
    columns=(
        JOB,
        Column("executions", "Executions", 11, Kind.INT, "Known in the period."),
        Column("succeeded", "Succeeded", 11, Kind.INT),
        Column("failed", "Failed", 8, Kind.INT),
        Column("stopped", "Stopped", 9, Kind.INT),
        Column("last_started", "Last began (UTC)", 20, Kind.DATETIME),
        Column("p50", "Half took less (s)", 11, Kind.NUMBER),
        Column("p95", "19 of 20 took less (s)", 12, Kind.NUMBER),
        Column("longest", "Longest (s)", 11, Kind.NUMBER),
        Column("replica_timeout_s", "Timeout (s)", 11, Kind.INT),
        Column("share", "p95 of timeout", 11, Kind.PERCENT, "Near 100 %: executions are stopped by the timeout."),
        Column("running", "Time running", 11, Kind.PERCENT, "Part of the period in which it ran at all."),
        Column("near_timeout", "Near timeout", 11, Kind.PERCENT, "Executions that took 90 % of the timeout or more."),
        Column("idle", "Idle", 9, Kind.PERCENT, "Successful executions that found nothing to do."),
        Column("amount", "Cost", 12, Kind.MONEY, "In the period."),
        Column("currency", "Currency", 10),
        Column("basis", "Basis", 11, note="actual, amortised, or estimate."),
        Column("unread", "Not read", 24, Kind.LONG, "Evidence that is missing for the job: figures may be too low."),
        Column("job_id", "Job id", 60, Kind.CODE),
    ),
    anchors={"job": "lower(job_id)"},
    frozen=1,
)
