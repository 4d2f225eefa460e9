"""What a job may use at most, as it is set: replicas at once, cores, memory, seconds, questions to its event source."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

# A job's own figures; of what isn't set the platform's default holds, which Azure doesn't tell: null.
_LOADS = """
with sizes as (
    select lower(job_id) as job_key, sum(cpu) filter (where not init) as cpu,
           sum(memory_gib) filter (where not init) as gib,
           count(*) filter (where not init and (cpu is null or memory_gib is null)) as untold,
           string_agg(image, ', ' order by image) filter (where not contains(image, '@sha256:')) as tags
    from {side}.containers group by all
),
rules as (select lower(job_id) as job_key, count(*) as rules from {side}.scale_rules group by all)
select lower(j.job_id) as job_key, j.job_id, j.raw_ref, j.location, j.max_executions, j.parallelism,
       j.polling_interval_s, j.replica_timeout_s, j.replica_retry_limit, j.environment_id, j.workload_profile,
       s.cpu, s.gib, s.untold, s.tags, coalesce(r.rules, 0) as rules
from {side}.jobs j left join sizes s on s.job_key = lower(j.job_id) left join rules r on r.job_key = lower(j.job_id)
where lower(j.job_id) in (select lower(job_id) from change_jobs)
order by lower(j.job_id)
"""


class Load(NamedTuple):
    """What a job may use, as it is set on one side."""

    job_key: str
    job_id: str
    raw_ref: str
    location: str | None
    max_executions: int | None
    parallelism: int | None
    polling_interval_s: int | None
    replica_timeout_s: int | None
    replica_retry_limit: int | None
    environment_id: str | None
    workload_profile: str | None
    cpu: float | None
    gib: float | None
    untold: int | None
    tags: str | None
    rules: int

    @property
    def replicas(self) -> int | None:
        """Replicas at once at most."""
        if self.max_executions is None or self.parallelism is None:
            return None
        return self.max_executions * self.parallelism

    @property
    def vcpu(self) -> float | None:
        """VCPU at once at most."""
        known = self.replicas is not None and self.cpu is not None and not self.untold
        return self.replicas * self.cpu if known and self.replicas is not None and self.cpu is not None else None

    @property
    def memory(self) -> float | None:
        """GiB at once at most."""
        known = self.replicas is not None and self.gib is not None and not self.untold
        return self.replicas * self.gib if known and self.replicas is not None and self.gib is not None else None

    @property
    def asked(self) -> int | None:
        """How often a day its event sources are asked whether there is work."""
        return 86_400 // self.polling_interval_s * self.rules if self.polling_interval_s else None

    @property
    def longest(self) -> int | None:
        """Seconds for which one execution may hold a replica: every try to the timeout."""
        if self.replica_timeout_s is None or self.replica_retry_limit is None:
            return None
        return self.replica_timeout_s * (self.replica_retry_limit + 1)


def read(con: duckdb.DuckDBPyConnection, side: str) -> list[Load]:
    """Return the loads of the change's jobs in the catalog ``side``, in order of their ids."""
    return [Load(*row) for row in con.execute(_LOADS.format(side=side)).fetchall()]
