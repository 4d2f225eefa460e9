"""A control's answers as the tests of controls hold them, and the tags that several of them give."""

from __future__ import annotations

from run_tables import SUB, RunTables

from audit.evidence.tags import Tag

Found = dict[tuple[str, str], tuple[str, str]]


def found(tables: RunTables, control: str) -> Found:
    rows = tables.verdicts(control)
    assert all(row["raw_ref"] and row["reason"] for row in rows)
    return {(row["job_id"].rsplit("/", 1)[-1], row["subject"]): (row["verdict"], row["reason"]) for row in rows}


def verdicts(rows: Found) -> dict[tuple[str, str], str]:
    return {key: verdict for key, (verdict, _) in rows.items()}


def tag(resource: str, key: str, value: str, source: str = "job") -> Tag:
    return Tag(resource_id=resource, key=key, value=value, source=source, subscription_id=SUB)
