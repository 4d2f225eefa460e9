"""Tables that tell how something is, kept run by run: a row's words are stored once, a run is what came and what went.

``<table>/month=…/<commit>.parquet`` holds rows whose content history had never seen, each under its digest;
``members/month=…/<commit>.parquet`` says which known contents came back and which are gone since the commit before.
The digest leaves out when and where the row was read, so the same configuration read a hundred times is stored once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import IntegrityError
from audit.store.tables import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import duckdb

    from audit.store.history.commits import Commit
    from audit.store.history.files import Files

MEMBERS = "members"
DIGEST = "content_sha256"
_ABOUT_THE_READ = frozenset({"observed_at", "raw_ref", DIGEST})


def digest(columns: Iterable[str]) -> str:
    """Return the SQL of a row's digest: the first half of SHA-256 over its named values; a null says nothing.

    So a column that a later version adds changes no digest until it holds something.
    """
    said = ", ".join(
        f"{literal(name + '=')} || to_json({identifier(name)})::VARCHAR"
        for name in sorted(columns)
        if name not in _ABOUT_THE_READ
    )
    return f"substr(sha256(concat_ws(chr(31), {said})), 1, 32)"


def columns_of(con: duckdb.DuckDBPyConnection, source: str) -> dict[str, str]:
    """Return name and type of each column of a table, view or subquery."""
    return {name: kind for name, kind, *_ in con.execute(f"describe select * from {source}").fetchall()}


def parquet(paths: Sequence[Path]) -> str:
    """Return the SQL that reads Parquet files of one table, whatever columns their version of it had."""
    listed = ", ".join(literal(str(path)) for path in paths)
    return f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false, filename = true)"


def mark_files(con: duckdb.DuckDBPyConnection, files: Sequence[tuple[Path, Commit]]) -> None:
    """Create the temporary table ``history_files``: which run and which commit a file belongs to."""
    con.execute("create or replace temp table history_files (filename VARCHAR, sequence BIGINT, run_id VARCHAR)")
    if files:
        rows = ", ".join(
            f"({literal(str(path))}, {commit.sequence}, {literal(commit.run_id)})" for path, commit in files
        )
        con.execute(f"insert into history_files values {rows}")


def state(con: duckdb.DuckDBPyConnection, files: Files, commits: Sequence[Commit], table: str) -> None:
    """Create the temporary table ``held``: digest, present; every content of a table that these commits ever held."""
    stored = files.of(commits, table)
    told = files.of(commits, MEMBERS)
    mark_files(con, [*stored, *told])
    parts = []
    if stored:
        parts.append(f"select {DIGEST} as digest, true as present, filename from {parquet([p for p, _ in stored])}")
    if told:
        parts.append(
            f"select digest, present, filename from {parquet([p for p, _ in told])} where table_name = {literal(table)}"
        )
    changes = " union all ".join(parts) or "select '' as digest, true as present, '' as filename where false"
    con.execute(
        f"create or replace temp table held as select digest, arg_max(present, sequence) as present "
        f"from ({changes}) join history_files using (filename) group by digest"
    )


def sealed(con: duckdb.DuckDBPyConnection, source: str) -> str:
    """Return SHA-256 over the sorted digests in column ``digest`` of a table: what a snapshot must come to."""
    row = con.execute(f"select sha256(coalesce(string_agg(digest, '' order by digest), '')) from {source}").fetchone()
    return str(row[0]) if row else ""


def restore(con: duckdb.DuckDBPyConnection, files: Files, commits: Sequence[Commit], table: str, target: str) -> bool:
    """Create ``target`` with the rows that a table had at the last of ``commits``; False where none ever had rows.

    ``raw_ref`` leads to the run that first saw the row's content, ``observed_at`` tells when that was, and
    ``first_seen_run`` names it. Raises IntegrityError where the rows don't come to what was committed.
    """
    latest = next(commit for commit in reversed(commits) if table in commit.tables)
    state(con, files, commits, table)
    kept = latest.tables[table]
    stored = files.of(commits, table)
    if sealed(con, "(select digest from held where present)") != kept.state:
        raise IntegrityError(
            f"table {table} of run {latest.run_id} can't be put together again: its rows are not those committed",
            hint="restore output/history from a copy",
        )
    if not stored:
        return False
    con.execute(
        f"create or replace table {target} as "
        f"select stored.* exclude ({DIGEST}, filename) "
        f"replace ('runs/' || run_id || '/' || raw_ref as raw_ref), run_id as first_seen_run "
        f"from {parquet([path for path, _ in stored])} as stored join history_files using (filename) "
        f"join held on held.digest = {DIGEST} and held.present order by row_id, {DIGEST}"
    )
    return True
