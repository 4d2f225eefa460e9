"""Kill an addition to history at every point where it changes the disk: it has added all or nothing.

Run as a program: ``killed_history.py FOLDER``; the report goes to stdout as JSON. DuckDB works in forked children only.
Kills that leave the same content (an fsync changes none) are looked at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from history_runs import happened, run
from killed_writer import Killer, content, forked, kills

from audit.store import Store, atomic, tables
from audit.store.redaction import Redactor


class Steps(Killer):
    """Counts a file's chmod too: it comes right after DuckDB has written the file."""

    def _event(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.chmod" and str(arguments[0]).startswith(self._folder):
            self._count()
        else:
            super()._event(event, arguments)


def prepare(output: Path) -> None:
    first = {"events": [happened("/a", 3), happened("/b", 40)], "things": [{"id": "/t1"}, {"id": "/t2"}]}
    Store(output).history.append(run(output, "r1", days=1, **first))
    again = {"events": [happened("/b", 25), happened("/c", 1)], "things": [{"id": "/t2"}, {"id": "/t3"}]}
    run(output, "r2", executions=[happened("/x", 2)], **again)


def add(output: Path) -> None:
    store = Store(output)
    store.history.append(store.open("r2"))


def report(output: Path) -> None:
    """Write down what history says, and which files lie in it that no commit names."""
    view = Store(output).history.view()
    con = tables.connect()
    told: dict[str, object] = {"commits": [commit.name for commit in view.commits]}
    from test_history import ALL

    for table in ("activity_log", "executions"):
        found = view.rows(con, table, ALL, "found")
        told[table] = con.execute("select * from found order by row_id").fetchall() if found else []
    for commit in view.commits:
        view.snapshot(con, commit.run_id, schema=commit.run_id)
        told[f"things of {commit.run_id}"] = con.execute(f"select * from {commit.run_id}.things order by 1").fetchall()
    named = {name for commit in view.commits for name in commit.files} | {
        f"commits/{commit.name}.json" for commit in view.commits
    }
    there = {path.relative_to(view.folder).as_posix() for path in view.folder.rglob("*") if path.is_file()}
    left = sorted(there - named - {"redaction.key"})
    (output / "report.json").write_text(json.dumps({"told": told, "left": left}, default=str))


def read(output: Path, name: str = "report.json") -> dict[str, object]:
    found: dict[str, object] = json.loads((output / name).read_text())
    return found


def main(root: Path) -> int:
    Redactor(b"k" * 32)  # imports the detectors before the forks
    base = root / "base"
    assert forked(prepare, base) == 0
    assert forked(report, base) == 0
    before = read(base)
    whole = root / "whole"
    shutil.copytree(base, whole)
    assert forked(add, whole, report) == 0
    after = read(whole)
    assert before != after
    points = killed = 0
    known: set[str] = set()
    wrong: list[object] = []

    def both(output: Path) -> None:
        """Write down what a kill left, and do what comes next."""
        report(output)
        (output / "report.json").rename(output / "left.json")
        add(output)

    for kill in kills(base, add, lambda output, at: Steps(output / "history", at)):
        points += 1
        killed += kill.status == -signal.SIGKILL
        left = content(kill.output)
        if left in known:
            continue
        known.add(left)
        ended = forked(both, kill.output, report)
        if read(kill.output, "left.json")["told"] not in (before["told"], after["told"]):
            wrong.append([kill.at, "neither all nor nothing"])
        if ended != 0 or read(kill.output) != after:
            wrong.append([kill.at, "the next addition doesn't make it whole"])
    told = {"points": points, "killed": killed, "contents": len(known), "wrong": wrong}
    print(json.dumps(told))  # noqa: T201  the report
    return 0


if __name__ == "__main__":
    atomic.make_folder(Path(sys.argv[1]))
    os.chdir(sys.argv[1])
    sys.exit(main(Path(sys.argv[1])))
