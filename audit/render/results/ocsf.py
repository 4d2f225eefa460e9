"""findings.ocsf.jsonl: one OCSF Compliance Finding (class 2003) a line, for a SIEM or a data lake.

Schema: https://schema.ocsf.io/1.5.0/classes/compliance_finding. Its four words for a check are not ours: passed is 1
Pass, failed 3 Fail; ``not_assessed`` is 0 Unknown, because nothing was concluded (2 Warning counts as half a failure on
many a dashboard); ``not_applicable`` is 99 Other, with our word in ``status``. ``status_code`` always has our word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from audit.render.controls import FRAMEWORKS
from audit.render.results.findings import remediation
from audit.render.results.stream import encoded

if TYPE_CHECKING:
    from datetime import datetime

    from audit.model import Run
    from audit.render.results.about import About
    from audit.render.results.verdicts import Verdicts
    from audit.render.rows import Row

VERSION = "1.5.0"
_CHECK = {"fail": (3, "Fail"), "pass": (1, "Pass"), "not_assessed": (0, "Unknown"), "not_applicable": (99, "Other")}
"""compliance.status_id and its caption; where it is Other, ``status`` is our own word."""
_SEVERITY = {"low": (2, "Low"), "medium": (3, "Medium"), "high": (4, "High"), "critical": (5, "Critical")}
_INFORMATIONAL = (1, "Informational")
_WEIGHS = ("fail", "not_assessed")
"""Verdicts that weigh what their control weighs; what passes or does not apply is for information."""
_NEW, _UNKNOWN, _OTHER = (1, "New"), (0, "Unknown"), 99
_RULE = {"type_id": 1, "type": "Rule"}
_SUBSCRIPTION = {"type_id": 13, "type": "Azure Subscription"}
_KIND = {
    "activity_id": 1,
    "activity_name": "Create",
    "category_uid": 2,
    "category_name": "Findings",
    "class_uid": 2003,
    "class_name": "Compliance Finding",
    "type_uid": 200301,
    "type_name": "Compliance Finding: Create",
}


def write(file: BinaryIO, run: Run, told: About, verdicts: Verdicts) -> None:
    """Write an event per verdict, in the order of the verdicts."""
    same, ran = _same(run, told), _ran(told)
    file.writelines(encoded(_event(row, same, ran, told)) + b"\n" for row in verdicts)


def _same(run: Run, told: About) -> dict[str, Any]:
    """Return what every event has in common."""
    product = {"name": "jobaudit", "vendor_name": "jobaudit", "version": run.tool_version}
    metadata: dict[str, Any] = {"version": VERSION, "product": product, "correlation_uid": run.run_id}
    if told.run.caller:
        metadata["tenant_uid"] = told.run.caller.tenant_id
    at = run.finished or run.started
    return {"time": _epoch(at), "metadata": metadata | {"profiles": ["cloud"]}}


def _ran(told: About) -> dict[str, Any]:
    """Return what OCSF has no place for: where and for when the run was made, by whom, and how whole it is."""
    return {
        "run_id": told.run.run_id,
        "window_since": told.run.window.since,
        "window_until": told.run.window.until,
        "collected_by": told.collected_by,
        "coverage_units": told.coverage.units,
        "coverage_gaps": told.coverage.gaps,
        "coverage_complete": told.coverage.complete,
    }


def _event(row: Row, same: dict[str, Any], ran: dict[str, Any], told: About) -> dict[str, Any]:
    control = row["control"]
    severity_id, severity = _SEVERITY[row["severity"]] if row["verdict"] in _WEIGHS else _INFORMATIONAL
    status_id, status = _status(row)
    event = _KIND | {
        "time": same["time"],
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_code": row["verdict"],
        "status_detail": row["reason"],
        "message": f"{row['control_id']} {control['title']}: {row['subject']}: {row['verdict']}",
        "metadata": same["metadata"] | {"uid": row["id"], "event_code": row["control_id"]},
        "cloud": _cloud(row),
        "finding_info": _info(row, control),
        "compliance": _compliance(row, control, told),
        "evidences": [{"name": row["raw_ref"] or "none", "data": {"raw_ref": row["raw_ref"]}}],
        "unmapped": ran
        | {
            "row_id": row["row_id"],
            "subject": row["subject"],
            "severity": row["severity"],
            "verdict": row["verdict"],
            "waived": row["waived"],
            "waiver_id": row["waiver_id"],
        },
    }
    if row["job_id"]:
        event["resources"] = [_job(row, told)]
    if mend := remediation(row):
        event["remediation"] = {"desc": mend}
    return event


def _status(row: Row) -> tuple[int, str]:
    """Return how the finding stands: a failure is new, one that is waived says so, and an open question is unknown."""
    if row["verdict"] == "fail":
        return (_OTHER, "waived") if row["waived"] else _NEW
    return _UNKNOWN if row["verdict"] == "not_assessed" else (_OTHER, row["verdict"])


def _info(row: Row, control: Row) -> dict[str, Any]:
    seen = {"created_time": _epoch(row["observed_at"])} if row["observed_at"] else {}
    analytic = {"uid": row["control_id"], "name": control["title"]} | _RULE
    info = {"uid": row["row_id"], "title": control["title"], "desc": row["reason"], "types": [control["area"]]}
    return info | seen | {"analytic": analytic, "data_sources": control["needs"] or []}


def _compliance(row: Row, control: Row, told: About) -> dict[str, Any]:
    linked: dict[str, list[str]] = control["frameworks"] or {}
    status_id, status = _CHECK[row["verdict"]]
    return {
        "control": row["control_id"],
        "desc": control["title"],
        "standards": [told.frameworks[key].name if key in told.frameworks else key for key in linked],
        "requirements": [f"{FRAMEWORKS.get(key, (key,))[0]} {each}" for key, ids in linked.items() for each in ids],
        "status_id": status_id,
        "status": row["verdict"] if status_id == _OTHER else status,
        "status_code": row["verdict"],
    }


def _cloud(row: Row) -> dict[str, Any]:
    account = {"account": {"uid": row["subscription_id"]} | _SUBSCRIPTION} if row["subscription_id"] else {}
    return {"provider": "Azure"} | account


def _job(row: Row, told: About) -> dict[str, Any]:
    job = {"uid": row["job_id"], "name": row["name"] or row["job_id"], "type": "Microsoft.App/jobs"}
    group = {"group": {"name": row["resource_group"], "type": "resource group"}} if row["resource_group"] else {}
    return job | group | {"cloud_partition": told.run.cloud, "data": {"subject": row["subject"]}}


def _epoch(at: datetime) -> int:
    """Return milliseconds since 1970."""
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
