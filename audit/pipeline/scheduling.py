"""Schedule: how often to collect what, from the rates that the last run and history show."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import msgspec

from audit.derive.cadence import CLOSED_AFTER_DAYS, UNOBSERVED_H, WEEK_H, words
from audit.evidence import KINDS
from audit.pipeline.tabling import derived, scratch
from audit.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIGHTEST = """
select kind, proposed_interval_h, scope, observed_per_day, limit_days, reason from cadence
qualify row_number() over (partition by kind order by proposed_interval_h, limit_days nulls last, lower(scope)) = 1
order by proposed_interval_h, kind
"""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """How often one kind should be collected, and the scope that asks for it."""

    kind: str
    interval_h: float
    scope: str
    observed_per_day: float | None
    limit_days: float | None
    reason: str

    @property
    def words(self) -> str:
        """The interval as a person says it."""
        return words(self.interval_h)


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """What is proposed, the run that it rests on (empty: none, so these are cautious defaults), and cron lines."""

    run_id: str
    proposals: tuple[Proposal, ...]
    cron: tuple[str, ...]


def schedule(*, output: Path, config: Path, elsewhere: bool = False) -> Schedule:
    """Propose a cadence from the run below ``output`` that tells of executions until last, and from history.

    A run of a month past is no measure of today, however new it is.

    ``elsewhere``: ``output`` isn't the one that ``config`` names, so the cron lines name it.

    Raises IntegrityError, StoreError.
    """
    store = Store(output)
    telling = [run for run in store.newest() if "executions" in run.run.kinds]
    whole = [run for run in telling if "resource_changes" in run.run.kinds] or telling
    newest = max(whole, key=lambda stored: stored.run.window.until, default=None)
    proposals = []
    if newest is not None:
        with scratch() as database:
            derived(newest, database, history=store.history, latest=True)
            with contextlib.closing(duckdb.connect(str(database), read_only=True)) as con:
                proposals = [
                    Proposal(
                        kind=kind, interval_h=hours, scope=scope, observed_per_day=rate, limit_days=days, reason=reason
                    )
                    for kind, hours, scope, rate, days, reason in con.execute(_TIGHTEST).fetchall()
                ]
    told = {each.kind for each in proposals}
    proposals += [each for each in _cautious() if each.kind not in told]
    where = f"--config {_shown(config)}" + (f" --output {_shown(output)}" if elsewhere else "")
    return Schedule(
        run_id=newest.run.run_id if newest else "", proposals=tuple(proposals), cron=tuple(_cron(proposals, where))
    )


def _cautious() -> list[Proposal]:
    known = {kind.name for kind in KINDS}
    found = [
        Proposal(kind=kind, interval_h=hours, scope="/", observed_per_day=None, limit_days=None, reason="not observed")
        for kind, hours in UNOBSERVED_H.items()
        if kind in known
    ]
    return sorted(found, key=lambda each: (each.interval_h, each.kind))


def _cron(proposals: Sequence[Proposal], where: str) -> list[str]:
    """Return a line per interval shorter than a week, everything once a week, and the pack of the month before.

    The month's pack needs the bill as it is once the month is closed, and what has happened since it ended.
    """
    by_interval: dict[float, list[str]] = {}
    for each in proposals:
        if each.interval_h < WEEK_H:
            by_interval.setdefault(each.interval_h, []).append(each.kind)
    lines = [
        f"{_times(hours)} jobaudit collect {where} --kinds {','.join(sorted(kinds))}"
        for hours, kinds in sorted(by_interval.items())
    ]
    monthly = (
        f"jobaudit collect {where} --month last --kinds costs; jobaudit collect {where}; "
        f"jobaudit render latest --month last {where}"
    )
    return [*lines, f"{_times(WEEK_H)} jobaudit collect {where}", f"0 5 {CLOSED_AFTER_DAYS + 1} * * {monthly}"]


def _shown(path: Path) -> str:
    """Return a whole path as a line of cron takes it: quoted, and its per cent signs kept from being line ends."""
    return shlex.quote(str(path.absolute())).replace("%", r"\%")


def _times(hours: float) -> str:
    """Return cron's five fields."""
    if hours < 1:
        return f"*/{round(hours * 60)} * * * *"
    if hours < 24:  # noqa: PLR2004  a day
        return "0 * * * *" if hours == 1 else f"0 */{round(hours)} * * *"
    return "30 3 * * *" if hours < WEEK_H else "30 3 * * 1"
