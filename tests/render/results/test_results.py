"""What all formats keep to: one order, the same bytes, no clock, printable text, and every verdict in each."""

from __future__ import annotations

import csv
import json
import re
import stat
import uuid
from pathlib import Path

import pytest
import results_fixture as fixture
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import StoreError
from audit.render.results import stream


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixture.write(fixture.story(), tmp_path_factory.mktemp("made") / "results")


def test_every_format_is_there_and_its_owners_alone(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == list(fixture.FORMATS)
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o600}


def test_the_same_rows_in_another_order_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    tables = fixture.story()
    fixture.shuffled(tables)
    tables.con.execute("set TimeZone = 'Asia/Kathmandu'")
    again = fixture.write(tables, tmp_path / "results")
    assert [name for name in fixture.FORMATS if (made / name).read_bytes() != (again / name).read_bytes()] == []


def test_nothing_but_the_runs_own_tables_stays_behind(made: Path, tmp_path: Path) -> None:
    tables = fixture.story()
    fixture.write(tables, tmp_path / "results")
    left = tables.con.execute("select table_name from duckdb_tables() where temporary").fetchall()
    assert left == []


def test_a_verdict_has_one_id_in_every_format_and_another_in_another_run(made: Path, tmp_path: Path) -> None:
    def ids(folder: Path) -> list[list[str]]:
        findings = json.loads((folder / "findings.json").read_text("ascii"))["findings"]
        oscal = json.loads((folder / "assessment-results.oscal.json").read_text("ascii"))["assessment-results"]
        with (folder / "findings.csv").open(encoding="utf-8", newline="") as file:
            flat = [row["id"] for row in csv.DictReader(file)]
        events = [json.loads(line) for line in (folder / "findings.ocsf.jsonl").read_text("ascii").splitlines()]
        return [
            [each["id"] for each in findings],
            flat,
            [each["metadata"]["uid"] for each in events],
            [each["uuid"] for each in oscal["results"][0]["observations"]],
        ]

    first, *others = ids(made)
    assert len(set(first)) == len(first) == 11
    assert others == [first] * 3
    other = fixture.write(fixture.story(), tmp_path / "results", run_id="another")
    assert not set(first) & set(ids(other)[0])


def test_ids_are_version_5_uuids(made: Path) -> None:
    from audit.render.results import verdicts

    for name in ("", "verdict/0123", fixture.HOSTILE):
        assert verdicts._uuid(name) == str(uuid.uuid5(verdicts._NAMESPACE, name))


def test_subjects_that_differ_in_casing_alone_keep_ids_of_their_own(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.control("JA-01")
    job = tables.job("orders")
    for subject in ("Name", "name"):
        tables.verdict("JA-01", job, "pass", subject, row_id="same")
    told = json.loads((fixture.write(tables, tmp_path / "r") / "findings.json").read_text())["findings"]
    assert [each["subject"] for each in told] == ["Name", "name"]
    assert len({each["id"] for each in told}) == 2


@pytest.mark.parametrize("name", [name for name in fixture.FORMATS if "json" in name])
def test_json_is_printable_ascii_and_gives_the_very_text_back(made: Path, name: str) -> None:
    data = (made / name).read_bytes()
    assert re.fullmatch(rb"[\n\x20-\x7e]*", data)
    if name == "findings.json":
        told = json.loads(data)["findings"]
        assert [each["reason"] for each in told if each["subject"] == fixture.HOSTILE] == [fixture.HOSTILE]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_json(text: str) -> None:
    data = stream.encoded({text: [text]})
    assert re.fullmatch(rb"[\x20-\x7e]*", data)
    assert json.loads(data) == {text: [text]}


def test_a_run_without_jobs_and_controls_is_written_too(tmp_path: Path) -> None:
    folder = fixture.write(fixture.Tables(), tmp_path / "results", caller=None, finished=None)
    told = json.loads((folder / "findings.json").read_text())
    assert (told["findings"], told["controls"], told["jobs"]) == ([], [], 0)
    assert (folder / "findings.ocsf.jsonl").read_bytes() == b""
    assert (folder / "findings.csv").read_bytes().count(b"\r\n") == 1
    (result,) = json.loads((folder / "assessment-results.oscal.json").read_text())["assessment-results"]["results"]
    assert "observations" not in result
    assert "findings" not in result


def test_many_rows_come_in_order_over_several_batches(tmp_path: Path) -> None:
    tables = fixture.Tables()
    tables.control("JA-01")
    job = tables.job("orders")
    about = f"'{job}' as job_id, printf('%06d', i) as subject, 'JA-01' as control_id, 'pass' as verdict"
    more = "'high' as severity, 'r' as reason, false as waived, md5(i::varchar) as row_id"
    tables.con.execute(f"insert into verdicts by name select {about}, {more} from range(12_001) t(i)")
    folder = fixture.write(tables, tmp_path / "results")
    told = json.loads((folder / "findings.json").read_text())["findings"]
    assert [each["subject"] for each in told] == [f"{number:06d}" for number in range(12_001)]
    (finding,) = json.loads((folder / "assessment-results.oscal.json").read_text())["assessment-results"]["results"][0][
        "findings"
    ]
    assert [each["observation-uuid"] for each in finding["related-observations"]] == [each["id"] for each in told]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(StoreError, match="a file stands where a folder is needed"):
        fixture.write(fixture.story(), tmp_path / "results")
