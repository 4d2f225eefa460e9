"""findings.json: the whole of it, for whoever reads by program; findings.schema.json says how."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from audit.model import Severity, Verdict
from audit.render import links
from audit.render.results.about import NOTHING, About
from audit.render.results.shapes import VERSION, Control, Evidence, Finding, Gap
from audit.render.results.stream import array, members
from audit.render.rows import Row, numbered, pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from audit.model import Run
    from audit.render.results.verdicts import Verdicts

_GAPS = """
select row_number() over (order by kind, lower(scope), place nulls first, detail, row_id) as number, *
from coverage where outcome = 'gap'
"""
_GAPS_AT_ONCE = 5_000


def write(file: BinaryIO, con: duckdb.DuckDBPyConnection, run: Run, told: About, verdicts: Verdicts) -> None:
    """Write it, row by row."""
    head = {"schema_version": VERSION, "run": told.run, "coverage": told.coverage, "jobs": told.jobs}
    more = {"verdicts": told.counts, "frameworks": list(told.frameworks.values())}
    file.write(b"{\n")
    members(file, head | more | {"controls": [_control(row, told) for row in verdicts.controls.values()]})
    file.write(b'"gaps": ')
    array(file, (Gap(**{name: row[name] for name in Gap.__struct_fields__}) for row in gaps(con)))
    file.write(b',\n"findings": ')
    array(file, _findings(verdicts, run))
    file.write(b"\n}\n")


def gaps(con: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    """Yield every gap of the coverage, in one order."""
    total = numbered(con, "result_gaps", _GAPS)
    for rows in pages(con, "result_gaps", total, _GAPS_AT_ONCE):
        yield from rows


def _control(row: Row, told: About) -> Control:
    return Control(
        control_id=row["control_id"],
        title=row["title"],
        area=row["area"],
        severity=Severity(row["severity"]),
        source=row["source"],
        file=f"controls/{'own/' if row['source'] == 'own' else ''}{row['file']}",
        needs=row["needs"] or [],
        frameworks=row["frameworks"] or {},
        rationale=row["rationale"],
        remediation=row["remediation"],
        limits=row["limits"],
        subjects=row["subjects_total"],
        population=row["population_note"],
        failure=row["failure"],
        verdicts=told.by_control.get(row["control_id"], NOTHING),
    )


def _findings(verdicts: Verdicts, run: Run) -> Iterator[Finding]:
    for row in verdicts:
        control = row["control"]
        yield Finding(
            id=row["id"],
            row_id=row["row_id"],
            control_id=row["control_id"],
            title=control["title"],
            area=control["area"],
            severity=Severity(row["severity"]),
            verdict=Verdict(row["verdict"]),
            reason=row["reason"],
            job_id=row["job_id"],
            job=row["name"],
            subscription_id=row["subscription_id"],
            resource_group=row["resource_group"],
            subject=row["subject"],
            waived=row["waived"],
            waiver_id=row["waiver_id"],
            frameworks=control["frameworks"] or {},
            remediation=remediation(row),
            evidence=_evidence(row, run),
        )


def remediation(row: Row) -> str | None:
    """Return what to do about a verdict: nothing where it is no failure."""
    return str(row["control"]["remediation"]) if row["verdict"] == Verdict.FAIL.value else None


def _evidence(row: Row, run: Run) -> Evidence:
    ref = links.parse(row["raw_ref"])
    return Evidence(
        raw_ref=row["raw_ref"],
        file=raw_file(row, run),
        line=ref.line if ref else None,
        item=ref.item if ref else None,
        request_id=(ref.request or None) if ref else None,
        observed_at=row["observed_at"],
    )


def raw_file(row: Row, run: Run) -> str | None:
    """Return the file of the pack that holds Azure's answer, or None where the pack has none."""
    file = links.raw_file(row["raw_ref"])
    return None if file and file.startswith("raw/") and run.restored_from else file
