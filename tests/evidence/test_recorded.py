"""Azure's own recorded and published answers through the same decoding: no gap, no lost row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import samples
import yaml
from samples import page

from audit.evidence import (
    activity_log,
    budgets,
    diagnostic_settings,
    graph_jobs,
    jobs,
    role_assignments,
    role_definitions,
)
from audit.model import Page, Row, decode, graph_rows
from audit.model.actions import blocks, granted


def exchanges(recorded: Path, name: str) -> list[tuple[str, Page]]:
    """Return (address, page) of each recorded answer."""
    found = []
    for each in json.loads((recorded / name).read_text(encoding="utf-8"))["interactions"]:
        url = each["request"]["uri"]
        scope = url.removeprefix("https://management.azure.com").split("/providers/Microsoft.")[0]
        found.append((url, page(each["response"]["body"]["data"], scope=scope, url=url)))
    return found


def test_seventy_four_assignments_and_their_definitions(recorded):
    answers = exchanges(recorded, "role-assignments.recorded.json")
    ((_, listing),) = [each for each in answers if "roleAssignments?" in each[0]]
    assignments = samples.rows(role_assignments.KIND, listing)
    assert len(assignments) == 74
    assert len({each.row_id for each in assignments}) == 74
    assert all(each.created_on is not None and each.created_on.tzinfo is UTC for each in assignments)
    definitions = {}
    for url, answer in answers:
        if "roleDefinitions/" in url:
            (row,) = samples.rows(role_definitions.KIND, answer)
            definitions[row.role_guid] = row
    assert {each.role_guid for each in assignments} <= set(definitions)
    contributor = blocks(definitions[samples.CONTRIBUTOR].permissions.value)
    assert granted(contributor, "Microsoft.App/jobs/write")
    assert not granted(contributor, "Microsoft.Authorization/roleAssignments/write")


def test_the_queue_job(recorded):
    body = (recorded / "job-event-azurequeue.recorded.json").read_bytes()
    found = samples.rows(jobs.KIND, page(b'{"value":[' + body + b"]}"))
    by = {table: [each for each in found if each.table == table] for table in {each.table for each in found}}
    (job,) = by["jobs"]
    assert (job.in_scope, job.identity_type, job.polling_interval_s) == (True, "None", 30)
    assert job.created_at == datetime(2024, 10, 14, 6, 42, 27, 764110, tzinfo=UTC)
    assert [each.auth_method for each in by["scale_rules"]] == ["secret", "secret"]
    assert [each.name for each in by["job_secrets"]] == ["connection-string-secret"]
    assert "job_identities" not in by
    (container,) = by["containers"]
    assert (container.registry, container.tag, container.memory_gib) == ("mcr.microsoft.com", "latest", 1.0)


def test_the_service_bus_job_that_uses_an_identity(recorded):
    body = (recorded / "job-event-servicebus-identity.example.json").read_bytes()
    found = samples.rows(jobs.KIND, page(b'{"value":[' + body + b"]}"))
    (rule,) = [each for each in found if each.table == "scale_rules"]
    (identity,) = [each for each in found if each.table == "job_identities"]
    assert (rule.auth_method, rule.identity) == ("identity", identity.identity_id)
    assert identity.client_id == "14adfa4f-eedf-1dc0-ba29-a6d1a69ab3df"
    assert {each.init for each in found if each.table == "containers"} == {True, False}


def test_the_activity_log_answer_that_select_cut_to_four_columns(recorded):
    ((_, answer),) = [
        each for each in exchanges(recorded, "activity-log.recorded.json") if "eventtypes/management" in each[0]
    ]
    (row,) = samples.rows(activity_log.KIND, answer)
    assert row.event_id == "37bf930a-fbb8-4c8c-9cc7-057cc1805c04"
    assert (row.caller, row.operation) == ("john@doe.com", "Microsoft.Compute/virtualMachines/write")
    assert row.resource_group == "TEST_VM"


def test_the_published_event(recorded):
    body = (recorded / "activity-log-event.sample.json").read_bytes()
    (row,) = samples.rows(activity_log.KIND, page(b'{"value":[' + body + b"]}"))
    assert row.event_id == "aaaa0a0a-bb1b-cc2c-dd3d-eeeeee4e4e4e"
    assert (row.client_ip, row.status_code) == ("111.111.1.111", "Created")
    assert row.caller_object_id == "f409edeb-4d29-44b5-9763-ee9348ad91bb"


def test_the_budget_before_and_after_azure_worked_out_its_spend(recorded):
    tape = yaml.safe_load((recorded / "budget.recorded.yaml").read_text(encoding="utf-8"))
    bodies = [each["response"]["body"]["string"] for each in tape["interactions"]]
    before, after = (samples.rows(budgets.KIND, page(f'{{"value":[{body}]}}'.encode()))[0] for body in bodies if body)
    assert (before.amount, before.current_spend, before.currency) == (Decimal(100), None, None)
    assert (after.current_spend, after.currency) == (Decimal(0), "USD")
    assert (after.filter.value, after.notifications.value) == ({}, {})
    assert after.scope.endswith("/resourceGroups/test_budgets_test_budgets85c60a49")


def test_an_absent_diagnostic_setting_is_no_row_and_no_gap(recorded):
    ((_, answer),) = [
        each
        for each in exchanges(recorded, "diagnostic-settings-absent.recorded.json")
        if "diagnosticSettings" in each[0]
    ]
    assert list(decode(diagnostic_settings.KIND, [answer])) == []


def test_a_resource_graph_grid_gives_every_row_as_an_object(recorded):
    asked = [each for each in exchanges(recorded, "resource-graph.recorded.json") if "ResourceGraph" in each[0]]
    assert asked
    for _, answer in asked:
        whole = json.loads(answer.body)
        items = [json.loads(each) for each in graph_rows(answer)]
        assert len(items) == len(whole["data"]["rows"]) > 0
        names = [each["name"] for each in whole["data"]["columns"]]
        assert all(list(item) == names for item in items)
        assert [item["id"] for item in items] == [row[names.index("id")] for row in whole["data"]["rows"]]
        found = list(decode(graph_jobs.KIND, [answer]))
        assert len(found) == len(items)
        assert all(isinstance(each, Row) for each in found)


@pytest.mark.parametrize("name", ["job-event-azurequeue.recorded.json", "role-assignments.recorded.json"])
def test_the_folder_that_is_named_holds_the_files(recorded, name):
    assert (recorded / name).stat().st_size > 0
