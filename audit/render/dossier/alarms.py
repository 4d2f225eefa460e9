"""Which alerts would tell somebody that a job is in trouble, and which did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.model import ids

if TYPE_CHECKING:
    from audit.render.dossier.batch import About, Facts
    from audit.render.rows import Row

# What an alert that fired may name for it to be about the job.
_WATCH = """
create or replace temp table report_watch as
select distinct job_key, scope_key, about from (
    select job_key, job_key as scope_key, 'job' as about from report_jobs
    union all
    select job_key, environment_key, 'environment' from report_jobs where environment_key is not null
    union all
    select lower(job_id), lower(rtrim(resource_id, '/')), relation from dependencies
    where relation in ('event_source', 'entity', 'vault', 'registry', 'workspace')
    union all
    select job_key, scope_key, 'scope' from report_scopes where scope_key <> job_key
) order by all
"""
PREPARE = (_WATCH,)

QUERIES = {
    "alerts": """
        select b.job_key, f.about, f.hears, f.tells_failed, f.tells_stuck, t.*
        from job_alerts f join alerts t on lower(t.alert_id) = lower(f.alert_id)
        join report_jobs b on b.job_key = lower(f.job_id) where b.position between ? and ?
        order by b.position, (f.about = 'scope'), t.severity nulls last, lower(t.name), t.row_id
    """,
    "fired": """
        select w.job_key, min_by(w.about, w.about = 'scope') as about, t.*
        from fired_alerts t join report_watch w
            on w.scope_key = lower(rtrim(t.target_resource_id, '/')) and w.about <> 'scope'
        join report_jobs b using (job_key) where b.position between ? and ?
        group by all order by w.job_key, t.fired_at desc, t.fired_id
    """,
}
_ABOUT = {
    "job": "the job",
    "environment": "its environment",
    "event_source": "its event source",
    "entity": "its event source",
    "vault": "its vault",
    "registry": "its registry",
    "workspace": "its log workspace",
    "scope": "a scope above it",
}


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return the alert rules with who would hear of them, and the alerts that fired."""
    rules = [_rule(row, about) for row in facts["alerts"]]
    return {
        "alerts": rules,
        "live_alerts": sum(1 for row in rules if row["hears"] == "live" and "yes" in _tells(row)),
        "open_alerts": any(row["hears"] in ("live", "open") and "open" in _tells(row) for row in rules)
        or any(row["hears"] == "open" and "yes" in _tells(row) for row in rules),
        "fired": [row | {"about": _ABOUT.get(row["about"], row["about"])} for row in facts["fired"]],
    }


def _tells(row: Row) -> set[str]:
    """Return whether a rule tells of executions that fail or are stuck, as the controls judge it."""
    return {row["tells_failed"], row["tells_stuck"]}


def _rule(row: Row, about: About) -> Row:
    contacts = [about.groups.state(str(each)) for each in json.loads(row["action_group_ids"] or "[]")]
    return row | {
        "about": _ABOUT.get(row["about"], row["about"]),
        "contacts": contacts,
        "watches": [ids.name_of(str(each)) for each in json.loads(row["scopes"] or "[]")],
    }
