"""A control of a user's for the tests of the engine: one file in a folder of its own."""

from __future__ import annotations

from pathlib import Path

HEADER = """/*---
id: {id}
title: A title
area: governance
severity: high
needs: [{needs}]
subjects: |
  {subjects}
empty: there is no thing
rationale: Because.
remediation: Do it.
{more}
---*/
"""
JOBS = "select job_id, name as subject from jobs where in_scope"


def control(
    folder: Path, sql: str, *, subjects: str = JOBS, needs: str = "jobs", name: str = "T-01", more: str = ""
) -> Path:
    own = folder / "own"
    own.mkdir(exist_ok=True)
    text = HEADER.format(id=name, subjects=subjects, needs=needs, more=more) + sql
    (own / f"{name}.sql").write_text(text, encoding="utf-8")
    return own


def passing(subjects: str = JOBS) -> str:
    return f"select job_id, subject, 'pass' as verdict, 'fine' as reason from ({subjects})"
