"""``continuity``: whether this run's evidence joins what earlier runs saw, or the exact hole between them.

Per subscription for the Activity Log, per job for executions, per tenant for changes that Resource Graph tells: each
forgets. Where a job's executions were started faster than Azure's list holds, and neither an earlier run nor the logs
know the rest, the hole goes into ``coverage`` as a gap, so that no verdict rests on a part that passes for the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from audit.derive import log_proof
from audit.derive.insert import Made
from audit.derive.insert import create as insert
from audit.derive.intervals import Stretch, holes, joined
from audit.derive.rows import row_id
from audit.model import Json, Record, Window
from audit.store.history import EVENT_TABLES, EVER

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

KINDS = ("activity_log", "executions", "resource_changes")
"""What is forgotten fast enough to matter between two runs."""


class Continuity(Record, frozen=True, kw_only=True):
    """One stretch of time over which a kind of evidence is known of one scope, or isn't."""

    table: ClassVar[str] = "continuity"
    row_key: ClassVar[tuple[str, ...]] = ("kind", "scope", "since")

    kind: str
    scope: str
    since: datetime | None
    """Included; null = from the beginning: the list was whole."""
    until: datetime
    """Excluded."""
    state: str
    """``continuous`` or ``hole``."""
    detail: str
    known_by: Json
    """Who knows a continuous stretch: ``this run``, ids of earlier runs, or which logs; the oldest first."""


class _Unit(NamedTuple):
    kind: str
    scope: str
    outcome: str
    reason: str | None
    since: datetime | None
    until: datetime | None
    started: datetime
    observed_at: datetime
    raw_ref: str


_OWN = """
select kind, scope, outcome, reason, covered_from, covered_to, started, observed_at, raw_ref, unit
from extents where place is null and list_contains($kinds::VARCHAR[], kind) order by kind, lower(scope)
"""
_EARLIER = """
select kind, unit, covered_from, covered_to, run_id, any_value(scope order by sequence desc) over (partition by unit)
from history.units where covered_from is not null and list_contains($kinds::VARCHAR[], kind) order by sequence
"""
_LISTED = """
select lower(job_id), count(*), min(started) from executions group by all
"""

# ``from`` and ``to`` are the contract's names; Python's own keywords keep the record from bearing them.
_NAMED = (
    'alter table continuity rename column "since" to "from"',
    'alter table continuity rename column "until" to "to"',
)

_GAPS = f"""
insert into coverage by name
select {row_id("coverage", "'executions'", "scope", "'truncated'")} as row_id, min(observed_at) as observed_at,
       min(raw_ref) as raw_ref, 'executions' as kind, scope, 'gap' as outcome, 'truncated' as reason,
       string_agg(detail, '; ' order by "from") as detail, 0 as pages, 0 as "rows", 0 as requests,
       min(observed_at) as started, min(observed_at) as finished
from continuity
where kind = 'executions' and state = 'hole' and "from" < $until::TIMESTAMPTZ and "to" > $since::TIMESTAMPTZ
  and lower(scope) in (select lower(scope) from coverage where kind = 'executions' and outcome = 'collected')
group by scope order by lower(scope)
"""


# A unit of the past is a gap where history doesn't know it over the whole window.
_PAST_GAPS = """
update coverage set outcome = 'gap', detail = holes.detail,
    reason = case when holes."to" < $started::TIMESTAMPTZ - $retention::INTERVAL then 'beyond_retention'
                  when coverage.kind = 'executions' then 'truncated' else 'unavailable' end
from (
    select kind, scope, string_agg(detail, '; ' order by "from") as detail, max("to") as "to"
    from continuity where state = 'hole' group by all
) as holes
where coverage.kind = holes.kind and coverage.scope = holes.scope and coverage.kind = $kind
"""


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``continuity``, and list what it finds in ``coverage``; needs ``earlier`` and its ``extents``.

    Of a run: executions that Azure's list cut off. Of a window of the past: every kind of event that history doesn't
    know over the whole of it.
    """
    kinds = KINDS if run.collected_for is None else tuple(sorted(EVENT_TABLES))
    con.execute(
        f"delete from coverage where kind = 'executions' and row_id = "
        f"{row_id('coverage', chr(39) + 'executions' + chr(39), 'scope', chr(39) + 'truncated' + chr(39))}"
    )
    insert(con, Continuity, _rows(con, run, kinds))
    for rename in _NAMED:
        con.execute(rename)
    if run.collected_for is None:
        con.execute(_GAPS, {"since": run.window.since, "until": run.window.until})
        return
    for kind in kinds:
        retention = EVENT_TABLES[kind].retention or run.started - EVER
        con.execute(_PAST_GAPS, {"kind": kind, "started": run.started, "retention": retention})


def _rows(con: duckdb.DuckDBPyConnection, run: Run, kinds: Sequence[str]) -> Iterable[Made]:
    own = {(row[0], row[9]): _Unit(*row[:9]) for row in con.execute(_OWN, {"kinds": list(kinds)}).fetchall()}
    earlier: dict[tuple[str, str], list[Stretch]] = defaultdict(list)
    for kind, unit, since, until, run_id, _scope in con.execute(_EARLIER, {"kinds": list(kinds)}).fetchall():
        earlier[kind, unit].append(Stretch(since, until, (run_id,)))
    known = {
        key: [*earlier[key], *([Stretch(unit.since, unit.until, ("this run",))] if unit.since and unit.until else [])]
        for key, unit in own.items()
    }
    log = {
        unit.scope.lower().rpartition("/")[2]: known[key] for key, unit in own.items() if unit.kind == "activity_log"
    }
    proofs = log_proof.of_jobs(con, log) if "executions" in kinds else {}
    listed = {job: (count, oldest) for job, count, oldest in con.execute(_LISTED).fetchall()}
    for key, unit in sorted(own.items(), key=lambda each: (each[1].kind, each[1].scope.lower())):
        proof = proofs.get(unit.scope.lower()) if unit.kind == "executions" else None
        stretches = joined(known[key])
        if proof and holes(stretches, run.window.since, run.window.until):
            stretches = joined([*known[key], *proof.stretches])
        why = _why(unit, listed.get(unit.scope.lower()), proof, run)
        yield from _told(unit, run.window, stretches, earlier[key], why)


def _told(
    unit: _Unit, window: Window, stretches: list[Stretch], earlier: Sequence[Stretch], why: str
) -> Iterable[Made]:
    """Yield the rows of one unit: every stretch that touches the window or the time since the last run, and holes."""
    settle = EVENT_TABLES[unit.kind].settle
    end = max(min(window.until, unit.started - settle), window.since)
    before = [each.until for each in earlier if each.until <= window.since]
    begin = min(window.since, max(before, default=window.since))
    late = "" if end == window.until else f"; what is younger than {_utc(end)} may still come up"
    for each in stretches:
        if each.until >= begin and each.since < max(end, begin):
            since = None if each.since <= EVER else each.since
            told = f"known by {_some(each.known_by)} without a hole{late if each.until >= end else ''}"
            yield _made(unit, since, each.until, detail=told, known_by=each.known_by)
    for hole in holes(stretches, begin, end):
        told = f"nothing is known of {_utc(hole.since)} to {_utc(hole.until)}: {why}"
        yield _made(unit, hole.since, hole.until, detail=told)


def _made(unit: _Unit, since: datetime | None, until: datetime, *, detail: str, known_by: tuple[str, ...] = ()) -> Made:
    """Return a row. What nobody knows is a hole."""
    row = Continuity(
        kind=unit.kind,
        scope=unit.scope,
        since=since,
        until=until,
        state="continuous" if known_by else "hole",
        detail=detail,
        known_by=Json(known_by),
    )
    return Made(row, unit.observed_at, unit.raw_ref)


def _why(unit: _Unit, listed: tuple[int, datetime | None] | None, proof: log_proof.Proof | None, run: Run) -> str:
    """Return, in words, why what lies before this run's list isn't known."""
    event = EVENT_TABLES[unit.kind]
    if unit.outcome == "gap" and unit.reason != "beyond_retention":
        return f"this run could not read it ({unit.reason}), and no earlier run did"
    if unit.kind == "executions" and listed and event.limit and listed[0] >= event.limit and listed[1]:
        doubts = "; ".join(dict.fromkeys(proof.doubts)) if proof else "its environment sends no system logs to be asked"
        return (
            f"Azure lists the newest {listed[0]} executions, the oldest started {_utc(listed[1])}; no earlier run "
            f"covers what came before" + (f", and {doubts}" if doubts else ", and no logs do")
        )
    if event.retention is not None and unit.started - run.window.since > event.retention:
        return f"Azure keeps {event.retention.days} days of it, and no earlier run read it in time"
    return "no run read it"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}"


def _some(names: Sequence[str]) -> str:
    """Return names in a line: the first and the last, and how many there are between them."""
    if len(names) <= 3:  # noqa: PLR2004  a line's worth
        return ", ".join(names)
    return f"{names[0]}, {len(names) - 2} others and {names[-1]}"
