"""A change pack over two collections, with a change and a change of access in between."""

from __future__ import annotations

import asyncio
import copy
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from changed_estate import put

from audit.model.change import ChangeAsked
from audit.pipeline import Change, render
from audit.sandbox.faults import Fault
from audit.store import Store
from tests.conftest import NOW, collected, serving

JOB = "orders-fulfil"
KINDS = (
    "activity_log", "resource_changes", "environments", "role_assignments", "role_definitions", "management_groups",
    "image_digests", "tags", "executions",
)  # fmt: skip
BEFORE, MADE = NOW - timedelta(days=3), NOW - timedelta(days=2)
CONTRIBUTOR = "/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"


class Told(NamedTuple):
    """The pack of the change, and one of a run that could not read environments."""

    pack: Path
    blind: Path


async def _collect(output: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        async with serving() as sandbox:
            for name, value in sandbox.environment().items():
                patch.setenv(name, value)

            async def collect(run_id: str, at: Any) -> None:
                await collected(sandbox, output, kinds=KINDS, run_id=run_id, at=at, wait=0.2)
                Store(output).history.append(Store(output).open(run_id))

            await collect("before", BEFORE)
            scale = "properties.configuration.eventTriggerConfig.scale"
            put(sandbox, JOB, {f"{scale}.maxExecutions": 77, "properties.configuration.replicaTimeout": 99}, MADE)
            given = copy.deepcopy(sandbox.estate.role_assignments[0])
            job = next(each["id"] for key, each in sandbox.estate.resources.items() if key.endswith(f"/jobs/{JOB}"))
            given["name"] = "77777777-0000-4000-8000-000000000009"
            given["id"] = f"{job}/providers/Microsoft.Authorization/roleAssignments/{given['name']}"
            given["properties"] |= {"scope": job, "roleDefinitionId": CONTRIBUTOR}
            sandbox.estate.role_assignments.append(given)
            environment = next(
                each
                for each in sandbox.estate.resources.values()
                if each["id"].lower() == sandbox.estate.resources[job.lower()]["properties"]["environmentId"].lower()
            )
            environment["properties"]["zoneRedundant"] = not environment["properties"].get("zoneRedundant")
            sandbox.refresh()
            await collect("after", NOW)
            sandbox.faults.add(
                Fault(
                    path=r"/providers/microsoft\.app/managedenvironments",
                    status=403,
                    code="AuthorizationFailed",
                    message="does not have authorization",
                )
            )
            await collect("blind", NOW + timedelta(minutes=1))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    output = tmp_path_factory.mktemp("made")
    asyncio.run(_collect(output))
    asked = Change(asked=ChangeAsked(jobs=(JOB,), since=MADE - timedelta(hours=1), until=MADE + timedelta(hours=1)))
    packs = [
        render(run_id, pack="change", output=output, change=asked, formats=("html",)).path
        for run_id in ("after", "blind")
    ]
    return Told(*packs)


def rows(pack: Path, table: str, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(sql.format(f"read_parquet('{pack}/data/{table}.parquet')")).fetchall()


def test_before_is_what_the_run_before_read(told: Told) -> None:
    assert rows(told.pack, "change_request", "select before_run_id, before_note from {}") == [("before", None)]


def test_each_property_stands_once_with_its_values_and_the_write_that_set_it(told: Told) -> None:
    found = rows(
        told.pack,
        "change_properties",
        "select area, property, kind, after, candidates from {} where area in ('job', 'scale') order by property",
    )
    assert found == [("scale", "max_executions", "changed", "77", 1), ("job", "replica_timeout_s", "changed", "99", 1)]
    ((change_id,),) = rows(told.pack, "change_properties", "select distinct change_id from {} where candidates = 1")
    made = rows(told.pack, "changes", "select distinct change_id from {} where property like '%maxExecutions'")
    assert (change_id,) in made


def test_what_the_job_stands_on_and_who_has_access_are_told_too(told: Told) -> None:
    areas = dict(rows(told.pack, "change_properties", "select area, count(*) from {} group by all"))
    assert areas["network"] == 1
    assert areas["access"] >= 1
    assert ("zone_redundant",) in rows(told.pack, "change_properties", "select property from {} where area = 'network'")


def test_only_the_jobs_of_the_change_are_told(told: Told) -> None:
    assert rows(told.pack, "change_properties", "select distinct job_id ilike '%/orders-fulfil' from {}") == [(True,)]


def test_what_a_gap_hides_is_unknown_and_never_gone(told: Told) -> None:
    network = rows(told.blind, "change_properties", "select kind, because from {} where area = 'network'")
    assert {kind for kind, _ in network} == {"unknown"}
    assert all("forbidden" in because for _, because in network)
    assert "not known" in (told.blind / "index.html").read_text()


def test_the_way_back_is_what_the_run_before_read(told: Told) -> None:
    set_before = dict(rows(told.pack, "change_properties", "select property, before from {} where area <> 'access'"))
    assert rows(told.pack, "rollbacks", "select complete from {}") == [(True,)]
    (file,) = (told.pack / "change" / "rollback").iterdir()
    assert f"maxExecutions: {set_before['max_executions']}\n" in file.read_text()
    assert f"replicaTimeout: {set_before['replica_timeout_s']}\n" in file.read_text()
