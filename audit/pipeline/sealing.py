"""Seal: the last step of a pack, before it gets its name."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit import __version__
from audit.approve import decide, records
from audit.errors import UsageError
from audit.model.packs import pack_name
from audit.render.pack import FORMATS
from audit.seal import chain, head, sealing, sums
from audit.seal.templates import digest
from audit.seal.verify.packed import Packed

if TYPE_CHECKING:
    from audit.model import Run
    from audit.render.incident import Incident
    from audit.seal.keys import Signing
    from audit.seal.timestamp import Stamping


def described(
    pack: str,
    run: Run,
    *,
    slug: str = "",
    formats: Sequence[str],
    incidents: Sequence[Incident],
    templates: Sequence[Path],
    key: Signing | None,
    stamp: Stamping | None,
) -> head.PackHead:
    """Return what a pack will say about itself."""
    return head.PackHead(
        name=pack_name(
            pack,
            run.window,
            run.run_id,
            slug=slug,
            restored=bool(run.restored_from),
            asked=run.collected_for is not None,
        ),
        pack=pack,
        slug=slug,
        run_id=run.run_id,
        window=run.window,
        collected_for=run.collected_for,
        restored_from=run.restored_from,
        formats=tuple(each for each in FORMATS if each in (formats or FORMATS)),
        incidents=tuple(head.IncidentAsked(job=each.job, since=each.since, until=each.until) for each in incidents),
        templates_sha256=digest(templates),
        tool_version=__version__,
        signer=head.Signer(keyid=key.keyid, public_key=key.public_pem) if key else None,
        timestamp_authority=stamp.authority if stamp else "",
    )


def seal(
    folder: Path, about: head.PackHead, *, replaces: Path, key: Signing | None, stamp: Stamping | None = None
) -> None:
    """Seal the pack in ``folder``, which will take the place of ``replaces`` where that exists.

    What people said about the earlier one holds for the new one where both are the same to the byte. Where they aren't
    it would be lost, and a later pack's chain would break: raises UsageError, and IntegrityError where the earlier
    one's records are damaged.
    """
    digest_now = sealing.seal(folder, about, packs=replaces.parent, key=key, stamp=stamp)
    _keep(folder, digest_now, about, replaces)
    decide.show(Packed(folder))


def _keep(folder: Path, digest_now: str, about: head.PackHead, replaces: Path) -> None:
    """Take over what was said about the pack that is replaced, or refuse to replace it."""
    run = replaces.parent.parent / "runs" / about.run_id
    hint = f"move that pack to its archive, or render elsewhere: jobaudit render {run} --output FOLDER"
    if not (replaces / sums.SUMS).is_file():
        if records.names(replaces):
            told = f"there are records of approval or review, and the pack they are about has lost its {sums.SUMS}"
            raise UsageError(told, where=str(replaces), hint=f"restore {sums.SUMS} from a copy, or {hint}")
        return
    said, before = records.read(replaces), sums.digest(replaces)
    if before == digest_now:
        if said:
            shutil.copytree(replaces / sums.APPROVALS, folder / sums.APPROVALS, symlinks=True, dirs_exist_ok=True)
        return
    if said:
        told = (
            f"the pack there has {len(said)} records of approval or review, and what would replace it is not the same"
        )
        raise UsageError(told, where=str(replaces), hint=hint)
    for later in chain.naming(replaces.parent, about.name, before):
        what = f"the pack there is what {later} follows"
        if isinstance(later, chain.Damaged):
            what = f"whether {later.name} follows the pack there can't be told ({later.why})"
        raise UsageError(f"{what}, and what would replace it is not the same", where=str(replaces), hint=hint)
