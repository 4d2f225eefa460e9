"""The fan-out: every kind waits for the kinds it stands on, then its units are read side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from audit.collect import unit
from audit.collect.extent import OWN_ACCESS, Extent, resolve
from audit.collect.visibility import Visibility
from audit.model import EvidenceKind, Gap, GapReason, Scope, Window

if TYPE_CHECKING:
    from audit.azure import Azure
    from audit.collect.progress import Progress
    from audit.config import Settings
    from audit.store import RunWriter

FIRST = "subscriptions"
"""The kind that says what there is; every other kind waits for it."""
MEMBERS = "management_group_members"
"""The kind that turns configured management groups into subscriptions."""


async def collect(
    azure: Azure,
    writer: RunWriter,
    kinds: Sequence[EvidenceKind],
    *,
    settings: Settings,
    window: Window,
    progress: Progress,
) -> Extent:
    """Read every unit of ``kinds`` that hasn't already ended well, and return what the run covers.

    A unit that fails is a Gap in its record. Raises ConfigError where the configured scope doesn't exist.
    """
    work = _Collection(azure, writer, settings=settings, window=window, progress=progress)
    try:
        return await work.run(kinds)
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(error: BaseException) -> BaseException:
    """Return the failure that a task group wrapped: one error is one message."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Collection:
    """What all kinds of one collection share."""

    def __init__(
        self, azure: Azure, writer: RunWriter, *, settings: Settings, window: Window, progress: Progress
    ) -> None:
        self._azure = azure
        self._writer = writer
        self._settings = settings
        self._window = window
        self._progress = progress
        self._slots = asyncio.Semaphore(settings.collect.concurrency)
        self._visibility = Visibility()
        self._failed: dict[str, GapReason] = {}

    async def run(self, kinds: Sequence[EvidenceKind]) -> Extent:
        named = {kind.name: kind for kind in kinds}
        await self._kind(named[FIRST], Extent(subscriptions=self._settings.scope.subscriptions))
        await self._units(named[MEMBERS], self._groups())
        extent = await self._extent()
        self._visibility.choose(extent.subscriptions)
        ready = {name: asyncio.Event() for name in named}
        ready[FIRST].set()
        ready[MEMBERS].set()
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                if not ready[kind.name].is_set():
                    group.create_task(self._when_ready(kind, extent, ready), name=kind.name)
        return extent

    def _groups(self) -> list[Scope]:
        names = self._settings.scope.management_groups
        return [Scope(id=f"/providers/Microsoft.Management/managementGroups/{quote(name)}") for name in names]

    async def _extent(self) -> Extent:
        visible, members = (
            [row["subscription_id"] for row in self._writer.query(f"select distinct subscription_id from {table}")]
            for table in (FIRST, MEMBERS)
        )
        whole = MEMBERS not in self._failed and self._failed.get(FIRST) in (None, GapReason.PARTIAL_VISIBILITY)
        return await resolve(self._azure, visible, members, self._settings.scope, whole=whole)

    async def _when_ready(self, kind: EvidenceKind, extent: Extent, ready: dict[str, asyncio.Event]) -> None:
        needed = {*kind.after, *((OWN_ACCESS,) if kind.filtered else ())} & ready.keys()
        for name in sorted(needed):
            await ready[name].wait()
        await self._kind(kind, extent)
        ready[kind.name].set()

    async def _kind(self, kind: EvidenceKind, extent: Extent) -> None:
        scopes = extent.scopes(kind, self._writer)
        await self._units(kind, scopes)
        if kind.name == OWN_ACCESS:
            self._visibility.learn(self._writer.query("select scope, missing from permissions"))

    async def _units(self, kind: EvidenceKind, scopes: Sequence[Scope]) -> None:
        self._writer.keep(kind, scopes)
        open_scopes = [scope for scope in scopes if self._is_open(kind, scope)]
        self._progress.planned(kind, len(open_scopes))
        async with asyncio.TaskGroup() as group:
            for scope in open_scopes:
                await self._slots.acquire()
                group.create_task(self._unit(kind, scope))
        self._writer.finish(kind)

    def _is_open(self, kind: EvidenceKind, scope: Scope) -> bool:
        """Tell whether a unit is still to be read. What the caller may see is asked anew: it may have changed since."""
        return kind.name == OWN_ACCESS or self._writer.ended(kind.name, scope) is None

    async def _unit(self, kind: EvidenceKind, scope: Scope) -> None:
        try:
            record = await unit.read(
                self._azure,
                self._writer,
                kind,
                scope,
                window=self._window,
                visibility=self._visibility,
                wait=self._settings.collect.wait_seconds,
            )
        finally:
            self._slots.release()
        if isinstance(record.outcome, Gap):
            self._failed[kind.name] = record.outcome.reason
        self._progress.ended(record)
