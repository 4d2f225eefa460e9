"""What a run knows of the pack before it: sealed or not, approved or not, and what was approved of each job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from audit import assess, pipeline
from audit.approve import records
from audit.model.approval import ApprovalDecision
from audit.pipeline.tabling import controls_in, derived
from audit.sandbox import Sandbox
from audit.store import Store, tables
from tests.conftest import NOW, collected

BEGAN = NOW - timedelta(days=10)


@contextlib.contextmanager
def tabled(output: Path, run_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    store, database = Store(output), output / f"{run_id}.duckdb"
    database.unlink(missing_ok=True)
    run = derived(store.open(run_id), database, history=store.history, packs=output / "packs")
    assess.assess(database, run, controls_in(()))
    with contextlib.closing(tables.connect(str(database))) as con:
        yield con


def said(con: duckdb.DuckDBPyConnection, control: str) -> set[tuple[str, str]]:
    sql = "select distinct verdict, reason from verdicts where control_id = ? and reason not like 'deleted at%'"
    return set(con.execute(sql, [control]).fetchall())


def approve(pack: Path, at: datetime) -> None:
    body = {
        "decision": ApprovalDecision.APPROVED, "by": "nora@contoso.example", "role": "owner", "ticket": "CHG-7",
        "comment": "", "conflicts": [], "not_shown": [],
    }  # fmt: skip
    records.append(pack, "approval", body, at=at)


async def test_the_pack_before_is_looked_at(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(sandbox, tmp_path, run_id="run-1", at=BEGAN)
    with tabled(tmp_path, "run-1") as con:
        assert {verdict for verdict, _ in said(con, "JA-41")} == {"not_assessed"}
        assert {reason for _, reason in said(con, "JA-21")} == {"nobody has approved a snapshot of this job"}
    rendered = await asyncio.to_thread(
        lambda: pipeline.render("run-1", pack="compliance", output=tmp_path, formats=["results"])
    )
    job = next(each for key, each in sandbox.estate.resources.items() if key.lower().endswith("/jobs/orders-fulfil"))
    job["properties"]["configuration"]["replicaTimeout"] += 60
    sandbox.refresh()
    await collected(sandbox, tmp_path, run_id="run-2", at=BEGAN + timedelta(days=5))

    with tabled(tmp_path, "run-2") as con:
        ((verdict, reason),) = said(con, "JA-41")
        assert verdict == "fail"
        assert "nobody signed it" in reason
        assert "it is not approved but open" in reason

    approve(rendered.path, BEGAN + timedelta(days=9))
    with tabled(tmp_path, "run-2") as con:
        assert "it is not approved but open" in next(iter(said(con, "JA-41")))[1], "said after the run had ended"

    await collected(sandbox, tmp_path, run_id="run-3", at=BEGAN + timedelta(days=10))
    with tabled(tmp_path, "run-3") as con:
        ((verdict, reason),) = said(con, "JA-41")
        assert "it is approved by nora@contoso.example (asserted, not signed)" in reason
        drifted = con.execute(
            "select job_id, reason from verdicts where control_id = 'JA-21' and verdict = 'fail'"
        ).fetchall()
        assert [job_id.rpartition("/")[2] for job_id, _ in drifted] == ["orders-fulfil"]
        assert "replica_timeout_s" in drifted[0][1]
        assert "CHG-7" in drifted[0][1]

    listed = rendered.path / "run.json"
    listed.write_bytes(listed.read_bytes() + b"\n")
    with tabled(tmp_path, "run-3") as con:
        ((verdict, reason),) = said(con, "JA-41")
        assert verdict == "fail"
        assert "it is not as it was sealed: run.json" in reason
        assert {verdict for verdict, _ in said(con, "JA-21")} == {"not_assessed"}, "nothing damaged counts as approved"
