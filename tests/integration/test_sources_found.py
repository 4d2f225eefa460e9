"""From a rule's words to the resource it watches, through collection, redaction and store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from audit.model import Collected
from audit.sandbox import Sandbox
from tests.conftest import collected


async def _tables(sandbox: Sandbox, output: Path) -> duckdb.DuckDBPyConnection:
    run = await collected(sandbox, output, kinds=("event_sources",))
    assert all(isinstance(unit.outcome, Collected) for unit in run.units), run.units
    con = duckdb.connect()
    for path in (output / "runs" / "test-run" / "tables").glob("*.parquet"):
        con.execute(f"create view {path.stem} as select * from read_parquet('{path}')")
    return con


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.sql(sql).fetchall()


async def test_every_rule_of_the_story_leads_to_its_source(sandbox: Sandbox, tmp_path: Path) -> None:
    con = await _tables(sandbox, tmp_path)
    found = _rows(
        con,
        """
        select jobs.name, rule_sources.host, rule_sources.unresolved, inventory.resource_id is not null
        from rule_sources join jobs using (job_id) left join inventory on inventory.host = rule_sources.host
        where jobs.in_scope
        """,
    )
    assert not [each for each in found if each[2]]
    assert {(name, host) for name, host, _, known in found if not known} == {
        ("github-runner", "api.github.com"),
        ("imports-customs", "mq.norvane.example"),
    }
    assert _rows(con, "select count(*) from event_source_entities where status = 'missing'") == [(0,)]


async def test_the_story_has_its_good_source_and_its_faults(sandbox: Sandbox, tmp_path: Path) -> None:
    con = await _tables(sandbox, tmp_path)
    facts = {
        name: rest
        for name, *rest in _rows(
            con,
            "select name, local_auth_disabled, public_access, default_action, coalesce(json_array_length("
            "private_endpoints), 0) from event_sources",
        )
    }
    assert facts["sb-norvane-prod"][:2] == [True, "Disabled"]
    assert facts["sb-norvane-prod"][3] == 1
    assert facts["stnorvaneimports"][:3] == [False, "Enabled", "Allow"]
    assert facts["sb-norvane-shared"][0] is False
    managed = "select name from event_source_policies where can_manage and resource_id ilike '%sb-norvane-shared'"
    assert {name for (name,) in _rows(con, managed)} == {"RootManageSharedAccessKey", "keda-scaling"}
    ((attempts, dead),) = _rows(
        con, "select max_delivery_count, dead_letters from event_source_entities where name = 'invoices-due'"
    )
    assert attempts == 10
    assert dead >= 40
    assert {
        name for (name,) in _rows(con, "select name from event_source_entities where entity_kind = 'eventhub'")
    } == {
        "positions-minute",
        "vehicle-positions",
    }


async def test_a_queue_that_a_job_names_and_nobody_made_is_said(sandbox: Sandbox, tmp_path: Path) -> None:
    (gone,) = [key for key in sandbox.estate.resources if key.endswith("/queues/orders-placed")]
    del sandbox.estate.resources[gone]
    sandbox.refresh()
    con = await _tables(sandbox, tmp_path)
    assert _rows(
        con, "select name, entity_kind, active_messages from event_source_entities where status = 'missing'"
    ) == [("orders-placed", "queue", None)]
