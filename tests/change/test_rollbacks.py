"""Rollback recipes of real runs: a job is collected, changed and collected again."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from audit.change import rollback
from audit.change.rollback.definition import applicable
from audit.pipeline.tabling import derived
from audit.render import change_files
from audit.render.staging import Staging
from audit.sandbox import Sandbox
from audit.sandbox.estate.moments import bare, zulu
from audit.sandbox.estate.seen import differences
from audit.store import Store, StoredRun, tables
from tests.conftest import collected

KINDS = ("jobs", "activity_log", "resource_changes")
AHEAD = timedelta(hours=1)
"""The Activity Log is known up to a quarter of an hour before a run, so the runs of a test say that they are later."""


class Estate:
    """An estate that is collected and changed in turn; each change is told as Azure tells it."""

    def __init__(self, sandbox: Sandbox, output: Path) -> None:
        self.sandbox = sandbox
        self.output = output
        self.store = Store(output)

    def job(self, name: str) -> dict[str, Any]:
        (found,) = (each for each in self.sandbox.estate.resources.values() if each["id"].endswith(f"/jobs/{name}"))
        return found

    async def collect(self, run_id: str, *kinds: str) -> StoredRun:
        self.sandbox.refresh()
        await collected(
            self.sandbox, self.output, run_id=run_id, at=datetime.now(UTC) + AHEAD, kinds=(*KINDS, *kinds), wait=1.0
        )
        return self.store.open(run_id)

    def change(
        self, name: str, how: Callable[[dict[str, Any]], None], *, seen: bool = True, at: datetime | None = None
    ) -> None:
        """Change a job now, or as of another time: ``seen`` = Resource Graph tells what changed."""
        at = at or datetime.now(UTC)
        job = self.job(name)
        before = copy.deepcopy(job)
        how(job)
        job["systemData"] |= {"lastModifiedBy": "eve@norvane.example", "lastModifiedAt": bare(at)}
        self.wrote(name, at)
        if seen:
            self.saw(name, differences(before, job), at)

    def wrote(self, name: str, at: datetime) -> None:
        """Put the event of a write into the Activity Log."""
        target = self.job(name)["id"]
        log = self.sandbox.estate.activity[target.split("/")[2]]
        event = copy.deepcopy(
            next(each for each in log if each["operationName"]["value"] == "Microsoft.App/jobs/write")
        )
        key = f"{at.timestamp():.0f}-{name}"
        event |= {
            "id": f"{target}/events/{key}/ticks/1",
            "eventDataId": key,
            "correlationId": key,
            "operationId": key,
            "resourceId": target,
            "caller": "eve@norvane.example",
            "eventTimestamp": zulu(at),
            "status": {"value": "Succeeded"},
            "properties": {},
        }
        event["authorization"] = {"action": "Microsoft.App/jobs/write", "scope": target}
        log.append(event)

    def saw(self, name: str, changes: dict[str, Any], at: datetime) -> None:
        """Let Resource Graph tell of the change that was made then."""
        told = copy.deepcopy(self.sandbox.estate.resource_changes[0])
        target = self.job(name)["id"]
        key = f"{at.timestamp():.0f}-{name}"
        told |= {"id": f"{target}/providers/Microsoft.Resources/changes/{key}", "name": key}
        told["properties"] |= {
            "targetResourceId": target,
            "targetResourceType": "microsoft.app/jobs",
            "changeType": "Update",
            "changes": changes,
        }
        told["properties"]["changeAttributes"] |= {
            "correlationId": key,
            "timestamp": zulu(at + timedelta(seconds=6)),
            "changedBy": "eve@norvane.example",
            "operation": "microsoft.app/jobs/write",
        }
        self.sandbox.estate.resource_changes.append(told)


@pytest.fixture
def estate(sandbox: Sandbox, tmp_path: Path) -> Estate:
    return Estate(sandbox, tmp_path)


@contextlib.contextmanager
def tabled(estate: Estate, stored: StoredRun, *names: str) -> Iterator[duckdb.DuckDBPyConnection]:
    database = estate.output / "rollback.duckdb"
    database.unlink(missing_ok=True)
    derived(stored, database, history=estate.store.history)
    with contextlib.closing(tables.connect(str(database))) as con:
        con.execute(
            "create table change_jobs as select row_id, observed_at, raw_ref, job_id, name, 'asked for' as because, state"
            " from population where list_contains(?, name) order by name",
            [list(names)],
        )
        yield con


def recipes(
    estate: Estate, stored: StoredRun, *names: str, since: datetime, earlier: Sequence[StoredRun] = ()
) -> dict[str, dict[str, Any]]:
    """Return the rows of ``rollbacks`` by the jobs' names, JSON decoded; with ``text``, the file."""
    with tabled(estate, stored, *names) as con:
        rollback.create(con, stored, since=since, earlier=earlier)
        result = con.execute("select * from rollbacks order by job_id")
        columns = [each[0] for each in result.description or ()]
        rows = [dict(zip(columns, values, strict=True)) for values in result.fetchall()]
        with Staging(estate.output / "pack") as staging:
            files = change_files.write(con, staging)
    assert files == [f"change/rollback/{row['file']}" for row in rows if row["file"]]
    found = {}
    for row in rows:
        decoded = {name: msgspec.json.decode(row[name]) for name in ("images", "required_inputs", "by_hand")}
        definition = None if row["definition"] is None else msgspec.json.decode(row["definition"])
        text = (estate.output / "pack" / change_files.FOLDER / row["file"]).read_text() if row["file"] else ""
        found[row["job_id"].rpartition("/")[2]] = row | decoded | {"definition": definition, "text": text}
    return found


def plain(definition: dict[str, Any], inputs: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return an estate's job as its recipe has it: only what can be applied, null where an input is asked for."""
    from audit.model import json_path

    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(applicable(definition)))
    for each in inputs:
        way = json_path.steps(each["path"], kept)
        assert way is not None
        json_path.at(kept, way[:-1])[way[-1]] = None
    return kept


def image(text: str) -> Callable[[dict[str, Any]], None]:
    def how(body: dict[str, Any]) -> None:
        body["properties"]["template"]["containers"][0]["image"] = text

    return how


async def test_what_an_earlier_run_read_is_the_recipe(estate: Estate) -> None:
    was = copy.deepcopy(estate.job("orders-fulfil"))
    first = await estate.collect("run-1")
    since = datetime.now(UTC)
    estate.change("orders-fulfil", image("norvane.azurecr.io/orders/fulfil:new"), seen=False)
    second = await estate.collect("run-2")
    found = recipes(estate, second, "orders-fulfil", since=since, earlier=[first, second])["orders-fulfil"]
    assert (found["source"], found["source_run_id"], found["complete"]) == ("earlier run", "run-1", True), found[
        "because"
    ]
    assert found["raw_ref"].startswith("runs/run-1/raw/jobs/")
    assert found["as_of"] < since
    assert found["definition"] == plain(was, found["required_inputs"])
    assert found["by_hand"] == []
    assert "az containerapp job update --name orders-fulfil --resource-group rg-orders-prod " in found["text"]
