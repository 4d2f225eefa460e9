"""``capabilities`` and ``access_ways``: what is asked; and which role definition grants which need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from audit.derive.rows import row_id
from audit.model.actions import Block, granted

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from audit.model.capability import Capability

_CAPABILITIES = f"""
create or replace table capabilities as
select {row_id("capabilities", "capability")} as row_id, null::TIMESTAMPTZ as observed_at, null::VARCHAR as raw_ref,
       capability, title, privileged, position
from (select unnest(from_json($rows, '[{{"capability": "VARCHAR", "title": "VARCHAR", "privileged": "BOOLEAN",
                                        "position": "INTEGER"}}]'), recursive := true))
order by position
"""

_WAYS = f"""
create or replace table access_ways as
select {row_id("access_ways", "capability", "way::VARCHAR")} as row_id, null::TIMESTAMPTZ as observed_at,
       null::VARCHAR as raw_ref, capability, way, words, needs, holder, rights, condition
from (select unnest(from_json($rows, '[{{"capability": "VARCHAR", "way": "INTEGER", "words": "VARCHAR",
        "needs": "JSON", "holder": "VARCHAR", "rights": "JSON", "condition": "VARCHAR"}}]'), recursive := true))
order by capability, way
"""

# A holder's way has one need without an action: the resource that the policy belongs to.
_NEEDS = """
create or replace temp table access_needs as
select (row_number() over (order by capability, way, seq))::INTEGER as need, *
from (select unnest(from_json($rows, '[{"capability": "VARCHAR", "way": "INTEGER", "seq": "INTEGER", "place": "VARCHAR",
        "type": "VARCHAR", "action": "VARCHAR", "data": "BOOLEAN", "holder": "VARCHAR", "condition": "VARCHAR",
        "needs": "INTEGER"}]'), recursive := true))
"""

_PLACE_OF_HOLDER = {"shared_access_policy": "entity", "access_policy": "vault", "admin_user": "registry"}

_DEFINITIONS = """
select distinct on (lower(role_guid)) lower(role_guid), permissions::VARCHAR from role_definitions
order by lower(role_guid), row_id
"""

_ROLE_NEEDS = """
create or replace temp table role_needs as
select row.* from (select unnest(from_json($rows,
    '[{"role_guid": "VARCHAR", "need": "INTEGER", "conditional": "BOOLEAN"}]')) as row)
"""


def create(con: duckdb.DuckDBPyConnection, wanted: Mapping[str, Capability]) -> None:
    """Create ``capabilities``, ``access_ways``, and the temporary ``access_needs`` and ``role_needs``."""
    con.execute(
        _CAPABILITIES,
        _rows(
            {"capability": name, "title": each.title, "privileged": each.privileged, "position": position}
            for position, (name, each) in enumerate(wanted.items())
        ),
    )
    con.execute(_WAYS, _rows(_ways(wanted)))
    con.execute(_NEEDS, _rows(_needs(wanted)))
    con.execute(_ROLE_NEEDS, _rows(_granted(con)))


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    con.execute("drop table role_needs")
    con.execute("drop table access_needs")


class Matcher:
    """The needs, matched against permission blocks; the same blocks are matched once."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._needs = con.execute(
            "select need, action, data from access_needs where action is not null order by need"
        ).fetchall()
        self._known: dict[str, list[tuple[int, bool]]] = {}

    def matched(self, permissions: str) -> list[tuple[int, bool]]:
        """Return the needs that blocks, as JSON, cover; each with whether only a block with a condition does."""
        if permissions not in self._known:
            blocks = msgspec.json.decode(permissions, type=tuple[Block, ...])
            plain = tuple(block for block in blocks if not block.condition)
            self._known[permissions] = [
                (need, not granted(plain, action, data=data))
                for need, action, data in self._needs
                if granted(blocks, action, data=data)
            ]
        return self._known[permissions]


def _granted(con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """Match each role; custom roles of many subscriptions often say the same."""
    matcher = Matcher(con)
    return [
        {"role_guid": role_guid, "need": need, "conditional": conditional}
        for role_guid, permissions in con.execute(_DEFINITIONS).fetchall()
        for need, conditional in matcher.matched(permissions)
    ]


def _ways(wanted: Mapping[str, Capability]) -> list[dict[str, object]]:
    return [
        {
            "capability": name,
            "way": number,
            "words": way.words,
            "needs": way.needs,
            "holder": way.holder,
            "rights": way.rights,
            "condition": way.when,
        }
        for name, capability in wanted.items()
        for number, way in enumerate(capability.ways, 1)
    ]


def _needs(wanted: Mapping[str, Capability]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for name, capability in wanted.items():
        for number, way in enumerate(capability.ways, 1):
            about = {"capability": name, "way": number, "holder": way.holder, "condition": way.when}
            for seq, need in enumerate(way.needs):
                found.append(
                    about
                    | {
                        "seq": seq,
                        "place": need.on,
                        "type": need.type.lower() or None,
                        "action": need.action or need.data_action,
                        "data": bool(need.data_action),
                        "needs": len(way.needs),
                    }
                )
            if way.holder:
                place = _PLACE_OF_HOLDER[way.holder]
                found.append(
                    about | {"seq": 0, "place": place, "type": None, "action": None, "data": False, "needs": 1}
                )
    return found


def _rows(rows: object) -> dict[str, str]:
    listed = list(rows) if not isinstance(rows, list) else rows  # type: ignore[call-overload]
    return {"rows": msgspec.json.encode(listed).decode()}
