"""How long comparing two large runs takes, and how much memory: the tables of a small run, multiplied.

    python bench/diff.py [--jobs 10000] [--from 100] [--output DIR]

A run of the sandbox's generated estate is collected over TLS, derived and judged; its tables are multiplied until they
have as many jobs, every copy with ids of its own. NEW is OLD with one row in a hundred changed and one in two hundred
gone. Prints one JSON line: rows compared, differences, seconds and peak memory of the comparison and of its JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from audit import diff
from audit.collect import Silent
from audit.config import parse
from audit.pipeline import SandboxOptions, collect, controls_in, role, window_of
from audit.pipeline.tabling import tabled
from audit.sandbox import process
from audit.store import Store, tables

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

CHANGED = {
    "job_configuration": ("value", "value || ' changed'"),
    "verdicts": ("verdict", "if(verdict = 'pass', 'fail', 'pass')"),
    "entitlements": ("role", "role || ' changed'"),
    "cost_totals": ("amount", "amount + 1"),
}


def small(jobs: int, folder: Path) -> tuple[Run, Path]:
    """Collect, derive and judge a small estate; return its run and database."""
    options = SandboxOptions(jobs=jobs, subscriptions=2, caller_role=role())
    with process.start(options) as sandbox:
        os.environ.update(sandbox.environment)
        made = collect(
            parse(sandbox.config),
            output=folder,
            window=window_of(parse(sandbox.config), options.now),
            progress=Silent(),
        )
    store, database = Store(folder), folder / "small.duckdb"
    return tabled(store.read(made.run_id), database, controls_in(()), history=store.history), database


def multiplied(source: Path, target: Path, copies: int, *, changed: bool) -> int:
    """Write the tables of ``source`` so many times over; ids of each copy are its own. Return the rows."""
    rows = 0
    with contextlib.closing(tables.connect(str(target))) as con:
        con.execute(f"attach '{source}' as small (read_only)")
        for table in sorted(set(diff.TABLES)):
            columns = con.execute(
                "select column_name, data_type from duckdb_columns() where database_name = 'small' and table_name = ?",
                [table],
            ).fetchall()
            told = ", ".join(_column(table, name, kind, changed) for name, kind in columns)
            gone = "where hash(row_id, copy, 'gone') % 200 <> 0" if changed and table in CHANGED else ""
            con.execute(f'create table "{table}" as select {told} from small."{table}", range({copies}) r(copy) {gone}')
            rows += con.execute(f'select count(*) from "{table}"').fetchone()[0]
    return rows


def _column(table: str, name: str, kind: str, changed: bool) -> str:
    own = {"row_id": "row_id || '-' || copy", "entitlement_id": "entitlement_id || '-' || copy"}
    if name in own:
        return f"{own[name]} as {name}"
    other = CHANGED.get(table)
    if changed and other and other[0] == name:
        return f'if(hash(row_id, copy) % 100 = 0, {other[1]}, "{name}") as "{name}"'
    if kind == "VARCHAR":
        # The last segment of an id: a job's name, and so that of everything below it, is another in each copy.
        return f"""case when "{name}" ilike '/subscriptions/%/providers/%' then "{name}" || '-' || copy
                        else "{name}" end as "{name}\""""
    return f'"{name}"'


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--jobs", type=int, default=10_000)
    asked.add_argument("--from", dest="first", type=int, default=100)
    asked.add_argument("--output", type=Path, default=None)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=given.output) as folder:
        place = Path(folder)
        if (pid := os.fork()) == 0:  # what making the tables takes is not what comparing them takes
            run, source = small(given.first, place)
            copies = given.jobs // given.first
            count = [
                multiplied(source, place / f"{name}.duckdb", copies, changed=name == "new") for name in ("old", "new")
            ]
            (place / "made.json").write_text(json.dumps({"run": run.run_id, "rows": sum(count)}))
            os._exit(0)
        os.waitpid(pid, 0)
        made = json.loads((place / "made.json").read_text())
        side = diff.Side(run=Store(place).read(made["run"]).run)
        with contextlib.closing(tables.connect(str(place / "differences.duckdb"))) as con:
            for name in ("old", "new"):
                con.execute(f"attach '{place / name}.duckdb' as {name} (read_only)")
            began, cpu = time.perf_counter(), time.process_time()
            diff.compare(con, side, side)
            compared = time.perf_counter() - began
            with (place / "diff.json").open("wb") as file:
                diff.write(file, con, side, side)
            print(
                json.dumps(
                    {
                        "rows": made["rows"],
                        "jobs": _count(con, "new.population"),
                        "verdicts": _count(con, "new.verdicts"),
                        "entitlements": _count(con, "new.entitlements"),
                        "differences": _count(con, "differences"),
                        "compare_s": round(compared, 1),
                        "json_s": round(time.perf_counter() - began - compared, 1),
                        "cpu_s": round(time.process_time() - cpu, 1),
                        "json_mib": (place / "diff.json").stat().st_size >> 20,
                        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
                    }
                )
            )


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchone()[0])


if __name__ == "__main__":
    main()
