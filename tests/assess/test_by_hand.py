"""A pack's controls/views.sql and a control's text, run from its folder, give what the engine gave."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from answered import tag
from run_tables import RunTables, container, job, job_id

from audit.assess import load
from audit.render import data, views

PROD = {"tags": {"environment": "prod"}, "max_executions_most": 50}
LAID = "set variable job = '"


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack's data/ and controls/, where one job has a baseline of its own."""
    tables = RunTables(tmp_path)
    orders, billing = job("orders", max_executions=60), job("billing", max_executions=60)
    tables.add(orders, billing, container(orders, digest=None, tag="1"), tag(job_id("orders"), "environment", "prod"))
    tables.with_run(settings={"overrides": [PROD]})
    tables.verdicts()
    folder = tmp_path / "pack"
    (folder / "controls").mkdir(parents=True)
    with duckdb.connect(str(tables.database)) as con:
        con.execute("set TimeZone = 'UTC'")
        views.write(folder / "controls", data.write(con, folder / "data"))
    monkeypatch.chdir(folder)
    return folder


def by_hand(pack: Path, sql: str, about: str = "") -> list[tuple[object, ...]]:
    """Run a control as `duckdb -init controls/views.sql < control.sql` does."""
    laid = (pack / "controls/views.sql").read_text(encoding="utf-8")
    assert LAID in laid
    with duckdb.connect() as con:
        con.execute(laid.replace(LAID, LAID + about))
        return con.execute(sql).fetchall()


def test_every_control_gives_by_hand_what_the_engine_gave(pack: Path) -> None:
    for control in load():
        by_hand(pack, control.text)
        told = set(by_hand(pack, f"select job_id, subject, verdict from ({control.sql})"))
        kept = set(by_hand(pack, f"select job_id, subject, verdict from verdicts where control_id = '{control.id}'"))
        differing = {(job_id("orders"), "maximum executions", "pass")} if control.id == "JA-19" else set()
        assert told - kept == differing, control.id


def test_a_job_is_judged_by_its_own_baselines_once_its_id_is_written_there(pack: Path) -> None:
    (control,) = (each for each in load() if each.id == "JA-19")
    sql = f"select verdict from ({control.sql}) where subject = 'maximum executions' and job_id = '{job_id('orders')}'"
    assert by_hand(pack, sql) == [("pass",)]
    assert by_hand(pack, sql, about=job_id("orders")) == [("fail",)]
    kept = by_hand(pack, "select verdict, job_id from verdicts where control_id = 'JA-19' and subject like 'max%'")
    assert ("fail", job_id("orders")) in kept


def test_the_views_hold_every_table(pack: Path) -> None:
    for path in sorted((pack / "data").glob("*.parquet")):
        name = "parameters_of_jobs" if path.stem == "parameters" else path.stem
        assert by_hand(pack, f'select count(*) from "{name}"') == by_hand(
            pack, f"select count(*) from read_parquet('data/{path.name}')"
        )
