"""What changed on a job and around it in the window, with before and after where Azure tells, and who did it."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.dossier.batch import OF_JOB, About, Facts
from audit.render.sections import changes as listed
from audit.render.sections import tickets
from audit.render.sections.changes import AROUND

if TYPE_CHECKING:
    from audit.render.rows import Row

MOST_CHANGES = 300
"""Changed properties that one job's page lists; more are counted and stand in data/changes.parquet."""
AT_ONCE = timedelta(minutes=10)
"""Changes of several settings that lie no further apart can't be told apart as causes."""

QUERIES = {
    "changed": f"""
        select b.job_key, t.* from changes t {OF_JOB}
        qualify row_number() over (partition by b.job_key order by t.at desc, t.change_id, t.property, t.row_id)
            <= {MOST_CHANGES}
        order by b.job_key, t.at desc, t.change_id, t.property, t.row_id
    """,
    "tickets": f"""
        select b.job_key, t.* from change_tickets t {OF_JOB} and t.state <> 'unused'
        qualify row_number() over (partition by b.job_key order by t.at desc, t.change_id, t.row_id) <= {MOST_CHANGES}
        order by b.job_key, t.row_id
    """,
    "unused_tickets": f"""
        select b.job_key, t.* from change_tickets t {OF_JOB} and t.state = 'unused'
        order by b.job_key, t.planned_from desc, lower(t.ticket), t.row_id
    """,
    "more_changed": f"""
        select b.job_key, count(*) - {MOST_CHANGES} as n from changes t {OF_JOB}
        group by all having count(*) > {MOST_CHANGES} order by all
    """,
}


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return the changes, one entry each with its properties, the times when several changed at once, and a drawing."""
    of_changes = {row["change_id"]: tickets.told(row) for row in facts["tickets"]}
    changes = [row | {"ticket": of_changes.get(row["change_id"])} for row in folded(facts["changed"], about)]
    return {
        "changes": changes,
        "more_changes": sum(row["n"] for row in facts["more_changed"]),
        "at_once": at_once(changes),
        "changes_drawing": _drawing(changes, about) if changes else None,
    }


def folded(rows: list[Row], about: About) -> list[Row]:
    """Return one entry for each change, latest first, with ``properties``; rows come in order of it."""
    found = []
    for _, group in groupby(rows, key=lambda row: (row["at"], row["change_id"])):
        members = list(group)
        first = listed.told(members[0], about.names, about.run)
        around, properties = listed.around(first["relation"]), [row for row in members if row["property"]]
        found.append(first | {"around": around, "properties": properties})
    return found


def at_once(changes: list[Row]) -> list[Row]:
    """Return the times at which two or more settings changed together: one correlation, or within ten minutes.

    What happened afterwards can then not be laid to one of them alone. What Azure's platform changed by itself is left
    out: it comes in many properties at a time.
    """
    setting = sorted(
        (each for each in changes if not each["silent"] and each["tone"] != "failed" and not _platform(each)),
        key=lambda each: (each["at"], each["change_id"]),
    )
    groups: list[list[Row]] = []
    for each in setting:
        near = groups and (
            each["at"] - groups[-1][-1]["at"] <= AT_ONCE
            or (each["correlation_id"] and each["correlation_id"] == groups[-1][-1]["correlation_id"])
        )
        if near:
            groups[-1].append(each)
        else:
            groups.append([each])
    found = []
    for group in groups:
        names = {name for each in group for name in _names(each)}
        if len(names) > 1:
            found.append(
                {
                    "since": group[0]["at"],
                    "until": group[-1]["at"],
                    "settings": sorted({name for _, name in names}),
                    "count": len(names),
                    "who": sorted({each["who"].name for each in group}),
                }
            )
    return found


def _names(change: Row) -> list[tuple[str, str]]:
    """Return what a change set: its properties, else its operation."""
    own = (change["resource_id"] or "").lower()
    named = [(own, str(row["property"])) for row in change["properties"]]
    return named or [(own, change["operation"] or "a setting that Azure doesn't name")]


def _platform(change: Row) -> bool:
    """Tell whether Azure itself made a change, in the course of running the service."""
    return (change["changed_by"] or "").lower() == "system"


def _drawing(changes: list[Row], about: About) -> Any:
    order = list(dict.fromkeys(AROUND.values()))
    by_place: dict[str, list[charts.Mark]] = {}
    for each in changes:
        words = f"{each['who'].name} {each['what']} {each['target'].kind} {each['target'].name}"
        mark = charts.Mark(at=each["at"], told=words, bad=each["tone"] == "failed")
        by_place.setdefault(each["around"], []).append(mark)
    drawn = [
        charts.Lane(label=place.removeprefix("its ").removeprefix("a ").capitalize(), empty="", marks=by_place[place])
        for place in sorted(by_place, key=lambda each: (order.index(each) if each in order else len(order), each))
    ]
    bands = [(row["since"], row["until"]) for row in at_once(changes)]
    described = f"{len(changes)} changes on {len(by_place)} kinds of things; each is listed with its details below."
    return charts.lanes("changed", "When what changed", about.window, drawn, described=described, bands=bands)
