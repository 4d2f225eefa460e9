"""Coverage: which reads became gaps, and which gaps were closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.diff import found

if TYPE_CHECKING:
    import duckdb

_SIDE = """
select kind, lower(rtrim(scope, '/')) as scope_key, coalesce(place, '') as place, min(scope) as scope,
       bool_or(outcome = 'gap') as gap, min(reason) as reason, min(detail) filter (where outcome = 'gap') as detail,
       min(raw_ref) as raw_ref
from {side}.coverage group by all
"""

# A read that was whole, and isn't made any more or wasn't made before, goes with what it was about.
_UNITS = f"""
with a as ({_SIDE.format(side="old")}), b as ({_SIDE.format(side="new")}),
pairs as (
    select coalesce(b.kind, a.kind) as unit_kind, coalesce(b.scope, a.scope) as scope,
           coalesce(b.place, a.place) as place,
           a.gap as was_gap, b.gap as is_gap, a.reason as old_reason, b.reason as new_reason,
           a.reason || ': ' || a.detail as was, b.reason || ': ' || b.detail as is_now,
           a.raw_ref as old_ref, b.raw_ref as new_ref
    from a full join b using (kind, scope_key, place)
    where coalesce(a.gap, false) <> coalesce(b.gap, false) or a.gap and a.reason is distinct from b.reason
)
select 'coverage' as area, 'coverage' as table_name,
       if(place = '', [unit_kind, scope], [unit_kind, scope, place]) as key, 'gap' as property,
       case when is_gap and was_gap then 'changed' when is_gap then 'added'
            when is_gap is null and place = '' then 'unknown' else 'removed' end as kind,
       case when was_gap then was when was_gap is not null then 'read whole' end as before,
       case when is_gap then is_now when is_gap is not null then 'read whole' end as after,
       case when is_gap is null and place = '' then {{'side': 'new', 'kind': unit_kind, 'scope': scope,
            'reason': 'not_read', 'detail': 'nothing was asked there', 'raw_ref': 'run.json'}} end as because,
       old_ref, new_ref
from pairs
"""


def find(con: duckdb.DuckDBPyConnection) -> None:
    """Add what became a gap, stopped being one, or is one for another reason."""
    found.add(con, _UNITS)
