"""How much jobs write into Log Analytics: sizes by day, whole days, and never a word of what a container printed."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime

import duckdb
import msgspec
import pytest
import samples
import telemetry_samples as telemetry
from samples import ENVIRONMENT_ID, page

from audit.evidence import log_volumes
from audit.model import Collected, Gap, GapReason, NotThere, Scope, Window
from tests.conftest import collected, role, serving

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CUSTOMER = "eeeeeeee-0000-4000-8000-000000000003"
PLACE = f"{samples.GROUP_ID}/providers/Microsoft.OperationalInsights/workspaces/log-orders"
TOTAL = {"TimeGenerated": "2026-11-20T00:00:00Z", "Megabytes": 548.25, "Source": "Usage"}


def answer(*rows):
    columns = [{"name": name, "type": "string"} for name in rows[0]]
    return {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": [list(row.values()) for row in rows]}]}


def told(*rows, known=(f"{ENVIRONMENT_ID}=calmdune-8fc8ad45",)):
    scope = Scope(id=f"/workspaces/{CUSTOMER}", ids=known)
    return samples.rows(log_volumes.KIND, page(answer(*rows), scope=scope, asked={"query": "x"}))


def test_a_jobs_day_in_a_table():
    (row,) = told(telemetry.LOG_VOLUME | {"Bytes": 16020.4})
    assert (row.workspace, row.environment_id, row.job_name) == (CUSTOMER, ENVIRONMENT_ID, "order-intake")
    assert (row.day, row.rows, row.billed_bytes) == (date(2026, 11, 20), 12, 16020)
    assert row.table_name == "ContainerAppConsoleLogs_CL"


def test_an_environment_that_is_none_of_those_that_send_logs_here_is_null():
    (row,) = told(telemetry.LOG_VOLUME, known=())
    assert (row.environment, row.environment_id) == ("calmdune-8fc8ad45", None)


def test_a_workspaces_day_is_in_bytes_of_its_megabytes():
    (row,) = told(TOTAL)
    assert (row.workspace, row.day, row.billed_bytes) == (CUSTOMER, date(2026, 11, 20), 548_250_000)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({**telemetry.LOG_VOLUME, "Bytes": -1}, "Bytes"),
        ({**telemetry.LOG_VOLUME, "Bytes": None}, "Bytes"),
        ({**telemetry.LOG_VOLUME, "Lines": 1.5}, "Lines"),
        ({**TOTAL, "Megabytes": "many"}, "Megabytes"),
        ({**TOTAL, "Megabytes": 1e30}, "billed_bytes"),
    ],
)
def test_an_amount_that_is_none_is_malformed_and_no_zero(row, place):
    scope = f"/workspaces/{CUSTOMER}"
    (bad,) = samples.broken(log_volumes.KIND, page(answer(row), scope=scope, asked={"query": "x"}))
    assert place in bad.detail


class Scripted:
    """Log Analytics as far as a fetch sees it: every question is kept, tables in ``gone`` aren't known."""

    def __init__(self, *gone, there=False):
        self.asked = []
        self.gone = gone
        self.there = there

    async def log_query(self, workspace, kql, *, since, until, scope):
        self.asked.append((workspace, kql, since, until))
        body = page({"tables": []}, scope=scope, asked={"query": kql})
        refused = kql.partition(" ")[0] in self.gone
        yield msgspec.structs.replace(body, status=400) if refused else body

    async def get(self, path, *, api_version, scope):
        assert api_version
        if not self.there:
            raise NotThere(path)
        return page({"id": path}, scope=scope)


async def fetched(azure):
    window = Window(since=datetime(2026, 11, 1, 6, 30, tzinfo=UTC), until=datetime(2026, 11, 3, tzinfo=UTC))
    scope = Scope(id=f"/workspaces/{CUSTOMER}", ids=(PLACE,))
    return [each async for each in log_volumes.KIND.fetch(azure, scope, window)]


async def test_whole_days_are_asked_for_and_of_the_workspace_a_day_more():
    azure = Scripted()
    await fetched(azure)
    first, end = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    assert [kql.partition(" ")[0] for _, kql, _, _ in azure.asked] == [
        "ContainerAppConsoleLogs_CL", "ContainerAppConsoleLogs", "ContainerAppSystemLogs_CL", "ContainerAppSystemLogs",
        "Usage",
    ]  # fmt: skip
    assert [(since, until) for _, _, since, until in azure.asked[:4]] == [(first, end)] * 4
    _, kql, since, until = azure.asked[4]
    assert (since, until) == (first, datetime(2026, 11, 4, tzinfo=UTC))
    assert "StartTime >= datetime(2026-11-01T00:00:00Z) and StartTime < datetime(2026-11-03T00:00:00Z)" in kql


async def test_no_question_asks_for_what_a_line_says():
    azure = Scripted()
    await fetched(azure)
    for _, kql, _, _ in azure.asked:
        assert "| summarize " in kql
        assert "Log_s" not in kql
        assert "Log," not in kql


async def test_a_table_that_is_not_there_is_an_absence_and_one_that_is_hidden_a_failure():
    pages = await fetched(Scripted("ContainerAppConsoleLogs"))
    assert [each.status for each in pages] == [200, 400, 200, 200, 200]
    with pytest.raises(Exception, match="is there, but queries by this caller don't see it") as error:
        await fetched(Scripted("Usage", there=True))
    assert error.value.reason is GapReason.FORBIDDEN


@pytest.fixture
async def served(monkeypatch, request):
    options = {"caller_role": request.param} if getattr(request, "param", None) else {}
    async with serving(**options) as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        yield sandbox


def table(output, name, sql):
    path = str(output / "runs" / "test-run" / "tables" / f"{name}.parquet")
    return duckdb.execute(f"select {sql} from read_parquet(?)", [path]).fetchall()


async def test_every_line_of_the_window_is_counted_and_no_printed_word_reaches_the_disk(served, tmp_path):
    run = await collected(served, tmp_path, kinds=("log_volumes",), wait=30)
    assert all(isinstance(unit.outcome, Collected) for unit in run.units if unit.kind == "log_volumes")
    each = table(tmp_path, "log_volumes", 'table_name, "rows"')
    counted = {name: sum(lines for table_name, lines in each if table_name == name) for name, _ in each}
    since = f"{run.window.since:%Y-%m-%d}"
    written = {
        name: sum(row["TimeGenerated"] >= since and bool(row.get("ContainerJobName_s") or row.get("JobName"))
                  for row in rows)
        for tables in served.estate.logs.values() for name, rows in tables.items() if "Console" in name
    }  # fmt: skip
    assert {name: counted[name] for name in written} == written
    assert table(tmp_path, "log_volumes", "count(*) filter (where environment_id is null)") == [(0,)]
    assert table(tmp_path, "workspace_volumes", "count(*), min(billed_bytes) > 0") == [(31, True)]
    said = "cannot reach"
    printed = [rows["ContainerAppConsoleLogs_CL"] for rows in served.estate.logs.values() if len(rows) > 2]
    assert any(said in row["Log_s"] for rows in printed for row in rows)
    raw = b"".join(zstd.decompress(path.read_bytes()) for path in tmp_path.rglob("raw/log_volumes/*.zst"))
    assert b"imports-customs" in raw
    assert said.encode() not in raw


def _without(action):
    held = role()
    held["Actions"].remove(action)
    return held


@pytest.mark.parametrize(
    "served",
    [
        _without(f"Microsoft.OperationalInsights/workspaces/query/{name}/read")
        for name in ("ContainerAppConsoleLogs", "Usage", "Tables.Custom")
    ],
    indirect=True,
)
async def test_a_table_that_the_caller_may_not_read_is_a_gap_and_no_zero(served, tmp_path):
    run = await collected(served, tmp_path, kinds=("log_volumes",), wait=30)
    (outcome,) = (unit.outcome for unit in run.units if unit.kind == "log_volumes")
    assert isinstance(outcome, Gap)
    assert outcome.reason is GapReason.FORBIDDEN
    assert table(tmp_path, "log_volumes", "count(*)") == [(0,)]
