"""What a job stands on: its dependencies as a drawing and as rows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.render import charts
from audit.render.dossier.batch import About, Facts, of_job

if TYPE_CHECKING:
    from audit.render.names import Names
    from audit.render.rows import Row

_ORDER = (
    "environment",
    "event_source",
    "entity",
    "identity",
    "reaches",
    "vault",
    "registry",
    "workspace",
    "subnet",
    "private_endpoint",
    "dns_zone",
)
QUERIES = {"hangs": of_job("dependencies", "t.relation, lower(t.resource_id), lower(t.via), t.found_by")}


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return the rows, nearest first, how many names led nowhere, and the drawing."""
    rows = [_row(row, about.names) for row in facts["hangs"]]
    rows.sort(key=lambda row: (_rank(row["relation"]), row["resource_id"].lower(), row["found_by"] or ""))
    job = next(iter(facts["job"]))
    return {
        "dependencies": rows,
        "unresolved": [row for row in rows if not row["resolved"]],
        "dependencies_drawing": _drawing(job, rows) if rows else None,
    }


def _rank(relation: str) -> int:
    return _ORDER.index(relation) if relation in _ORDER else len(_ORDER)


def _row(row: Row, names: Names) -> Row:
    return row | {"where": names.scope(row["resource_id"]), "name": _name(row, names)}


def _name(row: Row, names: Names) -> str:
    """Return what a box says: a scope's kind and name, else the last part of the id, or the address."""
    if row["relation"] == "identity" and row["resource_id"].lower() == row["job_id"].lower():
        return "system-assigned"
    if row["relation"] == "reaches":
        where = names.scope(row["resource_id"])
        return f"{where.kind} {where.name}".strip()
    return ids.name_of(row["resource_id"]) if row["resource_id"].startswith("/") else row["resource_id"]


def _drawing(job: Row, rows: list[Row]) -> Any:
    root = charts.Node(label="job", name=job["name"], told=job["job_id"])
    by_via: dict[str, list[Row]] = {}
    for row in rows:
        by_via.setdefault(_key(row["via"] or job["job_id"], job), []).append(row)
    placed = _grow(root, by_via, job)
    left = [row for via, members in by_via.items() if via not in placed for row in members]
    for row in left:  # what hangs on a thing that isn't drawn is still there
        root.branches.append(_node(row))
    lost = sum(1 for row in rows if not row["resolved"])
    described = (
        f"{job['name']} depends on {len(rows)} things"
        + (f"; {lost} of them could not be resolved to a resource" if lost else ", every one of them resolved")
        + ". The table below lists them."
    )
    return charts.tree("closure", "What the job depends on", root, described=described)


def _key(resource_id: str, job: Row) -> str:
    key = resource_id.rstrip("/").lower()
    return f"{key}#job" if key == job["job_key"] else key


def _node(row: Row) -> charts.Node:
    told = f"{row['resource_id']} ({row['found_by']})" + (f": {row['detail']}" if row["detail"] else "")
    label = f"reaches as {row['detail']}" if row["relation"] == "reaches" else row["relation"].replace("_", " ")
    return charts.Node(label=label, name=row["name"], told=told, resolved=bool(row["resolved"]))


def _grow(root: charts.Node, by_via: dict[str, list[Row]], job: Row) -> set[str]:
    """Hang on every node what leads from it, nearest first, and return what was hung on.

    A thing that stands twice is drawn twice, but grows only once: there, where it stands nearest to the job.
    """
    placed: set[str] = set()
    waiting = deque([(root, _key(job["job_id"], job))])
    while waiting:
        node, key = waiting.popleft()
        if key in placed:
            continue
        placed.add(key)
        branches: dict[tuple[str, str], charts.Node] = {}
        for row in by_via.get(key, []):
            below = row["resource_id"].rstrip("/").lower()
            same = branches.get((row["relation"], below))
            if same is not None and row["relation"] != "reaches":  # found in more than one way
                same.told += f", {row['found_by']}"
                continue
            branch = branches[row["relation"], below] = _node(row)
            node.branches.append(branch)
            if row["relation"] == "identity" and below == job["job_key"]:
                below = f"{below}#identity"
            waiting.append((branch, below))
    return placed
