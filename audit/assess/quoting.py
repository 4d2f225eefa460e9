"""Columns whose names are words of SQL: where a statement doesn't parse for want of quotes, which name wants them."""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb

MOST = 100
"""Places that are tried; a statement with more is told nothing."""
_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (?P<word>[A-Za-z_]\w*)""", re.VERBOSE | re.DOTALL
)


def unquoted(sql: str, columns: Collection[str]) -> str | None:
    """Return the column, as the statement writes it, that in quotes makes it parse; None where none does.

    ``columns``: names in lower case. One place is tried at a time, then every place of one name.
    """
    places: dict[str, list[re.Match[str]]] = {}
    for found in _TOKEN.finditer(sql):
        if found["word"] and found["word"].lower() in columns:
            places.setdefault(found["word"].lower(), []).append(found)
    if sum(map(len, places.values())) > MOST:
        return None
    for matches in places.values():
        for chosen in (*([each] for each in matches), matches):
            if _parses(_quoted(sql, chosen)):
                return chosen[0]["word"]
    return None


def _quoted(sql: str, places: list[re.Match[str]]) -> str:
    for place in reversed(places):
        sql = f'{sql[: place.start()]}"{place["word"]}"{sql[place.end() :]}'
    return sql


def _parses(sql: str) -> bool:
    try:
        return len(duckdb.extract_statements(sql)) == 1
    except duckdb.Error:
        return False
