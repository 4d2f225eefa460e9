"""``change_risks``: what may come of a job's settings as they are after the change: load, cost, what can't be seen.

Figures follow from the settings: how much may run at once, how long, how often the event source is asked. The load is
held against what the environment may run at once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from audit.change import loads, room
from audit.derive.rows import row_id

if TYPE_CHECKING:
    import duckdb

    from audit.change.loads import Load
    from audit.change.room import Room
    from audit.model import Run

_EMPTY = """
create or replace table change_risks (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, risk VARCHAR, weight VARCHAR,
    before VARCHAR, after VARCHAR, detail VARCHAR
)
"""
_INSERT = f"""
insert into change_risks by name
select {row_id("change_risks", "$job_id", "$risk")} as row_id, $observed::TIMESTAMPTZ as observed_at,
       $raw_ref as raw_ref, $job_id as job_id, $risk as risk, $weight as weight, $before as before, $after as after,
       $detail as detail
"""


def create(con: duckdb.DuckDBPyConnection, run: Run, *, old: str | None, new: str) -> None:
    """Create the table. ``old``, ``new``: the catalogs with the jobs before and after; ``old`` None = not known."""
    con.execute(_EMPTY)
    before = {load.job_key: load for load in loads.read(con, old)} if old else {}
    for load in loads.read(con, new):
        at_most = room.of(con, new, load)
        for risk, weight, was, is_now, detail in _told(before.get(load.job_key), load, run, at_most):
            con.execute(
                _INSERT,
                {
                    "job_id": load.job_id,
                    "observed": run.finished or run.started,
                    "raw_ref": load.raw_ref,
                    "risk": risk,
                    "weight": weight,
                    "before": was,
                    "after": is_now,
                    "detail": detail,
                },
            )


Told = tuple[str, str, str | None, str | None, str]


def _told(was: Load | None, now: Load, run: Run, at_most: Room) -> list[Told]:
    made = (
        _at_once(was, now),
        _against(was, now, at_most),
        _bill(was, now, run),
        _same_work(was, now, run),
        _asking(was, now),
        _held(was, now),
        _tags(was, now),
    )
    return [each for each in made if each]


def _at_once(was: Load | None, now: Load) -> Told:
    told = "executions at once at most × replicas each × vCPU and memory of a replica"
    grown = was is not None and was.vcpu is not None and now.vcpu is not None and now.vcpu > was.vcpu
    if now.vcpu is None or now.memory is None:
        return "load at most", "open", _load(was), None, "a figure that it takes isn't set: " + told
    return "load at most", "warn" if grown else "note", _load(was), _load(now), told


def _against(was: Load | None, now: Load, at_most: Room) -> Told:
    """Return the load at most beside the cores that the environment may run at once: beyond them, executions wait."""
    before = None if was is None or was.vcpu is None else f"{was.vcpu:,.2f} vCPU"
    if now.vcpu is None:
        return "load against quota", "open", before, None, f"a figure that the load takes isn't set; {at_most.words}"
    if at_most.cores is None:
        return "load against quota", "open", before, None, at_most.words
    grown = was is not None and was.vcpu is not None and now.vcpu > was.vcpu
    beyond = now.vcpu > at_most.cores or (grown and now.vcpu + at_most.others > at_most.cores)
    after = f"{now.vcpu:,.2f} of {at_most.cores:,.2f} vCPU"
    return "load against quota", "warn" if beyond else "note", before, after, at_most.words


def _load(load: Load | None) -> str | None:
    if load is None or load.vcpu is None or load.memory is None or load.replicas is None:
        return None
    return f"{load.replicas:,} replicas, {load.vcpu:,.2f} vCPU, {load.memory:,.2f} GiB"


def _bill(was: Load | None, now: Load, run: Run) -> Told | None:
    """Return what a day costs if all that may run runs all day: the most that a fault in the scale rule can cost."""
    if run.prices is None or now.vcpu is None:
        return None
    worst, before = _day(now, run), _day(was, run) if was else None
    if worst is None:
        return None
    money = run.prices.currency
    return (
        "a day at full load",
        "warn" if before is not None and worst > before else "note",
        None if before is None else f"{before:,.2f} {money}",
        f"{worst:,.2f} {money}",
        f"list prices of {run.prices.as_of:%Y-%m-%d}, without logs and without what is free; an estimate, not billed",
    )


def _same_work(was: Load | None, now: Load, run: Run) -> Told | None:
    """Return what a replica costs for an hour: with the same work, cost follows it."""
    before, after = _second(was, run) if was else None, _second(now, run)
    if not before or after is None or before == after or run.prices is None:
        return None
    return (
        "a replica for an hour",
        "warn" if after > before else "note",
        f"{before * 3600:,.4f} {run.prices.currency}",
        f"{after * 3600:,.4f} {run.prices.currency}",
        f"list prices of {run.prices.as_of:%Y-%m-%d}: the same executions cost {100 * after / before - 100:+.0f} %",
    )


def _day(load: Load, run: Run) -> Decimal | None:
    second = _second(load, run)
    return None if second is None or load.replicas is None else second * load.replicas * 86_400


def _second(load: Load, run: Run) -> Decimal | None:
    """Return what one replica costs in a second, by the list of the job's region."""
    if run.prices is None or load.cpu is None or load.gib is None or load.untold:
        return None
    region = run.prices.regions.get((load.location or "").lower().replace(" ", ""), run.prices.default)
    vcpu = region.vcpu_second_active or run.prices.default.vcpu_second_active
    gib = region.gib_second_active or run.prices.default.gib_second_active
    if vcpu is None or gib is None:
        return None
    return Decimal(str(load.cpu)) * vcpu + Decimal(str(load.gib)) * gib


def _asking(was: Load | None, now: Load) -> Told | None:
    if was is not None and was.asked == now.asked:
        return None
    if now.asked is None:
        told = "the polling interval isn't set: the platform's holds"
        return "questions to the event source", "open", _times(was), None, told
    more = was is not None and was.asked is not None and now.asked > was.asked
    return (
        "questions to the event source",
        "warn" if more else "note",
        _times(was),
        _times(now),
        "a day divided by the polling interval, for each scale rule; services that bill operations count each of them",
    )


def _times(load: Load | None) -> str | None:
    return None if load is None or load.asked is None else f"{load.asked:,} a day"


def _held(was: Load | None, now: Load) -> Told | None:
    if was is not None and was.longest == now.longest:
        return None
    told = "the replica timeout for every try: so long one message may be held and billed"
    if now.longest is None:
        return "longest execution", "open", _seconds(was), None, "timeout or retry limit isn't set: " + told
    more = was is not None and was.longest is not None and now.longest > was.longest
    return "longest execution", "warn" if more else "note", _seconds(was), _seconds(now), told


def _seconds(load: Load | None) -> str | None:
    return None if load is None or load.longest is None else f"{load.longest:,} s"


def _tags(was: Load | None, now: Load) -> Told | None:
    if not now.tags:
        return None
    before = None if was is None else was.tags or "by digest"
    told = "what runs may become another without any change of the job: deploy by digest"
    return "image by tag", "warn", before, now.tags, told
