"""Log Analytics: one question over a period, cut into slices of time that Azure answers whole.

A result has no pages. Azure stops at 500,000 rows, at about 100 MB or after some minutes, and then answers 200 with
what it has and an ``error`` beside it: such an answer is thrown away and its period asked again in halves.
https://learn.microsoft.com/azure/azure-monitor/service-limits#query-api,
https://learn.microsoft.com/azure/azure-monitor/logs/api/response-format
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from audit.azure.faults import clean, named, place
from audit.azure.paging import Links
from audit.azure.recorder import NotOk
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from audit.azure.door import Door
    from audit.azure.recorder import Answer

VERSION = "v1"
MOST_ROWS = 500_000
SLICE = timedelta(days=7)
SHORTEST = timedelta(seconds=1)
_BAD_REQUEST = 400
_TOO_MUCH = re.compile(r"too_?large|runaway|0x80DA000|exceed|limit|truncat|memory", re.IGNORECASE)
_TABLE = re.compile(r"\s*(\w+)")


class _Table(msgspec.Struct):
    columns: list[msgspec.Raw]
    rows: list[msgspec.Raw]


class _Result(msgspec.Struct):
    tables: list[_Table]
    error: msgspec.Raw = msgspec.Raw(b"")


class _Error(msgspec.Struct):
    message: object = ""
    inner: _Error | None = msgspec.field(name="innererror", default=None)


class _Refusal(msgspec.Struct):
    error: _Error


async def query(door: Door, workspace: str, kql: str, *, since: datetime, until: datetime) -> AsyncIterator[Answer]:
    """Yield whole answers to ``kql`` about ``since`` (included) to ``until`` (excluded), the earliest first.

    ``kql`` begins with the name of a table that has TimeGenerated; the period is put in behind the name. Where the
    workspace knows no such table, the one answer is Azure's refusal (status 400). Raises ReadFailed: TRUNCATED where
    Azure answers in part and halving the period doesn't help, or where a later slice can't be read.
    """
    path = f"/v1/workspaces/{workspace}/query"
    links = Links()
    slices = list(_slices(since, until))[::-1]
    while slices:
        start, end = slices.pop()
        with links.whole(), named(f"POST {path}", one=False):
            answer, said = await _ask(door, path, kql, start, end)
        if said and _TOO_MUCH.search(said) and end - start > SHORTEST:
            middle = start + (end - start) / 2
            slices += [(middle, end), (start, middle)]
            continue
        links.count(answer)
        yield answer
        if said:
            period = f"{start.isoformat()} to {end.isoformat()}"
            raise ReadFailed(GapReason.TRUNCATED, f"{place(answer)}: answered in part about {period}: {clean(said)}")
        if answer.status == _BAD_REQUEST:
            return


async def _ask(door: Door, path: str, kql: str, start: datetime, end: datetime) -> tuple[Answer, str]:
    """Return the answer about one slice, and what Azure says is missing in it ("" for nothing)."""
    match = _TABLE.match(kql)
    if match is None:
        raise ValueError(f"the query doesn't begin with a table: {kql!r}")
    table, rest = match[1], kql[match.end() :]
    within = f"TimeGenerated >= datetime({_utc(start)}) and TimeGenerated < datetime({_utc(end)})"
    body = {"query": f"{table} | where {within}{rest}", "timespan": f"{_utc(start)}/{_utc(end)}"}
    try:
        answer = await door.ask(door.endpoint + path, body)
    except NotOk as error:
        if error.answer.status == _BAD_REQUEST and _lacks(error.answer, table):
            return error.answer, ""
        raise
    result = msgspec.json.decode(answer.body, type=_Result)
    if bytes(result.error) not in (b"", b"null"):
        return answer, bytes(result.error).decode()
    full = any(len(each.rows) >= MOST_ROWS for each in result.tables)
    return answer, f"the limit of {MOST_ROWS} rows was reached" if full else ""


def _lacks(answer: Answer, table: str) -> bool:
    """Tell whether a refusal says that the table itself isn't known, and not something else about the question."""
    try:
        error: _Error | None = msgspec.json.decode(answer.body, type=_Refusal).error
    except msgspec.MsgspecError:
        return False
    while error is not None:
        if f"Failed to resolve table or column expression named '{table}'" in str(error.message):
            return True
        error = error.inner
    return False


def _slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + SLICE, until)
        yield since, end
        since = end


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
