"""Who can do what to each job, in counts, and of whom an auditor asks first. Needs ``report_capabilities``."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from audit.render.entitlements import ACT
from audit.render.rows import Row, fetch
from audit.render.text import number

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names

MOST = 25
"""Rows of a short list."""
JOBS = """
select row_number() over (order by position) as number, * from report_jobs where state <> 'deleted'
"""
_STEPS = (0, 2, 5, 10, 25)
"""Up to how many holders a cell has which shade."""

_CELLS = """
select lower(a.job_id) as job_key, a.capability, a.applicable, a.complete, a.active
from access_answers a join report_jobs b on b.job_key = lower(a.job_id) where b.position between ? and ?
"""

_WRITTEN = """
select e.principal_id, k.title, k.number, e.access, e.job_id
from effective_access e join report_capabilities k using (capability)
where k.privileged and e.steps = 1 and not e.denied
  and e.principal_id in (select principal_id from access_principals where concern is not null)
"""
_GRANTED = """
select p.principal_id, k.title, k.number, g.access, null as job_id
from access_grants g join report_capabilities k using (capability)
join access_principals p on lower(p.principal_id) = lower(g.principal_id) where k.privileged and p.concern is not null
"""
_CONCERNS = """
with held as ({held}),
titles as (
    select principal_id, string_agg(title, ', ' order by number) as can
    from (select distinct principal_id, title, number from held) group by all
)
select h.principal_id, any_value(p.concern) as concern, any_value(p.raw_ref) as raw_ref, any_value(t.can) as can,
       count(distinct h.job_id) filter (where h.access = 'active') as active,
       count(distinct h.job_id) filter (where h.access = 'eligible') as eligible, count(*) over () as total
from held h join access_principals p using (principal_id) join titles t using (principal_id)
group by h.principal_id
order by concern desc, active desc, eligible desc, lower(any_value(coalesce(p.display_name, h.principal_id))),
         lower(h.principal_id)
limit {most}
"""

_SHARED = """
with own as (
    select distinct on (lower(i.identity_id), b.job_key) lower(i.identity_id) as identity_key, i.identity_id,
           b.position, b.job_key, b.job_id, b.name, i.raw_ref
    from job_identities i join report_jobs b on b.job_key = lower(i.job_id)
    order by lower(i.identity_id), b.job_key, i.row_id
),
shared as (
    select identity_key, min(identity_id) as identity_id, count(*) as jobs, min_by(raw_ref, position) as raw_ref,
           to_json(list({{'job_id': job_id, 'name': name}} order by position)[:5])::VARCHAR as some,
           count(*) over () as total
    from own group by all having count(*) > 1
)
select s.*, {acting} as acting
from shared s order by s.jobs desc, s.identity_key limit {most}
"""
_COUNTED = f"""(
    select count(distinct e.principal_id) from effective_access e join own o
        on lower(e.job_id) = o.job_key and lower(e.target_id) in (o.job_key, o.identity_key)
    where o.identity_key = s.identity_key and e.capability = '{ACT}' and e.steps = 1 and e.access = 'active'
      and not e.denied)"""


def columns(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the capabilities, privileged ones first."""
    return fetch(con, "select capability, title, privileged from report_capabilities order by number")


def cells(con: duckdb.DuckDBPyConnection, rows: list[Row]) -> list[Row]:
    """Return one page's jobs, each with ``cells``: capability → count in words and shade."""
    if not rows:
        return []
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in fetch(con, _CELLS, rows[0]["position"], rows[-1]["position"]):
        found[row["job_key"]][row["capability"]] = _cell(row)
    return [row | {"cells": found[row["job_key"]]} for row in rows]


def _cell(row: Row) -> Row:
    if not row["applicable"]:
        return {"told": "–" if row["complete"] else "?", "step": 0}
    if row["active"] is None:
        return {"told": "?", "step": 0}
    step = sum(row["active"] > most for most in _STEPS)
    return {"told": number(row["active"]) + ("" if row["complete"] else "+"), "step": step}


def concerns(con: duckdb.DuckDBPyConnection, names: Names, *, written: bool) -> dict[str, Any]:
    """Return who isn't in the directory, is disabled or a guest, and holds privileged access."""
    rows = fetch(con, _CONCERNS.format(held=_WRITTEN if written else _GRANTED, most=MOST))
    return _bounded([row | {"who": names.principal(row["principal_id"])} for row in rows])


def shared(con: duckdb.DuckDBPyConnection, *, written: bool) -> dict[str, Any]:
    """Return the identities of several jobs, and how many can act as them."""
    rows = fetch(con, _SHARED.format(acting=_COUNTED if written else "null", most=MOST))
    return _bounded([row | {"some": json.loads(row["some"])} for row in rows])


def _bounded(rows: list[Row]) -> dict[str, Any]:
    return {"rows": rows, "left": (rows[0]["total"] if rows else 0) - len(rows)}
