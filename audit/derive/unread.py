"""Rows in ``coverage`` for what was never read, so that nothing unread can look like an absence.

A kind that the run left out; scopes at which nothing was asked, because what to ask about comes from a kind that is a
gap there or was left out; and, where the run was interrupted, every unit that it hadn't come to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.evidence import KINDS
from audit.model import EvidenceKind, Level, RunState

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

RUN = "run"
"""The kind under which coverage says that the run was interrupted."""

_ID = row_id("unread", "kind", "scope")

_INSERT = f"""
insert into coverage by name
with found as ({{found}})
select distinct on (lower(scope)) {_ID} as row_id, $at::TIMESTAMPTZ as observed_at, 'run.json' as raw_ref,
       $kind as kind, scope, 'gap' as outcome, 'unavailable' as reason, detail, 0 as pages, 0 as "rows", 0 as requests,
       $at::TIMESTAMPTZ as started, $at::TIMESTAMPTZ as finished
from (select *, $kind as kind from found)
where lower(rtrim(scope, '/')) not in (
    select lower(rtrim(scope, '/')) from coverage where kind = $kind and place is null
)
order by lower(scope), detail
"""

LEFT_OUT = "not collected in this run"
"""What coverage says of a kind that the run left out."""
_LEFT_OUT = f"select '/' as scope, '{LEFT_OUT}' as detail"

_INTERRUPTED = """
select '/' as scope, 'the run was interrupted, and what it had not come to was not read: resume it' as detail
"""

_NOT_COME_TO = """
select scope, 'not read: the run was interrupted before it' as detail from ({scopes})
"""

# Of which subscriptions an interrupted run speaks: those of its scope, as far as it had come to know them.
_SUBSCRIPTIONS = """
select '/subscriptions/' || id as scope from (
    select unnest($subscriptions::VARCHAR[]) as id
    union select subscription_id from management_group_members
    union select subscription_id from subscriptions where $everything
)
where lower('/subscriptions/' || id) not in (
    select lower(regexp_extract(scope, '^(/[^/]+/[^/]+)', 1)) from coverage where kind = $kind and place is null
)
"""

NOTHING_KNOWN = "what to ask about is not known"
"""How the detail of such a gap begins: the kind was planned, and found nothing to ask about for want of rows."""
WHY = f"""
case when not list_contains($collected::VARCHAR[], {{0}}.kind) then {{0}}.kind || ' was not collected in this run'
     when starts_with({{0}}.detail, '{NOTHING_KNOWN}') then {{0}}.kind || ' had nothing to ask about either'
     else {{0}}.kind || ' could not be read (' || {{0}}.reason || ')' end"""
"""SQL over a gap's alias: why it told nothing to ask about."""

# A gap that kept no row, in a kind that says what to ask about.
_UNKNOWN = f"""
select scope, '{NOTHING_KNOWN} there: ' || string_agg(distinct why, ', and ' order by why) as detail
from (
    select scope, {WHY.format("coverage")} as why
    from coverage
    where outcome = 'gap' and place is null and "rows" = 0 and list_contains($after::VARCHAR[], kind)
)
group by scope
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Complete ``coverage``; calling it again replaces what it added."""
    con.execute(f"delete from coverage where row_id = {_ID}")
    interrupted = run.state is not RunState.DONE
    if interrupted:
        _insert(con, run, RUN, _INTERRUPTED)
    for kind in KINDS:
        if kind.name not in run.kinds:
            _insert(con, run, kind.name, _LEFT_OUT)
            continue
        if interrupted:
            _not_come_to(con, run, kind)
        if _unread(con) & set(kind.after) and _rests_on_rows(con, kind):
            _insert(con, run, kind.name, _UNKNOWN, after=list(kind.after), collected=list(run.kinds))


def _unread(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the kinds with a gap that kept no row."""
    found = con.execute("""select distinct kind from coverage where outcome = 'gap' and place is null and "rows" = 0""")
    return {kind for (kind,) in found.fetchall()}


def _not_come_to(con: duckdb.DuckDBPyConnection, run: Run, kind: EvidenceKind) -> None:
    if kind.population is not None:
        _insert(con, run, kind.name, _NOT_COME_TO.format(scopes=kind.population))
    elif kind.per is Level.TENANT:
        _insert(con, run, kind.name, _NOT_COME_TO.format(scopes="select '/' as scope"))
    else:
        everything = not run.subscriptions and not run.management_groups
        named = [] if run.management_groups else list(run.subscriptions)
        given = {"subscriptions": named, "everything": everything}
        _insert(con, run, kind.name, _NOT_COME_TO.format(scopes=_SUBSCRIPTIONS), **given)


def asks_about_rows(kind: EvidenceKind) -> bool:
    """Tell whether other kinds' rows say what a kind asks about; the scopes of one kind are the configured ones."""
    return kind.population is not None and kind.records[0].table != "management_group_members"


def _rests_on_rows(con: duckdb.DuckDBPyConnection, kind: EvidenceKind) -> bool:
    """Tell whether the kind's units come from other kinds' rows: always those of resources, else where it has none."""
    if kind.population is not None:
        return asks_about_rows(kind)
    row = con.execute("select count(*) from coverage where kind = $kind", {"kind": kind.name}).fetchone()
    return kind.per is not Level.TENANT and row == (0,)


def _insert(con: duckdb.DuckDBPyConnection, run: Run, kind: str, found: str, **given: object) -> None:
    con.execute(_INSERT.format(found=found), {"kind": kind, "at": run.finished or run.started, **given})
