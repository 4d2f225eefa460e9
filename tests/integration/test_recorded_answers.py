"""Answers that Azure really gave go the whole way, redaction and store included, without a gap or a lost row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from audit import evidence
from audit.model import Collected, Page, Row, Run, RunState, Scope, Window, decode
from audit.store import Store

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)


def answers(recorded: Path) -> Iterator[tuple[str, str, Any, int]]:
    """Yield (kind, scope, body, rows of the kind's first table) for every recorded answer that a kind reads."""
    subscription = "/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47"
    roles = json.loads((recorded / "role-assignments.recorded.json").read_text())["interactions"]
    for interaction in roles:
        body = interaction["response"]["body"]["data"]
        if "value" in body:
            yield "role_assignments", subscription, body, 74
        else:
            yield "role_definitions", body["id"], body, 1
    for name in ("job-event-azurequeue.recorded.json", "job-event-servicebus-identity.example.json"):
        job = json.loads((recorded / name).read_text())
        yield "jobs", "/".join(job["id"].split("/")[:3]), {"value": [job]}, 1
    for interaction in json.loads((recorded / "activity-log.recorded.json").read_text())["interactions"]:
        if "eventtypes" in interaction["request"]["uri"]:
            body = interaction["response"]["body"]["data"]
            yield "activity_log", subscription, body, len(body["value"])
    event = json.loads((recorded / "activity-log-event.sample.json").read_text())
    yield "activity_log", "/subscriptions/sample", {"value": [event]}, 1
    for interaction in json.loads((recorded / "diagnostic-settings-absent.recorded.json").read_text())["interactions"]:
        if "diagnosticSettings" in interaction["request"]["uri"]:
            yield "diagnostic_settings", subscription + "/x", interaction["response"]["body"]["data"], 0
    for interaction in yaml.safe_load((recorded / "budget.recorded.yaml").read_text())["interactions"]:
        text = interaction["response"]["body"]["string"]
        if text:
            yield "budgets", f"{subscription}/{interaction['request']['method']}", {"value": [json.loads(text)]}, 1


def test_every_recorded_answer_is_stored_and_decoded_whole(recorded: Path, tmp_path: Path) -> None:
    given = list(answers(recorded))
    assert {kind for kind, *_ in given} == {
        "role_assignments", "role_definitions", "jobs", "activity_log", "diagnostic_settings", "budgets",
    }  # fmt: skip
    expected: dict[str, int] = {}
    with Store(tmp_path).create(_run()) as writer:
        for name, scope_id, body, rows in given:
            kind, scope = evidence.kind(name), Scope(id=scope_id)
            unit = writer.unit(kind, scope)
            page = unit.page(_page(scope, body))
            results = list(decode(kind, [page]))
            assert all(isinstance(result, Row) for result in results), (name, results)
            for result in results:
                unit.row(result.record, result.page, result.item)
            first = [result for result in results if result.record.table == kind.records[0].table]
            assert len(first) == rows, name
            expected[kind.records[0].table] = expected.get(kind.records[0].table, 0) + rows
            unit.end(Collected(pages=1, rows=len(results)), requests=1, started=NOW, finished=NOW)
        for name in dict.fromkeys(name for name, *_ in given):
            writer.finish(evidence.kind(name))
        found = {table: writer.query(f"select count(*) as n from {table}")[0]["n"] for table in expected}
        writer.close(msgspec.structs.replace(writer.run, state=RunState.DONE))
    expected["budgets"] = 2  # one budget, once without and once with its spend
    assert found == expected


@pytest.mark.parametrize("name", ["job-event-azurequeue.recorded.json", "job-event-servicebus-identity.example.json"])
def test_redaction_leaves_the_facts_of_a_recorded_job_alone(recorded: Path, tmp_path: Path, name: str) -> None:
    text = (recorded / name).read_text()
    job = json.loads(text)
    scope = Scope(id="/".join(job["id"].split("/")[:3]))
    kind = evidence.kind("jobs")
    with Store(tmp_path).create(_run()) as writer:
        stored = writer.unit(kind, scope).page(_page(scope, {"value": [job]}))

    def rows(page: Page) -> list[Any]:
        found = [result.record for result in decode(kind, [page]) if isinstance(result, Row)]
        return [record for record in found if record.table in {"jobs", "scale_rules", "containers", "job_secrets"}]

    assert rows(stored) == rows(_page(scope, {"value": [job]}))


def _page(scope: Scope, body: Any) -> Page:
    return Page(
        scope=scope,
        method="GET",
        url="https://management.azure.com/recorded",
        api_version="recorded",
        status=200,
        request_id="recorded",
        correlation_id="recorded",
        received_at=NOW,
        body=json.dumps(body).encode(),
    )


def _run() -> Run:
    return Run(
        run_id="recorded",
        state=RunState.RUNNING,
        tool_version="test",
        cloud="public",
        endpoint="https://management.azure.com",
        caller=None,
        window=Window.last(30, NOW),
        subscriptions=(),
        expected_subscriptions=(),
        kinds=tuple(kind.name for kind in evidence.KINDS),
        started=NOW,
    )
