"""``raw_files``: which stored answers there are, and which request of Azure's each came from."""

from __future__ import annotations

import tempfile
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit, urlunsplit

import msgspec

from audit.model import Page, Record, UnitRecord, columns, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

    from audit.render.raw_pages import Answers

_PAGING = ("skip", "continuation", "nextlink", "page")
"""Parts of the names under which APIs send their paging tokens."""


class RawFile(Record, frozen=True, kw_only=True):
    """One address that a raw file's pages came from."""

    table: ClassVar[str] = "raw_files"
    row_key: ClassVar[tuple[str, ...]] = ("file", "method", "url", "api_version")

    kind: str
    scope: str
    file: str
    """Path inside the run's and the pack's folder."""
    pages: int
    """Answers in the file that came from this address."""
    method: str
    url: str
    """Without its paging token, so that all pages of one list are one row."""
    api_version: str
    first_received: datetime
    last_received: datetime


def create(con: duckdb.DuckDBPyConnection, stored: Answers) -> None:
    """Create table ``raw_files`` from the stored pages; reading them checks every raw file against run.json.

    One unit is in memory at a time. Raises IntegrityError where a raw file isn't what was stored.
    """
    schema = columns(RawFile)
    con.execute(f"create or replace table raw_files ({', '.join(f'{name} {kind}' for name, kind in schema)})")
    with tempfile.NamedTemporaryFile(prefix="jobaudit-", suffix=".ndjson") as spool:
        for unit in stored.run.units:
            if unit.outcome.pages:
                for record, request_id, line in _addresses(unit, stored.pages(unit.kind, unit.unit)):
                    row = {
                        "row_id": record.row_id,
                        "observed_at": record.first_received,
                        "raw_ref": f"{record.file}#line={line}&item=0&request={request_id}",
                    }
                    spool.write(msgspec.json.encode(row | plain(record)) + b"\n")
        spool.flush()
        con.execute(
            "insert into raw_files by name "
            "select * from read_json($path, format = 'newline_delimited', columns = $columns) order by row_id",
            {"path": spool.name, "columns": dict(schema)},
        )


def _addresses(unit: UnitRecord, pages: Iterator[Page]) -> Iterator[tuple[RawFile, str, int]]:
    """Yield each address of a unit with the request id and the line of its first page."""
    found: dict[tuple[str, str, str], list[tuple[datetime, str, int]]] = {}
    for page in pages:
        told = (page.received_at, page.request_id, page.line)
        found.setdefault((page.method, address(page.url), page.api_version), []).append(told)
    for (method, url, api_version), told_ in found.items():
        record = RawFile(
            kind=unit.kind,
            scope=unit.scope.id,
            file=f"raw/{unit.kind}/{unit.unit}.jsonl.zst",
            pages=len(told_),
            method=method,
            url=url,
            api_version=api_version,
            first_received=min(at for at, _, _ in told_),
            last_received=max(at for at, _, _ in told_),
        )
        yield record, told_[0][1], told_[0][2]


def address(url: str) -> str:
    """Return an URL without its paging token; everything else stays as it was sent."""
    parts = urlsplit(url)
    kept = [
        pair for pair in parts.query.split("&") if not any(word in pair.partition("=")[0].lower() for word in _PAGING)
    ]
    return urlunsplit(parts._replace(query="&".join(kept)))
