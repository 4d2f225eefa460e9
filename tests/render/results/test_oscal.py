"""assessment-results.oscal.json: read by compliance-trestle, whole in itself, and never satisfied without evidence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import results_fixture as fixture

from audit.render.results.oscal import line, token


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = fixture.write(fixture.story(), tmp_path_factory.mktemp("made") / "results")
    return folder / "assessment-results.oscal.json"


@pytest.fixture(scope="module")
def document(path: Path) -> Any:
    return json.loads(path.read_text("ascii"))["assessment-results"]


@pytest.fixture(scope="module")
def result(document: Any) -> Any:
    (only,) = document["results"]
    return only


def _trestle() -> Any:
    """compliance-trestle, which CI must have: elsewhere these tests skip, and say how not to."""
    if os.environ.get("CI"):
        import trestle.oscal.assessment_results as theirs
    else:
        theirs = pytest.importorskip(
            "trestle.oscal.assessment_results", reason="make oscal installs compliance-trestle"
        )
    return theirs


def _verdict(observation: Any) -> str:
    return next(each["value"] for each in observation["props"] if each["name"] == "verdict")


def _uuids(value: Any, named: str) -> list[str]:
    if isinstance(value, list):
        return [found for each in value for found in _uuids(each, named)]
    if not isinstance(value, dict):
        return []
    mine = [value[named]] if named in value else []
    return mine + [found for each in value.values() for found in _uuids(each, named)]


def test_trestle_reads_it(path: Path) -> None:
    theirs = _trestle()
    read = theirs.AssessmentResults.oscal_read(path)
    assert read is not None
    (result,) = read.results
    assert len(result.observations) == 11
    assert len(result.findings) == 4


def test_trestle_reads_an_empty_run_and_one_without_jobs(tmp_path: Path) -> None:
    theirs = _trestle()
    bare = fixture.Tables()
    for number in range(2):
        folder = fixture.write(bare, tmp_path / str(number), caller=None, finished=None)
        assert theirs.AssessmentResults.oscal_read(folder / "assessment-results.oscal.json") is not None
        bare.control("JA-01")
        bare.verdict("JA-01", None, "not_assessed", "population")


def test_trestle_would_refuse_what_is_wrong(path: Path, tmp_path: Path) -> None:
    theirs = _trestle()
    from trestle.common.err import TrestleError

    wrong = json.loads(path.read_text())
    wrong["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "compliant"
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    with pytest.raises((TrestleError, ValueError)):
        theirs.AssessmentResults.oscal_read(tmp_path / "wrong.json")


def test_every_reference_has_its_end_and_every_id_is_its_own(document: Any) -> None:
    made = _uuids(document, "uuid")
    assert len(set(made)) == len(made)
    for named in ("observation-uuid", "subject-uuid", "component-uuid", "actor-uuid"):
        assert _uuids(document, named), named
        assert set(_uuids(document, named)) <= set(made), named
    assert document["import-ap"]["href"].removeprefix("#") in made


def test_every_observation_is_related_to_a_finding_unless_its_control_applies_to_nothing(result: Any) -> None:
    related = {each for finding in result["findings"] for each in _uuids(finding, "observation-uuid")}
    left = [each for each in result["observations"] if each["uuid"] not in related]
    assert [(each["title"], _verdict(each)) for each in left] == [("JA-04: a rule", "not_applicable")]


def test_a_control_is_satisfied_only_by_evidence(result: Any) -> None:
    told = {each["target"]["target-id"]: each["target"]["status"] for each in result["findings"]}
    assert {name: (each["state"], each["reason"]) for name, each in told.items()} == {
        "JA-01": ("not-satisfied", "fail"),
        "JA-02": ("not-satisfied", "not-assessed"),
        "JA-03": ("satisfied", "pass"),
        "_1-OWN": ("not-satisfied", "fail"),
    }
    assert told["JA-01"]["remarks"].startswith("2 failed (1 of them waived), 1 not assessed")
    assert "evidence is missing, so nothing was concluded" in told["JA-02"]["remarks"]


def test_our_four_words_stay_four(result: Any) -> None:
    words = [_verdict(each) for each in result["observations"]]
    assert sorted(set(words)) == ["fail", "not_applicable", "not_assessed", "pass"]


def test_gaps_stand_in_the_log_and_in_the_head(result: Any) -> None:
    entries = result["assessment-log"]["entries"]
    assert [each["title"] for each in entries] == ["Collection", "Gap: jobs, malformed", "Gap: tags, forbidden"]
    told = {each["name"]: each["value"] for each in result["props"]}
    assert told["coverage-gaps"] == "1"
    assert told["kinds-not-collected"] == "permissions"
    assert told["run-id"] == "20261122T060000Z-3f9c"
    assert "incomplete" in result["description"]


def test_jobs_keep_their_ids_in_the_next_run_and_findings_do_not(result: Any, tmp_path: Path) -> None:
    folder = fixture.write(fixture.story(), tmp_path / "r", run_id="next")
    (later,) = json.loads((folder / "assessment-results.oscal.json").read_text())["assessment-results"]["results"]
    jobs = [each["uuid"] for each in result["local-definitions"]["inventory-items"]]
    assert [each["uuid"] for each in later["local-definitions"]["inventory-items"]] == jobs
    assert len(jobs) == 3, "one that no list knows too"
    assert not {each["uuid"] for each in later["findings"]} & {each["uuid"] for each in result["findings"]}


def test_evidence_is_linked_where_the_pack_has_it(result: Any) -> None:
    led = [each.get("href") for one in result["observations"] for each in one["relevant-evidence"]]
    assert f"../{fixture.RAW.partition('#')[0]}" in led
    assert "../run.json" in led
    assert led.count(None) == 1, "of another run"


@pytest.mark.parametrize(("name", "made"), [("JA-01", "JA-01"), ("1-OWN", "_1-OWN"), ("a b", "a-b"), ("", "_")])
def test_ids_as_tokens(name: str, made: str) -> None:
    assert token(name) == made


def test_text_is_one_line_with_nothing_that_acts() -> None:
    assert line(" a\r\n\tb \x1b[31m") == "a[U+000D] b [U+001B][31m"
    assert line("\n ") == "unnamed"
