"""Runs of three small kinds, stored as a collection stores them: what history is tested with."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from store_kind import NOW, THINGS, done, listed, page_of, run_of, scope_of

from audit.model import (
    Collected,
    EvidenceKind,
    Gap,
    GapReason,
    Level,
    Page,
    Record,
    Row,
    Run,
    Scope,
    Window,
    decode,
)
from audit.store import Store, StoredRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path


class Event(Record, frozen=True, kw_only=True):
    table: ClassVar[str] = "activity_log"
    row_key: ClassVar[tuple[str, ...]] = ("event_id",)

    event_id: str
    event_time: datetime
    operation: str | None = None


class Execution(Record, frozen=True, kw_only=True):
    table: ClassVar[str] = "executions"
    row_key: ClassVar[tuple[str, ...]] = ("execution_id",)

    execution_id: str
    status: str
    started: datetime | None = None


async def _fetch(azure: object, scope: Scope, window: Window) -> AsyncIterator[Page]:
    raise NotImplementedError
    yield


class _Wire(msgspec.Struct):
    id: str
    at: datetime | None = None
    said: str = "Succeeded"


def _event(item: bytes, page: Page) -> Iterator[Record]:
    wire = msgspec.json.decode(item, type=_Wire)
    assert wire.at is not None
    yield Event(event_id=wire.id, event_time=wire.at, operation=wire.said)


def _execution(item: bytes, page: Page) -> Iterator[Record]:
    wire = msgspec.json.decode(item, type=_Wire)
    yield Execution(execution_id=wire.id, status=wire.said, started=wire.at)


def _kind(name: str, record: type[Record], normalise: Any) -> EvidenceKind:
    return EvidenceKind(
        name=name, title=name, records=(record,), per=Level.SUBSCRIPTION, actions=(), fetch=_fetch, normalise=normalise
    )


EVENTS = _kind("activity_log", Event, _event)
EXECUTIONS = _kind("executions", Execution, _execution)


def at(days: float) -> datetime:
    """A moment so many days before NOW."""
    return NOW - timedelta(days=days)


def happened(name: str, days: float | None, said: str = "write") -> dict[str, Any]:
    """An event or an execution on the wire."""
    return {"id": name, "said": said} | ({} if days is None else {"at": at(days)})


def run(
    output: Path,
    run_id: str,
    *,
    days: float = 0,
    events: Sequence[dict[str, Any]] = (),
    executions: Sequence[dict[str, Any]] = (),
    things: Sequence[dict[str, Any]] = (),
    gap: GapReason | None = None,
    window: int = 30,
) -> StoredRun:
    """Store a run that ended ``days`` before NOW over ``window`` days; ``gap``: how its Activity Log ended."""
    end = at(days)
    head: Run = run_of(
        run_id, kinds=("activity_log", "executions", "things"), window=Window.last(window, end), started=end
    )
    with Store(output).create(head) as writer:
        for kind, items in ((EVENTS, events), (EXECUTIONS, executions), (THINGS, things)):
            unit = writer.unit(kind, scope_of(1))
            page = page_of(scope_of(1), listed(*items), received_at=end + timedelta(minutes=30))
            results = decode(kind, [unit.page(page)])
            for result in results:
                assert isinstance(result, Row), result
                unit.row(result.record, result.page, result.item)
            ended_as = Gap(reason=gap, detail="") if gap and kind is EVENTS else Collected(pages=0, rows=0)
            unit.end(ended_as, requests=1, started=end + timedelta(minutes=30), finished=end + timedelta(minutes=31))
            writer.finish(kind)
        writer.close(done(writer.run))
    return Store(output).open(run_id)
