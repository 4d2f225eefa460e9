"""``job_configuration``: what a job is set to, property by property; ``approved_snapshots``: what was approved of it.

An approval is about what stood in a pack. Whoever opens a run fills ``approved_snapshots`` from the newest approved one
of each job (``audit.pipeline.approved_snapshots``); a row's ``configuration`` is the JSON object of property and value
that the approved pack's ``job_configuration`` had, or null where that pack can't be believed, and ``damage`` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

SNAPSHOTS = """
create table if not exists approved_snapshots (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, pack VARCHAR, run_id VARCHAR,
    approved_at TIMESTAMPTZ, approved_by VARCHAR, ticket VARCHAR, configuration JSON, redaction_key_id VARCHAR,
    damage VARCHAR
)
"""

_SCALARS = (
    "location", "environment_id", "trigger_type", "replica_timeout_s", "replica_retry_limit", "parallelism",
    "replica_completion_count", "min_executions", "max_executions", "polling_interval_s", "identity_type",
    "workload_profile",
)  # fmt: skip

_PLAIN = " union all ".join(
    f"select row_id, observed_at, raw_ref, job_id, '{name}' as property, {name}::VARCHAR as value"
    " from jobs where in_scope"
    for name in _SCALARS
)

# Names are people's, so a property's path is quoted where they may hold what parts it.
_LISTED = (
    ("containers", "'containers/' || if(init, 'init/', '') || container", ("image", "cpu", "memory_gib")),
    ("scale_rules", "'rules/' || rule_name", ("scaler_type", "metadata", "auth", "identity")),
    ("job_secrets", "'secrets/' || name", ("kept", "key_vault_url", "identity")),
    ("job_registries", "'registries/' || server", ("username", "password_secret_ref", "identity")),
    ("job_identities", "'identities/' || identity_id", ("kind", "lifecycle")),
    ("job_values", "'values/' || concat_ws('/', place, owner, name)", ("value", "secret_ref")),
)

# A secret that the job keeps itself has nothing else to be told by: its value is never read.
_WORKED_OUT = {"kept": "if(key_vault_url is null, 'job', 'vault')"}

_PARTS = " union all ".join(
    f"select t.row_id, t.observed_at, t.raw_ref, t.job_id, {path} || '/{column}',"
    f" {_WORKED_OUT.get(column, column)}::VARCHAR from {table} t"
    " where lower(t.job_id) in (select lower(job_id) from jobs where in_scope)"
    for table, path, columns in _LISTED
    for column in columns
)

_CREATE = f"""
create or replace table job_configuration as
with told as ({_PLAIN} union all {_PARTS}),
numbered as (
    select *, row_number() over (partition by lower(job_id), property order by value, row_id) as nth
    from told where value is not null
)
select substr(sha256(concat_ws(chr(31), 'job_configuration', lower(job_id), property)), 1, 16) as row_id, observed_at,
       raw_ref, job_id, property, value,
       case when contains(value, '[redacted:') then $key end as hidden_under
from (select * replace (if(nth > 1, property || '#' || nth, property) as property) from numbered)
order by lower(job_id), property
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``job_configuration`` of the jobs in scope, and ``approved_snapshots`` where nothing made it."""
    con.execute(SNAPSHOTS)
    con.execute(_CREATE, {"key": run.redaction_key_id})
