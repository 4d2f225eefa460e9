"""Earlier packs: whether they are sealed, complete and approved.

A run sees the packs of runs that began before it, and what people said of them until it ended. What lies there and
can't be read is a row too: it may be the very pack that is asked about.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.derive import earlier_packs
from audit.derive.rows import row_id
from audit.pipeline import approved_snapshots
from audit.pipeline.earlier_pack import before

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from audit.model import Run
    from audit.pipeline.earlier_pack import EarlierPack

_INSERT = f"""
insert into earlier_packs by name
select {row_id("earlier_packs", "$kind", "$pack")} as row_id, $run_started::TIMESTAMPTZ as observed_at,
       'packs/' || $pack as raw_ref, $kind as kind, $pack as pack, $run_id as run_id,
       $run_started::TIMESTAMPTZ as run_started, $since::TIMESTAMPTZ as since, $until::TIMESTAMPTZ as until,
       $intact::BOOLEAN as intact, $damage as damage, $signed::BOOLEAN as signed, $keyid as keyid,
       $gaps::BIGINT as gaps, $approval as approval, $lacking::JSON as lacking, $approvals::JSON as approvals,
       $flagged::BIGINT as flagged, $asserted::BIGINT as asserted
"""
_SHOWN = 3


def load(con: duckdb.DuckDBPyConnection, run: Run, packs: Path) -> None:
    """Fill ``earlier_packs`` and ``approved_snapshots`` from what lies in the folder of packs.

    The newest pack of each kind, and every one that may be newer, for it doesn't say any more when its run began.
    """
    con.execute(earlier_packs.CREATE)
    found = before(run, packs)
    met: set[str | None] = set()
    for each in found:
        if each.started is None:
            con.execute(_INSERT, _row(each))
        elif each.kind not in met:
            met.add(each.kind)
            con.execute(_INSERT, _row(each))
    approved_snapshots.load(con, found)


def _row(each: EarlierPack) -> dict[str, Any]:
    about = each.packed.about if each.packed else None
    state = each.state
    more = len(each.damage) - _SHOWN
    told = [*each.damage[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
    return {
        "kind": each.kind,
        "pack": each.folder.name,
        "run_id": about.run_id if about else None,
        "run_started": each.started,
        "since": about.window.since if about else None,
        "until": about.window.until if about else None,
        "intact": not each.damage,
        "damage": "; ".join(told) or None,
        "signed": each.signed,
        "keyid": about.signer.keyid if about and about.signer else None,
        "gaps": each.gaps,
        "approval": state.word if state else None,
        "lacking": json.dumps(list(state.lacking)) if state else None,
        "approvals": json.dumps(
            [
                {"by": one.said.by, "role": one.said.role, "decision": one.said.decision, "ticket": one.said.ticket}
                for one in state.statements
                if one.standing == "counts"
            ]
        )
        if state
        else None,
        "flagged": state.flagged if state else None,
        "asserted": state.asserted if state else None,
    }
