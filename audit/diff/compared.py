"""The comparison in order, and the table ``differences`` that comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import access, baselines, configuration, cost, coverage, found, jobs, settle, things, verdicts
from audit.diff.found import BECAUSE
from audit.errors import UsageError
from audit.store.tables import identifier

if TYPE_CHECKING:
    import duckdb

    from audit.diff.side import Side

AREAS = ("jobs", "configuration", "access", "verdicts", "coverage", "cost", "baselines")
"""In the order in which they are told."""
KINDS = ("added", "removed", "changed", "unknown")

TABLES = (
    "access_answers",
    "controls",
    "cost_totals",
    "coverage",
    "entitlements",
    "event_source_policies",
    "group_edges",
    "group_eligibility",
    "job_configuration",
    "job_gaps",
    "jobs",
    "parameters",
    "population",
    "role_activations",
    "role_assignments",
    "role_eligibility",
    "vault_access_policies",
    "verdicts",
    *(each.table for each in things.THINGS),
)
"""What is read of each side; the other tables follow from these or tell of events."""

_NEEDED = ("controls", "coverage", "job_gaps", "jobs", "parameters", "population", "verdicts")

_DIFFERENCES = f"""
create or replace table differences (
    number BIGINT, area VARCHAR, table_name VARCHAR, key VARCHAR[], job_id VARCHAR, property VARCHAR, kind VARCHAR,
    before VARCHAR, after VARCHAR, because {BECAUSE}, note VARCHAR, old_ref VARCHAR, new_ref VARCHAR
)
"""

_ORDERED = """
insert into differences
select row_number() over (order by list_position($areas::VARCHAR[], area), lower(job_id) nulls first, table_name,
                          list_transform(key, lambda part: lower(part)), property nulls first, kind, before, after, id),
       area, table_name, key, job_id, property, kind, before, after, because, note, old_ref, new_ref
from found order by 1
"""


def compare(con: duckdb.DuckDBPyConnection, old: Side, new: Side) -> None:
    """Create ``differences`` in ``con``, which has the two sides attached as ``old`` and ``new`` with their TABLES.

    A row is one difference: ``area`` (see AREAS), ``table_name`` and ``key`` (the ids that name the row there),
    ``property`` (null = the whole thing), ``kind`` (see KINDS), ``before`` and ``after`` as text, ``because`` of what
    is unknown, ``note`` beside it, and where each side's words are kept. Rows are numbered from 1 in the order of
    telling. Raises UsageError where a side lacks a table that all else rests on.
    """
    _complete(con, old, new)
    found.create(con, old.run, new.run)
    jobs.find(con, old.run, new.run)
    done = settle.settle(con)
    jobs.remember(con)
    shared = things.columns(con)
    configuration.find(con, shared)
    access.find(con, shared)
    verdicts.find(con)
    coverage.find(con)
    cost.find(con, old, new)
    baselines.find(con, shared)
    settle.settle(con, done)
    jobs.take_along(con)
    for word, side in (("old", old), ("new", new)):
        for table in side.missing:
            found.leave_open(con, word, table, side.run.tool_version)
    con.execute(_DIFFERENCES)
    con.execute(_ORDERED, {"areas": list(AREAS)})
    con.execute("drop table job_fates_seen")
    found.drop(con)


def _complete(con: duckdb.DuckDBPyConnection, old: Side, new: Side) -> None:
    """Make the tables that one side lacks, without rows. Raises UsageError where it lacks what all else rests on."""
    for word, side, other in (("old", old, "new"), ("new", new, "old")):
        if told := [table for table in side.missing if table in _NEEDED]:
            raise UsageError(
                f"{side.name} can't be compared: it has no table {', '.join(told)}",
                hint="give a pack or a run of this program; render the run again where its pack is an old one",
            )
        for table in side.missing:
            if things.there(con, other, table):
                name = identifier(table)
                con.execute(f"create table {word}.{name} as from {other}.{name} limit 0")


def counts(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Return how many differences of each kind each area has, all areas in order, zeros too."""
    told = con.execute("select area, kind, count(*) from differences group by all").fetchall()
    by = {(area, kind): int(number) for area, kind, number in told}
    return {area: {kind: by.get((area, kind), 0) for kind in KINDS} for area in AREAS}
