"""Controls that couldn't be run, or not for every job: gaps in ``coverage`` and ``job_gaps`` under one kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from audit.model import Run

KIND = "controls"
"""The kind under which they stand; the scope is the control's id."""
_REASON = "unavailable"


class Failure(NamedTuple):
    """One control's failure: what kept it from answering, and the reason by job id. ``file``: its path in the pack."""

    control_id: str
    file: str
    told: str
    jobs: dict[str, str]


_ROW_ID = "substr(sha256(concat_ws(chr(31), '{table}', {columns})), 1, 16)"
_COVERAGE = f"""
insert into coverage by name
select {_ROW_ID.format(table="coverage", columns="'" + KIND + "', lower(control_id), 'none'")} as row_id,
       $at::TIMESTAMPTZ as observed_at, file as raw_ref, '{KIND}' as kind, control_id as scope,
       'gap' as outcome, '{_REASON}' as reason, told as detail, 0 as pages, 0 as "rows", 0 as requests,
       $at::TIMESTAMPTZ as started, $at::TIMESTAMPTZ as finished
from (select unnest(from_json($failures, '[{{"control_id": "VARCHAR", "file": "VARCHAR", "told": "VARCHAR"}}]'),
             recursive := true))
order by control_id
"""
_JOBS = f"""
insert into job_gaps by name
select {_ROW_ID.format(table="job_gaps", columns="lower(job_id), '" + KIND + "', lower(control_id)")} as row_id,
       $at::TIMESTAMPTZ as observed_at, file as raw_ref, job_id, '{KIND}' as kind, control_id as scope,
       '{_REASON}' as reason, told as detail
from (select unnest(from_json($failures, '[{{"control_id": "VARCHAR", "file": "VARCHAR", "job_id": "VARCHAR",
                                             "told": "VARCHAR"}}]'), recursive := true))
order by lower(job_id), control_id
"""


def write(con: duckdb.DuckDBPyConnection, run: Run, failures: Sequence[Failure]) -> None:
    """Complete ``coverage`` and ``job_gaps``; calling it again replaces what it added."""
    whole = [{"control_id": each.control_id, "file": each.file, "told": each.told} for each in failures]
    by_job = [
        {"control_id": each.control_id, "file": each.file, "job_id": job_id, "told": told}
        for each in failures
        for job_id, told in each.jobs.items()
    ]
    for table, sql, rows in (("coverage", _COVERAGE, whole), ("job_gaps", _JOBS, by_job)):
        con.execute(f"delete from {table} where kind = '{KIND}'")
        con.execute(sql, {"at": run.finished or run.started, "failures": msgspec.json.encode(rows).decode()})
