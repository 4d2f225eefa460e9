"""A statement that lacks only the quotes around a column says which: ``at``, ``from``, ``end`` are words of SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from audit.assess import Locked
from audit.errors import ConfigError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "tables.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute('create table changes ("at" int, "from" int, "to" int, "end" int, property int)')
    return path


def refusal(database: Path, sql: str) -> ConfigError:
    with Locked(database) as locked, pytest.raises(ConfigError) as caught:
        list(locked.rows(sql, where="the command line"))
    return caught.value


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("select at from changes", "at"),
        ("select property from changes order by AT desc", "AT"),
        ("select max(at), min(at) from changes where at > 3 -- at", "at"),
        ("select to from changes where 'at' <> ''", "to"),
        ("select from from changes", "from"),
        ("select property from changes where end is null", "end"),
    ],
)
def test_the_hint_names_the_column_that_wants_quotes(database: Path, sql: str, word: str) -> None:
    error = refusal(database, sql)
    assert error.message.startswith("not valid SQL: Parser Error")
    assert error.hint == f'{word} is a word of SQL and a column here: write it as "{word}", in double quotes'


@pytest.mark.parametrize(
    "sql", ["select property from changes wher property", "select 'at from changes", 'select "at" fro changes (', ""]
)
def test_another_mistake_gets_the_hint_that_it_had(database: Path, sql: str) -> None:
    assert "double quotes" not in refusal(database, sql).hint


def test_many_places_are_not_tried_for_ever(database: Path) -> None:
    assert "double quotes" not in refusal(database, f"select {', '.join(['at'] * 200)} from changes").hint


def test_in_quotes_it_is_a_column(database: Path) -> None:
    with Locked(database) as locked:
        assert list(locked.rows('select "at" from changes', where="here")) == [("at",)]
