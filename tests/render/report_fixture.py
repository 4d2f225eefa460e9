"""A run with good and bad cases and hostile text, stored by the real store from Azure's wire shapes, and its report."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from report_answers import (
    ADA,
    BUDGET,
    DARK_ENVIRONMENT,
    ENVIRONMENT,
    EVENTS,
    GHOST,
    GROUP,
    GUEST,
    HOSTILE,
    JOBS,
    JOBS_B,
    LEFT,
    LONG,
    MARKUP,
    NOW,
    OWNER,
    PEOPLE,
    READER,
    REVERSED,
    RG,
    ROBOT,
    SCREEN,
    SCRIPT,
    SHARED,
    SUB_A,
    SUB_B,
    TENANT,
    A,
    B,
    assignment,
    job_id,
    listed,
)

from audit import assess, derive, evidence
from audit.config import packaged
from audit.model import (
    Caller,
    Collected,
    Gap,
    GapReason,
    MalformedItem,
    Page,
    Run,
    RunState,
    Scope,
    Stats,
    Window,
    decode,
)
from audit.render import data, html, results
from audit.store import Store, StoredRun

__all__ = [
    "ADA",
    "ENVIRONMENT",
    "GHOST",
    "GROUP",
    "HOSTILE",
    "LONG",
    "MARKUP",
    "NOW",
    "REVERSED",
    "RG",
    "SCREEN",
    "SCRIPT",
    "A",
    "B",
    "Recorder",
    "job_id",
    "record",
    "render",
    "store",
    "tables",
]


@dataclass
class Recorder:
    """Puts answers into a run, unit by unit."""

    writer: Any
    count: int = field(default=0)

    def unit(
        self, kind: str, scope: str, *bodies: Any, gap: Gap | None = None, ids: tuple[str, ...] = (), asked: Any = None
    ) -> None:
        """Store one unit: its pages, the rows they make, and how it ended."""
        found, at = evidence.kind(kind), Scope(id=scope, ids=ids)
        unit = self.writer.unit(found, at)
        pages = [unit.page(self._page(at, body, asked)) for body in bodies]
        malformed = []
        for result in decode(found, pages):
            if isinstance(result, MalformedItem):
                malformed.append(result)
            else:
                unit.row(result.record, result.page, result.item)
        if malformed and gap is None:
            gap = Gap(reason=GapReason.MALFORMED, detail=f"{len(malformed)} of the items can't be decoded")
        when = {"started": NOW, "finished": NOW + timedelta(seconds=1)}
        unit.end(gap or Collected(pages=0, rows=0), requests=max(1, len(bodies)), malformed=malformed, **when)

    def _page(self, scope: Scope, body: Any, asked: Any) -> Page:
        self.count += 1
        return Page(
            scope=scope,
            method="POST" if asked else "GET",
            url=f"https://management.azure.com{scope.id}?api-version=2025-07-01&page={self.count}",
            api_version="2025-07-01",
            status=200,
            request_id=f"00000000-0000-4000-8000-{self.count:012d}",
            correlation_id=f"11111111-0000-4000-8000-{self.count:012d}",
            received_at=NOW + timedelta(milliseconds=self.count),
            body=json.dumps(body).encode(),
            request_body=json.dumps(asked).encode() if asked else None,
        )


def record(recorder: Recorder) -> None:
    """Answer every kind, some with gaps."""
    unit = recorder.unit
    unit(
        "subscriptions",
        "/",
        listed(
            {"subscriptionId": SUB_A, "displayName": f"Production {MARKUP}", "state": "Enabled", "tenantId": TENANT},
            {"subscriptionId": SUB_B, "displayName": None, "state": "Enabled", "tenantId": TENANT},
        ),
    )
    unit("jobs", A, listed(*JOBS[:6]), listed(*JOBS[6:]))
    unit("jobs", B, listed(*JOBS_B, {"id": job_id("torn", B, "RG-Shared"), "name": 7}))
    unit(
        "environments",
        ENVIRONMENT,
        {
            "id": ENVIRONMENT,
            "name": "cae-orders",
            "location": "westeurope",
            "properties": {"appLogsConfiguration": {"destination": "azure-monitor"}, "zoneRedundant": False},
        },
    )
    unit(
        "environments",
        DARK_ENVIRONMENT,
        gap=Gap(reason=GapReason.FORBIDDEN, detail=f"403: the client {SCRIPT} may not"),
    )
    unit(
        "role_assignments",
        A,
        listed(
            assignment(1, "/", GHOST, OWNER),
            assignment(2, f"/providers/Microsoft.Management/managementGroups/{TENANT}", ADA),
            assignment(3, A, GUEST),
            assignment(4, RG, LEFT, condition=MARKUP),
            assignment(5, job_id("good"), ADA, OWNER),
        ),
    )
    unit(
        "role_assignments",
        B,
        listed(assignment(2, f"/providers/Microsoft.Management/managementGroups/{TENANT}", ADA)),
        gap=Gap(reason=GapReason.PARTIAL_VISIBILITY, detail="the caller can't see all of it"),
    )
    for guid, name in ((OWNER, "Owner"), (READER, SCRIPT)):
        at = f"{A}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
        unit(
            "role_definitions",
            at,
            {"id": at, "properties": {"roleName": name, "type": "BuiltInRole", "permissions": [{"actions": ["*"]}]}},
        )
    unit(
        "principals",
        "/principals/0",
        listed(*PEOPLE),
        ids=(ADA, GHOST, GUEST, LEFT, ROBOT),
        asked={"ids": [ADA, GHOST, GUEST, LEFT, ROBOT]},
    )
    unit("activity_log", A, listed(*EVENTS))
    unit("activity_log", B, listed())
    setting = {
        "id": f"{ENVIRONMENT}/providers/microsoft.insights/diagnosticSettings/all",
        "name": SCRIPT,
        "properties": {
            "workspaceId": f"{A}/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w",
            "logs": [{"category": "ContainerAppConsoleLogs", "enabled": True}],
            "metrics": [],
        },
    }
    unit("diagnostic_settings", ENVIRONMENT, listed(setting))
    for each in (A, B, DARK_ENVIRONMENT, *(one["id"] for one in (*JOBS[:-1], *JOBS_B))):
        unit("diagnostic_settings", each, listed())
    for body in JOBS[:-1]:
        if body["identity"]["type"] == "SystemAssigned":
            facts = {"tenantId": TENANT, "principalId": ROBOT, "clientId": GHOST}
            unit(
                "identities",
                body["id"],
                {"id": f"{body['id']}/x", "name": "default", "properties": facts},
                ids=(body["id"],),
            )
    unit(
        "identities",
        SHARED,
        {
            "id": SHARED,
            "name": "id-shared",
            "location": "westeurope",
            "properties": {"tenantId": TENANT, "principalId": LEFT, "clientId": GHOST},
        },
        listed({"name": "gh", "properties": {"issuer": MARKUP, "subject": SCRIPT, "audiences": ["a"]}}),
        ids=(job_id("shared-one"), job_id("shared-two")),
    )
    tagged = [{"id": each["id"], "type": each["type"], "tags": each["tags"]} for each in JOBS if each["tags"]]
    group = {"id": RG, "type": "Microsoft.Resources/resourceGroups", "tags": {"environment": "prod", "Owner": ""}}
    unit("tags", A, listed(*tagged), listed(group))
    unit("tags", B, gap=Gap(reason=GapReason.THROTTLED, detail="429 for longer than 120 s"))
    unit("budgets", RG, listed(BUDGET))
    unit("budgets", A, listed())
    unit("budgets", B, listed())
    unit(
        "action_groups",
        A,
        listed({"id": GROUP, "name": "ag-nobody", "properties": {"enabled": False, "emailReceivers": []}}),
    )
    unit(
        "graph_jobs",
        "/",
        {
            "totalRecords": 1,
            "count": 1,
            "data": [
                {"id": each["id"].lower(), "name": each["name"], "subscriptionId": SUB_A, "resourceGroup": "rg-orders"}
                for each in JOBS
            ],
        },
        ids=(SUB_A, SUB_B),
        asked={"query": "resources"},
    )


def store(output: Path) -> StoredRun:
    """Store the run below ``output``; the redaction key is fixed, so that every build has the same bytes."""
    run = Run(
        run_id="20261122T060000Z-3f9c",
        state=RunState.RUNNING,
        tool_version="0.1.0",
        cloud="public",
        endpoint="https://management.azure.com",
        caller=Caller(object_id=ROBOT, tenant_id=TENANT, kind="app", app_id=GHOST, name="jobaudit-collector"),
        window=Window(since=NOW - timedelta(days=30), until=NOW),
        subscriptions=(),
        expected_subscriptions=(SUB_A, SUB_B),
        kinds=tuple(kind.name for kind in evidence.KINDS if kind.name != "permissions"),
        started=NOW,
        settings={"required_tags": ["owner", "environment", "cost-centre", "runbook"]},
        stats=Stats(requests={"monitor": 40}, bytes_received=123456),
    )
    output.mkdir(parents=True, exist_ok=True)
    key = output / "redaction.key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    writer = Store(output, key_file=key).create(run)
    with writer:
        recorder = Recorder(writer)
        record(recorder)
        for kind in evidence.KINDS:
            if kind.name in run.kinds:
                writer.finish(kind)
        closed = {"state": RunState.DONE, "finished": NOW + timedelta(seconds=9)}
        writer.close(msgspec.structs.replace(writer.run, **closed))
    return Store(output, key_file=key).open(run.run_id)


@contextlib.contextmanager
def tables(stored: StoredRun, database: Path) -> Any:
    """Derive and assess as the pipeline does, and give the connection that rendering reads."""
    with contextlib.closing(stored.tables(database)) as con:
        derive.derive(con, stored.run)
    assess.assess(database, stored.run, assess.load([packaged("config") / "controls"]))
    with contextlib.closing(duckdb.connect(str(database))) as con:
        con.execute("set timezone = 'UTC'")
        yield con


def render(stored: StoredRun, con: duckdb.DuckDBPyConnection, folder: Path, *own: Path) -> Path:
    """Render the report and lay beside it what a pack holds, so that every link has its end."""
    html.write(con, stored.run, stored, folder, [*own, packaged("report_templates")])
    for path in (*stored.raw_files(), stored.path / "run.json"):
        target = folder / path.relative_to(stored.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    for control in assess.load([packaged("config") / "controls"]):
        target = folder / "controls" / control.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(control.text)
    data.write(con, folder / "data")
    results.write(con, stored.run, folder / results.FOLDER)
    (folder / "evidence.xlsx").write_bytes(b"")
    return folder
