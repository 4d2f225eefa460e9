"""The controls as a report shows them: what each asks, what it supports, and how it was answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    import duckdb

VERDICTS = ("fail", "not_assessed", "pass", "not_applicable")
"""In the order in which a reader wants them."""
SEVERITIES = ("critical", "high", "medium", "low")
_AREAS = (
    "access",
    "identity",
    "change",
    "configuration",
    "logging",
    "reliability",
    "network",
    "ownership",
    "cost",
    "governance",
    "fit",
    "operations",
)
FRAMEWORKS = {
    "mcsb": ("MCSB", "Microsoft cloud security benchmark v1"),
    "iso27001": ("ISO 27001", "ISO/IEC 27001:2022"),
    "soc2": ("SOC 2", "SOC 2 Trust Services Criteria"),
    "nist80053": ("NIST 800-53", "NIST SP 800-53 r5"),
    "pci": ("PCI DSS", "PCI DSS v4.0.1"),
    "cis": ("CIS Azure", "CIS Azure Foundations 6.0.0"),
}
"""A framework's short and full name, in the order in which they are told."""
SEVERITY_RANK = "case {0}.severity when 'critical' then 0 when 'high' then 1 when 'medium' then 2 else 3 end"
"""SQL over a table's alias: heaviest first."""
VERDICT_RANK = "case {0}.verdict when 'fail' then 0 when 'not_assessed' then 1 when 'pass' then 2 else 3 end"
"""SQL over a table's alias: the order of VERDICTS."""


def area_rank(area: str) -> tuple[int, str]:
    """Return the sort key of an area: the catalogue's order, then others by name."""
    return (_AREAS.index(area), area) if area in _AREAS else (len(_AREAS), area)


def load(con: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    """Return every control by id, in order, with ``supports``, ``linked`` (ids by framework), ``counts`` by verdict."""
    controls = {row["control_id"]: row for row in fetch(con, "select * from controls order by control_id")}
    for control in controls.values():
        control["path"] = f"controls/{'own/' if control['source'] == 'own' else ''}{control['file']}"
        control["supports"] = supports(control["frameworks"])
        control["linked"] = json.loads(control["frameworks"] or "{}")
        control["needs"] = json.loads(control["needs"] or "[]")
        control["counts"] = dict.fromkeys(VERDICTS, 0)
        control["parameters"] = []
        control["own_baselines"] = 0
    counted = "select control_id, verdict, count(*) as n from verdicts group by all order by all"
    for row in fetch(con, counted):
        if row["control_id"] in controls:
            controls[row["control_id"]]["counts"][row["verdict"]] = row["n"]
    for row in fetch(con, "select * from parameters where job_id is null order by control_id, name"):
        if row["control_id"] in controls:
            controls[row["control_id"]]["parameters"].append(row)
    own = "select control_id, count(distinct lower(job_id)) as n from parameters where job_id is not null group by all"
    for row in fetch(con, own):
        if row["control_id"] in controls:
            controls[row["control_id"]]["own_baselines"] = row["n"]
    return controls


def supports(frameworks: str | None) -> list[tuple[str, str, str]]:
    """Return (short name, full name, requirements) for each framework that a control supports."""
    told: dict[str, Any] = json.loads(frameworks or "{}")
    known = [name for name in FRAMEWORKS if told.get(name)]
    others = sorted(name for name in told if name not in FRAMEWORKS and told[name])
    return [(*FRAMEWORKS.get(name, (name, name)), ", ".join(told[name])) for name in (*known, *others)]
