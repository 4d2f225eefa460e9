"""Where everything lies: the output folder, and a run's folder in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.errors import UsageError
from audit.store.atomic import make_folder

PART = ".part"
"""The ending of a file that is still being written: nobody reads one, and resume deletes what a killed run left."""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder. Paths inside it are also the paths inside a pack, so a ``raw_ref`` holds in both."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id is its folder's name."""
        return self.path.name

    @property
    def head(self) -> Path:
        """run.json: scope, window, caller, versions, units and their outcomes, digests of the files."""
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        """One line per ended unit, while the run is being collected; run.json takes it over."""
        return self.path / "units.jsonl"

    @property
    def raw(self) -> Path:
        """Pages as received, redacted."""
        return self.path / "raw"

    @property
    def tables(self) -> Path:
        """Normalised rows."""
        return self.path / "tables"

    @property
    def attachments(self) -> Path:
        """Files that people attached to their statements, as they were when the run began."""
        return self.path / "attachments"

    @property
    def spool(self) -> Path:
        """Rows of kinds that aren't finished; made from redacted pages, deleted when the run is closed."""
        return self.path / ".spool"

    def raw_file(self, kind: str, unit: str) -> Path:
        """Return the path of one unit's raw pages."""
        return self.raw / kind / f"{unit}.jsonl.zst"

    def table_file(self, table: str) -> Path:
        """Return the path of one table's rows."""
        return self.tables / f"{table}.parquet"

    def relative(self, path: Path) -> str:
        """Return a path as run.json and raw_ref name it: from the run's folder, with forward slashes."""
        return path.relative_to(self.path).as_posix()


@dataclass(frozen=True)
class Layout:
    """The output folder: packs/, runs/, history/."""

    output: Path

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.output / "runs"

    @property
    def history(self) -> Path:
        """What is kept over runs; never part of a pack."""
        return self.output / "history"

    @property
    def reviews(self) -> Path:
        """Reviews that were sent out, and what came back."""
        return self.history / "reviews"

    @property
    def lock(self) -> Path:
        """Held by the run that writes here."""
        return self.output / ".lock"

    @property
    def key(self) -> Path:
        """The redaction key, unless the configuration names another place."""
        return self.history / "redaction.key"

    def new(self, run_id: str) -> RunFolder:
        """Make the folder of a new run. Raises UsageError where the id can't be a folder's name or is taken."""
        if not run_id or run_id in (".", "..") or "/" in run_id or "\\" in run_id:
            raise UsageError(f"{run_id!r} can't name a run", hint="use letters, digits, '-' and '_'")
        folder = RunFolder(self.runs / run_id)
        if folder.path.exists():
            raise UsageError(
                f"run {run_id} already exists", where=str(folder.path), hint=f"continue it: jobaudit resume {run_id}"
            )
        for path in (folder.path, folder.raw, folder.tables):
            make_folder(path)
        return folder

    def find(self, run_ref: str) -> RunFolder:
        """Return the folder of a run named by id or by path. Raises UsageError where there is none."""
        folder = self.known(run_ref)
        if folder is None:
            raise UsageError(f"there is no run {run_ref!r}", where=str(self.runs), hint=self.hint())
        return folder

    def known(self, run_ref: str) -> RunFolder | None:
        """Return the folder of a run named by id or by path, or None."""
        known = self.runs / run_ref
        path = known if known.is_dir() else Path(run_ref)
        if path.name == "run.json":
            path = path.parent
        return RunFolder(path.resolve()) if run_ref and path.is_dir() else None

    def id_of(self, run_ref: str) -> str:
        """Return the id of a run named by id or by the path that its folder would have."""
        path = Path(run_ref)
        if path.name == "run.json":
            path = path.parent
        return path.name if path.parent.resolve() == self.runs.resolve() else run_ref

    def hint(self) -> str:
        """Return which runs can be named."""
        names = sorted((path.name for path in self.runs.glob("*/") if path.is_dir()), reverse=True)[:5]
        if not names:
            return "no run has been collected here yet: jobaudit collect, or name the folder with --output"
        return "name one of these, or a path: " + ", ".join(names)
