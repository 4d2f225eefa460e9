"""``change_attachments``: what people sealed into the pack with a change: test evidence, release notes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

_EMPTY = """
create or replace table change_attachments (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, name VARCHAR, sha256 VARCHAR, bytes BIGINT
)
"""
_INSERT = f"""
insert into change_attachments by name
select {row_id("change_attachments", "$name")} as row_id, observed_at, 'run.json' as raw_ref, $name as name,
       $sha256 as sha256, $bytes as bytes
from change_request
"""


def create(con: duckdb.DuckDBPyConnection, files: Mapping[str, Path]) -> None:
    """Create the table: each file by its name in the pack. Raises UsageError where one can't be read."""
    con.execute(_EMPTY)
    for name, path in sorted(files.items()):
        try:
            content = path.read_bytes()
        except OSError as error:
            told = f"{path} can't be read: {error.strerror}"
            raise UsageError(told, hint="--attach takes files that can be read") from error
        given = {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        con.execute(_INSERT, given)
