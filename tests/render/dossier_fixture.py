"""The tables that the dossier and the incident view read, filled with a month of good and bad days and hostile text."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import report_fixture as base
from report_fixture import ENVIRONMENT, HOSTILE, MARKUP, NOW, RG, SCRIPT, A, job_id

from audit.derive import access, cost_totals, job_alerts, source_work
from audit.model import Window
from audit.render import expected

NAMESPACE = f"{RG}/providers/Microsoft.ServiceBus/namespaces/sb-orders"
VAULT = f"{RG}/providers/Microsoft.KeyVault/vaults/kv"
SINCE = NOW - timedelta(days=30)
LOOP = NOW - timedelta(days=6, hours=3)
"""When the crash loop of job ``secretive`` began."""


class Adder:
    """Puts rows into tables of the report."""

    def __init__(self, con: Any) -> None:
        self.con = con
        self.count = 0
        self.refs: list[str] = [row[0] for row in con.execute("select raw_ref from jobs order by row_id").fetchall()]

    def add(self, table: str, **values: Any) -> None:
        self.count += 1
        row = {"row_id": f"{self.count:016x}", "observed_at": NOW, "raw_ref": self.refs[self.count % len(self.refs)]}
        row |= {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in values.items()}
        names = ", ".join(f'"{name}"' for name in row)
        self.con.execute(
            f'insert into main."{table}" ({names}) values ({", ".join("?" * len(row))})', list(row.values())
        )


class Filler(Adder):
    """Makes tables as the report expects them, empty at first."""

    def __init__(self, con: Any) -> None:
        super().__init__(con)
        for name in expected.create(con):
            con.execute(f'create table main."{name}" as select * from temp."{name}"')
            con.execute(f'drop table temp."{name}"')
        for name in expected.TABLES:
            con.execute(f'delete from main."{name}"')


def execution(fill: Filler, job: str, started: datetime, status: str = "Succeeded", **more: Any) -> str:
    """Add one execution; 240 s, exit code by status."""
    name = f"{job}-{fill.count:05x}"
    took = more.pop("took", 240.0)
    code = more.pop("code", 0 if status == "Succeeded" else 1)
    ended = started + timedelta(seconds=took) if took is not None else None
    own = {
        "execution_id": f"{job_id(job)}/executions/{name}",
        "job_id": job_id(job),
        "name": name,
        "status": status,
        "started": started,
        "ended": ended,
        "duration_s": took,
        "exit_codes": [code],
        "replica_count": 1,
    }
    fill.add("execution_history", **own, source=more.pop("source", "azure"))
    fill.add("executions", **own, reason=more.pop("reason", None))
    return name


def fill(con: Any) -> None:
    """Give ``good`` a calm month, ``secretive`` a crash loop after a change, ``hostile`` hostile words."""
    to = Filler(con)
    _calm(to)
    _loop(to)
    _hostile(to)
    to.add(
        "continuity", kind="executions", scope=job_id("leaky"), **{"from": SINCE, "to": SINCE + timedelta(days=12)},
        state="hole", detail="a list of exactly 100",
    )  # fmt: skip
    access.create(con)
    for day in range(13, 30):
        execution(to, "leaky", SINCE + timedelta(days=day, hours=2))
    cost_totals.create(con)
    job_alerts.create(con)
    source_work.create(con, SimpleNamespace(window=Window(since=SINCE, until=NOW)))


def _watch(to: Filler, job: str, entity: str) -> None:
    to.add(
        "rule_sources", job_id=job_id(job), rule_name="queue", scaler_type="azure-servicebus",
        source_type="microsoft.servicebus/namespaces", host="sb-orders.servicebus.windows.net", entity_kind="queue",
        entity=entity, found_by="namespace",
    )  # fmt: skip
    for number, (relation, resource, via, resolved) in enumerate(
        (
            ("environment", ENVIRONMENT, job_id(job), True),
            ("event_source", NAMESPACE, job_id(job), True),
            ("entity", f"{NAMESPACE}/queues/{entity}", NAMESPACE, True),
            ("identity", job_id(job), job_id(job), True),
            ("reaches", RG, job_id(job), True),
            ("vault", VAULT, job_id(job), True),
            ("registry", "acr.azurecr.io", job_id(job), False),
            ("subnet", f"{RG}/providers/Microsoft.Network/virtualNetworks/v/subnets/s", ENVIRONMENT, True),
        )
    ):
        to.add(
            "dependencies", job_id=job_id(job), resource_id=resource, resource_type="t", relation=relation, via=via,
            found_by=f"way {number}", resolved=resolved,
            detail="Reader" if relation == "reaches" else None if resolved else "no registry that can be seen",
        )  # fmt: skip


def _metrics(to: Filler, entity: str, backlog: tuple[datetime, datetime] | None = None) -> None:
    for hour in range(0, 720, 2):
        at = SINCE + timedelta(hours=hour)
        value = max(0.0, 12 * math.sin(hour / 7))
        if backlog and backlog[0] <= at < backlog[1]:
            value += 180
        if 300 <= hour < 330:
            continue  # Azure kept nothing
        for metric, told in (("ActiveMessages", value), ("DeadletteredMessages", 40.0 if value > 100 else 0.0)):
            to.add(
                "metrics", resource_id=NAMESPACE, metric=metric, dimension=entity, aggregation="Maximum", unit="Count",
                at=at, interval_s=3600.0, value=told,
            )  # fmt: skip
    to.add(
        "metrics", resource_id=NAMESPACE, metric="CompleteMessage", dimension=entity, aggregation="Total",
        unit="Count", at=SINCE, interval_s=3600.0, value=900.0,
    )  # fmt: skip


def _costs(to: Filler, job: str, basis: str) -> None:
    for day in range(30):
        for part, amount in (("succeeded", "1.20"), ("failed", "3.10" if day == 23 else "0.05"), ("logs", "0.11")):
            to.add(
                "job_costs", job_id=job_id(job), day=(SINCE + timedelta(days=day)).date(), amount=Decimal(amount),
                currency="EUR", basis=basis, part=part, final=day < 25, collected_at=NOW, executions=3,
                note="log ingestion by size" if part == "logs"
                else "estimate: running time x requested vCPU" if basis == "estimate" else None,
            )  # fmt: skip
    for month, before, whole in ((9, None, True), (10, Decimal("10.00"), True), (11, Decimal("12.50"), False)):
        begins = datetime(2026, month, 1, tzinfo=UTC)
        to.add(
            "job_cost_months", job_id=job_id(job), month=begins.date(), basis=basis,
            currency="EUR", amount=Decimal("12.50"), failed_amount=None if month == 9 else Decimal(2),
            idle_amount=Decimal(0), final=month == 10 and basis != "estimate", collected_at=NOW, since=begins,
            until=datetime(2026, month + 1, 1, tzinfo=UTC) if whole else NOW, whole=whole, executions=30, succeeded=28,
            cost_per_succeeded=None if month == 9 else Decimal("0.4464"),
            previous_amount=before, previous_is_last_month=before is not None,
        )  # fmt: skip
    to.add(
        "cost_beside", job_id=job_id(job), resource_id=NAMESPACE, relation="event_source",
        day=SINCE.date(), amount=Decimal("310.00"), currency="EUR", basis="actual", shared_by=2,
    )  # fmt: skip


def _calm(to: Filler) -> None:
    to.add("inventory", resource_id=NAMESPACE, name="sb-orders", type="Microsoft.ServiceBus/namespaces",
           host="sb-orders.servicebus.windows.net")  # fmt: skip
    to.add("event_sources", resource_id=NAMESPACE, source_type="microsoft.servicebus/namespaces", name="sb-orders",
           location="westeurope", sku="Premium", local_auth_disabled=False, public_access="Enabled",
           default_action="Allow", ip_rules=[], vnet_rules=[], private_endpoints=[], min_tls="1.2")  # fmt: skip
    to.add("event_source_policies", policy_id="p", resource_id=NAMESPACE, name="RootManageSharedAccessKey",
           rights=["Manage", "Send", "Listen"], can_manage=True)  # fmt: skip
    to.add("key_vaults", vault_id=VAULT, name="kv", host="kv.vault.azure.net", rbac=True, public_access="Disabled",
           ip_rules=[], private_endpoints=["x"], purge_protection=False, soft_delete_days=90)  # fmt: skip
    _watch(to, "good", "good")
    to.add("event_source_entities", entity_id=f"{NAMESPACE}/queues/good", resource_id=NAMESPACE, entity_kind="queue",
           name="good", status="Active", lock_duration_s=30, max_delivery_count=10, dead_letter_on_expiration=False,
           active_messages=3, dead_letters=0)  # fmt: skip
    _metrics(to, "good")
    for day in range(30):
        for hour in (3, 9, 17)[: 2 + day % 2]:
            at = SINCE + timedelta(days=day, hours=hour)
            name = execution(to, "good", at, took=180.0 + 13 * (day % 9) + hour)
            for later in (0.0, 60.0) if day < 3 else ():
                to.add("execution_logs", workspace="w", environment_id=ENVIRONMENT, job_name="good",
                       execution_name=name, at=at + timedelta(seconds=4.5 + day + later), reason="ContainerStarted",
                       type="Normal", message="Started container 'main'")  # fmt: skip
    _costs(to, "good", "actual")
    to.add(
        "job_costs", job_id=job_id("good"), day=(SINCE + timedelta(days=29)).date(), amount=Decimal("0.77"),
        currency="USD", basis="estimate", part="logs", final=False, collected_at=NOW, note="estimate of log ingestion",
    )  # fmt: skip
    to.add("alerts", alert_id="a", kind="metric", name="backlog", enabled=True, severity=2, scopes=[NAMESPACE],
           target_type="Microsoft.ServiceBus/namespaces", condition_text="ActiveMessages above 100",
           action_group_ids=[base.GROUP], frequency_s=300, window_s=900)  # fmt: skip
    to.add("execution_logs", workspace="w", environment_id=ENVIRONMENT, job_name="good", execution_name="x", at=NOW,
           reason="PulledImage", type="Normal", message="pulled", image="acr.azurecr.io/app:1", pull_seconds=3.2,
           image_size_bytes=123_456_789)  # fmt: skip
    to.add("statements", job_id=job_id("good"), topic="expected_behaviour", text="Runs by day, never by night",
           stated_by="ada@example.com", stated_on=NOW.date(), source="jobs.toml")  # fmt: skip
    to.add("scaler_facts", job_id=job_id("good"), rule_name="queue", scaler_type="azure-servicebus", support="verify",
           support_source="KEDA's schema", verified_by="ada@example.com", verified_on=NOW.date(), verified_for="2.15",
           verified_source="jobs.toml", threshold_key="messageCount", threshold=5, threshold_origin="scaler default",
           polling_interval_s=30, polling_origin="platform default", unknown_keys=["queuename"],
           near_keys={"queuename": "queueName"}, deprecated_keys={"metricName": "ignored since 2.12"},
           missing_keys=["namespace"], plain_secret_keys=["connection"], maybe_missing_keys=[],
           unfit_values={})  # fmt: skip
    to.add("fit", job_id=job_id("good"), signal="running_share", value=0.02, detail="ran in 75 stretches")
    to.add("continuity", kind="executions", scope=job_id("good"), **{"from": SINCE, "to": NOW}, state="continuous",
           detail="joins the run before")  # fmt: skip


def _loop(to: Filler) -> None:
    _watch(to, "secretive", "q")
    _metrics(to, "q", (LOOP, LOOP + timedelta(hours=9)))
    _costs(to, "secretive", "estimate")
    for day in range(24):
        execution(to, "secretive", SINCE + timedelta(days=day, hours=5))
    for number in range(40):
        at = LOOP + timedelta(minutes=4.5 * number)
        name = execution(to, "secretive", at, "Failed", code=137, took=35.0, reason="OOMKilled")
        to.add("execution_logs", workspace="w", environment_id=ENVIRONMENT, job_name="secretive", execution_name=name,
               at=at + timedelta(seconds=34), reason="ContainerTerminated", type="Warning", exit_code=137,
               message="Container 'main' was terminated with exit code 137", count=1)  # fmt: skip
    for prop, before, after in (("maxExecutions", "10", "50"), ("containers[0].image", "app:1", "app:2")):
        to.add("changes", change_id="c1", job_id=job_id("secretive"), resource_id=job_id("secretive"), relation="job",
               kind="configuration", operation="Microsoft.App/jobs/write", property=prop, before=before, after=after,
               before_after="known", changed_by=base.ADA, at=LOOP - timedelta(minutes=50), status="Succeeded",
               source="activity_log", correlation_id="k", events=2, client="Azure Portal")  # fmt: skip
    to.add("changes", change_id="c2", job_id=job_id("secretive"), resource_id=f"{NAMESPACE}/networkRuleSets/default",
           relation="event_source", kind="network", operation="Microsoft.ServiceBus/namespaces/networkRuleSets/write",
           before_after="unknown", changed_by="x", changed_by_name="pipeline", at=LOOP - timedelta(minutes=46),
           status="Succeeded", source="activity_log")  # fmt: skip
    to.add("changes", change_id="c3", job_id=job_id("secretive"), resource_id=job_id("secretive"), relation="job",
           kind="secret_read", operation="Microsoft.App/jobs/listSecrets/action", changed_by=base.GHOST,
           at=LOOP + timedelta(hours=2), status="Succeeded", source="activity_log")  # fmt: skip
    to.add("change_tickets", change_id="c1", job_id=job_id("secretive"), relation="job", state="matched",
           ticket="CHG-7", why="CHG-7 names it", approvers="Ada", approved_at=LOOP, approved_before=False,
           approved_by_implementer=True, emergency=False, ticket_source="t.csv: row 2", ticket_row="t7")  # fmt: skip
    to.add("change_tickets", change_id="c2", job_id=job_id("secretive"), relation="event_source", state="unmatched",
           why="no ticket names what was changed", undecided=False)  # fmt: skip
    to.add("change_tickets", change_id="c3", job_id=job_id("secretive"), relation="job", state="not_expected",
           why="it sets nothing")  # fmt: skip
    to.add("approved_changes", ticket="CHG-7", subject_kind="job", subject="secretive", source="t.csv: row 2")
    to.add("fired_alerts", fired_id="f1", rule_id="a", name="backlog", target_resource_id=NAMESPACE,
           signal_type="Metric", condition="Resolved", state="Closed", fired_at=LOOP + timedelta(minutes=20),
           resolved_at=LOOP + timedelta(hours=10))  # fmt: skip


def _hostile(to: Filler) -> None:
    for key, words in HOSTILE.items():
        execution(to, "hostile", NOW - timedelta(days=1), words, reason=words, code=1)
        execution(to, "hostile", NOW - timedelta(hours=20), "Failed", reason=words, code=1)
        to.add("execution_logs", workspace="w", environment_id=ENVIRONMENT, job_name="hostile", execution_name="e",
               at=NOW - timedelta(hours=19), reason=words, type="Warning", message=words, image=words,
               pull_seconds=1.0)  # fmt: skip
        to.add("changes", change_id=f"h{key}", job_id=job_id("hostile"), resource_id=f"{A}/x/{words}", relation=words,
               kind="configuration", operation=words, property=words, before=words, after=MARKUP,
               before_after="known", changed_by=words, changed_by_name=words, changed_by_type=words, client=words,
               at=NOW - timedelta(hours=30), status=words, source=words)  # fmt: skip
        to.add("change_tickets", change_id=f"h{key}", job_id=job_id("hostile"), relation=words, state="matched",
               ticket=words, why=words, approvers=words, approved_at=NOW, emergency=True, reviewed_at=NOW,
               reviewed_by=words, approved_before=True, ticket_source=words, ticket_row=f"u{key}")  # fmt: skip
        to.add("change_tickets", job_id=job_id("hostile"), state="unused", ticket=words, ticket_subject=words,
               why=words, implementers=words, planned_from=NOW, planned_until=NOW, ticket_source=words,
               ticket_row=f"v{key}")  # fmt: skip
        to.add("approved_changes", ticket=words, subject_kind="job", subject=words, source=words)
        to.add("dependencies", job_id=job_id("hostile"), resource_id=words, resource_type=words, relation=words,
               via=job_id("hostile"), found_by=words, resolved=False, detail=words)  # fmt: skip
        to.add("statements", job_id=job_id("hostile"), topic=words, text=words, stated_by=words, detail={words: words},
               source=words)  # fmt: skip
        to.add("alerts", alert_id=words, kind=words, name=words, enabled=True, scopes=[job_id("hostile")],
               condition_text=words, action_group_ids=[words])  # fmt: skip
        to.add("fired_alerts", fired_id=words, name=words, target_resource_id=job_id("hostile"), condition=words,
               state=words, description=words, fired_at=NOW - timedelta(hours=25))  # fmt: skip
        to.add("job_costs", job_id=job_id("hostile"), day=NOW.date(), amount=Decimal("1.5"), currency=SCRIPT,
               basis="actual", part=words, final=False, collected_at=NOW, note=words)  # fmt: skip
        to.add("continuity", kind=words, scope=job_id("hostile"), state=words, detail=words)
        to.add("fit", job_id=job_id("hostile"), signal=words, value=1.0, detail=words)
        to.add("rule_sources", job_id=job_id("hostile"), rule_name=words, scaler_type="kafka", source_type="external",
               host=words, entity_kind=words, entity=words, unresolved=words)  # fmt: skip
        to.add("attachments", job_id=job_id("hostile"), name=words, path=words, sha256=words, bytes=1)
