"""Owners: the tags that say whose a job is, nearest first, each with its source, and those that are missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

JOBS = "select row_number() over (order by position) as number, * from report_jobs where state = 'present'"

_TAGS = """
select j.job_key, lower(t.key) as tag_key, t.key, t.value, t.source, t.raw_ref,
       case t.source when 'job' then 0 when 'resource_group' then 1 else 2 end as distance
from tags t
join report_scopes s on s.scope_key = lower(rtrim(t.resource_id, '/'))
join report_jobs j using (job_key)
where j.position between ? and ?
order by j.job_key, distance, lower(t.key), t.key, t.row_id
"""
_USUAL = ["owner", "environment", "cost-centre", "runbook"]


def unread(con: duckdb.DuckDBPyConnection, first: int, last: int) -> set[str]:
    """Return the keys of the jobs of a range whose tags, or some of them, were not read: nothing is missing there."""
    sql = """select distinct j.job_key from job_gaps g join report_jobs j on j.job_key = lower(g.job_id)
    where g.kind in ('tags', 'jobs') and j.position between ? and ? order by j.job_key"""
    return {row["job_key"] for row in fetch(con, sql, first, last)}


def required(con: duckdb.DuckDBPyConnection) -> tuple[list[str], dict[str, list[str]]]:
    """Return the keys that the controls require, and other spellings that count for each."""
    rows = fetch(
        con,
        "select name, value from parameters "
        "where job_id is null and name in ('required_tags', 'tag_aliases') order by control_id, name",
    )
    values = {row["name"]: json.loads(row["value"]) for row in rows if row["value"]}
    return values.get("required_tags") or _USUAL, values.get("tag_aliases") or {}


def tags(con: duckdb.DuckDBPyConnection, first: int, last: int) -> dict[str, list[Row]]:
    """Return every tag that is above or on each job of a range of positions, nearest first."""
    found: dict[str, list[Row]] = {}
    for row in fetch(con, _TAGS, first, last):
        found.setdefault(row["job_key"], []).append(row)
    return found


def told(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> dict[str, Any]:
    """Return one page's jobs, each with the tags that decide and whether some of its tags were not read."""
    keys, aliases = required(con)
    if not rows:
        return {"rows": [], "tag_keys": keys}
    span = (rows[0]["position"], rows[-1]["position"])
    found, hidden = tags(con, *span), unread(con, *span)
    return {
        "rows": [
            row
            | {
                "owners": nearest(found.get(row["job_key"], []), keys, aliases),
                "unread": row["job_key"] in hidden,
            }
            for row in rows
        ],
        "tag_keys": keys,
    }


def nearest(rows: list[Row], keys: list[str], aliases: dict[str, list[str]]) -> list[tuple[str, Row | None]]:
    """Return for each required key the tag that decides, or None where it is missing."""
    decided = []
    for key in keys:
        spellings = {key.lower(), *(each.lower() for each in aliases.get(key, []))}
        decided.append((key, next((row for row in rows if row["tag_key"] in spellings), None)))
    return decided
