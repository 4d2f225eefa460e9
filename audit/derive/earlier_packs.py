"""``earlier_packs``: the newest pack of each kind before this run: whether it is sealed, complete and approved.

A folder that doesn't say any more when its run began has a row too: it may be the newest.

Whoever opens a run fills it (see ``audit.pipeline.earlier_packs``): what lies beside a pack isn't in the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

CREATE = """
create table if not exists earlier_packs (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, kind VARCHAR, pack VARCHAR, run_id VARCHAR,
    run_started TIMESTAMPTZ, since TIMESTAMPTZ, until TIMESTAMPTZ, intact BOOLEAN, damage VARCHAR, signed BOOLEAN,
    keyid VARCHAR, gaps BIGINT, approval VARCHAR, lacking JSON, approvals JSON, flagged BIGINT, asserted BIGINT
)
"""


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table where nothing filled it."""
    con.execute(CREATE)
