"""A run of the demo's estate, its tables, and what proposals on it come to."""

from __future__ import annotations

import contextlib
import copy
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from audit.assess import Control
from audit.change import proposal, proposing
from audit.change.proposed import proposed
from audit.model import Run
from audit.pipeline.tabling import controls_in
from audit.store import Store, StoredRun, tables
from tests.conftest import NOW

BEGAN = NOW - timedelta(days=5)
KINDS = ("jobs", "environments", "identities", "event_sources", "image_digests", "tags", "graph_jobs",
         "activity_log", "resource_changes", "role_assignments", "executions")  # fmt: skip
CONTROLS = ("JA-10", "JA-12", "JA-13", "JA-14", "JA-16", "JA-19", "JA-20", "JA-21", "JA-22", "JA-33")


class Estate(NamedTuple):
    """A stored run, its tables in a database file, and the jobs as Azure has them, secrets and all."""

    output: Path
    stored: StoredRun
    database: Path
    resources: dict[str, Any]

    @property
    def run(self) -> Run:
        """The run without its [policy], which sets baselines of controls that aren't run here."""
        return msgspec.structs.replace(self.stored.run, settings={})

    @property
    def store(self) -> Store:
        return Store(self.output)

    def job(self, name: str) -> dict[str, Any]:
        (found,) = [each for key, each in self.resources.items() if key.lower().endswith(f"/jobs/{name}")]
        return copy.deepcopy(found)

    def jobs(self) -> list[dict[str, Any]]:
        found = [each for each in self.resources.values() if each["type"].lower() == "microsoft.app/jobs"]
        return copy.deepcopy(found)


def chosen() -> list[Control]:
    return [each for each in controls_in(()) if each.id in CONTROLS]


@contextlib.contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(tables.connect(str(database))) as con:
        yield con


def write(folder: Path, *documents: dict[str, Any], name: str = "proposed.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(json.dumps(list(documents)), encoding="utf-8")
    return path


def propose(estate: Estate, path: Path) -> list[proposing.Proposal]:
    with opened(estate.database) as con:
        return proposing.propose(proposal.read(path), con, estate.stored, estate.store.redactor(estate.stored.run))


def held(estate: Estate, folder: Path, *documents: dict[str, Any], controls: list[Control] | None = None) -> Path:
    """Propose on a copy of the estate's tables; return the database with the proposal's tables."""
    database = folder / "run.duckdb"
    made = propose(estate, write(folder, *documents))
    shutil.copyfile(estate.database, database)
    proposed(database, folder / "scratch.duckdb", estate.run, made, chosen() if controls is None else controls)
    return database
