"""What it costs to derive and to assess a large estate with every control.

    python bench/assess.py [--jobs 10000] [--subscriptions 20] [--output DIR]

Collects a generated estate from the sandbox (or takes the newest run that lies in DIR already), then derives its tables
and runs every control over them, each part in a process of its own so that its peak memory is its own. Prints one JSON
line: seconds, peak memory, verdicts, and the five controls that took longest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb

from audit import assess
from audit.assess import engine
from audit.collect import Silent
from audit.config import parse
from audit.pipeline import SandboxOptions, collect, role, window_of
from audit.pipeline.tabling import controls_in, derived
from audit.sandbox import process
from audit.store import Store, StoredRun


def gathered(output: Path, jobs: int, subscriptions: int) -> None:
    """Collect once, where no run lies there yet."""
    if list(output.glob("runs/*/run.json")):
        return
    options = SandboxOptions(jobs=jobs, subscriptions=subscriptions, caller_role=role())
    with process.start(options) as sandbox:
        os.environ.update(sandbox.environment)
        settings = parse(sandbox.config)
        collect(settings, output=output, window=window_of(settings, options.now), progress=Silent())


def newest(output: Path) -> StoredRun:
    """Return the newest run."""
    return next(iter(Store(output).newest()))


def derive(output: Path, database: Path) -> dict[str, Any]:
    """Derive every table into a file."""
    store = Store(output)
    return _measured(lambda: derived(newest(output), database, history=store.history, packs=output / "packs"))


def judge(output: Path, database: Path) -> dict[str, Any]:
    """Run every control over the file, and time each."""
    spent: dict[str, float] = {}
    answer = engine.answer

    def timed(control: Any, *rest: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return answer(control, *rest, **named)
        finally:
            spent[control.id] = spent.get(control.id, 0.0) + time.process_time() - began

    engine.answer = timed
    run = newest(output).run
    told = _measured(lambda: assess.assess(database, run, controls_in(()), timeout=600))
    with duckdb.connect(str(database), read_only=True) as con:
        told["verdicts"] = dict(
            con.execute("select verdict, count(*) from verdicts group by all order by all").fetchall()
        )
        told["jobs"] = con.execute("select count(*) from population").fetchone()[0]  # type: ignore[index]
        told["controls"] = con.execute("select count(*) from controls").fetchone()[0]  # type: ignore[index]
        told["broken"] = con.execute("select count(*) from controls where failure is not null").fetchone()[0]  # type: ignore[index]
    longest = sorted(spent.items(), key=lambda each: -each[1])[:5]
    return told | {"longest_cpu_s": {name: round(seconds, 1) for name, seconds in longest}}


def _measured(work: Any) -> dict[str, Any]:
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return {
        "wall_s": round(time.monotonic() - wall, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--subscriptions", type=int, default=20)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--part", choices=("derive", "judge"), help=argparse.SUPPRESS)
    parser.add_argument("--database", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        print(json.dumps({"derive": derive, "judge": judge}[asked.part](asked.output, asked.database)))
        return
    with tempfile.TemporaryDirectory(prefix="jobaudit-bench-") as folder:
        output = asked.output or Path(folder) / "output"
        gathered(output, asked.jobs, asked.subscriptions)
        told = {}
        for part in ("derive", "judge"):
            ran = subprocess.run(
                [sys.executable, __file__, "--part", part, "--output", output, "--database", f"{folder}/tables.duckdb"],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            told[part] = json.loads(ran.stdout)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
