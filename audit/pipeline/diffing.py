"""Diff: two runs or packs side by side, each checked first: what is damaged is never compared."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from audit import diff as differences
from audit.diff import Side
from audit.errors import ExitCode, IntegrityError, UsageError
from audit.model import Window
from audit.pipeline.tabling import controls_in, loaded, pack_of, tabled_run
from audit.render.results.stream import created
from audit.seal import head as pack_head
from audit.seal import sums
from audit.seal.verify import files, sealed
from audit.seal.verify.chained import CHAIN
from audit.seal.verify.checks import Result
from audit.seal.verify.signature import ATTESTED, SIGNED
from audit.store import atomic, tables
from audit.store import head as run_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from audit.model import Run
    from audit.model.capability import Capability

_BESIDE = (files.NAME, CHAIN)
"""What a copy under another name, or apart from the packs before it, can't show; its files may be whole."""


_OF_VERSION = (SIGNED, ATTESTED)
"""What can't be checked of a pack whose pack.json another version of the program wrote."""


class _Windows(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of pack.json, whichever version wrote it."""

    window: Window
    collected_for: Window | None = None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Two sides and the connection that has the table ``differences`` of them; it closes with its context."""

    con: duckdb.DuckDBPyConnection
    old: Side
    new: Side

    @property
    def exit_code(self) -> ExitCode:
        """0 where everything is known, 3 where a gap leaves a difference open."""
        unknown = sum(by["unknown"] for by in differences.counts(self.con).values())
        return ExitCode.INCOMPLETE if unknown else ExitCode.OK

    def lines(self, limit: int) -> Iterator[str]:
        """Yield what a terminal shows, at most ``limit`` differences of an area."""
        yield from differences.lines(self.con, self.old, self.new, limit=limit)

    def write_json(self, file: BinaryIO) -> None:
        """Write all differences as JSON (docs/diff.schema.json)."""
        differences.write(file, self.con, self.old, self.new)

    def write_html(self, file: BinaryIO, templates: Sequence[Path] = ()) -> None:
        """Write a page that needs nothing else. ``templates``: the user's own folders. Raises ConfigError."""
        shown = differences.page(self.con, self.old, self.new, templates=templates)
        file.write(shown.encode("utf-8", "backslashreplace"))


def save(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all. Raises UsageError where it can't be one, StoreError."""
    place = path.absolute()
    if place.is_dir() or not place.parent.is_dir():
        raise UsageError("that is no file in a folder that is there", where=str(path), hint="name a file with --to")
    for folder in place.parents:
        if (folder / sums.SUMS).is_file():
            raise UsageError(
                "a file in a sealed pack would break its seal", where=str(path), hint="name a file elsewhere with --to"
            )
    part = place.with_name(f".{place.name}.part")
    try:
        with created(part) as file:
            write(file)
        atomic.publish(part, place)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def diff(
    old: str,
    new: str,
    *,
    output: Path,
    controls: Sequence[Path] = (),
    capabilities: Mapping[str, Capability] | None = None,
) -> Iterator[Compared]:
    """Compare two runs or packs, each named by its id or path, or ``latest``; a run is derived and assessed first.

    ``controls`` and ``capabilities``: the user's own, for runs; a pack has the verdicts that it was sealed with.
    Raises UsageError, IntegrityError where a pack isn't as it was sealed or a run not as it was stored, StoreError.
    """
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as folder:
        sides = [
            _side(ref, Path(folder) / f"{name}.duckdb", output=output, controls=controls, capabilities=capabilities)
            for name, ref in (("old", old), ("new", new))
        ]
        with contextlib.closing(tables.connect(str(Path(folder) / "differences.duckdb"))) as con:
            for name in ("old", "new"):
                con.execute(f"attach {tables.literal(str(Path(folder) / f'{name}.duckdb'))} as {name}")
            differences.compare(con, *sides)
            yield Compared(con=con, old=sides[0], new=sides[1])


def _side(
    ref: str,
    database: Path,
    *,
    output: Path,
    controls: Sequence[Path],
    capabilities: Mapping[str, Capability] | None,
) -> Side:
    pack = pack_of(ref, output)
    if pack is not None:
        return _packed(pack, database)
    return Side(run=tabled_run(ref, database, controls_in(controls), output=output, capabilities=capabilities))


def _packed(pack: Path, database: Path) -> Side:
    """Load a pack whose seal holds; one without a seal is loaded too, and its side says so."""
    is_sealed = (pack / sums.SUMS).is_file()
    foreign = is_sealed and _foreign(pack)
    if is_sealed:
        checks, _ = sealed(pack)
        beside = (*_BESIDE, *_OF_VERSION) if foreign else _BESIDE
        wrong = [each for each in checks if each.result is Result.FAILED and each.title not in beside]
        if wrong:
            told = [line for each in wrong for line in (each.told or (each.title,))]
            raise IntegrityError(
                "the pack is not as it was sealed, so it was not compared:\n  " + "\n  ".join(told[:5]),
                where=str(pack),
                hint="take the pack from its source again; `jobaudit verify` tells everything that differs",
            )
    run = _run(pack)
    missing = loaded(pack, database, differences.TABLES)
    return Side(run=run, pack=pack.name, sealed=is_sealed, foreign=foreign, missing=missing)


def _foreign(pack: Path) -> bool:
    """Tell whether pack.json is written as another version of the program does: its digest is under the seal too."""
    try:
        pack_head.read(pack)
    except IntegrityError:
        return True
    return False


def _run(pack: Path) -> Run:
    """Return the head of a pack's run, for the window that the pack is of. Raises IntegrityError."""
    try:
        stored = msgspec.json.decode((pack / "run.json").read_bytes(), type=run_head.Head)
    except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
        raise IntegrityError(
            f"run.json can't be read: {error}", where=str(pack / "run.json"), hint="give the folder of a pack"
        ) from error
    run = run_head.run(stored)
    if (pack / pack_head.HEAD).is_file():
        try:
            about = msgspec.json.decode((pack / pack_head.HEAD).read_bytes(), type=_Windows)
        except (OSError, msgspec.DecodeError, ValueError, RecursionError) as error:
            where = str(pack / pack_head.HEAD)
            raise IntegrityError(
                f"{pack_head.HEAD} can't be read: {error}", where=where, hint="give the folder of a pack"
            ) from error
        if about.collected_for is not None:
            run = msgspec.structs.replace(run, window=about.window, collected_for=about.collected_for)
    return run
