"""The counts at the top of the report, and the paragraph that says in plain words what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.render.controls import SEVERITIES, SEVERITY_RANK, VERDICTS
from audit.render.rows import fetch, one

if TYPE_CHECKING:
    import duckdb

_JOBS = """
select count(*) filter (where state = 'present') as present, count(*) filter (where state = 'deleted') as deleted,
       count(*) filter (where state = 'unreadable') as unreadable,
       count(distinct lower(subscription_id)) as subscriptions, count(*) as total
from report_jobs
"""
_VERDICTS = """
select verdict, severity, waived, count(*) as n from verdicts group by all order by all
"""
_FAILING = """
select count(distinct lower(job_id)) filter (where verdict = 'fail') as failing,
       count(distinct lower(job_id)) filter (where verdict = 'not_assessed') as open
from verdicts where job_id is not null
"""
FIRST = 5
"""How many controls and reasons the top of the report names."""

# What nobody bears: a failure that is waived is not what to look at first.
_HEAVIEST = f"""
select control_id, any_value(severity) as severity, count(*) as failures, count(distinct lower(job_id)) as jobs
from verdicts v where verdict = 'fail' and not waived
group by control_id
order by any_value({SEVERITY_RANK.format("v")}), jobs desc, failures desc, control_id limit {FIRST + 1}
"""
_UNKNOWN = f"""
select reason, count(*) as checks, count(distinct control_id) as controls, min(control_id) as control_id
from verdicts where verdict = 'not_assessed' group by reason order by checks desc, reason limit {FIRST + 1}
"""
_UNITS = """
select count(*) filter (where outcome = 'collected') as collected, count(*) filter (where outcome = 'gap') as gaps,
       count(*) as total, coalesce(sum(pages), 0)::bigint as pages, coalesce(sum("rows"), 0)::bigint as "rows",
       coalesce(sum(requests), 0)::bigint as requests
from coverage where place is null
"""


def figures(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Return the counts of the summary."""
    verdicts = dict.fromkeys(VERDICTS, 0)
    severities = dict.fromkeys(SEVERITIES, 0)
    waived = 0
    for row in fetch(con, _VERDICTS):
        verdicts[row["verdict"]] += row["n"]
        if row["verdict"] == "fail":
            severities[row["severity"]] += row["n"]
            waived += row["n"] if row["waived"] else 0
    return {
        "jobs": one(con, _JOBS),
        "out_of_scope": one(con, "select count(*) as n from jobs where not in_scope")["n"],
        "verdicts": verdicts,
        "checks": sum(verdicts.values()),
        "severities": {name: count for name, count in severities.items() if count},
        "waived": waived,
        **one(con, _FAILING),
        "heaviest": fetch(con, _HEAVIEST),
        "unknown": fetch(con, _UNKNOWN),
        "first": FIRST,
        "units": one(con, _UNITS),
        "malformed": one(con, "select count(*) as n from coverage where place is not null")["n"],
        "controls": one(con, "select count(*) as n from controls")["n"],
    }
