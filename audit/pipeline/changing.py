"""Change: what a change pack tells beside a run's own tables: the run before, what was asked, and what came of it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit import diff
from audit.change import (
    attached,
    closing,
    effects,
    findings,
    planned,
    properties,
    proposal,
    proposed,
    proposing,
    request,
    risks,
    rollback,
)
from audit.change.closing_rows import ChangeClosing
from audit.change.proposal import Asked
from audit.change.proposed import ChangeProposal
from audit.change.request import Before
from audit.derive import insert
from audit.errors import IntegrityError, UsageError
from audit.model import RunState, Window
from audit.model.change import ChangeAsked
from audit.pipeline import earlier_pack
from audit.pipeline.tabling import tabled
from audit.store import Store, tables

if TYPE_CHECKING:
    import duckdb

    from audit.assess import Control
    from audit.model import Run
    from audit.model.capability import Capability
    from audit.store import Readable, StoredRun

AHEAD = timedelta(days=7)
"""How much of the time before a change is collected with it, to hold what came after against."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a change pack is asked about, and the files that go with it."""

    asked: ChangeAsked
    proposed: tuple[Asked, ...] = ()
    """What will be applied, a document each; empty = the change was made already."""
    attached: Mapping[str, Path] = {}
    """Files that people attach, such as test evidence and release notes, by their names in the pack."""


def change_window(asked: ChangeAsked, window: Window, now: datetime) -> Window:
    """Return what a collection for a change has to reach over: from a week before it until now."""
    since = asked.since or window.since
    return Window(since=since - AHEAD, until=now.replace(microsecond=0))


def attachments(paths: Sequence[Path]) -> dict[str, Path]:
    """Return files by the names that they get in the pack. Raises UsageError for no file, or two of one name."""
    found: dict[str, Path] = {}
    for path in paths:
        if not path.is_file():
            raise UsageError(f"there is no file {path} to attach", hint="--attach takes files; name each")
        if path.name in found or path.name.startswith(".") or not path.name.isprintable():
            raise UsageError(
                f"{path.name!r} can't be attached under that name", hint="give each file a name of its own"
            )
        found[path.name] = path
    return found


def proposals(paths: Sequence[Path]) -> tuple[Asked, ...]:
    """Read the files that will be applied, before anything is collected for them. Raises ConfigError."""
    return tuple(each for path in paths for each in proposal.read(path))


def add(
    database: Path,
    run: Run,
    stored: Readable,
    change: Change,
    *,
    store: Store,
    packs: Path,
    controls: Sequence[Control],
    capabilities: Mapping[str, Capability] | None = None,
) -> None:
    """Add the tables of a change pack to ``database``, which has every other table of the run.

    Raises UsageError where what is asked about isn't known, IntegrityError.
    """
    if change.proposed:
        _proposed(database, run, stored, change, store=store, controls=controls, capabilities=capabilities)
    else:
        _made(database, run, stored, change, store=store, packs=packs, controls=controls, capabilities=capabilities)


def _made(
    database: Path,
    run: Run,
    stored: Readable,
    change: Change,
    *,
    store: Store,
    packs: Path,
    controls: Sequence[Control],
    capabilities: Mapping[str, Capability] | None,
) -> None:
    """Add what a change that was made has come to: against the run before, and against what was approved."""
    with contextlib.closing(tables.connect(str(database))) as con:
        time = request.time_of(con, run, change.asked)
    before, earlier = _before(store, run, time.since)
    old = database.parent / "before.duckdb"
    if earlier is not None:
        was = tabled(
            earlier, old, controls, history=store.history, reviews=store.reviews, packs=packs, capabilities=capabilities
        )
    with contextlib.closing(tables.connect(str(database.parent / "change.duckdb"))) as con:
        con.execute(f"attach {tables.literal(str(database))} as new")
        if earlier is not None:
            con.execute(f"attach {tables.literal(str(old))} as old (read_only)")
            _compare(con, was, run)
        con.execute("use new")
        approved = None
        if change.asked.ticket:
            approved = planned.planned(earlier_pack.before(run, packs), ticket=change.asked.ticket)
        request.create(con, run, change.asked, time=time, before=before, planned=approved)
        properties.create(con, compared=earlier is not None)
        effects.create(con, run)
        findings.create(con, old="old.verdicts" if earlier else None)
        risks.create(con, run, old="old" if earlier else None, new="new")
        if approved is not None:
            jobs = [job for (job,) in con.execute("select job_id from change_jobs order by lower(job_id)").fetchall()]
            closing.closing(con, run, approved, jobs=jobs)
        else:
            insert.create(con, ChangeClosing, ())
        insert.create(con, ChangeProposal, ())
        earlier_runs, unusable = _runs(store, run, time.since)
        rollback.create(con, stored, since=time.since, earlier=earlier_runs, unusable=unusable)
        attached.create(con, change.attached)


def _proposed(
    database: Path,
    run: Run,
    stored: Readable,
    change: Change,
    *,
    store: Store,
    controls: Sequence[Control],
    capabilities: Mapping[str, Capability] | None,
) -> None:
    """Add what a change that is proposed would come to: against the jobs as the run read them."""
    with contextlib.closing(tables.connect(str(database))) as con:
        time = request.time_of(con, run, change.asked)
        proposals = proposing.propose(change.proposed, con, stored, store.redactor(run))
    copy = database.parent / "proposed.duckdb"
    proposed.proposed(database, copy, run, proposals, controls, capabilities=capabilities)
    with contextlib.closing(tables.connect(str(database.parent / "change.duckdb"))) as con:
        con.execute(f"attach {tables.literal(str(database))} as old")
        con.execute(f"attach {tables.literal(str(copy))} as new (read_only)")
        _compare(con, run, run)
        con.execute("use old")
        request.create(con, run, change.asked, time=time, before=Before(), proposal=True)
        properties.create(con, compared=True)
        effects.create(con, run)
        findings.create(con, old="verdicts", new="proposed_verdicts")
        risks.create(con, run, old="old", new="new")
        insert.create(con, ChangeClosing, ())
        rollback.create(con, stored, since=run.finished or run.started, earlier=())
        attached.create(con, change.attached)


def _compare(con: duckdb.DuckDBPyConnection, old: Run, new: Run) -> None:
    """Keep what differs between the catalogs ``old`` and ``new`` in the temporary table ``told_differences``."""
    diff.compare(con, diff.Side(run=old), diff.Side(run=new))
    con.execute("create temp table told_differences as from differences")


def _runs(store: Store, run: Run, since: datetime) -> tuple[list[StoredRun], list[str]]:
    """Return the runs that may tell how a job was before, and why others that history knows of then can't."""
    found, unusable, gone = [], [], 0
    for run_id, commit in {commit.run_id: commit for commit in store.history.commits()}.items():
        if run_id == run.run_id or commit.run.started >= since:
            continue
        try:
            found.append(store.open(run_id))
        except UsageError:
            gone += 1
        except IntegrityError as error:
            unusable.append(f"run {run_id} can't be used: {error.message}")
    if gone:
        told = "a run" if gone == 1 else f"{gone} runs"
        unusable.append(f"the folder of {told} from before is gone, and history keeps no raw answers")
    return found, unusable


def _before(store: Store, run: Run, since: datetime) -> tuple[Before, Readable | None]:
    """Return the newest run that ended before ``since`` and listed jobs: how things stood before."""
    passed: list[str] = []
    known = {commit.run_id: commit.run for commit in store.history.commits() if commit.part == "run"}
    for each in sorted(known.values(), key=lambda one: one.started, reverse=True):
        if each.run_id == run.run_id or (each.finished or each.started) > since:
            continue
        if "jobs" not in each.kinds or each.state is not RunState.DONE:
            continue
        try:
            stored = store.read(each.run_id)
            note = "; ".join(passed)
            return Before(run_id=each.run_id, started=each.started, note=note), stored
        except (IntegrityError, UsageError) as error:
            passed.append(f"run {each.run_id} was passed over: {str(error).partition(chr(10))[0]}")
    told = f"no run of this store ended before {since:%Y-%m-%d %H:%M:%S} UTC"
    return Before(note="; ".join([*passed, told])), None
