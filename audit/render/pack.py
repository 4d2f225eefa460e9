"""A pack: the folder that is handed to a reader, complete or not there at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from audit.model.packs import ACCESS_REVIEW, CHANGE, pack_name
from audit.render import change_files, data, html, links, raw_files, results, review, views, workbook
from audit.render.staging import Staging
from audit.store import atomic
from audit.store.lock import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb

    from audit.model import Run
    from audit.render.incident import Incident
    from audit.render.raw_pages import Answers
    from audit.store import Readable

FORMATS = ("html", "xlsx", "results")
"""What a pack can hold beside its data."""
MADE = {"html": "index.html", "xlsx": "evidence.xlsx", "results": f"{results.FOLDER}/findings.json"}
"""By format, the file that shows that a pack holds it."""


ATTACHED = "change/attached"
"""Where a change pack keeps what people attached: test evidence, release notes."""
_REPLACED = ".part-replaced"


class ControlFile(Protocol):
    """A control as it was read: what the pack copies."""

    @property
    def file(self) -> str:
        """Its path below its folder of controls."""

    @property
    def text(self) -> str:
        """The whole file."""

    @property
    def source(self) -> str:
        """``built-in`` or ``own``."""


def place(output: Path, pack: str, run: Run, *, slug: str = "") -> Path:
    """Return the folder that a run's pack gets; ``slug`` sets it apart where a run has several of that kind."""
    name = pack_name(
        pack, run.window, run.run_id, slug=slug, restored=bool(run.restored_from), asked=run.collected_for is not None
    )
    return output / "packs" / name


def build(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    stored: Readable,
    output: Path,
    *,
    pack: str,
    slug: str = "",
    templates: Sequence[Path],
    controls: Sequence[ControlFile],
    formats: Sequence[str] = (),
    incidents: Sequence[Incident] = (),
    attached: Mapping[str, Path] | None = None,
    finish: Callable[[Path], None] | None = None,
    signer: str | None = None,
) -> Path:
    """Render a run into ``output``/packs/<pack>-<period>-<run id> and return that folder.

    ``con`` holds the run's tables, derived and assessed; ``raw_files`` is added to them. ``formats``: of FORMATS; empty
    = all. ``templates``: folders, the first that has a template wins. ``incidents``: windows that get an incident view
    of their own. ``attached``: files for change/attached/, by their names. ``finish`` is given the folder once
    everything else is in it, before it gets its name: what it raises leaves no pack. ``signer``: the id of the key that
    the pack is going to be signed with, empty = it isn't, None = it isn't sealed. What is made of a run without its
    folder is named …-restored: an earlier pack of the run, which still has the raw answers, stays. A pack of the same
    name is replaced, by one rename, once the new one is complete:
    the same run gives the same bytes. Raises StoreError, ConfigError (a template), IntegrityError (a raw file),
    UsageError (an incident).
    """
    wanted = formats or FORMATS
    packs = output / "packs"
    atomic.make_folder(packs)
    name = place(output, pack, run, slug=slug).name
    with exclusive(packs), atomic.refusals(packs):
        _clear(packs, name)
        folder = Path(tempfile.mkdtemp(prefix=f".{name}.part-", dir=packs))
        try:
            raw_files.create(con, stored)
            _evidence(stored, folder)
            _controls(controls, folder / "controls")
            views.write(folder / "controls", data.write(con, folder / "data"))
            reports(
                con,
                run,
                stored,
                folder,
                pack=pack,
                name=name,
                templates=templates,
                formats=wanted,
                incidents=incidents,
                signer=signer,
            )
            _attach(attached or {}, folder / ATTACHED)
            with exclusive(packs / name) if (packs / name).is_dir() else contextlib.nullcontext():
                if finish is not None:
                    finish(folder)
                _private(folder)
                _publish(folder, packs / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return packs / name


def reports(
    con: duckdb.DuckDBPyConnection,
    run: Run,
    stored: Answers,
    folder: Path,
    *,
    pack: str,
    name: str,
    templates: Sequence[Path],
    formats: Sequence[str],
    incidents: Sequence[Incident] = (),
    signer: str | None = None,
) -> None:
    """Render what people and programs read into a folder, from the tables that the pack holds, ``raw_files`` included.

    What is rendered here has to follow from tables, raw answers and these arguments alone: verifying a pack renders it
    again and compares. ``name``: the pack's own. Raises as :func:`build`.
    """
    raw: Callable[[str | None], str | None] = links.raw_page
    if "html" in formats:
        others = {"workbook": "xlsx" in formats, "results": "results" in formats}
        raw = html.write(
            con, run, stored, folder, list(templates), **others, incidents=incidents, pack=pack, signer=signer
        )
    if "xlsx" in formats:
        workbook.write(
            con,
            run,
            folder / "evidence.xlsx",
            report="html" in formats,
            change=pack == CHANGE,
            raw=raw,
            lost=stored.lost,
        )
    if "results" in formats:
        results.write(con, run, folder / results.FOLDER)
    if pack == CHANGE:
        with Staging(folder) as staging:
            change_files.write(con, staging)
    if pack == ACCESS_REVIEW:
        review.write(con, run, folder / review.FOLDER, review=name)


def _evidence(stored: Readable, folder: Path) -> None:
    """Copy raw pages, attachments and run.json: real copies, so that nothing done to a pack reaches the run."""
    for source in (*stored.raw_files(), *stored.attachments()):
        target = folder / source.relative_to(stored.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (folder / "run.json").write_bytes(stored.head())


def _attach(attached: Mapping[str, Path], folder: Path) -> None:
    for name, source in sorted(attached.items()):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)


def _controls(controls: Sequence[ControlFile], folder: Path) -> None:
    folder.mkdir()
    for control in controls:
        target = folder / ("own" if control.source == "own" else "") / control.file
        number = 1
        while target.exists():  # two folders of the user's, each with a file of this name
            number += 1
            target = target.with_name(f"{Path(control.file).stem}-{number}.sql")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(control.text, encoding="utf-8", newline="")


def _private(folder: Path) -> None:
    """Let only the owner read: evidence names people."""
    folder.chmod(atomic.FOLDER_MODE)
    for path in folder.rglob("*"):
        path.chmod(atomic.FOLDER_MODE if path.is_dir() else atomic.FILE_MODE)


def _publish(folder: Path, target: Path) -> None:
    """Give the folder its name. Files aren't synced one by one: a pack can always be rendered again from its run."""
    if target.exists():
        replaced = target.with_name(f".{target.name}{_REPLACED}")
        target.rename(replaced)
        folder.rename(target)
        shutil.rmtree(replaced)
    else:
        folder.rename(target)
    atomic.sync(target.parent)


def _clear(packs: Path, name: str) -> None:
    """Clear away what a process that was killed left of this pack; the pack that it was about to replace comes back."""
    replaced = packs / f".{name}{_REPLACED}"
    if replaced.is_dir() and not (packs / name).exists():
        replaced.rename(packs / name)
    for stale in packs.glob(f".{name}.part-*"):
        shutil.rmtree(stale)
