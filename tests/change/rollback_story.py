"""An estate that is collected, changed and collected again; every change is told as Azure tells it."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from audit.change import rollback
from audit.pipeline.tabling import derived
from audit.render import change_files, data
from audit.render.staging import Staging
from audit.sandbox import Sandbox
from audit.sandbox.estate.moments import bare, zulu
from audit.sandbox.estate.seen import differences
from audit.store import Store, StoredRun, tables
from tests.conftest import collected

Body = dict[str, Any]
KINDS = ("jobs", "activity_log", "resource_changes", "image_digests")
_AHEAD = timedelta(hours=1)
"""The Activity Log is known up to a quarter of an hour before a run, so the runs of a test say that they are later."""
_BY = "eve@norvane.example"
_WRITE = "Microsoft.App/jobs/write"


class Story:
    """A sandbox's estate and the runs that were collected of it."""

    def __init__(self, sandbox: Sandbox, output: Path) -> None:
        self.estate = sandbox.estate
        self.output = output
        self.store = Store(output)
        self._sandbox = sandbox
        self._told = 0

    def job(self, name: str) -> Body:
        return self.estate.resources[self._key(name)]

    async def collect(self, run_id: str) -> StoredRun:
        self._sandbox.refresh()
        at = datetime.now(UTC) + _AHEAD
        await collected(self._sandbox, self.output, run_id=run_id, at=at, kinds=KINDS, wait=1.0)
        return self.store.open(run_id)

    def change(self, name: str, how: Callable[[Body], None], *, seen: bool = True) -> Body:
        """Change a job and return what it was. ``seen``: Resource Graph tells what changed, not only the log that."""
        job, at = self.job(name), datetime.now(UTC)
        before = copy.deepcopy(job)
        how(job)
        job["systemData"] |= {"lastModifiedBy": _BY, "lastModifiedAt": bare(at)}
        self._log(name, _WRITE, at)
        if seen:
            self._see(name, differences(before, job), at)
        return before

    def delete(self, name: str) -> Body:
        """Delete a job and return what it was."""
        self._log(name, "Microsoft.App/jobs/delete", datetime.now(UTC))
        return self.estate.resources.pop(self._key(name))

    def _key(self, name: str) -> str:
        (key,) = (key for key in self.estate.resources if key.endswith(f"/microsoft.app/jobs/{name}"))
        return key

    def _log(self, name: str, action: str, at: datetime) -> None:
        self._told += 1
        key, target = f"told-{self._told}", self.job(name)["id"]
        log = self.estate.activity[target.split("/")[2]]
        event = copy.deepcopy(next(each for each in log if each["operationName"]["value"] == _WRITE))
        log.append(
            event
            | {
                **dict.fromkeys(("eventDataId", "correlationId", "operationId"), key),
                "id": f"{target}/events/{key}/ticks/1",
                "operationName": {"value": action},
                "resourceId": target,
                "caller": _BY,
                "eventTimestamp": zulu(at),
                "status": {"value": "Succeeded"},
                "properties": {},
                "authorization": {"action": action, "scope": target},
            }
        )

    def _see(self, name: str, changes: Body, at: datetime) -> None:
        key, target = f"told-{self._told}", self.job(name)["id"]
        row = copy.deepcopy(self.estate.resource_changes[0])
        row |= {"id": f"{target}/providers/Microsoft.Resources/changes/{key}", "name": key}
        kind = {"targetResourceId": target, "targetResourceType": "microsoft.app/jobs", "changeType": "Update"}
        row["properties"] |= {**kind, "changes": changes}
        row["properties"]["changeAttributes"] |= {
            "correlationId": key,
            "timestamp": zulu(at + timedelta(seconds=6)),
            "changedBy": _BY,
            "operation": _WRITE.lower(),
        }
        self.estate.resource_changes.append(row)


@contextlib.contextmanager
def tabled(story: Story, stored: StoredRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the run's derived tables, and ``change_jobs`` with every job of the population."""
    database = story.output / "rollback.duckdb"
    derived(stored, database, history=story.store.history)
    with contextlib.closing(tables.connect(str(database))) as con:
        con.execute(
            "create table change_jobs as select row_id, observed_at, raw_ref, job_id, name, 'asked for' as because, "
            "state from population order by job_id"
        )
        yield con


def recipes(
    con: duckdb.DuckDBPyConnection, stored: StoredRun, folder: Path, *, since: datetime, earlier: Sequence[StoredRun]
) -> dict[str, Body]:
    """Return the rows of ``rollbacks`` by the jobs' names, JSON decoded; with ``text``, the file."""
    rollback.create(con, stored, since=since, earlier=earlier)
    result = con.execute("select * from rollbacks order by lower(job_id)")
    columns = [each[0] for each in result.description or ()]
    rows = [dict(zip(columns, values, strict=True)) for values in result.fetchall()]
    with Staging(folder) as staging:
        written = change_files.write(con, staging)
    assert written == [f"change/rollback/{row['file']}" for row in rows if row["file"]]
    assert files(folder).keys() == {row["file"] for row in rows if row["file"]}
    found = {}
    for row in rows:
        decoded = {name: msgspec.json.decode(row[name]) for name in ("images", "required_inputs", "by_hand")}
        decoded["definition"] = None if row["definition"] is None else msgspec.json.decode(row["definition"])
        text = (folder / change_files.FOLDER / row["file"]).read_text("ascii") if row["file"] else ""
        found[row["job_id"].rpartition("/")[2]] = row | decoded | {"text": text}
    return found


def written_again(con: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, bytes]:
    """Return the files as they are made of the pack's table alone, by their names."""
    data.write(con, folder / "data")
    with contextlib.closing(tables.connect()) as other:
        other.execute("create table rollbacks as from read_parquet(?)", [str(folder / "data" / "rollbacks.parquet")])
        with Staging(folder / "again") as staging:
            change_files.write(other, staging)
    return files(folder / "again")


def files(folder: Path) -> dict[str, bytes]:
    """Return what the recipes of a folder hold, by their names."""
    return {each.name: each.read_bytes() for each in (folder / change_files.FOLDER).iterdir()}
