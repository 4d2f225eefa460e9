"""Executions, their templates and the platform's lines about them: what the rows say and what they leave unsaid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec
import pytest
import samples
from samples import ENVIRONMENT_ID, GROUP_ID, JOB_ID, page

from audit.evidence import diagnostic_settings, environments, execution_logs, executions, inventory, jobs, workspaces
from audit.model import Collected, Gap, GapReason, MalformedItem, Scope, decode
from tests.conftest import collected, role, serving

CUSTOMER = "eeeeeeee-0000-4000-8000-000000000003"
WORKSPACE_ID = f"{GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/log-orders"
TEMPLATE = {
    "containers": [
        {"image": "acr.azurecr.io/a@sha256:1", "name": "main", "resources": {"cpu": 0.5, "memory": "1Gi"}},
        {"image": "acr.azurecr.io/b:2", "name": "side", "resources": {"cpu": 0.25, "memory": "512Mi"}},
    ],
    "initContainers": [{"image": "acr.azurecr.io/init:1", "name": "init"}],
}


def execution(name="order-intake-a1b2c3d", template=TEMPLATE, exits=((0,),), **more):
    replicas = [
        {
            "name": f"{name}-{n}",
            "containers": [
                {"name": "main", "code": code, "status": "Terminated", "additionalInformation": "Error" if code else ""}
                for code in codes
            ],
        }
        for n, codes in enumerate(exits)
    ]
    properties = {
        "status": "Succeeded",
        "startTime": "2026-11-20T10:00:00+00:00",
        "endTime": "2026-11-20T10:01:30+00:00",
        "template": template,
        "detailedStatus": {"replicas": replicas},
        **more,
    }
    place = f"{JOB_ID}/executions/{name}"
    return {"id": place, "name": name, "type": "Microsoft.App/jobs/executions", "properties": properties}


def listed(*items):
    return samples.rows(executions.KIND, page({"value": list(items)}, scope=JOB_ID))


def test_an_execution_says_how_it_ended_and_what_it_ran_with():
    row, template = listed(execution(exits=((1, 0), (0, 137))))
    assert (row.job_id, row.status, row.duration_s) == (JOB_ID, "Succeeded", 90.0)
    assert row.started == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert (row.cpu, row.memory_gib, row.replica_count) == (0.75, 1.5, 2)
    assert (row.exit_codes.value, row.reason) == ([1, 0, 0, 137], "Error")
    assert row.images.value == ["acr.azurecr.io/a@sha256:1", "acr.azurecr.io/b:2"]
    assert row.replicas.value[1]["containers"][1]["code"] == 137
    assert (template.job_id, template.template_digest) == (JOB_ID, row.template_digest)
    assert template.template.value == TEMPLATE


def test_what_azure_does_not_say_is_null():
    bare = execution()
    bare["properties"] = {"status": "Running", "startTime": "2026-11-20T10:00:00"}
    (row,) = listed(bare)
    nothing = (row.ended, row.duration_s, row.replicas, row.template_digest, row.images, row.cpu, row.memory_gib)
    assert (*nothing, row.replica_count, row.exit_codes, row.reason) == (None,) * 10


@pytest.mark.parametrize("resources", [None, {}, {"cpu": 1.0}])
def test_a_sum_with_an_unknown_in_it_is_unknown(resources):
    template = {"containers": [TEMPLATE["containers"][0], {"image": "x", "name": "x", "resources": resources}]}
    row, _ = listed(execution(template=template))
    assert row.memory_gib is None


def test_one_that_runs_has_no_reason_and_one_that_was_stopped_has():
    running = execution(exits=((None,),))
    running["properties"]["detailedStatus"]["replicas"][0]["containers"][0]["status"] = "Running"
    stopped = execution(name="stopped", exits=((None,),), status="Stopped")
    rows = [each for each in listed(running, stopped) if isinstance(each, executions.Execution)]
    assert [each.reason for each in rows] == [None, "Terminated"]
    assert [each.exit_codes for each in rows] == [None, None]


def test_a_template_is_there_once_and_a_change_in_it_is_another():
    turned = dict(reversed(TEMPLATE.items()))
    changed = msgspec.json.decode(msgspec.json.encode(TEMPLATE))
    changed["containers"][0]["env"] = [{"name": "KEY", "value": "[redacted:00112233445566aa:high-entropy]"}]
    found = listed(
        execution("a"),
        execution("b"),
        execution("c", template=changed),
        execution("d"),
        execution("e", template=turned),
    )
    rows = {each.name: each for each in found if isinstance(each, executions.Execution)}
    templates = [each for each in found if isinstance(each, executions.ExecutionTemplate)]
    assert len(templates) == 3, "the same bytes once; the same in another order is left to the store"
    assert len({each.row_id for each in templates}) == 2
    assert rows["a"].template_digest == rows["e"].template_digest != rows["c"].template_digest


def test_a_malformed_execution_is_named_and_costs_no_other_its_template():
    odd = samples.changed(execution("odd"), ("properties", "template", "containers"), "none")
    both = page({"value": [odd, execution("a")]}, scope=JOB_ID)
    (item,) = samples.broken(executions.KIND, both)
    assert (item.scope, item.detail.partition(":")[0]) == (odd["id"], "$.value[0].properties.template.containers")
    kept = [each.record for each in samples.decode(executions.KIND, [both]) if hasattr(each, "record")]
    assert [type(each).__name__ for each in kept] == ["Execution", "ExecutionTemplate"]


def test_a_recorded_list_of_executions(recorded: Path):
    body = (recorded / "job-executions.sample.json").read_bytes()
    row, template = samples.rows(executions.KIND, page(body, scope=JOB_ID))
    assert (row.status, row.duration_s, row.cpu, row.memory_gib) == ("Succeeded", 21.0, 0.25, 0.5)
    assert row.images.value == template.images.value == ["gundamacr.azurecr.io/sbsender:v1"]
    assert (row.replicas, row.replica_count, row.exit_codes) == (None, None, None)


def line(*, execution="", replica="", log="", environment="", resource="", count=1.0, source="ContainerAppSystemLogs"):
    values = {
        "TimeGenerated": "2026-11-20T10:00:01.1234567Z",
        "Source": source,
        "Environment": environment,
        "Job": "order-intake",
        "Execution": execution,
        "Replica": replica,
        "Reason": "PulledImage",
        "Level": "Normal",
        "Log": log,
        "Count": count,
        "Resource": resource,
    }
    columns = [{"name": name, "type": "string"} for name in values]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": [list(values.values())]}]}


def logged(body, *known):
    scope = Scope(id=f"/workspaces/{CUSTOMER}", ids=known)
    (row,) = samples.rows(execution_logs.KIND, page(body, scope=scope, asked={"query": "x"}))
    return row


def test_a_line_with_an_execution_column():
    row = logged(line(execution="order-intake-a1b2c3d", replica="order-intake-a1b2c3d-x1y2z"))
    assert (row.execution_name, row.execution_from) == ("order-intake-a1b2c3d", "column")
    assert (row.workspace, row.at.microsecond, row.count) == (CUSTOMER, 123456, 1)
    assert row.source_table == "ContainerAppSystemLogs"


@pytest.mark.parametrize(
    ("replica", "name"),
    [
        ("order-intake-a1b2c3d-x1y2z", "order-intake-a1b2c3d"),
        ("order-intake-x1y2z", None),
        ("another-job-a1b2c3d-x1y2z", None),
        ("", None),
    ],
)
def test_where_the_table_has_no_such_column_the_replica_names_the_execution(replica, name):
    row = logged(line(replica=replica))
    assert (row.execution_name, row.execution_from) == (name, "replica" if name else None)


@pytest.mark.parametrize(
    ("said", "seconds", "size"),
    [
        ('Successfully pulled image "acr.io/a:1" in 1.21s. Image size: 84934656 bytes.', 1.21, 84934656),
        ('Successfully pulled image "acr.io/a:1" in 674.603005ms', 0.674603, None),
        ('Successfully pulled image "acr.io/a:1" in 1m2.5s (1m3s including waiting). Image size: 9 bytes.', 62.5, 9),
    ],
)
def test_a_pulled_image_has_time_and_size(said, seconds, size):
    row = logged(line(log=said))
    assert (row.image, row.pull_seconds, row.image_size_bytes) == ("acr.io/a:1", seconds, size)
    assert row.exit_code is None


@pytest.mark.parametrize(("code", "known"), [("137", 137), ("0", 0), ("-1", -1), ("", None)])
def test_an_exit_code_stands_in_the_message(code, known):
    row = logged(line(log=f"Container 'main' was terminated with exit code '{code}' and reason 'OOMKilled'"))
    assert (row.exit_code, row.image, row.pull_seconds) == (known, None, None)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"resource": ENVIRONMENT_ID.lower()}, ENVIRONMENT_ID),
        ({"environment": "Calmdune-8fc8ad45"}, ENVIRONMENT_ID),
        ({"environment": "cae-orders"}, ENVIRONMENT_ID),
        ({"environment": "somebody-elses"}, None),
        ({}, None),
    ],
)
def test_the_environment_is_one_that_is_known_or_none(said, found):
    row = logged(line(**said), f"{ENVIRONMENT_ID}=calmdune-8fc8ad45", WORKSPACE_ID)
    assert row.environment_id == found


@pytest.mark.parametrize("said", ["exit code '99999999999999999999'", f"Image size: {10**25} bytes"])
def test_a_number_in_a_message_that_no_column_holds_is_not_known(said):
    row = logged(line(log=f'pulled image "acr.io/a:1" in 1s. {said}'))
    assert (row.exit_code, row.image_size_bytes) == (None, None)


def test_a_count_that_no_column_holds_is_malformed_and_fails_no_table():
    (item,) = decode(execution_logs.KIND, [page(line(count=1e30), scope=f"/workspaces/{CUSTOMER}", asked={})])
    assert isinstance(item, MalformedItem)
    assert "count is a number that no table can hold" in item.detail


def test_an_answer_without_any_table_is_no_empty_answer():
    (item,) = decode(execution_logs.KIND, [page({"tables": []}, scope=f"/workspaces/{CUSTOMER}", asked={})])
    assert isinstance(item, MalformedItem)
    assert item.detail.startswith("$.tables")


def test_a_refusal_and_a_tables_description_have_no_rows():
    refused = msgspec.structs.replace(page({"error": {}}, asked={}), status=400)
    assert samples.rows(execution_logs.KIND, refused, page({"id": "x", "name": "Table"})) == []


def workspace(**properties):
    return {"id": WORKSPACE_ID, "name": "log-orders", "location": "westeurope",
            "properties": {"customerId": CUSTOMER, **properties}}  # fmt: skip


def test_a_workspace_and_what_it_leaves_unsaid():
    full = workspace(
        sku={"name": "PerGB2018"},
        retentionInDays=90,
        workspaceCapping={"dailyQuotaGb": -1.0},
        features={"disableLocalAuth": True},
        publicNetworkAccessForQuery="Disabled",
    )
    (row,) = samples.rows(workspaces.KIND, page(full, scope=WORKSPACE_ID))
    assert (row.customer_id, row.sku, row.retention_days, row.daily_quota_gb) == (CUSTOMER, "PerGB2018", 90, -1.0)
    assert (row.local_auth_disabled, row.public_query, row.public_ingestion) == (True, "Disabled", None)
    (bare,) = samples.rows(workspaces.KIND, page(workspace(), scope=WORKSPACE_ID))
    assert (bare.sku, bare.retention_days, bare.daily_quota_gb, bare.local_auth_disabled) == (None,) * 4


def homes(*, workspace_id, setting=None, known=True):
    """Tables with one job in one environment; ``setting``: a diagnostic setting's ``logs`` to the workspace."""
    found = [
        jobs.Job(job_id=JOB_ID, name="order-intake", subscription_id=samples.SUBSCRIPTION, resource_group="rg-orders",
                 environment_id=ENVIRONMENT_ID.lower(), trigger_type="Event", in_scope=True, secrets_count=0),
        environments.Environment(environment_id=ENVIRONMENT_ID, name="cae-orders", resource_group="rg-orders",
                                 subscription_id=samples.SUBSCRIPTION, workspace_id=workspace_id,
                                 default_domain="calmdune-8fc8ad45.westeurope.azurecontainerapps.io"),
    ]  # fmt: skip
    if setting is not None:
        found.append(
            diagnostic_settings.DiagnosticSetting(
                setting_id="s", resource_id=ENVIRONMENT_ID, name="s", workspace_id=WORKSPACE_ID.lower(), logs=setting
            )
        )
    if known:
        found.append(
            inventory.InventoryItem(
                resource_id=WORKSPACE_ID, name="log-orders", type="microsoft.operationalinsights/workspaces",
                subscription_id=samples.SUBSCRIPTION, resource_group="rg-orders", customer_id=CUSTOMER.upper(),
            )
        )  # fmt: skip
        found += samples.rows(workspaces.KIND, page(workspace(), scope=WORKSPACE_ID))
    return samples.tables(*found)


def units(con, kind):
    population = [(row[0], row[1]) for row in con.execute(kind.population).fetchall()]
    return population, con.execute(kind.affects).fetchall()


ON = executions.Json([{"category": "ContainerAppSystemLogs", "enabled": True}])
OFF = executions.Json([{"category": "ContainerAppSystemLogs", "enabled": False}])


def test_an_environments_workspace_is_found_by_its_customer_id():
    con = homes(workspace_id=CUSTOMER)
    assert units(con, workspaces.KIND) == ([(WORKSPACE_ID, [JOB_ID])], [(WORKSPACE_ID, JOB_ID)])
    scope = f"/workspaces/{CUSTOMER}"
    known = [f"{ENVIRONMENT_ID}=calmdune-8fc8ad45", WORKSPACE_ID]
    assert units(con, execution_logs.KIND) == ([(scope, known)], [(scope, JOB_ID)])


def test_a_workspace_that_the_inventory_does_not_know_is_queried_all_the_same():
    con = homes(workspace_id=CUSTOMER, known=False)
    assert units(con, workspaces.KIND) == ([], [])
    scope = f"/workspaces/{CUSTOMER}"
    assert units(con, execution_logs.KIND) == ([(scope, [f"{ENVIRONMENT_ID}=calmdune-8fc8ad45"])], [(scope, JOB_ID)])


def test_a_diagnostic_setting_leads_to_its_workspace_and_to_logs_where_it_sends_any():
    for logs, asked in ((ON, [(f"/workspaces/{CUSTOMER}", JOB_ID)]), (OFF, [])):
        con = homes(workspace_id=None, setting=logs)
        assert units(con, workspaces.KIND)[1] == [(WORKSPACE_ID.lower(), JOB_ID)]
        assert units(con, execution_logs.KIND)[1] == asked


@pytest.fixture
async def served(monkeypatch, request):
    options = {"caller_role": request.param} if getattr(request, "param", None) else {}
    async with serving(**options) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox


def outcomes(run, kind):
    return [unit.outcome for unit in run.units if unit.kind == kind]


def table(output, name, sql):
    return duckdb.execute(f"select {sql} from read_parquet(?)", [str(_tables(output) / f"{name}.parquet")]).fetchall()


def _tables(output):
    return output / "runs" / "test-run" / "tables"


async def test_logs_know_the_executions_that_the_list_no_longer_has(served, tmp_path):
    await collected(served, tmp_path, kinds=("executions", "execution_logs"), wait=30)
    mail = "count(distinct execution_name) filter (where job_name = 'notifications-mail')"
    assert table(tmp_path, "execution_logs", mail) == [(360,)]
    mail = "count(*) filter (where job_id like '%/notifications-mail')"
    assert table(tmp_path, "executions", mail) == [(100,)]
    assert table(tmp_path, "execution_logs", "count(*) filter (where environment_id is null)") == [(0,)]
    images = "max(n) from (select count(distinct images::varchar) n"
    path = str(_tables(tmp_path) / "executions.parquet")
    assert duckdb.execute(f"select {images} from read_parquet(?) group by job_id)", [path]).fetchone()[0] >= 2


async def test_no_planted_secret_of_a_template_or_a_log_reaches_the_disk(served, tmp_path):
    sent = msgspec.json.encode([*served.estate.executions.values(), *served.estate.logs.values()]).decode()
    planted = [secret for secret in served.estate.planted if secret in sent]
    assert len(planted) >= 4, "an address with a password, a signature, a password, a token"
    await collected(served, tmp_path, kinds=("executions", "execution_logs"), wait=30)
    con = duckdb.connect()
    for name in ("executions", "execution_templates", "execution_logs"):
        text = str(con.execute("from read_parquet(?)", [str(_tables(tmp_path) / f"{name}.parquet")]).fetchall())
        assert not [secret for secret in planted if secret in text]
    hidden = "count(*) filter (where template::varchar like '%[redacted:%:%]%')"
    assert table(tmp_path, "execution_templates", hidden)[0][0] >= 4


async def test_a_table_that_is_not_there_is_an_absence_of_that_table_only(served, tmp_path):
    for tables in served.estate.logs.values():
        tables.pop("ContainerAppSystemLogs_CL", None)
    served.refresh()
    run = await collected(served, tmp_path, kinds=("execution_logs",), wait=30)
    assert all(isinstance(outcome, Collected) for outcome in outcomes(run, "execution_logs"))
    assert table(tmp_path, "execution_logs", "distinct source_table") == [("ContainerAppSystemLogs",)]


def _without(action):
    held = role()
    held["Actions"].remove(action)
    return held


@pytest.mark.parametrize(
    ("served", "said"),
    [
        (_without("Microsoft.OperationalInsights/workspaces/query/Tables.Custom/read"), "don't see it"),
        (_without("Microsoft.OperationalInsights/workspaces/query/read"), "insufficient access"),
    ],
    indirect=["served"],
)
async def test_a_table_that_is_hidden_from_the_caller_is_a_gap(served, tmp_path, said):
    run = await collected(served, tmp_path, kinds=("execution_logs",), wait=30)
    (outcome,) = outcomes(run, "execution_logs")
    assert isinstance(outcome, Gap)
    assert outcome.reason is GapReason.FORBIDDEN
    assert said in outcome.detail
    assert table(tmp_path, "execution_logs", "count(*)") == [(0,)]
