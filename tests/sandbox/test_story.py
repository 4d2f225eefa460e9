"""What the story tells: the faults that are planted, and what an auditor finds of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from estate_reading import NOW, events, holders, job, jobs, made, rules

from audit.model import ids
from audit.sandbox.estate import planted_secrets


@pytest.fixture(scope="module")
def story():
    return made()


def test_the_story_has_its_size(story):
    assert len(story.subscriptions) == 2
    assert Counter(each["type"] for each in story.resources.values())["Microsoft.App/managedEnvironments"] == 3
    assert len(jobs(story, "Event")) == 12
    assert len(jobs(story, "Schedule")) == len(jobs(story, "Manual")) == 2
    scalers = {rule["type"] for body in jobs(story, "Event") for rule in rules(body)}
    assert scalers == {
        "azure-servicebus", "azure-queue", "azure-eventhub", "azure-blob", "kafka", "rabbitmq", "github-runner",
    }  # fmt: skip
    assert 40 <= len(story.role_assignments) <= 80
    assert 250 <= sum(map(len, story.activity.values())) <= 400


def test_the_good_job_has_no_fault(story):
    body = job(story, "orders-fulfil")
    (rule,) = rules(body)
    (container,) = body["properties"]["template"]["containers"]
    assert rule["identity"] in body["identity"]["userAssignedIdentities"]
    assert rule["auth"] is None
    assert "@sha256:" in container["image"]
    assert body["properties"]["configuration"]["secrets"] is None
    assert all(body["tags"][key] for key in ("owner", "environment", "cost-centre", "runbook"))


def test_the_story_plants_faults_of_configuration(story):
    catalogue, customs, feed = (job(story, f"imports-{name}") for name in ("catalogue", "customs", "supplier-feed"))
    assert "AccountKey=" in rules(catalogue)[0]["metadata"]["connection"]
    assert len({tuple(each["identity"]["userAssignedIdentities"]) for each in (catalogue, customs, feed)}) == 1
    assert customs["properties"]["template"]["containers"][0]["image"].endswith(":latest")
    assert customs["properties"]["configuration"]["eventTriggerConfig"]["scale"]["minExecutions"] == 1
    assert feed["properties"]["template"]["containers"][0]["image"].startswith("docker.io/")
    assert any("&sig=" in text for text in feed["properties"]["template"]["containers"][0]["args"])
    mail = {
        env["name"]: env["value"]
        for env in job(story, "notifications-mail")["properties"]["template"]["containers"][0]["env"]
    }
    assert mail["SMTP_PASSWORD"] in planted_secrets(story)
    dunning = job(story, "billing-dunning")
    assert dunning["identity"] == {"type": "None"}
    assert dunning["properties"]["configuration"]["registries"][0]["passwordSecretRef"] == "registry-password"
    vaults = {
        secret["keyVaultUrl"].split("/")[2].partition(".")[0]
        for body in jobs(story)
        for secret in body["properties"]["configuration"]["secrets"] or ()
        if "keyVaultUrl" in secret
    }
    assert vaults - {"kv-norvane-prod", "kv-norvane-shared"} == {"kv-team-sandbox"}
    ingest = job(story, "telemetry-ingest")["properties"]["configuration"]["eventTriggerConfig"]["scale"]
    assert ingest["maxExecutions"] == 1000
    returns = job(story, "orders-returns")["properties"]["configuration"]["eventTriggerConfig"]["scale"]
    assert returns["pollingInterval"] is None
    destinations = {
        body["properties"]["appLogsConfiguration"]["destination"]
        for body in story.resources.values()
        if body["type"] == "Microsoft.App/managedEnvironments"
    }
    assert destinations == {"log-analytics", "azure-monitor", "none"}


def test_owners_are_own_inherited_empty_and_missing(story):
    groups = {ids.key(body["id"]): body for body in story.resource_groups}

    def owner(name):
        body = job(story, name)
        own = {key.lower(): value for key, value in body["tags"].items()}
        above = groups[ids.key(body["id"].partition("/providers/")[0])].get("tags") or {}
        return own.get("owner"), above.get("owner")

    assert owner("orders-fulfil")[0]
    assert owner("imports-catalogue") == (None, "imports@norvane.example")
    assert owner("notifications-mail") == (None, None)
    assert owner("github-runner")[0]
    assert job(story, "billing-invoices")["tags"]["cost-centre"] == ""


def test_the_story_plants_faults_of_access(story):
    people = {body["displayName"]: guid for guid, body in story.directory.items()}
    production = f"/subscriptions/{story.subscriptions[0]['subscriptionId']}"
    assert people["Petra Okafor"] in holders(story, "Owner", production)
    assert people["Oskar Brandt"] in holders(story, "Owner", production)
    assert story.directory[people["Oskar Brandt"]]["accountEnabled"] is False
    guest = people["Dana Whitlock (Brightpath)"]
    assert story.directory[guest]["userType"] == "Guest"
    assert guest in holders(story, "Contributor")
    assert holders(story, "User Access Administrator", "/")
    assert [each for each in holders(story, "Contributor") if each not in story.directory]
    assert holders(story, "Container Apps Jobs Operator", job(story, "orders-fulfil")["id"])
    assert holders(story, "Norvane Job Releaser", production)
    assert any(each["properties"]["condition"] for each in story.role_assignments)
    kinds = {each["properties"]["principalType"] for each in story.role_assignments}
    assert kinds == {"User", "Group", "ServicePrincipal"}
    depths = {
        each["properties"]["scope"].lower().split("/providers/")[-1].split("/")[0] for each in story.role_assignments
    }
    assert {
        "microsoft.management", "microsoft.app", "microsoft.managedidentity", "microsoft.containerregistry",
    } <= depths  # fmt: skip


def test_a_deleted_job_is_known_to_the_activity_log_alone(story):
    (gone,) = {event["resourceId"] for event in events(story, operationName="Microsoft.App/jobs/delete")}
    assert ids.name_of(gone) == "orders-backfill"
    assert gone.lower().replace("/resourcegroups/", "/resourceGroups/").lower() not in story.resources
    deleted = events(story, operationName="Microsoft.App/jobs/delete", status="Succeeded")[0]["eventTimestamp"]
    assert deleted > (NOW - timedelta(days=30)).isoformat()


def test_the_log_holds_what_an_auditor_looks_for(story):
    for operation in (
        "Microsoft.App/jobs/start/action",
        "Microsoft.App/jobs/stop/action",
        "Microsoft.App/jobs/listSecrets/action",
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleAssignments/delete",
        "Microsoft.Insights/diagnosticSettings/delete",
        "Microsoft.Insights/diagnosticSettings/write",
        "Microsoft.Consumption/budgets/write",
    ):
        assert events(story, operationName=operation, status="Succeeded"), operation
    assert (
        events(story, operationName="Microsoft.App/jobs/write", status="Failed")[0]["subStatus"]["value"] == "Forbidden"
    )
    hours = {event["eventTimestamp"][11:13] for event in events(story, operationName="Microsoft.App/jobs/write")}
    assert hours & {"01", "02", "03"}
    own = [event for event in events(story) if event["resourceProviderName"]["value"].lower() == "microsoft.app"]
    assert len(own) < len(events(story)) * 0.7


def test_budgets_tell_someone_nobody_or_the_gone(story):
    told = {}
    for scope, (budget,) in story.budgets.items():
        told[ids.name_of(scope)] = budget["properties"]
    assert told["rg-billing-prod"]["notifications"]["actual_GreaterThan_100_Percent"]["contactEmails"] == []
    assert told["rg-telemetry-prod"]["filter"]["tags"]["name"] == "cost-centre"
    assert "rg-notifications-prod" not in told
    shared = story.subscriptions[1]["subscriptionId"]
    (notification,) = told[shared]["notifications"].values()
    (dead,) = [group for group in story.action_groups[shared] if group["id"] in notification["contactGroups"]]
    assert {receiver["status"] for receiver in dead["properties"]["emailReceivers"]} == {"Disabled"}
    assert f"/subscriptions/{shared}" not in story.diagnostic_settings


def test_hostile_text_stands_in_harmless_places(story):
    assert any(value.startswith("=HYPERLINK(") for body in jobs(story) for value in body.get("tags", {}).values())
    assert any("\x1b[" in value for body in jobs(story) for value in body.get("tags", {}).values())
    names = [body["displayName"] for body in story.directory.values()]
    assert any("<script>" in name for name in names)
    assert any("\u202e" in name for name in names)
    assert max(len(each["properties"]["description"] or "") for each in story.role_assignments) > 2000
