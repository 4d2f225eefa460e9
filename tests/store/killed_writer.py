"""Kill a collection at every point where it changes the disk, resume it, and compare with one that nobody killed.

Run as a program: ``killed_writer.py FOLDER``; the report goes to stdout as JSON. DuckDB is imported here and used in
the forked children only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from store_kind import JOINED, THINGS, done, listed, run_of, scope_of, write_unit

from audit.model import GapReason
from audit.store import RunWriter, Store, atomic
from audit.store.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = 2


def collect(writer: RunWriter, *, again: bool) -> None:
    """Collect what is missing; unit 2 is a gap at the first attempt and whole at the second."""
    for number in range(1, UNITS + 1):
        scope = scope_of(number)
        if writer.ended("things", scope) is None:
            gap = GapReason.PARTIAL_VISIBILITY if number == 2 and not again else None
            items = [{"id": f"/{number}/{item}", "parts": ["p"]} for item in range(1 if gap else 3)]
            write_unit(writer, scope, listed(*items), listed({"id": f"/{number}/last"}), gap=gap)
    writer.finish(THINGS)
    if writer.ended("joined", scope_of(9)) is None:
        write_unit(writer, scope_of(9), {"id": "/j"}, {"id": "/k"}, kind=JOINED)
    writer.finish(JOINED)
    writer.close(done(writer.run))


def scenario(output: Path) -> None:
    """Collect with a gap, then resume and close the gap: the part that is killed somewhere."""
    store = Store(output)
    with store.create(run_of()) as writer:
        collect(writer, again=False)
    with store.resume("run-1") as writer:
        collect(writer, again=True)


def finish(output: Path) -> None:
    """Do what a person does after a kill: resume, or begin where not even the run's head was there."""
    store = Store(output)
    head = output / "runs" / "run-1" / "run.json"
    if not head.exists() and head.parent.exists():
        head.parent.rename(output / "runs" / "never-began")
    with store.resume("run-1") if head.exists() else store.create(run_of()) as writer:
        collect(writer, again=True)


def evidence(output: Path) -> dict[str, str]:
    """Return what must not depend on the kill: every file of the run, by content; run.json by its units and files."""
    stored = Store(output).open("run-1")
    pages = {
        f"{unit.kind}/{unit.unit}": [page.body.decode() for page in stored.pages(unit.kind, unit.unit)]
        for unit in stored.run.units
    }
    tables = {path.name: path.read_bytes().hex() for path in sorted((stored.path / "tables").iterdir())}
    left = [path.name for path in stored.path.rglob("*") if path.suffix in (".part", ".ndjson", ".jsonl")]
    return {"pages": json.dumps(pages), "left": json.dumps(left), **tables}


class Killer:
    """Counts the system calls that change files below a folder, and kills the process before the n-th."""

    def __init__(self, folder: Path, at: int) -> None:
        self._folder = str(folder)
        self._left = at
        sys.addaudithook(self._event)
        self._write, self._fsync = os.write, os.fsync
        os.write = self._counted(self._write)  # type: ignore[assignment]
        os.fsync = self._counted(self._fsync)  # type: ignore[assignment]

    def _event(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.truncate"):
            name = arguments[0]
            changes = event != "open" or (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR))
            if changes and isinstance(name, str | os.PathLike) and os.fspath(name).startswith(self._folder):
                self._count()

    def _counted(self, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            self._count()
            return call(*arguments)

        return counted

    def _count(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[Path], None], output: Path, then: Callable[[Path], None] | None = None) -> int:
    """Run work in a child and return its exit status, or minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        try:
            work(output)
            if then is not None:
                then(output)
        except BaseException:  # noqa: BLE001  a child of a test: the parent must only see its status
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(root: Path) -> int:
    Redactor(b"k" * 32)  # imports the detectors before the forks
    key = root / "key"
    atomic.write(key, b"ab" * 32)

    def report(output: Path) -> None:
        (output / "report.json").write_text(json.dumps(evidence(output)))

    def after(output: Path, work: Callable[[Path], None]) -> dict[str, str]:
        (output / "history").mkdir(parents=True, exist_ok=True)
        (output / "history" / "redaction.key").write_bytes(key.read_bytes())
        (output / "history" / "redaction.key").chmod(0o600)
        if status := forked(work, output, report):
            return {"status": str(status)}
        found: dict[str, str] = json.loads((output / "report.json").read_text())
        return found

    def unkilled(output: Path) -> None:
        scenario(output)
        finish(output)

    def to_be_killed(output: Path) -> None:
        Killer(output, int(output.name))
        scenario(output)

    expected = after(root / "whole", unkilled)
    if "status" in expected:
        return 1
    killed, different, at = 0, [], 0
    while True:
        at += 1
        output = root / str(at)
        (output / "history").mkdir(parents=True)
        (output / "history" / "redaction.key").write_bytes(key.read_bytes())
        status = forked(to_be_killed, output)
        if status == 0:
            break
        killed += status == -signal.SIGKILL
        found = after(output, finish)
        if found != expected:
            wrong = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
            different.append([at, wrong, found.get("status", "")])
    print(json.dumps({"points": at - 1, "killed": killed, "different": different}))  # noqa: T201  the report
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
