"""``found``: differences as the areas find them, before anybody has looked for a gap that explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence import KINDS
from audit.model import Level

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

BECAUSE = "STRUCT(side VARCHAR, kind VARCHAR, scope VARCHAR, reason VARCHAR, detail VARCHAR, raw_ref VARCHAR)"
"""Which gap, on which side, leaves a difference unknown."""

_FOUND = f"""
create or replace temp table found (
    id BIGINT, area VARCHAR, table_name VARCHAR, key VARCHAR[], job_id VARCHAR, property VARCHAR, kind VARCHAR,
    before VARCHAR, after VARCHAR, because {BECAUSE}, note VARCHAR, old_ref VARCHAR, new_ref VARCHAR,
    is_json BOOLEAN, evidence VARCHAR, anchor VARCHAR, on_request BOOLEAN
)
"""

_MACROS = (
    # Ids are compared whatever their casing: an ARM id begins with a slash, and a GUID has its 36 characters.
    """create or replace temp macro folded(value) as
       case when starts_with(value, '/') then lower(rtrim(value, '/'))
            when length(value) = 36 and regexp_full_match(value, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
                then lower(value)
            else value end""",
    """create or replace temp macro above(anchor) as
       list_distinct(list_prepend('', list_transform(range(1, len(string_split(lower(rtrim(anchor, '/')), '/')) + 1),
           lambda i: array_to_string(string_split(lower(rtrim(anchor, '/')), '/')[1:i], '/'))))""",
    """create or replace temp macro shown_state(verdict, waived) as
       case when waived then verdict || ', waived' else verdict end""",
)

# Where one side looked, and how that ended. ``unread``: nothing was asked, as what to ask about wasn't known.
_UNITS = """
create or replace temp table units as
select side, if(kind = 'reconciliation', 'jobs', kind) as evidence, kind,
       case when kind = 'role_definitions' and contains(lower(scope), '/roledefinitions/')
                then split_part(lower(rtrim(scope, '/')), '/roledefinitions/', 2)
            else lower(rtrim(scope, '/')) end as scope_key,
       outcome, coalesce(reason, '') as reason, coalesce(detail, '') as detail, scope, raw_ref,
       outcome = 'gap' and requests = 0 and pages = 0 as unread,
       not list_contains($resource::VARCHAR[], kind) as below
from (
    select 'old' as side, * from (select kind, scope, outcome, reason, detail, raw_ref, requests, pages, place
                                  from old.coverage)
    union all
    select 'new', * from (select kind, scope, outcome, reason, detail, raw_ref, requests, pages, place
                          from new.coverage)
)
where place is null
"""

_JOBS = """
create or replace temp table sides_jobs as
select coalesce(a.key, b.key) as job_key, coalesce(b.job_id, a.job_id) as job_id, a.state as old_state,
       b.state as new_state
from (select lower(job_id) as key, job_id, state from old.population) a
full join (select lower(job_id) as key, job_id, state from new.population) b using (key)
"""


def create(con: duckdb.DuckDBPyConnection, old: Run, new: Run) -> None:
    """Create the temporary ``found``, ``units`` (both coverages), ``sides_jobs`` (both populations) and the macros."""
    for macro in _MACROS:
        con.execute(macro)
    con.execute("create or replace temp sequence found_ids")
    con.execute(_FOUND)
    con.execute(_UNITS, {"resource": [kind.name for kind in KINDS if kind.per is Level.RESOURCE]})
    con.execute(_JOBS)
    con.execute("create or replace temp table keys_differ as select $a <> $b as differ", {
        "a": old.redaction_key_id, "b": new.redaction_key_id,
    })  # fmt: skip


def add(con: duckdb.DuckDBPyConnection, select: str, **given: object) -> None:
    """Add what a SELECT finds, by the names of its columns."""
    con.execute(f"insert into found by name select nextval('found_ids') as id, * from ({select})", given)


_OPEN = """
insert into found by name
select nextval('found_ids') as id, coalesce($area, 'configuration') as area, $table as table_name, [$table] as key,
       'unknown' as kind, {'side': $side, 'kind': null, 'scope': '/', 'reason': 'no_table',
       'detail': 'version ' || $version || ' of the program made no such table', 'raw_ref': 'run.json'} as because
"""


def leave_open(con: duckdb.DuckDBPyConnection, side: str, table: str, version: str) -> None:
    """Put one unknown difference in the place of all of a table that a side doesn't have."""
    row = con.execute("select min(area) from found where table_name = $table", {"table": table}).fetchone()
    con.execute("delete from found where table_name = $table", {"table": table})
    given = {"area": row[0] if row else None, "table": table, "side": side, "version": version}
    con.execute(_OPEN, given)


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what :func:`create` made."""
    for table in ("found", "units", "sides_jobs", "keys_differ"):
        con.execute(f"drop table {table}")
    for macro in ("folded", "above", "shown_state"):
        con.execute(f"drop macro {macro}")
    con.execute("drop sequence found_ids")
