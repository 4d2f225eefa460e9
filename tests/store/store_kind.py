"""A small evidence kind, a run and pages of it: what the store is tested with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from audit.model import (
    Collected,
    EvidenceKind,
    Gap,
    GapReason,
    Json,
    Level,
    Page,
    Record,
    Row,
    Run,
    RunState,
    Scope,
    UnitRecord,
    Window,
    decode,
)
from audit.store import RunWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class Thing(Record, frozen=True, kw_only=True):
    table: ClassVar[str] = "things"
    row_key: ClassVar[tuple[str, ...]] = ("thing_id",)

    thing_id: str
    size: int | None
    seen: datetime | None
    details: Json | None


class Part(Record, frozen=True, kw_only=True):
    table: ClassVar[str] = "parts"
    row_key: ClassVar[tuple[str, ...]] = ("thing_id", "part")

    thing_id: str
    part: str


class _Wire(msgspec.Struct):
    id: str
    size: int | None = None
    seen: datetime | None = None
    parts: list[str] = []
    details: Any = None


async def _fetch(azure: object, scope: Scope, window: Window) -> AsyncIterator[Page]:
    raise NotImplementedError
    yield


def _normalise(item: bytes, page: Page) -> Iterator[Record]:
    wire = msgspec.json.decode(item, type=_Wire)
    details = None if wire.details is None else Json(wire.details)
    yield Thing(thing_id=wire.id, size=wire.size, seen=wire.seen, details=details)
    for part in wire.parts:
        yield Part(thing_id=wire.id, part=part)


def _joined(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    bodies = [msgspec.json.decode(page.body) for page in pages]
    yield msgspec.json.encode({"id": bodies[0]["id"], "size": len(bodies), "details": bodies}), pages[-1]


THINGS = EvidenceKind(
    name="things",
    title="Things",
    records=(Thing, Part),
    per=Level.SUBSCRIPTION,
    actions=("Example.Things/read",),
    fetch=_fetch,
    normalise=_normalise,
)


class Joined(Record, frozen=True, kw_only=True):
    table: ClassVar[str] = "joined"
    row_key: ClassVar[tuple[str, ...]] = ("thing_id",)

    thing_id: str
    size: int | None


def _normalise_joined(item: bytes, page: Page) -> Iterator[Record]:
    wire = msgspec.json.decode(item, type=_Wire)
    yield Joined(thing_id=wire.id, size=wire.size)


JOINED = EvidenceKind(
    name="joined",
    title="Things of several pages",
    records=(Joined,),
    per=Level.RESOURCE,
    actions=("Example.Things/read",),
    fetch=_fetch,
    normalise=_normalise_joined,
    combine=_joined,
)


def run_of(run_id: str = "run-1", **changes: Any) -> Run:
    """Return the head of a run over the kinds of this module."""
    run = Run(
        run_id=run_id,
        state=RunState.RUNNING,
        tool_version="0",
        cloud="custom",
        endpoint="https://arm.example",
        caller=None,
        window=Window.last(30, NOW),
        subscriptions=(),
        expected_subscriptions=(),
        kinds=("things", "joined"),
        started=NOW,
    )
    return msgspec.structs.replace(run, **changes)


def done(run: Run) -> Run:
    return msgspec.structs.replace(run, state=RunState.DONE, finished=NOW + timedelta(minutes=1))


def scope_of(number: int) -> Scope:
    return Scope(id=f"/subscriptions/{number:08d}-0000-0000-0000-000000000000")


def page_of(scope: Scope, body: Any, **changes: Any) -> Page:
    """Return a page as Azure's layer hands it over; ``body`` is a value, or bytes as they are."""
    page = Page(
        scope=scope,
        method="GET",
        url=f"https://arm.example{scope.id}/things?api-version=1",
        api_version="1",
        status=200,
        request_id="request-1",
        correlation_id="correlation-1",
        received_at=NOW + timedelta(microseconds=1),
        body=body if isinstance(body, bytes) else msgspec.json.encode(body),
    )
    return msgspec.structs.replace(page, **changes)


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"value": list(items)}


def write_unit(
    writer: RunWriter,
    scope: Scope,
    *bodies: Any,
    kind: EvidenceKind = THINGS,
    gap: GapReason | None = None,
    keep_rows: bool = True,
    detail: str = "",
) -> UnitRecord:
    """Write one unit as a collection does."""
    unit = writer.unit(kind, scope)
    pages = [unit.page(page_of(scope, body)) for body in bodies]
    results = list(decode(kind, pages))
    for result in results:
        if isinstance(result, Row):
            unit.row(result.record, result.page, result.item)
    malformed = [result for result in results if not isinstance(result, Row)]
    outcome = Gap(reason=gap, detail=detail) if gap else Collected(pages=0, rows=0, detail=detail)
    return unit.end(
        outcome,
        requests=len(bodies),
        started=NOW,
        finished=NOW + timedelta(seconds=1),
        malformed=malformed,
        keep_rows=keep_rows,
    )
