"""Everything that is known about the jobs of a range, one query per section for all of them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from audit.render import job_words
from audit.render.controls import SEVERITY_RANK, VERDICT_RANK, area_rank
from audit.render.rows import Row, fetch, one
from audit.render.sections import access, budgets, changes, owners

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names

BATCH = 200
"""Jobs whose rows are in memory at once."""
MOST_CHANGES = 300
"""Changes that one job's page lists; more are counted and stand in data/activity_log.parquet."""

_OF_JOB = "join report_jobs b on b.job_key = lower(t.job_id) where b.position between ? and ?"

_IDENTITIES = f"""
select b.job_key, t.*, coalesce(i.principal_id, t.principal_id) as who, coalesce(i.client_id, t.client_id) as client,
       i.federated_credentials, i.raw_ref as identity_ref, shared.jobs as shared
from job_identities t
left join identities i on lower(i.identity_id) = lower(t.identity_id) and lower(i.job_id) = lower(t.job_id)
left join (
    select lower(identity_id) as key, count(distinct lower(job_id)) as jobs from job_identities group by all
) shared on shared.key = lower(t.identity_id)
{_OF_JOB} order by b.position, t.kind, lower(t.identity_id), t.row_id
"""
_VERDICTS = f"""
select b.job_key, t.*, c.title, c.area from verdicts t join controls c using (control_id) {_OF_JOB}
order by b.position, c.area, {VERDICT_RANK.format("t")}, {SEVERITY_RANK.format("t")}, t.control_id, t.subject, t.row_id
"""


def _of_job(table: str, order: str) -> str:
    return f"select b.job_key, t.* from {table} t {_OF_JOB} order by b.position, {order}, t.row_id"


_QUERIES = {
    "config": _of_job("jobs", "t.name"),
    "verdicts": _VERDICTS,
    "rules": _of_job("scale_rules", "t.position"),
    "containers": _of_job("containers", "t.init desc, t.position"),
    "secrets": _of_job("job_secrets", "lower(t.name)"),
    "registries": _of_job("job_registries", "lower(t.server)"),
    "identities": _IDENTITIES,
    "flagged": f"""
        select b.job_key, t.* from job_values t {_OF_JOB} and t.secret_like is not null
        order by b.position, t.place, t.owner, t.name, t.row_id
    """,
    "values": f"""
        select b.job_key, t.* from job_values t {_OF_JOB} and t.place in ('env', 'command', 'args')
        order by b.position, t.owner, (t.place = 'env'), t.place, t.name, t.row_id
    """,
    "environment": """
        select b.job_key, t.* from environments t
        join report_jobs b on b.environment_key = lower(rtrim(t.environment_id, '/'))
        where b.position between ? and ? order by b.position, t.row_id
    """,
    "settings": """
        select b.job_key, t.*, case lower(rtrim(t.resource_id, '/')) when b.job_key then 'job'
               when b.environment_key then 'environment' else 'subscription' end as about
        from diagnostic_settings t
        join report_jobs b on lower(rtrim(t.resource_id, '/'))
            in (b.job_key, b.environment_key, lower('/subscriptions/' || b.subscription_id))
        where b.position between ? and ?
        order by b.position, about, lower(t.name), t.row_id
    """,
    "access": access.OF_JOBS,
    "roles": access.OF_IDENTITIES,
    "changes": f"""
        select c.job_key, c.relation, r.* from report_change_jobs c join report_changes r using (fold)
        join report_jobs b on b.job_key = c.job_key where b.position between ? and ?
        qualify row_number() over (partition by c.job_key order by r.number) <= {MOST_CHANGES}
        order by c.job_key, r.number
    """,
    "more_changes": f"""
        select c.job_key, count(*) - {MOST_CHANGES} as n from report_change_jobs c
        join report_jobs b on b.job_key = c.job_key where b.position between ? and ?
        group by all having count(*) > {MOST_CHANGES}
    """,
    "budgets": budgets.OF_JOBS,
    "gaps": _of_job("job_gaps", "t.kind, lower(t.scope), t.reason, t.detail"),
}


def jobs(con: duckdb.DuckDBPyConnection, names: Names, run: Run) -> Iterator[dict[str, Any]]:
    """Yield what each job's page tells, in reading order."""
    keys, aliases = owners.required(con)
    groups = budgets.ActionGroups(con)
    total = one(con, "select count(*) as n from report_jobs")["n"]
    for first in range(0, total, BATCH):
        last = first + BATCH - 1
        parts = {name: _grouped(fetch(con, sql, first, last)) for name, sql in _QUERIES.items()}
        tags = owners.tags(con, first, last)
        for job in fetch(
            con, "select * from report_jobs where position between ? and ? order by position", first, last
        ):
            facts: dict[str, Any] = {name: found.get(job["job_key"], []) for name, found in parts.items()}
            facts["tags"] = tags.get(job["job_key"], [])
            facts["owners"] = owners.nearest(facts["tags"], keys, aliases)
            yield {"job": job} | _told(job, facts, names, run, groups)


def _grouped(rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["job_key"]].append(row)
    return found


def _told(job: Row, facts: dict[str, Any], names: Names, run: Run, groups: budgets.ActionGroups) -> dict[str, Any]:
    config = next(iter(facts["config"]), None)
    by_area: dict[str, list[Row]] = defaultdict(list)
    for row in facts["verdicts"]:
        by_area[row["area"]].append(row)
    missing: dict[str, list[Row]] = defaultdict(list)
    for row in facts["gaps"]:
        missing[row["kind"]].append(row | {"where": names.scope(row["scope"])})
    for rule in facts["rules"]:
        rule["pairs"] = job_words.pairs(rule["metadata"])
        rule["secrets"] = json.loads(rule["auth"] or "[]")
    for row in facts["identities"]:
        row["principal"] = names.principal(row["who"])
        row["trusts"] = json.loads(row["federated_credentials"] or "[]")
    for row in facts["settings"]:
        row["enabled"] = enabled(row["logs"])
    return facts | {
        "config": config,
        "environment": next(iter(facts["environment"]), None),
        "words": job_words.sentences(config, facts["rules"], facts["identities"]) if config else [],
        "areas": [(area, by_area[area]) for area in sorted(by_area, key=area_rank)],
        "failures": [row for row in facts["verdicts"] if row["verdict"] == "fail"],
        "missing": dict(missing),
        "access": [access.told(row, names) for row in facts["access"]],
        "roles": [access.told(row, names) for row in facts["roles"]],
        "changes": [changes.told(row, names, run) for row in facts["changes"]],
        "more_changes": sum(row["n"] for row in facts["more_changes"]),
        "budgets": [budgets.told(row, names, groups) for row in facts["budgets"]],
        "who_deleted": names.caller(job["deleted_by"]),
        "created": names.caller(config["created_by"], app_id=config["created_by"]) if config else None,
        "modified": names.caller(config["modified_by"], app_id=config["modified_by"]) if config else None,
    }


def enabled(logs: str | None) -> list[str]:
    """Return the log categories that a diagnostic setting sends."""
    listed = json.loads(logs or "[]")
    return [
        str(each.get("category") or each.get("categoryGroup") or "unnamed") for each in listed if each.get("enabled")
    ]
