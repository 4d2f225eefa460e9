"""What was last approved of each job's settings, out of earlier packs that show them.

The newest approved pack that has a job tells; where that one isn't as it was sealed, or it can't be told whether a
newer one was approved, no older one speaks in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from audit.approve.state import APPROVED
from audit.derive import job_configuration
from audit.derive.rows import row_id
from audit.model.packs import CHANGE, COMPLIANCE
from audit.seal import sums
from audit.store.tables import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.pipeline.earlier_pack import EarlierPack

SHOWING = (COMPLIANCE, CHANGE)
"""The packs that show what jobs are set to: approving another one approves no setting."""
SETTINGS = "data/job_configuration.parquet"
CHANGED, PROPOSED = "data/change_jobs.parquet", "data/proposed_configuration.parquet"
"""Of a change pack: the jobs that it is about, and what a proposal would set them to: that is what was approved."""
_SHOWN = 3

_LEFT = """
select lower(job_id) from jobs where in_scope
except select lower(job_id) from approved_snapshots
"""
_ANY = f"select count(*) from {{told}} where lower(job_id) in ({_LEFT})"
_SNAPSHOT = f"""
insert into approved_snapshots by name
select {row_id("approved_snapshots", "job_id", "$run_id")} as row_id, min(observed_at) as observed_at,
       min(raw_ref) as raw_ref, min(job_id) as job_id, $pack as pack, $run_id as run_id,
       $at::TIMESTAMPTZ as approved_at, $by as approved_by, $ticket as ticket,
       ('{{{{' || string_agg(to_json(property)::VARCHAR || ':' || to_json(value)::VARCHAR, ',' order by property)
           || '}}}}')::JSON as configuration,
       max(hidden_under) as redaction_key_id
from {{told}}
where lower(job_id) in ({_LEFT})
group by lower(job_id) order by lower(job_id)
"""
_UNTOLD = f"""
insert into approved_snapshots by name
select {row_id("approved_snapshots", "job_id", "$pack")} as row_id, observed_at, 'packs/' || $pack as raw_ref, job_id,
       $pack as pack, $run_id as run_id, $damage as damage
from jobs where in_scope and lower(job_id) in ({_LEFT})
order by lower(job_id)
"""


def load(con: duckdb.DuckDBPyConnection, packs: Sequence[EarlierPack]) -> None:
    """Fill ``approved_snapshots``, a row for each job in scope of which anything is known. ``packs``: newest first."""
    con.execute(job_configuration.SNAPSHOTS)
    for each in packs:
        if each.kind not in (*SHOWING, None) or not con.execute(f"{_LEFT} limit 1").fetchone():
            continue
        if each.state is None:
            damage = f"it can't be told whether it was approved: {each.why}" if each.maybe_approved else ""
        else:
            damage = _remember(con, each) if each.state.word in APPROVED else ""
        if damage:
            about = each.packed.about if each.packed else None
            told = {"pack": each.folder.name, "run_id": about.run_id if about else None, "damage": damage}
            con.execute(_UNTOLD, told)
            return


def _remember(con: duckdb.DuckDBPyConnection, each: EarlierPack) -> str:
    """Keep what an approved pack says of jobs that no newer one told of; return why it can't be believed."""
    files = _files(each)
    told = _told(each, files)
    try:
        if all(sums.unchanged(each.folder, file) for file in files):
            if con.execute(_ANY.format(told=told)).fetchone() == (0,):
                return ""  # whatever else may be wrong with it, it is not about these jobs
            if not each.damage:
                con.execute(_SNAPSHOT.format(told=told), _said(each))
    except duckdb.Error as error:
        return f"its table of settings can't be read: {str(error).partition(chr(10))[0]}"
    return "; ".join(each.damage[:_SHOWN])


def _files(each: EarlierPack) -> tuple[str, ...]:
    """Return the files of a pack that tell what was approved of which jobs."""
    if each.kind != CHANGE:
        return (SETTINGS,)
    return (PROPOSED,) if (each.folder / PROPOSED).exists() else (SETTINGS, CHANGED)


def _told(each: EarlierPack, files: tuple[str, ...]) -> str:
    """Return the SQL of the settings that were approved: of a change pack those of its own jobs alone."""
    settings, *about = (f"read_parquet({literal(str(each.folder / file))})" for file in files)
    if not about:
        return settings
    return f"(from {settings} where lower(job_id) in (select lower(job_id) from {about[0]}))"


def _said(each: EarlierPack) -> dict[str, Any]:
    """Return whose approval it is: the last one that counts."""
    counting = [one for one in (each.state.statements if each.state else ()) if one.standing == "counts"]
    last = max(counting, key=lambda one: one.record.recorded_at)
    return {
        "pack": each.folder.name,
        "run_id": each.packed.about.run_id if each.packed else None,
        "at": last.record.recorded_at,
        "by": last.said.by,
        "ticket": last.said.ticket or None,
    }
