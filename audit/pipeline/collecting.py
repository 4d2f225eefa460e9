"""Collect and resume: sign in, open the store, read every unit, close the run whatever happens."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import resource
import secrets
import signal
import time
from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from audit import __version__, assess, evidence
from audit.collect import Progress, Silent
from audit.collect import collect as collect_units
from audit.config import ScopeSettings, Settings, Stated, packaged
from audit.config.stated import alone
from audit.errors import UsageError
from audit.model import Gap, Run, RunState, Stats, Window
from audit.model.role import least_privilege
from audit.store import Store

if TYPE_CHECKING:
    from audit.azure import Azure
    from audit.model import EvidenceKind

ALWAYS = frozenset({"subscriptions", "management_group_members", "permissions"})
"""What there is and what the caller may see: no other kind can be told whole without them."""
LIBRARIES = (
    "azure-core",
    "azure-identity",
    "azure-mgmt-appcontainers",
    "azure-mgmt-authorization",
    "azure-mgmt-monitor",
    "azure-mgmt-resource",
    "duckdb",
    "jinja2",
    "openpyxl",
)
T = TypeVar("T")


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """A finished collection: where it is and how many of its units are gaps."""

    path: Path
    run_id: str
    units: int
    gaps: int
    stats: Stats


def collect(
    settings: Settings,
    *,
    output: Path,
    window: Window,
    kinds: Sequence[str] = (),
    controls: Sequence[Path] = (),
    key_file: Path | None = None,
    stated: Stated | None = None,
    progress: Progress | None = None,
) -> Collection:
    """Read Azure once, into a new run below ``output``. ``kinds``: names; empty = all, what they stand on included.

    ``stated``: what people state beside audit.toml, taken into the run as it is now.

    Raises ConfigError before anything is read where [policy] or an exception doesn't fit the controls,
    AzureUnreachable, StoreError.
    KeyboardInterrupt leaves a run that :func:`resume` completes.
    """
    chosen = closure(kinds)
    loaded = assess.load([packaged("config") / "controls", *controls])
    policy = assess.check_policy(loaded, settings.policy)
    assess.check_exceptions(loaded, policy.exception_days, stated.exceptions if stated else None)
    store = Store(output, key_file=key_file)
    work = _collected(settings, store, None, window=window, kinds=chosen, progress=progress or Silent(), stated=stated)
    return _to_the_end(work)


def resume(
    settings: Settings, run_ref: str, *, output: Path, key_file: Path | None = None, progress: Progress | None = None
) -> Collection:
    """Read what a run lacks: units that never ended, and gaps; over the scope and the window that it began with.

    Raises UsageError where somebody else is signed in than who began the run: its evidence names one caller.
    """
    store = Store(output, key_file=key_file)
    stored = store.open(run_ref).run
    settings = msgspec.structs.replace(settings, scope=_scope(stored))
    kinds = closure(stored.kinds)
    work = _collected(settings, store, stored, window=stored.window, kinds=kinds, progress=progress or Silent())
    return _to_the_end(work)


def _scope(run: Run) -> ScopeSettings:
    """Return the configured scope of a run, as it was when the run began."""
    return ScopeSettings(
        subscriptions=run.subscriptions,
        management_groups=run.management_groups,
        expected_subscriptions=run.expected_subscriptions,
        resource_groups=run.resource_groups,
        tags=run.tags,
    )


def _check_caller(run: Run, azure: Azure) -> None:
    began, now = run.caller, azure.caller
    if began is None or (began.tenant_id, began.object_id, run.cloud) == (
        now.tenant_id,
        now.object_id,
        azure.cloud.name,
    ):
        return
    raise UsageError(
        f"run {run.run_id} was begun as {began.name or began.object_id} in the tenant {began.tenant_id}, "
        f"and this is {now.name or now.object_id} in the tenant {now.tenant_id}",
        hint="sign in as who began it, or collect anew: what one caller sees says nothing about the other",
    )


def closure(names: Iterable[str]) -> tuple[EvidenceKind, ...]:
    """Return the named kinds and all that they stand on, in the registry's order; no name means every kind."""
    known = {kind.name: kind for kind in evidence.KINDS}
    wanted = set(names) or set(known)
    for name in sorted(wanted - known.keys()):
        raise UsageError(f'there is no evidence kind "{name}"', hint="kinds: " + ", ".join(sorted(known)))
    wanted |= ALWAYS
    while more := {each for name in wanted for each in known[name].after} - wanted:
        wanted |= more
    return tuple(kind for kind in evidence.KINDS if kind.name in wanted)


def role() -> dict[str, Any]:
    """Return the least-privilege role of the collector, generated from the evidence kinds."""
    return least_privilege(evidence.KINDS)


def window_of(settings: Settings, now: datetime) -> Window:
    """Return the window that audit.toml asks for, ending now."""
    return Window.last(settings.window.days, now.replace(microsecond=0))


async def _collected(
    settings: Settings,
    store: Store,
    stored: Run | None,
    *,
    window: Window,
    kinds: Sequence[EvidenceKind],
    progress: Progress,
    stated: Stated | None = None,
) -> Collection:
    from audit.azure import connect  # noqa: PLC0415  half a second that offline verbs don't pay

    cost, said = _Cost(), stated or alone(settings)
    async with connect(settings.cloud, settings.credential, connections=settings.collect.concurrency) as azure:
        if stored is not None:
            _check_caller(stored, azure)
            opened = store.resume(stored.run_id)
        else:
            opened = store.create(begin(settings, azure, window, kinds, said), said.attachments())
        with opened as writer:
            state = RunState.INTERRUPTED
            try:
                await collect_units(azure, writer, kinds, settings=settings, window=window, progress=progress)
                state = RunState.DONE
            finally:
                ended = _ended(writer.run, azure, state, cost)
                writer.close(ended, then=partial(_remember, store, ended) if state is RunState.DONE else None)
    units = writer.run.units
    gaps = sum(isinstance(unit.outcome, Gap) for unit in units)
    return Collection(path=writer.path, run_id=writer.run.run_id, units=len(units), gaps=gaps, stats=writer.run.stats)


def _remember(store: Store, run: Run) -> None:
    """Add a run to history, gaps and all: what it read is evidence. An interrupted one waits for its resumption."""
    store.history.append(store.open(run.run_id), locked=True)


def begin(
    settings: Settings, azure: Azure, window: Window, kinds: Sequence[EvidenceKind], stated: Stated | None = None
) -> Run:
    """Return the head of a new run: its own id, what it covers, who collects, with which versions, what is stated."""
    now = datetime.now(UTC)
    said = stated or alone(settings)
    return Run(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        state=RunState.RUNNING,
        tool_version=__version__,
        cloud=azure.cloud.name,
        endpoint=azure.cloud.resource_manager,
        caller=azure.caller,
        window=window,
        subscriptions=settings.scope.subscriptions,
        expected_subscriptions=settings.scope.expected_subscriptions,
        resource_groups=settings.scope.resource_groups,
        management_groups=settings.scope.management_groups,
        tags=settings.scope.tags,
        kinds=tuple(kind.name for kind in kinds),
        started=now,
        versions={
            "jobaudit": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in LIBRARIES},
        },
        settings=settings.policy,
        approval=settings.approval,
        review=settings.review,
        register=said.register,
        exceptions=said.exceptions,
        scalers_verified=said.scalers_verified,
        scalers=said.scalers,
        prices=said.prices,
        tickets=said.tickets,
    )


def _ended(run: Run, azure: Azure, state: RunState, cost: _Cost) -> Run:
    """Add this session's cost to what earlier sessions of the same run took."""
    before, meter = run.stats, azure.meter
    families = sorted(before.requests.keys() | meter.requests.keys())
    stats = Stats(
        requests={name: before.requests.get(name, 0) + meter.requests.get(name, 0) for name in families},
        retries=before.retries + meter.retries,
        throttled=before.throttled + meter.throttled,
        bytes_received=before.bytes_received + meter.bytes_received,
        cpu_seconds=round(before.cpu_seconds + cost.cpu_seconds(), 3),
        wall_seconds=round(before.wall_seconds + cost.wall_seconds(), 3),
        peak_rss_mib=round(max(before.peak_rss_mib, _peak_rss_mib()), 1),
    )
    return msgspec.structs.replace(run, state=state, finished=datetime.now(UTC), stats=stats)


class _Cost:
    """CPU and wall seconds of this process since the object was made."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = time.process_time()

    def cpu_seconds(self) -> float:
        return time.process_time() - self._cpu

    def wall_seconds(self) -> float:
        return time.monotonic() - self._wall


def _peak_rss_mib() -> float:
    unit = 1 << 20 if platform.system() == "Darwin" else 1 << 10  # getrusage(2): bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C and SIGTERM cancel the work, which leaves a run that can be resumed."""

    async def guarded() -> T:
        task = asyncio.current_task()
        if task is not None and os.name == "posix":
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
