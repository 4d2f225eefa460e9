"""Which run is meant: an id, a folder, or ``latest``; and which pack: an id or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit import evidence
from audit.errors import UsageError
from audit.model import RunState
from audit.store import Store

if TYPE_CHECKING:
    from datetime import datetime

LATEST = "latest"
"""The newest run that was collected to its end and has every kind of evidence."""


def named(store: Store, run_ref: str, output: Path) -> str:
    """Return the run below ``output`` that is meant, ``latest`` as an id. Raises UsageError where none is whole."""
    if run_ref != LATEST:
        return run_ref
    everything, met = {kind.name for kind in evidence.KINDS}, 0
    for stored in store.newest():
        met += 1
        if stored.run.state is RunState.DONE and everything <= set(stored.run.kinds):
            return stored.run.run_id
    why = f"none of the {met} runs there was collected to its end with every kind" if met else "no run has ended there"
    raise UsageError(
        f'there is no "{LATEST}" run: {why}',
        where=str(output),
        hint="collect everything first: jobaudit collect --config audit.toml",
    )


def end_of(run_ref: str, output: Path) -> datetime:
    """Return when the window of a stored run ends. Raises UsageError, IntegrityError."""
    store = Store(output)
    return store.read(named(store, run_ref, output)).run.window.until


def pack_folder(ref: str, output: Path) -> Path:
    """Return the folder of a pack, named by id or path, under the name that it bears. Raises UsageError.

    A link stays one: what reads packs refuses it.
    """
    for folder in (output / "packs" / ref, Path(ref)):
        if ref and (folder.is_dir() or folder.is_symlink()):
            return folder.absolute() if folder.name not in ("", "..") else folder.resolve()
    packs = (path.name for path in (output / "packs").glob("*/"))
    names = sorted((name for name in packs if not name.startswith(".")), reverse=True)
    hint = "packs here: " + ", ".join(names[:5]) if names else "give the folder of a pack, or --output"
    raise UsageError(f"there is no pack {ref!r}", where=str(output / "packs"), hint=hint)
