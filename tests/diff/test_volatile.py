"""What is ignored, and why: every column that is compared or left out is one that is there."""

from __future__ import annotations

from comparing import Compare

from audit.diff import things
from audit.diff.volatile import EVERYWHERE, OF_TABLE


def test_every_ignored_column_is_there_and_has_its_reason(compare: Compare) -> None:
    with compare("old", "old") as con:
        shared = things.columns(con)
    for table, columns in OF_TABLE.items():
        assert columns.keys() <= shared[table].keys(), table
        assert all(columns.values())
    known = {name for columns in shared.values() for name in columns}
    assert EVERYWHERE.keys() <= known


def test_every_thing_is_keyed_by_columns_that_it_has(compare: Compare) -> None:
    with compare("old", "old") as con:
        shared = things.columns(con)
        for each in things.THINGS:
            assert set(each.key) <= shared[each.table].keys(), each.table
            twice = con.execute(
                f'select count(*) - count(distinct ({", ".join(each.key)})) from old."{each.table}"'
            ).fetchone()
            assert twice == (0,), f"{each.table} has several rows of one key"
