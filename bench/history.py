"""What twelve monthly runs of a thousand jobs leave in history: rows, bytes, the time of one more run and of one read.

One run is real: the sandbox's generated estate, collected over TLS. The twelve are made from its tables: the times of
events move back by thirty days a month and their ids change with them, so every event is new; a list of executions
holds the newest hundred, as Azure's does, so four months of it overlap; of the tables that are kept run by run two rows
in a hundred change their words each month. Raw pages aren't copied: history holds none.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from audit.collect import Silent
from audit.config import parse
from audit.model import Window
from audit.pipeline import SandboxOptions, collect, role, window_of
from audit.sandbox import process
from audit.store import Store, StoredRun, head, tables
from audit.store.history import EVENT_TABLES
from audit.store.layout import RunFolder

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

MONTH = timedelta(days=30)
LISTED = 5
"""Months of executions that a list of a hundred holds, at about twenty a month."""
CHANGED = 50
"""One row in so many changes each month."""


def collected(jobs: int, subscriptions: int, output: Path) -> str:
    options = SandboxOptions(jobs=jobs, subscriptions=subscriptions, caller_role=role())
    with process.start(options) as sandbox:
        os.environ.update(sandbox.environment)
        settings = parse(sandbox.config)
        window = window_of(settings, options.now)
        return collect(settings, output=output, window=window, progress=Silent()).run_id


def aged(stored: StoredRun, output: Path, months: int, name: str = "run") -> str:
    """Write the run as it would have been so many months before; return its id."""
    back, run = months * MONTH, stored.run
    run_id = f"{run.started - back:%Y%m%dT%H%M%SZ}-{name}"
    folder = RunFolder(output / "runs" / run_id)
    folder.tables.mkdir(parents=True)
    con = tables.connect()
    for table, path in stored.table_files():
        if table == "executions":
            seen = " union all ".join(_aged(con, table, path, months + each) for each in range(LISTED))
            rows = (
                f"select * from ({seen}) qualify row_number() over (partition by job_id order by started desc) <= 100"
            )
        elif table == "deployments":
            rows = f"select * from read_parquet('{path}') where \"at\" < '{run.window.until - back}'"
        else:
            rows = _aged(con, table, path, months)
        con.execute(f"copy ({rows} order by row_id) to '{folder.table_file(table)}' (format parquet, compression zstd)")
    made = _moved(run, run_id, back)
    files = {f"tables/{path.name}": head.sha256(path) for path in sorted(folder.tables.iterdir())}
    head.write(folder, made, files)
    return run_id


def _aged(con: duckdb.DuckDBPyConnection, table: str, path: Path, months: int) -> str:
    source = f"read_parquet('{path}')"
    kinds = dict(con.execute(f"select column_name, column_type from (describe select * from {source})").fetchall())
    cells = {"observed_at": f"observed_at - interval {months * 30} day"}
    if table in EVENT_TABLES:
        cells["row_id"] = f"substr(sha256(row_id || '{months}'), 1, 16)"
        cells |= {
            name: f'"{name}" - interval {months * 30} day' if kind.startswith("TIME") else f'("{name}" - {months * 30})'
            for name, kind in kinds.items()
            if kind in ("DATE", "TIMESTAMP WITH TIME ZONE")
        }
    elif table == "coverage":
        cells |= {name: f"{name} - interval {months * 30} day" for name in ("started", "finished")}
    else:
        words = [name for name, kind in kinds.items() if kind == "VARCHAR" and name not in ("row_id", "raw_ref")]
        if words:
            last = f'"{words[-1]}"'
            cells[words[-1]] = (
                f"if(hash(row_id, {months}) % {CHANGED} = 0, coalesce({last}, '') || ' {months}', {last})"
            )
    replaced = ", ".join(f'{sql} as "{name}"' for name, sql in cells.items())
    return f"select * replace ({replaced}) from {source}"


def _moved(run: Run, run_id: str, back: timedelta) -> Run:
    units = tuple(
        msgspec.structs.replace(
            unit,
            started=unit.started - back,
            finished=unit.finished - back,
            outcome=msgspec.structs.replace(unit.outcome, pages=0),
            malformed=(),
        )
        for unit in run.units
    )
    window = Window(since=run.window.since - back, until=run.window.until - back)
    return msgspec.structs.replace(
        run,
        run_id=run_id,
        window=window,
        started=run.started - back,
        finished=run.finished - back if run.finished else None,
        units=units,
        register=None,
    )


def measure(jobs: int, subscriptions: int, months: int, place: Path) -> dict[str, Any]:
    output = place / "output"
    real = Store(output).open(collected(jobs, subscriptions, output))
    shutil.rmtree(output / "history")
    real.path.rename(place / "real")
    real = StoredRun(RunFolder(place / "real"))
    times, copies, added = [], 0, []
    for number in [*range(months, -1, -1), 0]:
        stored = Store(output).open(aged(real, output, number, name=f"{len(times):06x}"))
        copies += sum(path.stat().st_size for name, path in stored.table_files() if name not in EVENT_TABLES)
        began = time.monotonic()
        commit = Store(output).history.append(stored)
        times.append(round(time.monotonic() - began, 2))
        added.append(sum(kept.added for name, kept in commit.tables.items() if name != "coverage") if commit else 0)
        shutil.rmtree(stored.path)
    history, sizes, rows = output / "history", {}, {}
    for commit in Store(output).history.commits():
        for name, file in commit.files.items():
            table = name.partition("/")[0]
            sizes[table] = sizes.get(table, 0) + (history / name).stat().st_size
            rows[table] = rows.get(table, 0) + file.rows
    snapshots = sum(size for table, size in sizes.items() if table not in EVENT_TABLES)
    return {
        "jobs": jobs,
        "runs": months + 2,
        "rows": dict(sorted(rows.items(), key=lambda each: -each[1])),
        "rows_total": sum(rows.values()),
        "mib": {table: round(size / 2**20, 2) for table, size in sorted(sizes.items(), key=lambda each: -each[1])},
        "mib_total": round(sum(sizes.values()) / 2**20, 1),
        "mib_without_metrics": round((sum(sizes.values()) - sizes.get("metrics", 0)) / 2**20, 1),
        "commits_mib": round(sum(path.stat().st_size for path in (history / "commits").iterdir()) / 2**20, 2),
        "snapshots_mib": round(snapshots / 2**20, 1),
        "snapshots_as_full_copies_mib": round(copies / 2**20, 1),
        "append_s": times,
        "one_more_month_s": times[-2],
        "the_same_window_again_s": times[-1],
        "rows_added": added,
        **_read(output, real, months // 2),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _read(output: Path, real: StoredRun, months: int) -> dict[str, float]:
    since = (real.run.window.since - months * MONTH).replace(day=1, hour=0, minute=0, second=0)
    window, took = Window.month(since.year, since.month), {}
    for table in sorted(EVENT_TABLES):
        con = tables.connect()
        began = time.monotonic()
        Store(output).history.view().rows(con, table, window, "found")
        took[f"read_month_{table}_s"] = round(time.monotonic() - began, 2)
        con.close()
    con = tables.connect()
    began = time.monotonic()
    view = Store(output).history.view()
    view.snapshot(con, view.commits[len(view.commits) // 2].run_id)
    return took | {"read_snapshot_s": round(time.monotonic() - began, 2)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--subscriptions", type=int, default=20)
    parser.add_argument("--months", type=int, default=12, help="runs before the real one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jobaudit-bench-") as folder:
        print(json.dumps(measure(given.jobs, given.subscriptions, given.months, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
