"""findings.csv: a program gets the fields back, and a spreadsheet gets text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest
import results_fixture as fixture
from hypothesis import given
from hypothesis import strategies as st

from audit.render.results import flat


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = fixture.write(fixture.story(), tmp_path_factory.mktemp("made") / "results")
    return (folder / "findings.csv").read_bytes()


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def test_records_are_as_rfc_4180_wants_them(data: bytes) -> None:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    assert rows[0] == list(flat.COLUMNS)
    assert {len(row) for row in rows} == {len(flat.COLUMNS)}
    assert len(rows) == 12
    assert data.endswith(b"\r\n")
    assert not data.startswith(b"\xef\xbb\xbf")


def test_other_programs_read_the_same(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "findings.csv"
    path.write_bytes(data)
    asked = "select id, verdict, reason from read_csv(?, all_varchar = true, new_line = '\\r\\n') order by id"
    theirs = duckdb.execute(asked, [str(path)]).fetchall()
    assert theirs == sorted((row["id"], row["verdict"], row["reason"]) for row in _rows(data))


def test_no_field_begins_a_formula_and_none_acts(data: bytes) -> None:
    for row in _rows(data):
        for name, value in row.items():
            assert value.lstrip()[:1] not in set("=+-@"), (name, value)
            assert "\x1b" not in value, name
            assert "\u202e" not in value, name
            assert "\x00" not in value, name
    hostile = [row for row in _rows(data) if row["control_id"] == "1-OWN"]
    assert [row["subject"] for row in hostile if row["subject"].startswith("'-")] == ["'-1+1"]
    assert [row["reason"] for row in hostile if row["reason"].startswith("'@")] == ["'@SUM(1)"]


def test_a_record_stands_by_itself(data: bytes) -> None:
    for row in _rows(data):
        assert row["run_id"] == "20261122T060000Z-3f9c"
        assert (row["window_since"], row["window_until"]) == ("2026-10-23T00:00:00Z", "2026-11-22T00:00:00Z")
        assert row["gaps"] == "1"
        assert row["collected_by"].startswith("collector ")


def test_what_is_not_known_is_empty_and_words_are_ours(data: bytes) -> None:
    rows = {(row["control_id"], row["subject"], row["job"]): row for row in _rows(data)}
    nobody = rows["1-OWN", "population", ""]
    assert (nobody["job_id"], nobody["verdict"], nobody["waived"]) == ("", "not_assessed", "false")
    assert rows["JA-01", "a rule", "billing"]["waived"] == "true"
    assert rows["JA-01", "a rule", "orders"]["frameworks"] == "mcsb IM-3; nist80053 IA-5, AC-2(7)"


@given(st.text())
def test_any_text_is_only_ever_read(text: str) -> None:
    told = flat.cell(text)
    assert told.lstrip()[:1] not in set("=+-@＝＋－＠")  # noqa: RUF001
    assert not told[:1].isspace()
    assert told.removeprefix("'") or not text.strip("'")
