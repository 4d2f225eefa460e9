"""The files: exactly those that were sealed, in a folder of the name that was sealed."""

from __future__ import annotations

from pathlib import Path

from audit.errors import IntegrityError
from audit.model.packs import pack_name
from audit.seal import head, statement, sums, tree
from audit.seal.verify.checks import Check, failed, ok

NAME = "The pack bears the name it was sealed with"
FILES = "Every file is as SHA256SUMS lists it, none is missing, none was added"


def files(pack: Path) -> Check:
    """Check the digests of all files."""
    told = sums.differences(pack)
    return failed(FILES, *told) if told else ok(FILES, f"{len(sums.listed(pack)):,} files")


def name(pack: Path) -> Check:
    """Check the folder's name, and that pack.json, its files and run.json speak of the same."""
    about = head.read(pack)
    run = statement.json_of(pack, "run.json")
    told = []
    if pack.name != about.name:
        told.append(f"the folder is called {pack.name}, and was sealed as {about.name}")
    # The name of another window than the run's told days alone in packs that an earlier version sealed.
    made = {
        pack_name(
            about.pack, about.window, about.run_id, slug=about.slug, restored=bool(about.restored_from), asked=asked
        )
        for asked in {False, about.collected_for is not None}
    }
    if about.name not in made:
        told.append(f"pack.json calls itself {about.name}, which isn't what its pack, window and run make")
    if run.get("run_id") != about.run_id:
        told.append(f"run.json is of run {run.get('run_id')}, and the pack of {about.run_id}")
    if about.signer is None and (pack / sums.SIGNATURE).exists():
        told.append(f"{sums.SIGNATURE} is there, and the pack was sealed without a key")
    if not any(each.startswith("data/") for each in tree.walk(pack).files):
        told.append("the pack has no tables")
    return failed(NAME, *told) if told else ok(NAME, about.name)


def readable(pack: Path) -> None:
    """Raise IntegrityError where there is no list of digests to begin with."""
    if not (pack / sums.SUMS).is_file():
        raise IntegrityError(
            f"there is no {sums.SUMS}: this is no sealed pack", where=str(pack), hint="give the folder of a pack"
        )
