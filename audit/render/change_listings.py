"""The listings of a change: before and after, who made it, what came of it, findings, risks."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from audit.render.listings import Listing, Told
from audit.render.sections import changes

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names
    from audit.render.rows import Row

_AREAS = (
    "job", "image", "container", "scale", "identity", "secret", "variable", "registry", "network", "logging", "tag",
    "access",
)  # fmt: skip
_PROPERTIES = f"""
select row_number() over (order by j.name, lower(p.job_id),
           coalesce(list_position({list(_AREAS)}, p.area), 99), p.area, p.subject nulls first, p.property, p.row_id)
           as number, p.*, j.name
from change_properties p left join change_jobs j on lower(j.job_id) = lower(p.job_id)
"""
_EFFECTS = """
select row_number() over (order by lower(e.job_id), e.place) as number, e.*, j.name,
       g.change_id is not null as changed
from change_effects e left join change_jobs j on lower(j.job_id) = lower(e.job_id)
left join (select lower(job_id) as key, min(change_id) as change_id from changes group by all) g
    on g.key = lower(e.job_id)
"""
_FINDINGS = """
select row_number() over (order by
           list_position(['opened', 'open', 'still open', 'closed', 'gone', 'not known'], state),
           list_position(['critical', 'high', 'medium', 'low'], severity), control_id, lower(job_id), subject, row_id)
           as number, *
from change_findings where state <> 'not known' or before = 'fail' or after = 'fail'
"""
_RISKS = """
select row_number() over (order by weight <> 'warn', lower(r.job_id), r.risk) as number, r.*, j.name
from change_risks r left join change_jobs j on lower(j.job_id) = lower(r.job_id)
"""
_ROLLBACKS = """
select row_number() over (order by r.complete nulls first, lower(r.job_id)) as number, r.*, j.name
from rollbacks r left join change_jobs j on lower(j.job_id) = lower(r.job_id)
"""
_CLOSING = """
select row_number() over (order by
           list_position(['extra', 'otherwise', 'not applied', 'unknown', 'as approved'], c.outcome),
           lower(c.job_id), c.property, c.row_id) as number, c.*, j.name
from change_closing c left join change_jobs j on lower(j.job_id) = lower(c.job_id)
"""
_PROPOSALS = """
select row_number() over (order by lower(p.job_id)) as number, p.*, j.name
from change_proposals p left join change_jobs j on lower(j.job_id) = lower(p.job_id)
"""


def of_change(con: duckdb.DuckDBPyConnection, names: Names, run: Run) -> tuple[Listing, ...]:
    """Return the listings that a change pack's front page begins, in their order there."""
    return (
        Listing(
            name="change-properties",
            title="Before and after",
            template="sections/change_properties.html",
            sql=_PROPERTIES,
            size=200,
            told=lambda rows: {"groups": _by_job(rows)},
        ),
        Listing(
            name="change-made",
            title="Who made it",
            template="sections/changes.html",
            sql=changes.OF_CHANGE,
            size=100,
            told=lambda rows: changes.page(con, rows, names, run),
        ),
        Listing(
            name="change-effects",
            title="What came of it",
            template="sections/change_effects.html",
            sql=_EFFECTS,
            size=100,
            told=_rows,
        ),
        Listing(
            name="change-findings",
            title="Findings before and after",
            template="sections/change_findings.html",
            sql=_FINDINGS,
            size=200,
            told=_rows,
        ),
        Listing(
            name="change-risks",
            title="Risks",
            template="sections/change_risks.html",
            sql=_RISKS,
            size=200,
            told=_rows,
        ),
        Listing(
            name="rollback",
            title="The way back",
            template="sections/change_rollbacks.html",
            sql=_ROLLBACKS,
            size=100,
            told=_parsed("images", "required_inputs", "by_hand"),
        ),
        Listing(
            name="closing",
            title="Approved and applied",
            template="sections/change_closing.html",
            sql=_CLOSING,
            size=200,
            told=_parsed("change_ids"),
        ),
        Listing(
            name="proposals",
            title="What is proposed",
            template="sections/change_proposals.html",
            sql=_PROPOSALS,
            size=50,
            told=_parsed("unread", "notes"),
        ),
    )


def _parsed(*columns: str) -> Told:
    """Return what gives rows to a template with these JSON columns as lists."""
    return lambda rows: {"rows": [row | {name: json.loads(row[name] or "[]") for name in columns} for row in rows]}


def _rows(rows: list[Row]) -> dict[str, Any]:
    return {"rows": rows}


def _by_job(rows: list[Row]) -> list[tuple[Row, list[Row]]]:
    return [
        (each[0], each) for each in (list(group) for _, group in itertools.groupby(rows, key=lambda row: row["job_id"]))
    ]
