"""How long effective access takes, and how much memory, over an estate that is made of numbers.

    python bench/access.py [--jobs 10000] [--assignments 40000] [--principals 30000] [--groups 500]

Prints one JSON line: seconds and peak memory of making the factors, how many rows the answer has when it is written
out, how long one job's rows take to ask for, and what an access review of the whole estate takes.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audit.derive import access, entitlements
from audit.evidence import record_types
from audit.model import Run, RunState, Window, columns

ROLES: dict[str, dict[str, list[str]]] = {
    "owner": {"actions": ["*"]},
    "contributor": {
        "actions": ["*"],
        "notActions": ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"],
    },
    "reader": {"actions": ["*/read"]},
    "granter": {"actions": ["*/read", "Microsoft.Authorization/*"]},
    "operator": {"actions": ["Microsoft.App/jobs/read", "Microsoft.App/jobs/*/action", "Microsoft.App/jobs/*/read"]},
    "job-writer": {"actions": ["Microsoft.App/jobs/*", "Microsoft.App/managedEnvironments/join/action"]},
    "logs": {"actions": ["*/read", "Microsoft.OperationalInsights/workspaces/search/action"]},
    "receiver": {"dataActions": ["Microsoft.ServiceBus/namespaces/messages/receive/action"]},
    "secrets": {"dataActions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"]},
    "pull": {"actions": ["Microsoft.ContainerRegistry/registries/pull/read"]},
    "push": {"actions": ["Microsoft.ContainerRegistry/registries/push/write"]},
    "assigner": {"actions": ["Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action"]},
}
NOW = datetime(2026, 11, 1, tzinfo=UTC)
RUN = Run(
    run_id="bench", state=RunState.DONE, tool_version="", cloud="", endpoint="", caller=None,
    window=Window(since=NOW - timedelta(days=30), until=NOW), subscriptions=(), expected_subscriptions=(), kinds=(),
    started=NOW,
)  # fmt: skip
_GUID = "printf('%08x-0000-4000-8000-%012x', {kind}, {number})"
USER, GROUP, IDENTITY = 1, 2, 3


def guid(kind: int, number: str) -> str:
    """Return the SQL of a principal's id."""
    return _GUID.format(kind=kind, number=number)


def estate(con: duckdb.DuckDBPyConnection, jobs: int, assignments: int, principals: int, groups: int) -> None:
    """Create the tables that effective access is derived from: 25 jobs to a resource group, 500 to a subscription."""
    for record in record_types():
        described = ", ".join(f'"{name}" {kind}' for name, kind in columns(record))
        con.execute(f'create or replace table "{record.table}" ({described})')
    con.execute("""
        create table coverage (
            kind VARCHAR, scope VARCHAR, outcome VARCHAR, reason VARCHAR, detail VARCHAR, place VARCHAR);
        create table changes (
            resource_id VARCHAR, kind VARCHAR, operation VARCHAR, changed_by VARCHAR, changed_by_name VARCHAR,
            "at" TIMESTAMPTZ);
        create table job_gaps (job_id VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR);
        create table dependencies (job_id VARCHAR, resource_id VARCHAR, relation VARCHAR, via VARCHAR, found_by VARCHAR,
                                   resolved BOOLEAN, detail VARCHAR)""")
    con.execute(f"""
        create table places as
        select n, '/subscriptions/' || printf('%08x-1111-4000-8000-000000000000', n // 500) as subscription,
               '/subscriptions/' || printf('%08x-1111-4000-8000-000000000000', n // 500)
               || '/resourceGroups/rg-' || n // 25 || '/providers/' as below
        from range({jobs}) jobs (n);
        insert into jobs by name
        select 'job' || n as row_id, now() as observed_at, 'raw' as raw_ref,
               below || 'Microsoft.App/jobs/job-' || n as job_id, 'job-' || n as name,
               split_part(subscription, '/', 3) as subscription_id, 'rg-' || n // 25 as resource_group,
               true as in_scope from places;
        create table population as select *, 'present' as state from jobs;
        insert into dependencies
        select below || 'Microsoft.App/jobs/job-' || n, unnest([
            below || 'Microsoft.App/managedEnvironments/env-' || n // 25,
            subscription || '/resourceGroups/logs/providers/Microsoft.OperationalInsights/workspaces/logs',
            below || 'Microsoft.ManagedIdentity/userAssignedIdentities/id-' || n,
            below || 'Microsoft.ServiceBus/namespaces/sb-' || n // 25,
            below || 'Microsoft.ServiceBus/namespaces/sb-' || n // 25 || '/queues/q-' || n,
            below || 'Microsoft.KeyVault/vaults/kv-' || n // 25,
            subscription || '/resourceGroups/images/providers/Microsoft.ContainerRegistry/registries/cr']),
            unnest(['environment', 'workspace', 'identity', 'event_source', 'entity', 'vault', 'registry']),
            unnest([null, null, null, null, below || 'Microsoft.ServiceBus/namespaces/sb-' || n // 25, null, null]),
            'bench', true, null from places;
        insert into identities by name
        select 'i' || n as row_id, below || 'Microsoft.ManagedIdentity/userAssignedIdentities/id-' || n as identity_id,
               'user' as kind, {guid(IDENTITY, "n")} as principal_id, below || 'Microsoft.App/jobs/job-' || n as job_id
        from places;
        insert into key_vaults by name
        select distinct below || 'Microsoft.KeyVault/vaults/kv-' || n // 25 as vault_id, true as rbac from places;
        insert into group_edges by name
        select {guid(GROUP, f"(n * 7919 + k * 104729) % {groups}")} as group_id, {guid(USER, "n")} as member_id
        from range({principals}) users (n), range(2) times (k);
        insert into group_edges by name
        select {guid(GROUP, "n")} as group_id, {guid(GROUP, f"n + {groups} // 10")} as member_id
        from range({groups} // 10) nested (n);
        insert into group_members by name
        select group_id, member_id, case when member_id like '00000002%' then 'Group' else 'User' end as member_type
        from group_edges;
        insert into coverage select distinct 'group_members', '/groups/' || group_id, 'collected', null, null, null
        from group_edges;""")
    subscriptions, rest = max(jobs // 500, 1), max(jobs // 25, 1)
    above = subscriptions * 25
    own = (assignments - above - rest * 10) // 3
    roles = list(ROLES)
    con.execute(f"""
        create table wanted as
        select '/subscriptions/' || printf('%08x-1111-4000-8000-000000000000', n // 25) as scope,
               {guid(GROUP, f"(n * 31) % {groups}")} as principal_id, 'Group' as principal_type,
               {roles[:7]}[1 + n % 7] as role
        from range({above}) a (n)
        union all
        select subscription || '/resourceGroups/rg-' || n // 25, {guid(GROUP, f"(n * 17 + k) % {groups}")}, 'Group',
               {roles[:7]}[1 + (n // 25 + k) % 7]
        from places, range(5) times (k) where n % 25 = 0
        union all
        select subscription || '/resourceGroups/rg-' || n // 25, {guid(USER, f"(n * 13 + k) % {principals}")}, 'User',
               {roles}[1 + (n // 25 + k) % {len(roles)}]
        from places, range(5) times (k) where n % 25 = 0
        union all
        select below || 'Microsoft.App/jobs/job-' || n, {guid(USER, f"(n * 3) % {principals}")}, 'User', 'operator'
        from places where n < {own}
        union all
        select below || 'Microsoft.ServiceBus/namespaces/sb-' || n // 25 || '/queues/q-' || n, {guid(IDENTITY, "n")},
               'ServicePrincipal', 'receiver'
        from places where n < {own}
        union all
        select below || 'Microsoft.KeyVault/vaults/kv-' || n // 25, {guid(IDENTITY, "n")}, 'ServicePrincipal', 'secrets'
        from places where n < {own};
        insert into role_assignments by name
        select 'a' || rowid as row_id,
               scope || '/providers/Microsoft.Authorization/roleAssignments/a' || rowid as assignment_id, scope,
               principal_id, principal_type, '/roleDefinitions/' || role as role_definition_id, role as role_guid,
               split_part(scope, '/', 3) as subscription_id, now() as observed_at, 'raw' as raw_ref
        from wanted""")
    for name, block in ROLES.items():
        con.execute(
            "insert into role_definitions by name select $name as row_id, $name as role_guid, "
            "$name as role_definition_id, $name as name, $permissions::JSON as permissions",
            {"name": name, "permissions": json.dumps([block])},
        )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("jobs", 10_000), ("assignments", 40_000), ("principals", 30_000), ("groups", 500)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    con = duckdb.connect()
    con.execute("set memory_limit = '1500MB'")
    con.execute("set timezone = 'UTC'")
    estate(con, asked.jobs, asked.assignments, asked.principals, asked.groups)
    given = con.execute("select count(*) from role_assignments").fetchone()
    started, cpu = time.monotonic(), time.process_time()
    access.create(con)
    wall, used = time.monotonic() - started, time.process_time() - cpu
    rows = con.execute("select count(*) from access_grants").fetchone()
    size = (
        access.effective.rows(con) if _is_view(con) else con.execute("select count(*) from effective_access").fetchone()
    )
    started, cpu = time.monotonic(), time.process_time()
    entitlements.create(con, RUN)
    review = (time.monotonic() - started, time.process_time() - cpu)
    asked_about = con.execute("select count(*), sum(jobs)::BIGINT from entitlements").fetchone()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    job = con.execute("select job_id from jobs where name = 'job-42'").fetchone()
    started = time.monotonic()
    of_job = "effective_access_of({})" if _is_view(con) else "effective_access where job_id = {}"
    one = con.execute("select count(*) from " + of_job.format(f"'{job[0] if job else ''}'")).fetchone()
    print(
        json.dumps(
            {
                "jobs": asked.jobs,
                "assignments": given and given[0],
                "grants": rows and rows[0],
                "effective_rows_at_most": size if isinstance(size, int) else size and size[0],
                "written_out": not _is_view(con),
                "wall_s": round(wall, 1),
                "cpu_s": round(used, 1),
                "entitlements": asked_about and asked_about[0],
                "entitlement_job_pairs": asked_about and asked_about[1],
                "entitlements_wall_s": round(review[0], 1),
                "entitlements_cpu_s": round(review[1], 1),
                "peak_rss_mib": round(peak),
                "one_job_rows": one and one[0],
                "one_job_s": round(time.monotonic() - started, 2),
            }
        )
    )


def _is_view(con: duckdb.DuckDBPyConnection) -> bool:
    row = con.execute("select count(*) from duckdb_views() where view_name = 'effective_access'").fetchone()
    return bool(row and row[0])


if __name__ == "__main__":
    main()
