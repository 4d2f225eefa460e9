"""Asks the engine about a described estate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb
from access_estate import Estate
from access_loading import load

from audit.config import capabilities
from audit.derive import access
from audit.model.capability import Capability


class Found(NamedTuple):
    """A row of effective_access with its way's words; ids in lower case."""

    capability: str
    way: int
    target: str
    principal: str
    words: str
    access: str
    via: str
    conditional: bool
    denied: bool
    steps: int
    identity: str | None
    through: str | None
    """Of two steps: the words of the first."""


def connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set threads = 1")
    con.execute("set timezone = 'UTC'")
    return con


def ask(con: duckdb.DuckDBPyConnection, estate: Estate, wanted: Mapping[str, Capability] | None = None) -> list[Found]:
    load(con, estate)
    access.create(con, capabilities.shipped() if wanted is None else wanted)
    return [
        Found(*row)
        for row in con.execute("""
            select e.capability, e.way, lower(target_id), lower(principal_id), w.words, access,
                lower(via_assignment_id), conditional, denied, steps, lower(through_identity), f.words
            from effective_access e join access_ways w on w.capability = e.capability and w.way = e.way
            left join access_ways f on f.capability = 'act_as_identity' and f.way = through_way
            order by all
        """).fetchall()
    ]
