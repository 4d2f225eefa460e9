"""assessment-results.oscal.json: OSCAL assessment results, for tools of governance.

Model: https://pages.nist.gov/OSCAL/resources/concepts/layer/assessment/assessment-results/. A verdict is an
observation, a control a finding over its observations. A finding's state knows two words only: a control all of whose
checks could be assessed and none failed is ``satisfied``, reason ``pass``; anything else isn't, and its reason tells
which: ``fail`` or ``not-assessed``. A control that applies to nothing has no finding: an empty population passes
nothing. Every observation has our own word as its property ``verdict``.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from audit.render.results.about import NOTHING, About
from audit.render.results.findings import gaps, raw_file
from audit.render.results.stream import array, encoded, members
from audit.render.results.verdicts import lasting
from audit.render.rows import numbered, pages
from audit.render.text import plural, utc_seconds, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from audit.model import Run
    from audit.render.results.shapes import Counts
    from audit.render.results.verdicts import Verdicts
    from audit.render.rows import Row

VERSION = "1.2.1"
NAMESPACE = "urn:jobaudit:oscal"
"""Of the properties that are ours."""
_JOBS = """
select row_number() over (order by lower(job_id)) as number, *
from (select distinct on (lower(job_id)) * from
      (select job_id, name, subscription_id, resource_group, state from population
       union all by name select job_id, null as name, null as subscription_id, null as resource_group, null as state
       from verdicts where job_id is not null)
      order by lower(job_id), name nulls last, job_id)
"""
_AT_ONCE = 5_000
_FILES = {
    "run.json": "The run: caller, scope, window, versions, every unit of collection and how it ended",
    "controls/": "The SQL of every control that was applied: the plan of the assessment",
    "results/findings.json": "The same findings in jobaudit's own form",
}


def write(file: BinaryIO, con: duckdb.DuckDBPyConnection, run: Run, told: About, verdicts: Verdicts) -> None:
    """Write the document, row by row."""
    plan = verdicts.id("file", "controls/")
    file.write(b'{"assessment-results": {\n')
    members(
        file,
        {
            "uuid": verdicts.id("oscal", "document"),
            "metadata": _metadata(run),
            "import-ap": {
                "href": f"#{plan}",
                "remarks": "There is no assessment plan in OSCAL: the controls themselves are what was planned.",
            },
            "back-matter": {"resources": [_file(verdicts, name, what) for name, what in _FILES.items()]},
        },
    )
    file.write(b'"results": [{\n')
    members(file, _result(run, told, verdicts))
    file.write(b'"local-definitions": {\n')
    _some(file, "inventory-items", _jobs(con), after=",\n")
    file.write(b'"assessment-assets": ' + encoded(_assets(run, verdicts)) + b"},\n")
    _some(file, "observations", (_observation(row, run) for row in verdicts), after=",\n")
    _findings(file, told, verdicts)
    file.write(b'"assessment-log": {"entries": ')
    array(file, chain([_collection(told, verdicts)], (_gap(row, run, verdicts) for row in gaps(con))))
    file.write(b"}\n}]\n}}\n")


def _some(file: BinaryIO, name: str, rows: Iterator[Any], after: str) -> None:
    """Write an array that OSCAL wants left out where it is empty."""
    for first in rows:
        file.write(encoded(name) + b": ")
        array(file, chain([first], rows))
        file.write(after.encode())


def _metadata(run: Run) -> dict[str, Any]:
    return {
        "title": "Evidence of event-driven Azure Container Apps jobs: assessment results",
        "last-modified": run.finished or run.started,
        "version": run.run_id,
        "oscal-version": VERSION,
        "props": _props({"tool": f"jobaudit {run.tool_version}"}),
        "remarks": "A finding supports the requirements that it names. It never says that anybody is compliant.",
    }


def _file(verdicts: Verdicts, name: str, what: str) -> dict[str, Any]:
    return {"uuid": verdicts.id("file", name), "title": name, "description": what, "rlinks": [{"href": f"../{name}"}]}


def _result(run: Run, told: About, verdicts: Verdicts) -> dict[str, Any]:
    coverage, window = told.coverage, run.window
    whole = "The evidence is complete." if coverage.complete else "The evidence is incomplete: see the assessment log."
    chosen = [{"control-id": token(name)} for name in verdicts.controls]
    return {
        "uuid": verdicts.id("oscal", "result"),
        "title": f"Run {line(run.run_id)}",
        "description": f"{plural(told.jobs, 'event-driven job')}, {utc_seconds(window.since)} to "
        f"{utc_seconds(window.until)} (excluded). {whole}",
        "start": run.started,
        "end": run.finished or run.started,
        "props": _props(
            {
                "run-id": run.run_id,
                "window-since": utc_seconds(window.since),
                "window-until": utc_seconds(window.until),
                "collected-by": told.collected_by,
                "caller-object-id": told.run.caller.object_id if told.run.caller else None,
                "coverage-units": coverage.units,
                "coverage-gaps": coverage.gaps,
                "kinds-not-collected": ", ".join(coverage.not_collected) or None,
                **_counted(told.counts),
            }
        ),
        "reviewed-controls": {
            "control-selections": [
                {"description": "Every control that was applied; its file is in the pack.", "include-controls": chosen}
                if chosen
                else {"description": "No control was applied: all of none.", "include-all": {}}
            ]
        },
    }


def _assets(run: Run, verdicts: Verdicts) -> dict[str, Any]:
    tool = {
        "uuid": verdicts.id("oscal", "tool"),
        "type": "software",
        "title": "jobaudit",
        "description": f"jobaudit {run.tool_version}, reading {run.endpoint}",
        "status": {"state": "operational"},
    }
    platform = {
        "uuid": verdicts.id("oscal", "platform"),
        "title": "jobaudit",
        "uses-components": [{"component-uuid": tool["uuid"]}],
    }
    return {"components": [tool], "assessment-platforms": [platform]}


def _jobs(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    total = numbered(con, "result_jobs", _JOBS)
    for rows in pages(con, "result_jobs", total, _AT_ONCE):
        for row in rows:
            told = {
                name.replace("_", "-"): row[name] for name in ("job_id", "subscription_id", "resource_group", "state")
            }
            yield {
                "uuid": lasting("job", row["job_id"]),
                "description": line(row["name"] or row["job_id"]),
                "props": _props(told),
            }


def _observation(row: Row, run: Run) -> dict[str, Any]:
    told = {
        "control-id": row["control_id"],
        "verdict": row["verdict"],
        "severity": row["severity"],
        "subject": row["subject"],
        "row-id": row["row_id"],
        "waived": "true" if row["waived"] else None,
        "waiver-id": row["waiver_id"],
    }
    observation = {
        "uuid": row["id"],
        "title": line(f"{row['control_id']}: {row['subject']}"),
        "description": visible(row["reason"]),
        "props": _props(told),
        "methods": ["EXAMINE"],
        "types": ["control-objective"],
        "collected": row["observed_at"] or run.started,
        "relevant-evidence": [_evidence(row, run)],
    }
    if row["job_id"]:
        job = {"subject-uuid": lasting("job", row["job_id"]), "type": "inventory-item"}
        observation["subjects"] = [job | {"title": line(row["name"] or row["job_id"])}]
    return observation


def _evidence(row: Row, run: Run) -> dict[str, Any]:
    file = raw_file(row, run)
    return ({"href": f"../{file}"} if file else {}) | {"description": line(row["raw_ref"] or "no answer of Azure")}


def _findings(file: BinaryIO, told: About, verdicts: Verdicts) -> None:
    """Write a finding for each control that applies to something, with the ids of its observations."""
    before = b'"findings": [\n'
    for name, control in verdicts.controls.items():
        counts = told.by_control.get(name, NOTHING)
        if not (counts.fail or counts.not_assessed or counts.passed):
            continue
        head = encoded(_finding(control, counts, told, verdicts))
        file.write(before + head[:-1] + b', "related-observations": ')
        array(file, ({"observation-uuid": each} for each in verdicts.ids(name)))
        file.write(b"}")
        before = b",\n"
    if before == b",\n":
        file.write(b"],\n")


def _finding(control: Row, counts: Counts, told: About, verdicts: Verdicts) -> dict[str, Any]:
    linked: dict[str, list[str]] = control["frameworks"] or {}
    supports = [
        {"name": "supports", "ns": NAMESPACE, "class": token(key), "value": line(each), "remarks": _name(told, key)}
        for key, ids in linked.items()
        for each in ids
    ]
    title = line(f"{control['control_id']} {control['title']}")
    return {
        "uuid": verdicts.id("control", control["control_id"]),
        "title": title,
        "description": visible(control["rationale"]),
        "props": [
            *_props({"control-id": control["control_id"], "severity": control["severity"], **_counted(counts)}),
            *supports,
        ],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": verdicts.id("oscal", "tool")}]}],
        "target": {
            "type": "objective-id",
            "target-id": token(control["control_id"]),
            "title": title,
            "status": _status(counts),
        },
        "remarks": visible(f"What to do about a failure: {control['remediation']}"),
    }


def _name(told: About, key: str) -> str:
    return told.frameworks[key].name if key in told.frameworks else key


def _status(counts: Counts) -> dict[str, str]:
    """Return what a control's checks amount to. One that could not be assessed keeps it from being satisfied."""
    figures = (
        f"{counts.fail} failed ({counts.waived} of them waived), {counts.not_assessed} not assessed, "
        f"{counts.passed} passed, {counts.not_applicable} not applicable."
    )
    if counts.fail:
        return {"state": "not-satisfied", "reason": "fail", "remarks": figures}
    if counts.not_assessed:
        told = f"No check failed, but evidence is missing, so nothing was concluded: {figures}"
        return {"state": "not-satisfied", "reason": "not-assessed", "remarks": told}
    return {"state": "satisfied", "reason": "pass", "remarks": figures}


def _collection(told: About, verdicts: Verdicts) -> dict[str, Any]:
    run, coverage = told.run, told.coverage
    return {
        "uuid": verdicts.id("oscal", "collection"),
        "title": "Collection",
        "description": f"Collected by {line(told.collected_by)}: {coverage.collected} of {coverage.units} units were "
        f"read to their last page, {coverage.gaps} are gaps; {len(coverage.not_collected)} kinds were not collected.",
        "start": run.started,
        "end": run.finished or run.started,
    }


def _gap(row: Row, run: Run, verdicts: Verdicts) -> dict[str, Any]:
    place = {"place": row["place"]} if row["place"] else {}
    return {
        "uuid": verdicts.id("gap", f"{row['row_id']}/{row['number']}"),
        "title": line(f"Gap: {row['kind']}, {row['reason']}"),
        "description": visible(row["detail"] or row["reason"] or "no reason is known"),
        "start": row["started"] or run.started,
        "end": row["finished"] or row["started"] or run.started,
        "props": _props({"kind": row["kind"], "scope": row["scope"], "reason": row["reason"]} | place),
    }


def _counted(counts: Counts) -> dict[str, int]:
    return {
        "fail": counts.fail,
        "waived": counts.waived,
        "not-assessed": counts.not_assessed,
        "pass": counts.passed,
        "not-applicable": counts.not_applicable,
    }


def _props(values: dict[str, Any]) -> list[dict[str, str]]:
    """Return properties of ours; what isn't known is left out."""
    return [
        {"name": name, "ns": NAMESPACE, "value": line(value)}
        for name, value in values.items()
        if value is not None and str(value).strip()
    ]


def line(value: Any) -> str:
    """Return text as OSCAL wants it in titles and values: one line, no space at its ends, nothing that acts."""
    return " ".join(visible(value).split()) or "unnamed"


def token(name: str) -> str:
    """Return an id as an OSCAL token, which can't begin with a digit."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    return safe if safe[:1].isalpha() else f"_{safe}"
