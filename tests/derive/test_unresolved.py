"""What a job names and the caller can't see, and what was never asked about, is a gap of that job: never an absence."""

from __future__ import annotations

import pytest
from run_tables import SUB, RunTables, container, job

from audit.derive import derive
from audit.evidence.environments import Environment
from audit.evidence.inventory import InventoryItem
from audit.evidence.jobs import JobSecret, RuleSource
from audit.model import GapReason

PLACE = f"/subscriptions/{SUB}/resourceGroups/rg-orders/providers"
AROUND = {"private_endpoints", "private_dns", "networks"}


def _vault(tables: RunTables, *names: str) -> None:
    for name in names:
        url = f"https://{name}.vault.azure.net/secrets/broker"
        owner = job(name)
        tables.add(owner, JobSecret(job_id=owner.job_id, name="broker", key_vault_url=url))


def _seen(tables: RunTables, name: str, *, kind: str = "microsoft.keyvault/vaults", host: str = "") -> None:
    tables.add(
        InventoryItem(
            resource_id=f"{PLACE}/{kind}/{name}", name=name, type=kind, subscription_id=SUB, resource_group="rg-orders",
            host=host or f"{name}.vault.azure.net",
        )
    )  # fmt: skip


def _gaps(tables: RunTables, name: str) -> dict[str, str]:
    con = tables.derived()
    rows = con.execute(
        "select kind, min(reason) from job_gaps where split_part(job_id, '/', 9) = ? and kind <> 'reconciliation' "
        "group by kind",
        [name],
    )
    return dict(rows.fetchall())


def test_a_vault_that_nobody_can_see_is_a_gap_of_the_job_that_names_it(tables: RunTables) -> None:
    _vault(tables, "seen", "hidden")
    _seen(tables, "Seen")
    assert _gaps(tables, "hidden") == dict.fromkeys({"key_vaults", *AROUND}, "partial_visibility")
    assert _gaps(tables, "seen") == {}
    con = tables.derived()
    told = con.execute("select kind, scope, reason from coverage where scope like 'hidden%' order by kind").fetchall()
    assert told == [(kind, "hidden.vault.azure.net", "partial_visibility") for kind in sorted({"key_vaults", *AROUND})]


def test_so_are_registries_sources_and_workspaces_but_not_what_isnt_azures(tables: RunTables) -> None:
    place = f"{PLACE}/Microsoft.App/managedEnvironments/cae"
    owner, other = job("orders", environment_id=place), job("public")
    tables.add(
        owner,
        other,
        container(owner, registry="Contoso.azurecr.io"),
        container(other, registry="docker.io"),
        Environment(
            environment_id=place, name="cae", subscription_id=SUB, resource_group="rg-orders", workspace_id="11-22",
            log_destination="log-analytics",
        ),
        RuleSource(
            job_id=owner.job_id, rule_name="queue", scaler_type="azure-servicebus", host="sb.servicebus.windows.net",
            source_type="microsoft.servicebus/namespaces", entity_kind="queue", entity="orders",
        ),
        RuleSource(
            job_id=other.job_id, rule_name="q", scaler_type="rabbitmq", host="mq.example", source_type="external",
            entity_kind="queue"
        ),
    )  # fmt: skip
    found = _gaps(tables, "orders")
    assert found.keys() == {"registries", "image_digests", "event_sources", "metrics", "workspaces", *AROUND}
    assert _gaps(tables, "public") == {}


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [
        ("inventory", {"event_sources", "key_vaults", "registries", "image_digests", "metrics", *AROUND}),
        ("jobs", {"executions", "role_definitions", "identities", "budgets", "deployments", "environments"}),
        ("role_assignments", {"role_definitions", "principals"}),
    ],
)
def test_what_was_never_asked_about_is_a_gap_of_the_jobs_it_would_have_been_asked_for(
    tables: RunTables, kind: str, lacking: set[str]
) -> None:
    _vault(tables, "orders")
    tables.gap(kind, "/" if kind == "inventory" else f"/subscriptions/{SUB}")
    assert lacking <= _gaps(tables, "orders").keys()


def test_a_gap_that_kept_its_rows_leaves_what_they_name_alone(tables: RunTables) -> None:
    _vault(tables, "orders")
    _seen(tables, "orders")
    tables.gap("inventory", "/", GapReason.PARTIAL_VISIBILITY)
    con = tables.store()
    con.execute("update coverage set rows = 3 where kind = 'inventory'")
    derive(con, tables.run)
    kinds = con.execute("select distinct kind from job_gaps where kind <> 'reconciliation'").fetchall()
    assert kinds == [("inventory",)]


def test_deriving_twice_lists_it_once(tables: RunTables) -> None:
    _vault(tables, "hidden")
    con = tables.derived()
    before = con.execute("select count(*) from coverage").fetchone()
    derive(con, tables.run)
    assert con.execute("select count(*) from coverage").fetchone() == before
