"""findings.ocsf.jsonl: Compliance Findings by the models of py-ocsf-models, and our four words kept apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import results_fixture as fixture
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from pydantic import BaseModel

from audit.render.results import ocsf

THEIRS_LACKS = {"cloud", "compliance.status", "compliance.status_code"}
"""Of the schema (profile cloud; the compliance object since 1.3), but not of the models."""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = fixture.write(fixture.story(), tmp_path_factory.mktemp("made") / "results")
    return [json.loads(line) for line in (folder / "findings.ocsf.jsonl").read_text("ascii").splitlines()]


def _unknown(value: Any, model: Any, path: str = "") -> set[str]:
    """Names that a model doesn't have: it drops them without a word."""
    if isinstance(value, list):
        return {name for each, its in zip(value, model, strict=True) for name in _unknown(each, its, path)}
    if not isinstance(model, BaseModel):
        return set()
    found = set()
    for name, member in value.items():
        at = f"{path}.{name}".lstrip(".")
        known = name in type(model).model_fields
        found |= _unknown(member, getattr(model, name), at) if known else {at}
    return found


def test_every_line_is_a_compliance_finding(events: list[Any]) -> None:
    assert len(events) == 11
    for event in events:
        read = ComplianceFinding.model_validate(event)
        assert read.class_uid == 2003
        assert read.type_uid == 200301
        assert _unknown(event, read) == THEIRS_LACKS
        assert event["metadata"]["version"] == ocsf.VERSION == OCSF_VERSION


def test_our_four_words_stay_four(events: list[Any]) -> None:
    told = {
        (
            each["status_code"],
            each["compliance"]["status_id"],
            each["compliance"]["status"],
            each["compliance"]["status_code"],
        )
        for each in events
    }
    assert told == {
        ("fail", 3, "Fail", "fail"),
        ("pass", 1, "Pass", "pass"),
        ("not_assessed", 0, "Unknown", "not_assessed"),
        ("not_applicable", 99, "not_applicable", "not_applicable"),
    }


def test_only_an_open_failure_is_new(events: list[Any]) -> None:
    told = {(each["status_code"], each["unmapped"]["waived"], each["status_id"], each["status"]) for each in events}
    assert told == {
        ("fail", False, 1, "New"),
        ("fail", True, 99, "waived"),
        ("pass", False, 99, "pass"),
        ("not_assessed", False, 0, "Unknown"),
        ("not_applicable", False, 99, "not_applicable"),
    }


def test_an_event_says_what_was_found_where_and_what_to_do(events: list[Any]) -> None:
    event = next(each for each in events if each["status_code"] == "fail" and each["metadata"]["event_code"] == "JA-01")
    assert event["resources"][0]["uid"] == f"{fixture.JOBS}/billing"
    assert event["resources"][0]["data"] == {"subject": "a rule"}
    assert event["cloud"] == {
        "provider": "Azure",
        "account": {"uid": fixture.SUB, "type_id": 13, "type": "Azure Subscription"},
    }
    assert event["remediation"] == {"desc": "Do it."}
    assert event["compliance"]["requirements"] == ["MCSB IM-3", "NIST 800-53 IA-5", "NIST 800-53 AC-2(7)"]
    assert event["compliance"]["standards"] == ["Microsoft cloud security benchmark v1", "NIST SP 800-53 rev. 5"]
    assert event["evidences"] == [{"name": fixture.RAW, "data": {"raw_ref": fixture.RAW}}]
    assert event["unmapped"]["coverage_gaps"] == 1
    assert event["unmapped"]["window_until"] == "2026-11-22T00:00:00Z"
    assert event["time"] == 1795327213123, "when the run ended, in milliseconds"


def test_the_finding_keeps_its_id_in_the_next_run(events: list[Any], tmp_path: Path) -> None:
    folder = fixture.write(fixture.story(), tmp_path / "r", run_id="next")
    later = [json.loads(line) for line in (folder / "findings.ocsf.jsonl").read_text("ascii").splitlines()]
    assert [each["finding_info"]["uid"] for each in later] == [each["finding_info"]["uid"] for each in events]
    assert not {each["metadata"]["uid"] for each in later} & {each["metadata"]["uid"] for each in events}


def test_where_there_was_no_job_no_resource_is_made_up(events: list[Any]) -> None:
    (nobody,) = [each for each in events if each["unmapped"]["subject"] == "population"]
    assert "resources" not in nobody
    assert nobody["cloud"] == {"provider": "Azure"}
