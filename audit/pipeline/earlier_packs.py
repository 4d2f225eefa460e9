"""Earlier packs: were they sealed, complete and approved, and what was approved of each job's settings.

A run sees the packs of runs that began before it, and what people said of them until it ended.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.approve import records
from audit.approve.state import State, state_of
from audit.derive import earlier_packs, job_configuration
from audit.derive.rows import row_id
from audit.errors import IntegrityError
from audit.model.approval import ApprovalRules
from audit.seal import chain, keys, sums
from audit.seal.statement import json_of
from audit.store.tables import literal

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from audit.model import Run
    from audit.seal.head import PackHead

SIGNATURE = "SHA256SUMS.sig"
APPROVED = ("approved", "approved with conditions")

_INSERT = f"""
insert into earlier_packs by name
select {row_id("earlier_packs", "$kind", "$pack")} as row_id, $run_started::TIMESTAMPTZ as observed_at,
       'packs/' || $pack as raw_ref, $kind as kind, $pack as pack, $run_id as run_id,
       $run_started::TIMESTAMPTZ as run_started, $since::TIMESTAMPTZ as since, $until::TIMESTAMPTZ as until,
       $intact::BOOLEAN as intact, $damage as damage, $signed::BOOLEAN as signed, $keyid as keyid,
       $gaps::BIGINT as gaps, $approval as approval, $lacking::JSON as lacking, $approvals::JSON as approvals,
       $flagged::BIGINT as flagged, $asserted::BIGINT as asserted
"""

_SNAPSHOT = f"""
insert into approved_snapshots by name
select {row_id("approved_snapshots", "job_id", "$run_id")} as row_id, min(observed_at) as observed_at,
       min(raw_ref) as raw_ref, min(job_id) as job_id, $run_id as run_id, $at::TIMESTAMPTZ as approved_at,
       $by as approved_by, $ticket as ticket, json_group_object(property, value) as configuration,
       max(hidden_under) as redaction_key_id
from (from read_parquet({{file}}) order by lower(job_id), property)
group by lower(job_id), job_id order by lower(job_id)
"""


class Earlier(NamedTuple):
    """An earlier pack and the head of its run."""

    head: PackHead
    folder: Path
    run: dict[str, Any]
    started: datetime


def load(con: duckdb.DuckDBPyConnection, run: Run, packs: Path) -> None:
    """Fill ``earlier_packs`` with the newest pack of each kind, and ``approved_snapshots`` from the newest approved."""
    con.execute(earlier_packs.CREATE)
    con.execute(job_configuration.SNAPSHOTS)
    newest: dict[str, Earlier] = {}
    snapshot: tuple[Earlier, State] | None = None
    for each in _before(run, packs):
        if each.head.pack not in newest:
            newest[each.head.pack] = each
        if snapshot is None:
            state, _ = _state(each, run)
            if state is not None and state.word in APPROVED and not sums.differences(each.folder):
                snapshot = each, state
    for each in newest.values():
        con.execute(_INSERT, _row(each, run))
    if snapshot is not None:
        _remember(con, *snapshot)


def _before(run: Run, packs: Path) -> list[Earlier]:
    """Return the packs of runs that began before, newest first; what can't be read as one is none."""
    found = []
    for head in chain.heads(packs):
        folder = packs / head.name
        try:
            document = json_of(folder, "run.json")
            started = datetime.fromisoformat(str(document["started"]))
        except (IntegrityError, KeyError, ValueError):
            continue
        if started < run.started:
            found.append(Earlier(head, folder, document, started))
    return sorted(found, key=lambda each: (each.started, each.head.window.until, each.head.name), reverse=True)


def _state(each: Earlier, run: Run) -> tuple[State | None, str]:
    """Return what people had said of a pack when the run ended, or why that can't be told."""
    until = run.finished or run.started
    try:
        said = [record for record in records.read(each.folder) if record.recorded_at <= until]
        rules = msgspec.convert(each.run.get("approval", {}), ApprovalRules)
        return state_of(said, rules), ""
    except (IntegrityError, msgspec.ValidationError) as error:
        return None, str(error).partition("\n")[0]


def _row(each: Earlier, run: Run) -> dict[str, Any]:
    damage = sums.differences(each.folder)
    state, broken = _state(each, run)
    gaps = sum(1 for unit in each.run.get("units", ()) if unit.get("outcome", {}).get("type") == "gap")
    return {
        "kind": each.head.pack,
        "pack": each.head.name,
        "run_id": each.head.run_id,
        "run_started": each.started,
        "since": each.head.window.since,
        "until": each.head.window.until,
        "intact": not damage and not broken,
        "damage": "; ".join([*damage[:3], *([broken] if broken else [])]) or None,
        "signed": _signed(each),
        "keyid": each.head.signer.keyid if each.head.signer else None,
        "gaps": gaps,
        "approval": state.word if state else None,
        "lacking": json.dumps(list(state.lacking) if state else []),
        "approvals": json.dumps(
            [
                {"by": each.said.by, "role": each.said.role, "decision": each.said.decision, "ticket": each.said.ticket}
                for each in (state.statements if state else ())
                if each.standing == "counts"
            ]
        ),
        "flagged": state.flagged if state else 0,
        "asserted": state.asserted if state else 0,
    }


def _signed(each: Earlier) -> bool:
    """Tell whether the signature is of the key that the pack itself names; whose key that is verify tells."""
    key = keys.public_text(each.head.signer.public_key) if each.head.signer else None
    signature, listed = each.folder / SIGNATURE, each.folder / "SHA256SUMS"
    return key is not None and signature.is_file() and key.made(signature.read_bytes(), listed.read_bytes())


def _remember(con: duckdb.DuckDBPyConnection, each: Earlier, state: State) -> None:
    file = each.folder / "data" / "job_configuration.parquet"
    last = max((one for one in state.statements if one.standing == "counts"), key=lambda one: one.record.recorded_at)
    if file.is_file():
        con.execute(
            _SNAPSHOT.format(file=literal(str(file))),
            {
                "run_id": each.head.run_id,
                "at": last.record.recorded_at,
                "by": last.said.by,
                "ticket": last.said.ticket or None,
            },
        )
