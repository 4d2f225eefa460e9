"""Kill a collection at every point where it changes the disk, resume it, and compare with one that nobody killed.

Run as a program: ``killed_writer.py FOLDER``; the report goes to stdout as JSON. DuckDB is imported here and used in
the forked children only. What a kill leaves is all that a resumption can see, and many kills leave the same (an fsync
changes no content): it is resumed once per content.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from store_kind import JOINED, THINGS, done, listed, run_of, scope_of, write_unit

from audit.model import GapReason
from audit.store import RunWriter, Store, atomic
from audit.store.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UNITS = 2
_HOLDER = re.compile(rb'"pid":\d+')


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


def begin(output: Path) -> None:
    """Collect with a gap."""
    with Store(output).create(run_of()) as writer:
        collect(writer, again=False)


def go_on(output: Path) -> None:
    """Resume and close the gap."""
    with Store(output).resume("run-1") as writer:
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


class Kill(NamedTuple):
    """A folder whose process was killed before its system call number ``at``."""

    at: int
    output: Path
    status: int


def kills(base: Path, work: Callable[[Path], None], killer: Callable[[Path, int], object]) -> Iterator[Kill]:
    """Do the work on a copy of ``base`` again and again, killed before its first system call, its second and so on."""
    at, status = 0, -1
    while True:
        at += 1
        output = base.with_name(f"{base.name}-{at}")
        shutil.copytree(base, output)

        def to_be_killed(output: Path, at: int = at) -> None:
            killer(output, at)
            work(output)

        status = forked(to_be_killed, output)
        if status == 0:
            return
        yield Kill(at, output, status)
        shutil.rmtree(output)


def content(folder: Path) -> str:
    """Return a digest of names, modes and bytes below a folder; the lock says nothing to who takes it next."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        data = b"" if path.is_dir() else path.read_bytes()
        if path.name == ".lock":
            data = _HOLDER.sub(b"", data)
        told = f"{path.relative_to(folder)} {path.stat().st_mode:o} {len(data)}\n"
        seen.update(told.encode() + data)
    return seen.hexdigest()


def unlike(one: dict[str, str], other: dict[str, str]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def report(output: Path) -> None:
    (output / "report.json").write_text(json.dumps(evidence(output)))


def after(output: Path, work: Callable[[Path], None]) -> dict[str, str]:
    """Do the work and return the evidence that there is then."""
    if status := forked(work, output, report):
        return {"status": str(status)}
    found: dict[str, str] = json.loads((output / "report.json").read_text())
    return found


def unkilled(output: Path) -> None:
    go_on(output)
    finish(output)


def main(root: Path) -> int:
    Redactor(b"k" * 32)  # imports the detectors before the forks
    empty, begun, whole = root / "empty", root / "begun", root / "whole"
    atomic.make_folder(empty / "history")
    atomic.write(empty / "history" / "redaction.key", b"ab" * 32)
    shutil.copytree(empty, begun)
    if forked(begin, begun):
        return 1
    shutil.copytree(begun, whole)
    expected = after(whole, unkilled)
    if "status" in expected:
        return 1
    points = killed = 0
    different: list[object] = []
    known: dict[str, dict[str, str]] = {}
    for base, work in ((empty, begin), (begun, go_on)):
        for kill in kills(base, work, Killer):
            points += 1
            killed += kill.status == -signal.SIGKILL
            left = content(kill.output)
            if left not in known:
                known[left] = after(kill.output, finish)
            found = known[left]
            if found != expected:
                different.append([work.__name__, kill.at, unlike(found, expected), found.get("status", "")])
    told = {"points": points, "killed": killed, "contents": len(known), "different": different}
    print(json.dumps(told))  # noqa: T201  the report
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
