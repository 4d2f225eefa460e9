"""A job's dossier: everything that is known about it, section by section, each one query for a batch of jobs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from audit.render.controls import SEVERITY_RANK, VERDICT_RANK, area_rank
from audit.render.dossier import (
    access,
    alarms,
    closure,
    configuration,
    happened,
    health,
    money,
    past,
    people,
    response,
    sources,
    work,
)
from audit.render.dossier.batch import OF_JOB, SIZE, About, Facts, of_job, read
from audit.render.rows import Row, fetch, one
from audit.render.sections import owners
from audit.render.sections.findings import OWN_BASELINES

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names

__all__ = ["About", "jobs", "prepare"]

_QUERIES = {
    "verdicts": f"""
        select b.job_key, t.*, c.title, c.area
        from (select v.*, own.own_baselines from verdicts v {OWN_BASELINES}) t
        join controls c using (control_id) {OF_JOB}
        order by b.position, c.area, {VERDICT_RANK.format("t")}, {SEVERITY_RANK.format("t")}, t.control_id, t.subject,
                 t.row_id
    """,
    "gaps": of_job("job_gaps", "t.kind, lower(t.scope), t.reason, t.detail, t.raw_ref"),
}
_SECTIONS = (configuration, health, money, happened, closure, alarms, sources, people, past, access)


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make the joins that several sections share, as temporary tables."""
    for sql in (*health.PREPARE, *work.PREPARE, *alarms.PREPARE):
        con.execute(sql)
    access.prepare(con)


def jobs(con: duckdb.DuckDBPyConnection, about: About) -> Iterator[dict[str, Any]]:
    """Yield what each job's page tells, in reading order."""
    keys, aliases = owners.required(con)
    queries = dict(_QUERIES) | work.queries(about)
    for section in _SECTIONS:
        queries |= section.QUERIES
    total = one(con, "select count(*) as n from report_jobs")["n"]
    for first in range(0, total, SIZE):
        last = first + SIZE - 1
        parts = read(con, queries, first, last)
        tags = owners.tags(con, first, last)
        for job in fetch(
            con, "select * from report_jobs where position between ? and ? order by position", first, last
        ):
            facts: Facts = {name: found.get(job["job_key"], []) for name, found in parts.items()}
            facts["job"] = [job]
            facts["tags"] = tags.get(job["job_key"], [])
            yield _told(job, facts, about) | {"owners": owners.nearest(facts["tags"], keys, aliases)}


def _told(job: Row, facts: Facts, about: About) -> dict[str, Any]:
    missing = _missing(facts["gaps"], about.names)
    told: dict[str, Any] = facts | {"job": job, "missing": missing}
    told |= configuration.told(facts, about)
    told |= health.told(facts, about, missing)
    told |= work.told(facts, about, missing, told["blind"])
    for section in (money, happened, closure, alarms, sources, people, past, access):
        told |= section.told(facts, about)
    by_area: dict[str, list[Row]] = defaultdict(list)
    for row in facts["verdicts"]:
        by_area[row["area"]].append(row)
    return told | {
        "areas": [(area, by_area[area]) for area in sorted(by_area, key=area_rank)],
        "failures": [row for row in facts["verdicts"] if row["verdict"] == "fail"],
        "lacking": about.lacking,
        "who_deleted": about.names.caller(job["deleted_by"]),
        "checks": response.told(job, told),
    }


def _missing(gaps: list[Row], names: Names) -> dict[str, list[Row]]:
    """Return the gaps that affect a job, by the kind of evidence."""
    missing: dict[str, list[Row]] = defaultdict(list)
    for row in gaps:
        missing[row["kind"]].append(row | {"where": names.scope(row["scope"])})
    return dict(missing)
