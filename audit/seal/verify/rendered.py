"""Report and workbook against the tables: both are rendered again from data/ and compared, byte by byte."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from audit import __version__
from audit.config import packaged
from audit.errors import ConfigError, UsageError
from audit.render import pack as packs
from audit.render.incident import Incident
from audit.seal import guide, head, sums, tree
from audit.seal.verify.checks import Check, failed, lacking, ok
from audit.seal.verify.packed import Packed

RENDERED = "Report and workbook say what the tables say"
_KEPT = ("raw/", "data/", "attachments/", "change/attached/", "controls/")
_NOTED = {"run.json", head.HEAD}
"""What isn't rendered: the evidence itself. Everything else in a pack has to follow from it."""


def rendered(pack: Path) -> Check:
    """Render the pack's report and workbook again and compare. What can't be rendered alike is said, and not passed."""
    packed = Packed(pack)
    about = packed.about
    if about.tool_version != __version__:
        return lacking(
            RENDERED,
            f"it was rendered by jobaudit {about.tool_version}: verify it with that version, this is {__version__}",
        )
    if about.restored_from:
        return lacking(RENDERED, "it was made of a run whose folder was gone, and doesn't say which raw answers were")
    if about.templates_sha256:
        return lacking(RENDERED, "it was rendered with templates of the user's own, which are not in the pack")
    with tempfile.TemporaryDirectory(prefix="jobaudit-") as name:
        again = Path(name)
        try:
            _render(packed, again)
        except (ConfigError, UsageError) as error:
            return failed(RENDERED, f"it can't be rendered again: {error.message}")
        (again / guide.GUIDE).write_bytes(guide.text(about).encode())
        told = list(_differences(pack, again))
        made = len(tree.walk(again).files)
    return failed(RENDERED, *told) if told else ok(RENDERED, f"{made:,} files, rendered again and the same")


def _render(packed: Packed, folder: Path) -> None:
    about = packed.about
    with packed.loaded() as con:
        packs.reports(
            con,
            packed.run,
            packed,
            folder,
            pack=about.pack,
            name=about.name,
            templates=[packaged("report_templates")],
            formats=about.formats,
            incidents=[Incident(job=each.job, since=each.since, until=each.until) for each in about.incidents],
            signer=about.signer.keyid if about.signer else "",
        )


def _differences(pack: Path, again: Path) -> list[str]:
    """Return what differs, a sentence each, in order of the names."""
    mine = {name for name in tree.walk(pack).files if sums.sealed(name) and not name.startswith(_KEPT)} - _NOTED
    theirs = set(tree.walk(again).files)
    told = []
    for name in sorted(mine | theirs, key=os.fsencode):
        if name not in theirs:
            told.append(f"{name} is not what the tables make: they make no such file")
        elif name not in mine:
            told.append(f"{name} is missing: the tables make it")
        elif tree.read(pack, name) != (again / name).read_bytes():
            told.append(f"{name} says something else than the tables")
    return told
