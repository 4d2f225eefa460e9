"""When the system logs of an environment prove what a job executed: strictly, or not at all.

The query over the whole stretch was read to its end; the environment sent its logs to that workspace throughout (as it
is set up now, and the Activity Log, known since then without a hole, shows no write to it or to its diagnostic
settings); the workspace keeps that far back; and every execution of the stretch that Azure itself still lists is told
by the logs too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from audit.derive.execution_history import SOLE
from audit.derive.intervals import Stretch, joined

if TYPE_CHECKING:
    import duckdb

SYSTEM_LOGS = "ContainerAppSystemLogs"
"""The category of diagnostic settings that carries them; ``allLogs`` is the group that contains it."""

# Each job's workspace: the environment's own, or those of its diagnostic settings that carry system logs.
_SENT = f"""
with homes as (
    select lower(rtrim(e.environment_id, '/')) as environment_key, lower(e.workspace_id) as workspace
    from environments e where lower(e.log_destination) = 'log-analytics' and e.workspace_id is not null
    union
    select lower(rtrim(e.environment_id, '/')), lower(w.customer_id)
    from environments e
    join diagnostic_settings d on lower(rtrim(d.resource_id, '/')) = lower(rtrim(e.environment_id, '/'))
    join workspaces w on lower(w.workspace_id) = lower(d.workspace_id)
    where lower(e.log_destination) = 'azure-monitor' and len(list_filter(
        from_json(d.logs, '[{{"category": "VARCHAR", "categoryGroup": "VARCHAR", "enabled": "BOOLEAN"}}]'),
        lambda log: log.enabled and (log.category = '{SYSTEM_LOGS}' or lower(log.categoryGroup) = 'alllogs'))) > 0
)
select lower(j.job_id) as job_key, homes.environment_key, homes.workspace,
       max(w.retention_days) as retention_days, max(w.daily_quota_gb) as quota,
       j.job_id not in (select job_id from ({SOLE})) as shares_name
from jobs j
join homes on homes.environment_key = lower(rtrim(j.environment_id, '/'))
left join workspaces w on lower(w.customer_id) = homes.workspace
where j.in_scope
group by all order by all
"""

_UNITS = """
select lower(regexp_extract(scope, '/workspaces/([^/]+)', 1)) as workspace, lower(ids::VARCHAR) as ids,
       covered_from, covered_to, finished, '' as run_id
from extents where kind = 'execution_logs' and covered_from is not null
union all
select lower(regexp_extract(scope, '/workspaces/([^/]+)', 1)), lower(ids::VARCHAR), covered_from, covered_to,
       finished, run_id
from history.units where kind = 'execution_logs' and covered_from is not null
order by all
"""

# A write to the environment may have changed where its logs go; one to its diagnostic settings too.
_WRITES = """
select environment_key, max(event_time) from (
    select regexp_extract(lower(resource_id), '^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/'
               || 'microsoft[.]app/managedenvironments/[^/]+)', 1) as environment_key, event_time
    from (select resource_id, event_time, operation from activity_log
          union all select resource_id, event_time, operation from history.activity_log)
    where lower(operation) in ('microsoft.app/managedenvironments/write', 'microsoft.app/managedenvironments/delete',
                               'microsoft.insights/diagnosticsettings/write',
                               'microsoft.insights/diagnosticsettings/delete')
) where environment_key <> '' group by all
"""

_LISTED = """
select lower(job_id), started, lower(name) from executions where started is not null
union select lower(job_id), started, lower(name) from history.executions where started is not null
"""

_TOLD = """
select distinct lower(j.job_id) || ' ' || lower(l.execution_name)
from (select environment_id, job_name, execution_name from execution_logs
      union select environment_id, job_name, execution_name from history.execution_logs) as l
join jobs j on lower(j.name) = lower(l.job_name)
    and lower(rtrim(j.environment_id, '/')) = lower(rtrim(l.environment_id, '/'))
where l.execution_name is not null
"""


class Proof(NamedTuple):
    """What the logs prove of one job, and what keeps them from proving more."""

    stretches: list[Stretch]
    doubts: list[str]


class _Sent(NamedTuple):
    job: str
    environment: str
    workspace: str
    retention: int | None
    quota: float | None
    shares_name: bool


class _Read(NamedTuple):
    """One reading of a workspace's logs. ``environments``: the ids it asked about, lower case; empty = all."""

    environments: frozenset[str]
    since: datetime
    until: datetime
    finished: datetime
    run_id: str


def of_jobs(con: duckdb.DuckDBPyConnection, known_log: Mapping[str, Sequence[Stretch]]) -> dict[str, Proof]:
    """Return, by lower-case job id, what the logs prove of the jobs whose environment sends them to a workspace.

    ``known_log``: by lower-case subscription id, over which stretches the Activity Log is known.
    """
    reads = defaultdict(list)
    for workspace, ids, *rest in con.execute(_UNITS).fetchall():
        reads[workspace].append(_Read(_environments(ids), *rest))
    listed = defaultdict(list)
    for job, started, name in con.execute(_LISTED).fetchall():
        listed[job].append((started, name))
    told = {name for (name,) in con.execute(_TOLD).fetchall()}
    writes = dict(con.execute(_WRITES).fetchall())
    proofs: dict[str, Proof] = {}
    for sent in (_Sent(*row) for row in con.execute(_SENT).fetchall()):
        proof = proofs.setdefault(sent.job, Proof([], []))
        steady = _steady(known_log.get(sent.environment.split("/")[2], ()), writes.get(sent.environment))
        if doubt := _doubt(sent, reads[sent.workspace], steady):
            proof.doubts.append(doubt)
        elif steady is not None:
            for read in reads[sent.workspace]:
                _weigh(proof, sent, read, steady, _Names(listed[sent.job], told))
    return proofs


def _environments(ids: str | None) -> frozenset[str]:
    """Return the environments among a unit's ids, each of which may be followed by ``=`` and its domain's label."""
    given = msgspec.json.decode(ids, type=list[str]) if ids else []
    return frozenset(each.partition("=")[0].rstrip("/") for each in given if "/managedenvironments/" in each)


def _doubt(sent: _Sent, reads: Sequence[_Read], steady: datetime | None) -> str:
    """Return why the logs prove nothing at all; empty where they may."""
    if not any(not read.environments or sent.environment in read.environments for read in reads):
        return f"the logs in workspace {sent.workspace} were not read"
    if sent.shares_name:
        return "another job of its name logs to the same environment, so the logs don't tell whose a line is"
    if sent.retention is None:
        return f"how long workspace {sent.workspace} keeps its logs is not known"
    if steady is None:
        return "the Activity Log doesn't show that the environment's logs went there throughout"
    return ""


class _Names(NamedTuple):
    listed: list[tuple[datetime, str]]
    told: set[str]


def _weigh(proof: Proof, sent: _Sent, read: _Read, steady: datetime, names: _Names) -> None:
    """Add to a job's proof what one reading of its workspace shows, or what speaks against it."""
    if read.environments and sent.environment not in read.environments:
        return
    begin = max(read.since, steady, read.finished - timedelta(days=sent.retention or 0))
    lacking = [name for at, name in names.listed if begin <= at < read.until and f"{sent.job} {name}" not in names.told]
    if begin >= read.until:
        proof.doubts.append(f"workspace {sent.workspace} doesn't reach back that far ({sent.retention} days)")
    elif lacking:
        proof.doubts.append(f"the logs lack {len(lacking)} executions that Azure lists, such as {min(lacking)}")
    else:
        words = f"the logs in workspace {sent.workspace}" + (f" (run {read.run_id})" if read.run_id else "")
        if sent.quota is not None and sent.quota >= 0:
            words += f", which takes in {sent.quota:g} GB a day at most"
        proof.stretches.append(Stretch(begin, read.until, (words,)))


def _steady(known: Sequence[Stretch], written: datetime | None) -> datetime | None:
    """Return since when the Activity Log, known up to now without a hole, shows no change of where logs go."""
    stretches = joined(known)
    if not stretches:
        return None
    newest = stretches[-1]
    return max(newest.since, written) if written is not None else newest.since
