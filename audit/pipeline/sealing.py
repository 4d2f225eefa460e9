"""Seal: the last step of a pack, before it gets its name."""

from __future__ import annotations

import shutil
from pathlib import Path

from audit.approve import records
from audit.errors import UsageError
from audit.seal import sums


def seal(folder: Path, replaces: Path) -> None:
    """Seal the pack in ``folder``, which will take the place of ``replaces`` where that exists.

    What people said about the earlier one holds for the new one where both are the same to the byte. Where they aren't
    it would be lost: raises UsageError, and IntegrityError where the earlier one's records are damaged.
    """
    digest = sums.write(folder)
    if not (replaces / sums.APPROVALS).is_dir():
        return
    said = records.read(replaces)
    if sums.digest(replaces) == digest:
        shutil.copytree(replaces / sums.APPROVALS, folder / sums.APPROVALS, symlinks=True)
    elif said:
        raise UsageError(
            f"the pack there has {len(said)} records of approval or review, and what would replace it is not the same",
            where=str(replaces),
            hint="move that pack to its archive, or render into another folder with --output",
        )
