"""The approved pack of a proposal that a change is held against, found among earlier packs by its ticket."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from audit.approve.state import APPROVED
from audit.model import ids
from audit.model.packs import CHANGE
from audit.seal import sums
from audit.store.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from audit.pipeline.earlier_pack import EarlierPack


class Planned(NamedTuple):
    """What was found. Without a pack the others are empty, and ``note`` says what there is and why it doesn't count."""

    folder: Path | None
    pack: str
    digest: str
    state: str
    """``approved`` or ``approved with conditions``."""
    since: datetime | None
    """When the pack's run began: what changed later is held against the proposal."""
    note: str
    """What was passed over and why, and what weakens the approval; empty where there is nothing to say."""


def planned(packs: Sequence[EarlierPack], *, ticket: str, jobs: Collection[str] = ()) -> Planned:
    """Return the newest approved change pack with a proposal under this ticket.

    ``packs``: what lies among packs, newest first (``audit.pipeline.earlier_pack.before``). ``jobs``: ids; where any
    are given, the proposal is about one of them. A pack under this ticket that is damaged, unsealed or not approved,
    and one of which that can't be told, is named with the reason.
    """
    passed: list[str] = []
    for each in packs:
        if each.kind not in (CHANGE, None):
            continue
        about = _about(each.folder)
        if isinstance(about, str):
            passed.append(f"{each.folder.name}: {each.why or '; '.join(each.damage[:3]) or about}")
            continue
        said, proposed = about
        if said.strip().casefold() != ticket.strip().casefold() or not proposed:
            continue
        if jobs and not {ids.key(job) for job in jobs} & proposed:
            passed.append(f"{each.folder.name}: it is about other jobs")
        elif each.packed is None or each.damage:
            passed.append(f"{each.folder.name}: {'; '.join(each.damage[:3]) or each.why}")
        elif each.state is None:
            passed.append(f"{each.folder.name}: it can't be told whether it was approved: {each.why}")
        elif each.state.word not in APPROVED:
            owed = f", lacking {', '.join(each.state.lacking)}" if each.state.lacking else ""
            passed.append(f"{each.folder.name}: it is not approved but {each.state.word}{owed}")
        else:
            weak = [f"{each.state.asserted} of its approvals are not signed"] if each.state.asserted else []
            weak += [f"{each.state.flagged} of its approvers are not independent"] if each.state.flagged else []
            weak += [] if each.signed else ["nobody signed the pack"]
            note = "; ".join([*weak, *(f"passed over: {one}" for one in passed)])
            return Planned(each.folder, each.folder.name, sums.digest(each.folder), each.state.word, each.started, note)
    note = "; ".join(passed) if passed else f"no change pack with a proposal under {ticket} lies in this store"
    return Planned(None, "", "", "", None, note)


def _about(folder: Path) -> tuple[str, frozenset[str]] | str:
    """Return a pack's ticket and the keys of the jobs that it proposes to change, or why that can't be read."""
    request, proposals = (folder / "data" / f"{name}.parquet" for name in ("change_request", "change_proposals"))
    if folder.is_symlink():
        return "it is a link, and not the folder of a pack"
    if not request.is_file() or not proposals.is_file():
        return ("", frozenset()) if (folder / "data").is_dir() else "it has no tables"
    try:
        with duckdb.connect() as con:
            told = con.execute(f"select ticket from read_parquet({literal(str(request))})").fetchone()
            jobs = con.execute(f"select job_id from read_parquet({literal(str(proposals))})").fetchall()
    except duckdb.Error as error:
        return f"its tables can't be read: {str(error).partition(chr(10))[0]}"
    return str(told[0] or "") if told else "", frozenset(ids.key(str(job)) for (job,) in jobs)
