"""Settling: which of the differences found are none, and which a gap leaves unknown.

What stands on one side only was added or removed where the other side's read, that would show it, was whole. Where that
read is a gap, or was never asked for, it is ``unknown``, and ``because`` names the gap.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_AT_ONCE = 10_000

_JSON = """
select id, before, after from found
where id > $after and is_json and before is not null and after is not null order by id limit $most
"""

_LOOKED = """
create or replace temp table looked as
with lacking as (
    select id, if(kind = 'removed', 'new', 'old') as side, evidence, lower(rtrim(anchor, '/')) as anchor_key, anchor,
           on_request
    from found where anchor is not null and kind in ('added', 'removed') and id > $after
),
places as (select id, side, evidence, anchor_key, unnest(above(anchor)) as scope_key from lacking),
met as (
    select p.id, count(*) as asked, count(*) filter (where u.scope_key <> '') as asked_there,
           min({'side': p.side, 'kind': u.kind, 'scope': u.scope, 'reason': u.reason, 'detail': u.detail,
                'raw_ref': u.raw_ref}) filter (where u.outcome = 'gap') as gap
    from places p
    join units u on u.side = p.side and u.evidence = p.evidence and u.scope_key = p.scope_key
    where u.scope_key = p.anchor_key or u.unread or u.below
    group by p.id
),
-- Which of them lie where that side read jobs at all.
within as (
    select distinct p.id from places p
    join units u on u.side = p.side and u.evidence = 'jobs' and u.scope_key = p.scope_key
)
select l.id, l.side, l.anchor, l.evidence, coalesce(m.asked, 0) as asked, m.gap,
       w.id is not null or coalesce(m.asked_there, 0) > 0 or l.anchor_key not like '/subscriptions/%' as within,
       l.on_request
from lacking l left join met m using (id) left join within w using (id)
"""

_SETTLED = (
    """
    update found set kind = 'unknown', because = looked.gap
    from looked where looked.id = found.id and looked.gap is not null
    """,
    """
    update found set kind = 'unknown',
           because = {'side': looked.side, 'kind': looked.evidence, 'scope': looked.anchor, 'reason': 'out_of_scope',
                      'detail': 'it lies outside of what this run reads', 'raw_ref': 'run.json'}
    from looked where looked.id = found.id and looked.gap is null and not looked.within
    """,
    # Nobody asked about it, or it is told only where it was asked about: whatever led there tells what changed.
    """
    delete from found where id in (
        select id from looked where gap is null and within and (asked = 0 or on_request)
    )
    """,
)

_MARKER = r"\[redacted:([0-9a-f]{16})(:[a-z0-9-]+)?\]"

_HIDDEN = (
    # The detector's name is a word about the value, not a part of it.
    rf"""
    delete from found
    where id > $after and kind = 'changed' and contains(before, '[redacted:') and contains(after, '[redacted:')
      and not (select differ from keys_differ)
      and folded(regexp_replace(before, '{_MARKER}', '[\1]', 'g'))
          = folded(regexp_replace(after, '{_MARKER}', '[\1]', 'g'))
    """,
    rf"""
    update found set kind = 'unknown',
           because = {{'side': 'new', 'kind': null, 'scope': coalesce(job_id, key[1]), 'reason': 'other_key',
                       'detail': 'its hidden part was hidden under another key than in the old run',
                       'raw_ref': new_ref}}
    where id > $after and kind = 'changed' and contains(before, '[redacted:') and contains(after, '[redacted:')
      and (select differ from keys_differ)
      and folded(regexp_replace(before, '{_MARKER}', '[]', 'g')) = folded(regexp_replace(after, '{_MARKER}', '[]', 'g'))
    """,
)


def settle(con: duckdb.DuckDBPyConnection, after: int = 0) -> int:
    """Settle what was found since ``after``; return the number to give next time."""
    _same_json(con, after)
    for statement in _HIDDEN:
        con.execute(statement, {"after": after})
    con.execute(_LOOKED, {"after": after})
    for statement in _SETTLED:
        con.execute(statement)
    con.execute("drop table looked")
    row = con.execute("select coalesce(max(id), 0) from found").fetchone()
    return int(row[0]) if row else 0


def _same_json(con: duckdb.DuckDBPyConnection, after: int) -> None:
    """Take back differences of JSON that are of order and casing alone: Azure keeps neither."""
    while rows := con.execute(_JSON, {"after": after, "most": _AT_ONCE}).fetchall():
        after = rows[-1][0]
        same = [number for number, before, later in rows if canonical(before) == canonical(later)]
        if same:
            con.execute("delete from found where id in (select unnest($same::BIGINT[]))", {"same": same})


def canonical(text: str) -> str:
    """Return JSON with its lists and members in one order and ids in one casing."""
    try:
        return json.dumps(_ordered(json.loads(text)), sort_keys=True)
    except (ValueError, RecursionError):
        return text


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _ordered(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, str) and (value.startswith("/") or len(value) == len("00000000-0000-0000-0000-000000000000")):
        return value.rstrip("/").lower()
    return value
