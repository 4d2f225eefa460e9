"""Budgets: which amounts watch which scopes, and whether anybody would hear of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

    from audit.render.names import Names

BUDGETS = """
with covered as (select scope_key, count(*) as jobs from report_scopes group by all)
select row_number() over (order by lower(b.scope), lower(b.name), b.row_id) as number, b.*, coalesce(c.jobs, 0) as jobs
from budgets b left join covered c on c.scope_key = lower(rtrim(b.scope, '/'))
"""

OF_JOBS = """
select s.job_key, b.*
from budgets b
join report_scopes s on s.scope_key = lower(rtrim(b.scope, '/'))
join report_jobs j using (job_key)
where j.position between ? and ?
order by s.job_key, lower(b.scope), lower(b.name), b.row_id
"""

UNCOVERED = """
select count(*) filter (where not unread) as jobs, count(*) filter (where unread) as unread
from (
    select j.job_key in (select lower(job_id) from job_gaps where kind = 'budgets') as unread
    from report_jobs j
    where state = 'present' and not exists (
        select 1 from report_scopes s join budgets b on lower(rtrim(b.scope, '/')) = s.scope_key
        where s.job_key = j.job_key)
)
"""

LIVE = """enabled is distinct from false and len(list_filter(from_json(receivers, '["JSON"]'),
    lambda each: lower(coalesce(each ->> '$.status', 'Enabled')) <> 'disabled')) > 0"""
"""SQL over action_groups: somebody hears of what it is told, as ``ActionGroups.state`` says it of one."""

_OPERATORS = {"greaterthan": "above", "greaterthanorequalto": "at", "equalto": "at exactly"}


class ActionGroups:
    """The action groups that notifications may name."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._known = {
            ids.key(row["action_group_id"]): row for row in fetch(con, "select * from action_groups order by row_id")
        }
        read = fetch(
            con, "select scope from coverage where kind = 'action_groups' and outcome = 'collected' order by scope"
        )
        self._read = [row["scope"] for row in read]

    def state(self, action_group_id: str) -> tuple[str, str, str | None]:
        """Return (live | dead | open, words, raw_ref) for one action group."""
        row = self._known.get(ids.key(action_group_id))
        name = f"action group {ids.name_of(action_group_id)}"
        if row is None:
            if any(ids.contains(scope, action_group_id) for scope in self._read):
                return "dead", f"{name}: does not exist", None
            return "open", f"{name}: not read", None
        receivers = json.loads(row["receivers"] or "[]")
        working = sum(1 for each in receivers if str(each.get("status") or "Enabled").lower() != "disabled")
        if row["enabled"] is False:
            return "dead", f"{name}: disabled", row["raw_ref"]
        if not working:
            return "dead", f"{name}: no working receiver", row["raw_ref"]
        return "live", f"{name}: enabled, {working} receiver{'' if working == 1 else 's'}", row["raw_ref"]


def told(row: Row, names: Names, groups: ActionGroups) -> Row:
    """Add where the budget lies, its notifications in words, and whether anybody hears of them."""
    notices = [_notice(name, body, groups) for name, body in sorted(json.loads(row["notifications"] or "{}").items())]
    live = any(contact[0] == "live" for notice in notices for contact in notice["contacts"] if notice["enabled"])
    doubtful = any(contact[0] == "open" for notice in notices for contact in notice["contacts"] if notice["enabled"])
    spent = row["current_spend"] / row["amount"] * 100 if row["amount"] and row["current_spend"] is not None else None
    narrowed = json.loads(row["filter"] or "{}")
    return row | {
        "where": names.scope(row["scope"]),
        "notices": notices,
        "hears": "live" if live else "open" if doubtful else "dead",
        "spent": spent,
        "narrowed": json.dumps(narrowed, ensure_ascii=False, sort_keys=True) if narrowed else "",
        "ended": row["end_date"] is not None and row["end_date"] <= row["observed_at"],
    }


def _notice(name: str, body: dict[str, Any], groups: ActionGroups) -> dict[str, Any]:
    contacts: list[tuple[str, str, str | None]] = []
    contacts += [("live", f"e-mail {each}", None) for each in body.get("contactEmails") or [] if str(each).strip()]
    contacts += [("live", f"role {each}", None) for each in body.get("contactRoles") or [] if str(each).strip()]
    contacts += [groups.state(str(each)) for each in body.get("contactGroups") or [] if str(each).strip()]
    operator = _OPERATORS.get(str(body.get("operator") or "").lower(), str(body.get("operator") or "at"))
    basis = "forecast" if str(body.get("thresholdType") or "Actual").lower() == "forecasted" else "spend"
    return {
        "name": name,
        "enabled": bool(body.get("enabled")),
        "when": f"{basis} {operator} {body.get('threshold', 'unknown')} %",
        "contacts": contacts,
    }
