"""What SQL of the user's may use, told where it uses something else: the nearest name, the tables, their columns."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from audit.assess.statement import Told

_WORD = re.compile(r"[A-Za-z_]\w*")
_PLAIN = "it sees the run's tables and nothing else; docs/tables.md lists them"
_COLUMNS = """
select table_name, column_name from duckdb_columns()
where not internal and schema_name = 'main'
order by table_name, column_index
"""


class Schema:
    """The tables of a database, each with its columns."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.tables: dict[str, list[str]] = defaultdict(list)
        for table, column in con.execute(_COLUMNS).fetchall():
            self.tables[table].append(column)

    def hint(self, found: Told, sql: str) -> str:
        """Return what to do about an error: for a name that isn't there the nearest one, and what there is."""
        if found.missing == "table":
            return self._table(found.name)
        if found.missing == "column":
            return self._column(found.name, sql)
        return _PLAIN

    def _table(self, name: str) -> str:
        near = difflib.get_close_matches(name.lower(), self.tables, n=1)
        meant = f'did you mean "{near[0]}" ({", ".join(self.tables[near[0]])})? ' if near else ""
        return f"{meant}the tables are {', '.join(self.tables)}; docs/tables.md tells what they hold"

    def _column(self, name: str, sql: str) -> str:
        """Name the columns of the tables that the statement speaks of."""
        words = {word.lower() for word in _WORD.findall(sql)}
        used = {table: columns for table, columns in self.tables.items() if table in words}
        near = difflib.get_close_matches(name.lower(), {column for columns in used.values() for column in columns}, n=1)
        meant = f'did you mean "{near[0]}"? ' if near else ""
        there = "; ".join(f"{table} has {', '.join(columns)}" for table, columns in used.items())
        return f"{meant}{there}; docs/tables.md tells what they mean" if there else f"{meant}{_PLAIN}"
