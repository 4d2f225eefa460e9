"""Exceptions: the failures that people bear for a time, and beside them what Azure Policy is told to pass over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.rows import one

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names
    from audit.render.rows import Row

STATES = {
    "expired": ("bad", "expired"),
    "broken": ("bad", "broken"),
    "unused": ("warn", "unused"),
    "in_force": ("good", "in force"),
}
"""A state's tone and words, in the order in which a reader wants them."""
_RANK = f"list_position({list(STATES)}, e.state)"

EXCEPTIONS = f"""
select row_number() over (order by {_RANK}, e.expires, lower(e.id), e.row_id) as number, e.*, c.title,
       j.name, j.resource_group
from exceptions e
left join controls c using (control_id)
left join report_jobs j on j.job_key = lower(e.job_id)
"""

EXEMPTIONS = """
select row_number() over (order by expires is null, expires, lower(scope), lower(name), row_id) as number, *,
       expires <= observed_at as expired, regexp_extract(assignment_id, '[^/]+$') as assignment
from (
    select *, row_number() over (partition by lower(exemption_id) order by lower(subscription_id), row_id) as copy
    from policy_exemptions
)
where copy = 1
"""
"""Each once, though it stands in the list of every subscription below its scope."""


def told(row: Row) -> Row:
    """Return an exception as the template prints it."""
    tone, words = STATES[row["state"]]
    return row | {"tone": tone, "words": words}


def exempted(row: Row, names: Names) -> Row:
    """Return a policy exemption as the template prints it."""
    return row | {"where": names.scope(row["scope"]), "by": names.caller(row["created_by"])}


def counts(con: duckdb.DuckDBPyConnection) -> Row:
    """Return how many exceptions there are, and how many of them don't hold or aren't needed."""
    return one(
        con,
        "select count(*) as total, count(*) filter (state = 'in_force') as in_force, "
        "count(*) filter (state <> 'in_force') as findings from exceptions",
    )
