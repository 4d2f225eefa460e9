"""findings.json: as its schema says, nothing beside it, and no gap dressed as an answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import results_fixture as fixture

from audit.render.results import schema, shapes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fixture.write(fixture.story(), tmp_path_factory.mktemp("made") / "results")


@pytest.fixture(scope="module")
def told(folder: Path) -> Any:
    return json.loads((folder / "findings.json").read_text())


def _of(told: Any, control: str) -> list[Any]:
    return [each for each in told["findings"] if each["control_id"] == control]


def test_it_keeps_to_the_schema_beside_it(folder: Path, told: Any) -> None:
    published = json.loads((folder / "findings.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(published, format_checker=jsonschema.FormatChecker()).validate(told)


@pytest.mark.parametrize("change", [{"verdict": "compliant"}, {"reason": None}, {"waived": "no"}, {"frameworks": []}])
def test_the_schema_refuses_what_it_does_not_say(told: Any, change: dict[str, Any]) -> None:
    wrong = told | {"findings": [told["findings"][0] | change]}
    assert not jsonschema.Draft202012Validator(json.loads(schema())).is_valid(wrong)


def test_nothing_is_written_that_the_schema_does_not_list(told: Any) -> None:
    read = msgspec.convert(told, shapes.Results)
    assert json.loads(msgspec.json.encode(read)) == told


def test_every_field_whose_name_does_not_tell_is_explained() -> None:
    published = json.loads(schema())
    about = {name: shape["description"] for name, shape in published["$defs"].items() if "description" in shape}
    assert about.keys() >= {"Finding", "Control", "Gap", "Coverage", "Evidence"}
    assert published["$id"] == f"urn:jobaudit:findings:{shapes.VERSION}"


def test_the_head_says_who_collected_what_and_how_whole_it_is(told: Any) -> None:
    assert told["run"]["run_id"] == "20261122T060000Z-3f9c"
    assert told["run"]["window"] == {"since": "2026-10-23T00:00:00Z", "until": "2026-11-22T00:00:00Z"}
    assert told["run"]["caller"]["name"] == f"collector {fixture.HOSTILE}"
    assert (told["coverage"]["complete"], told["coverage"]["gaps"], told["coverage"]["malformed"]) == (False, 1, 1)
    assert told["coverage"]["not_collected"] == ["permissions"]
    assert [(gap["kind"], gap["reason"], gap["place"]) for gap in told["gaps"]] == [
        ("jobs", "malformed", "$.value[1]"),
        ("tags", "forbidden", None),
    ]
    assert told["verdicts"] == {"fail": 4, "not_assessed": 3, "pass": 2, "not_applicable": 2, "waived": 1}


def test_a_run_with_nothing_missing_is_complete(tmp_path: Path) -> None:
    from audit.evidence import KINDS

    tables = fixture.story()
    tables.con.execute("delete from coverage where outcome = 'gap'")
    made = fixture.write(tables, tmp_path / "r", kinds=tuple(kind.name for kind in KINDS))
    assert json.loads((made / "findings.json").read_text())["coverage"]["complete"] is True


def test_an_open_question_is_neither_passed_nor_failed(told: Any) -> None:
    assert [each["verdict"] for each in _of(told, "JA-02")] == ["not_assessed", "pass"]
    assert [each["remediation"] for each in _of(told, "JA-02")] == [None, None]


def test_a_waived_failure_is_a_failure(told: Any) -> None:
    waived = [each for each in told["findings"] if each["waived"]]
    assert [(each["verdict"], each["waiver_id"], each["remediation"]) for each in waived] == [("fail", "W-7", "Do it.")]


def test_a_finding_leads_to_its_bytes_where_the_pack_has_them(told: Any) -> None:
    first = _of(told, "JA-01")[0]["evidence"]
    assert first == {
        "raw_ref": fixture.RAW,
        "file": fixture.RAW.partition("#")[0],
        "line": 1,
        "item": 3,
        "request_id": "7d1f",
        "observed_at": first["observed_at"],
    }
    elsewhere = {each["evidence"]["raw_ref"]: each["evidence"]["file"] for each in _of(told, "1-OWN")}
    assert elsewhere[f"runs/x/{fixture.RAW}"] is None
    assert elsewhere["run.json"] == "run.json"


def test_a_restored_run_names_no_file_that_is_gone(tmp_path: Path) -> None:
    made = fixture.write(fixture.story(), tmp_path / "r", restored_from="commits/x.json")
    told = json.loads((made / "findings.json").read_text())
    assert {each["evidence"]["file"] for each in told["findings"]} == {None, "run.json"}, "its raw answers are gone"
    assert told["run"]["restored_from"] == "commits/x.json"


def test_controls_carry_what_findings_do_not_repeat(told: Any) -> None:
    controls = {each["control_id"]: each for each in told["controls"]}
    assert list(controls) == sorted(controls)
    assert controls["1-OWN"]["file"] == "controls/own/identity/1-OWN.sql"
    assert controls["JA-05"]["verdicts"] == dict.fromkeys(told["verdicts"], 0)
    assert controls["JA-03"]["remediation"] == "Do it."


def test_frameworks_say_which_links_are_weak(told: Any) -> None:
    assert {each["key"]: each["weak"] for each in told["frameworks"]} == {"mcsb": {}, "nist80053": {"IM-3": ["JA-03"]}}
