"""How many cores a job's environment may run at once, and what others there may ask of them.

On the Consumption profile it is the environment's quota of Consumption cores. On a dedicated one it is the nodes that
the profile may grow to, as far as the environment's quota for that family of machines allows.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids

if TYPE_CHECKING:
    import duckdb

    from audit.change.loads import Load

# https://learn.microsoft.com/azure/container-apps/workload-profiles-overview: D4 is four cores, E16 sixteen.
_MACHINES = re.compile(r"(?P<family>[de])(?P<cores>\d{1,3})", re.IGNORECASE)
_QUOTAS = {
    "consumption": "ManagedEnvironmentConsumptionCores",
    "d": "ManagedEnvironmentGeneralPurposeCores",
    "e": "ManagedEnvironmentMemoryOptimizedCores",
}

_ENVIRONMENT = """
select workload_profiles::VARCHAR from {side}.environments where lower(environment_id) = lower($environment)
"""
_QUOTA = """
select quota, used from {side}.environment_quotas
where lower(environment_id) = lower($environment) and lower(name) = lower($name)
"""
_UNREAD = """
select kind, reason, detail from {side}.job_gaps
where lower(job_id) = $job and list_contains($kinds::VARCHAR[], kind) order by all limit 1
"""

# Of other event-driven jobs there; apps, and jobs that no event starts, are not among them.
_OTHERS = """
with sizes as (
    select lower(job_id) as job_key, if(count(cpu) = count(*), sum(cpu), null) as cpu
    from {side}.containers where not init group by all
)
select coalesce(sum(j.max_executions * j.parallelism * s.cpu), 0)::DOUBLE, count(*),
       count(*) filter (where j.max_executions * j.parallelism * s.cpu is null)
from {side}.jobs j left join sizes s on s.job_key = lower(j.job_id)
where j.in_scope and lower(j.environment_id) = lower($environment) and lower(j.job_id) <> $job
  and lower(coalesce(j.workload_profile, 'Consumption')) = $profile
"""


class Room(NamedTuple):
    """What may run at once where a job runs, in vCPU."""

    cores: float | None
    """Null: not known; ``words`` tell why."""
    others: float
    """What the other event-driven jobs there may ask for at most, as far as it is known."""
    words: str


def of(con: duckdb.DuckDBPyConnection, side: str, load: Load) -> Room:
    """Return the room of a job in the catalog ``side``."""
    if load.environment_id is None:
        return Room(None, 0, "the job names no environment")
    profile = (load.workload_profile or "Consumption").lower()
    machine = _machine(con, side, load.environment_id, profile)
    if machine is None:
        return Room(None, 0, _unread(con, side, load, "environments", f"the environment has no profile {profile}"))
    family, nodes, size = machine
    if family not in _QUOTAS:
        return Room(None, 0, f"which quota holds for the machines of profile {profile} isn't known: {family}")
    asked = {"environment": load.environment_id, "name": _QUOTAS[family]}
    quota = con.execute(_QUOTA.format(side=side), asked).fetchone()
    if quota is None:
        return Room(None, 0, _unread(con, side, load, "environment_quotas", f"Azure lists no quota {_QUOTAS[family]}"))
    of_profile = None if nodes is None or size is None else float(nodes * size)
    if family != "consumption" and of_profile is None:
        return Room(None, 0, f"how many nodes profile {profile} may have at most isn't set")
    cores = min(quota[0], of_profile) if of_profile is not None else quota[0]
    others, count, untold = con.execute(
        _OTHERS.format(side=side), {"environment": load.environment_id, "job": load.job_key, "profile": profile}
    ).fetchall()[0]
    held = f"of {quota[0]:,g} cores that {ids.name_of(load.environment_id)} may run ({_QUOTAS[family]}), {quota[1]:,g} "
    words = held + "were in use when it was read"
    if of_profile is not None:
        words += f"; profile {profile} may have {nodes} nodes of {size} cores"
    words += f"; {count} other event-driven jobs there may ask for {others:,g} more at most"
    words += f", not counting {untold} whose load isn't set" if untold else ""
    return Room(cores, others, words + "; what apps and other jobs take isn't counted")


def _machine(
    con: duckdb.DuckDBPyConnection, side: str, environment: str, profile: str
) -> tuple[str, int | None, int | None] | None:
    """Return a profile's family of machines, how many nodes it may have and their cores; None where it isn't known."""
    row = con.execute(_ENVIRONMENT.format(side=side), {"environment": environment}).fetchone()
    if row is None:
        return None
    listed = json.loads(row[0]) if row[0] else []
    if not listed and profile == "consumption":
        return "consumption", None, None  # an environment without profiles has only this one
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict) or str(each.get("name")).lower() != profile:
            continue
        kind = str(each.get("workloadProfileType"))
        found = _MACHINES.fullmatch(kind)
        if found is None:
            return kind.lower(), None, None
        most = each.get("maximumCount")
        return found["family"].lower(), most if isinstance(most, int) else None, int(found["cores"])
    return None


def _unread(con: duckdb.DuckDBPyConnection, side: str, load: Load, kind: str, otherwise: str) -> str:
    told = con.execute(_UNREAD.format(side=side), {"job": load.job_key, "kinds": [kind]}).fetchone()
    if told is None:
        return otherwise
    return f"{told[0].replace('_', ' ')} could not be read: {told[1]}" + (f" ({told[2]})" if told[2] else "")
