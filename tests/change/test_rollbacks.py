"""Rollback recipes of real runs: jobs are collected, changed in every way, and collected again."""

from __future__ import annotations

import asyncio
import copy
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from rollback_story import Body, Story, files, recipes, tabled, written_again

from audit.change import merge
from audit.change.rollback.definition import applicable
from audit.model import json_path
from audit.render.change_files import INCOMPLETE, REQUIRED_INPUT
from audit.sandbox.estate import planted_secrets
from tests.conftest import serving

DUNNING = "norvane.azurecr.io/billing/dunning:3.2"
MOVED = "sha256:" + "d" * 64
HOSTILE = {"no": "1e3", "a.b": "yes\nrefuse: no", "\u202eevil": "\x1b[31m", "[redacted:": "[redacted:0000000000000000]"}


class Told(NamedTuple):
    """What the recipes say: with an earlier run at hand, without one, and with a damaged one."""

    with_run: dict[str, Body]
    alone: dict[str, Body]
    damaged: dict[str, Body]
    written: dict[str, bytes]
    written_again: dict[str, bytes]
    was: dict[str, Body]
    now: dict[str, Body]
    since: datetime
    planted: tuple[str, ...]


def container(body: Body) -> Body:
    found: Body = body["properties"]["template"]["containers"][0]
    return found


def image(text: str) -> Callable[[Body], None]:
    return lambda body: container(body).update(image=text)


def timeout(seconds: int) -> Callable[[Body], None]:
    return lambda body: body["properties"]["configuration"].update(replicaTimeout=seconds)


def much(body: Body) -> None:
    """Add what a merge patch can't take away, and what it can."""
    settings, template = body["properties"]["configuration"], body["properties"]["template"]
    settings["eventTriggerConfig"]["scale"]["pollingInterval"] = 60
    settings["replicaTimeout"] = 77
    body["tags"]["cost.center"] = "9"
    template["initContainers"] = [{"name": "first", "image": "norvane.azurecr.io/tools/first:1"}]
    container(body)["env"].append({"name": "ADDED", "value": "x"})
    container(body)["resources"]["cpu"] = 2.0
    body["properties"]["workloadProfileName"] = "Dedicated"


def bare_profile(body: Body) -> None:
    del body["properties"]["workloadProfileName"]


def another_secret(body: Body) -> None:
    (rule,) = body["properties"]["configuration"]["eventTriggerConfig"]["scale"]["rules"]
    rule["metadata"] |= {"connection": rule["metadata"]["connection"].replace("AccountKey=", "AccountKey=Zm"), "n": "1"}


def another_identity(body: Body) -> None:
    group = body["id"].partition("/providers/")[0]
    body["identity"]["type"] = "SystemAssigned, UserAssigned"
    body["identity"]["userAssignedIdentities"] = {
        f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-other": {"clientId": "c"}
    }


def hostile(body: Body) -> None:
    body["tags"] = {**HOSTILE}
    container(body)["args"] = ["", *HOSTILE.values()]


def remade(body: Body) -> None:
    body["systemData"]["createdAt"] = datetime.now(UTC).isoformat()[:26]


async def _story(output: Path) -> Told:
    async with serving() as sandbox:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in sandbox.environment().items():
                patch.setenv(name, value)
            return await _told(Story(sandbox, output), output)


async def _told(story: Story, output: Path) -> Told:
    bare_profile(story.job("orders-returns"))
    hostile(story.job("imports-supplier-feed"))
    first = await story.collect("run-1")
    story.change("telemetry-ingest", timeout(300))
    since = datetime.now(UTC)
    was = {
        "orders-fulfil": story.change("orders-fulfil", image("norvane.azurecr.io/orders/fulfil:new"), seen=False),
        "orders-returns": story.change("orders-returns", much),
        "billing-dunning": story.change("billing-dunning", timeout(11)),
        "billing-invoices": copy.deepcopy(story.job("billing-invoices")),
        "imports-catalogue": story.change("imports-catalogue", another_secret),
        "imports-customs": story.change("imports-customs", another_identity),
        "imports-supplier-feed": story.change("imports-supplier-feed", timeout(12)),
        "search-indexer": story.change("search-indexer", timeout(13)),
        "notifications-mail": story.change("notifications-mail", timeout(14)),
        "telemetry-ingest": story.change("telemetry-ingest", timeout(15)),
        "telemetry-rollup": story.delete("telemetry-rollup"),
        "github-runner": story.change("github-runner", remade, seen=False),
    }
    story.change("search-indexer", image("norvane.azurecr.io/search/indexer:untold"), seen=False)
    timeout(99)(story.job("notifications-mail"))
    story.estate.tags_moved[DUNNING] = (MOVED, datetime.now(UTC))
    second = await story.collect("run-2")
    now = {name: copy.deepcopy(story.job(name)) for name in was if name != "telemetry-rollup"}
    with tabled(story, second) as con:
        with_run = recipes(con, second, output / "with", since=since, earlier=[first, second])
        alone = recipes(con, second, output / "alone", since=since, earlier=[])
        again = written_again(con, output / "alone")
        shutil.rmtree(first.path / "raw" / "jobs")
        damaged = recipes(con, second, output / "damaged", since=since, earlier=[first])
    written = files(output / "alone")
    return Told(with_run, alone, damaged, written, again, was, now, since, planted_secrets(story.estate))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return asyncio.run(_story(tmp_path_factory.mktemp("rollbacks")))


def expected(definition: Body, found: Body) -> Body:
    """Return an estate's job as its recipe has it: only what can be applied, null where an input is asked for."""
    kept = copy.deepcopy(applicable(definition))
    for each in found["required_inputs"]:
        way = json_path.steps(each["path"], kept)
        assert way is not None
        json_path.at(kept, way[:-1])[way[-1]] = None
    return kept


def filled(found: Body, definition: Body) -> Body:
    """Return the recipe with what stood at each required input."""
    given: Body = copy.deepcopy(found["definition"])
    for each in found["required_inputs"]:
        way = json_path.steps(each["path"], given)
        assert way is not None
        json_path.at(given, way[:-1])[way[-1]] = json_path.at(definition, way) or "given"
    return given


def test_what_an_earlier_run_read_is_the_recipe(told: Told) -> None:
    found = told.with_run["orders-fulfil"]
    assert (found["source"], found["source_run_id"], found["complete"]) == ("earlier run", "run-1", True)
    assert found["raw_ref"].startswith("runs/run-1/raw/jobs/")
    assert found["as_of"] < told.since
    assert found["because"] is None
    assert found["definition"] == expected(told.was["orders-fulfil"], found)
    assert "az containerapp job update --name orders-fulfil --resource-group rg-orders-prod " in found["text"]
    assert REQUIRED_INPUT in found["text"]


def test_without_an_earlier_run_a_write_that_is_not_told_leaves_no_recipe(told: Told) -> None:
    found = told.alone["orders-fulfil"]
    assert (found["source"], found["complete"], found["definition"], found["file"]) == (None, None, None, None)
    assert "is not told property by property" in found["because"]
    assert "no earlier run read the job before the change" in found["because"]


@pytest.mark.parametrize("name", ["orders-returns", "billing-dunning", "imports-catalogue", "imports-supplier-feed"])
def test_both_sources_give_what_was_there(told: Told, name: str) -> None:
    for rows, source in ((told.with_run, "earlier run"), (told.alone, "changes undone")):
        found = rows[name]
        assert (found["source"], found["complete"]) == (source, True), found["because"]
    assert told.alone[name]["definition"] == told.with_run[name]["definition"]


def test_a_job_that_nobody_wrote_is_what_it_is(told: Told) -> None:
    found = told.alone["billing-invoices"]
    assert (found["source"], found["complete"]) == ("changes undone", True), found["because"]
    assert found["definition"] == expected(told.was["billing-invoices"], found)
    assert all("the job has the same value now" in each["why"] for each in found["required_inputs"])


def test_what_the_change_added_is_taken_away_where_the_cli_can_and_else_told(told: Told) -> None:
    found = told.alone["orders-returns"]
    was, now = applicable(told.was["orders-returns"]), applicable(told.now["orders-returns"])
    assert found["definition"]["properties"]["template"]["initContainers"] == []
    scale = found["definition"]["properties"]["configuration"]["eventTriggerConfig"]["scale"]
    assert scale["pollingInterval"] is None
    assert "pollingInterval: null" in found["text"]
    by_hand = {each["path"]: each for each in found["by_hand"]}
    assert by_hand.keys() == {'tags["cost.center"]', "properties.workloadProfileName"}
    assert by_hand["properties.workloadProfileName"]["command"].endswith(
        """/orders-returns?api-version=2025-07-01' --body '{"properties": {"workloadProfileName": null}}'"""
    )
    applied = merge.updated(now, merge.sent(filled(found, was))[0])
    assert applied["tags"].pop("cost.center") == "9"
    assert applied["properties"].pop("workloadProfileName") == "Dedicated"
    assert applied["properties"]["template"].pop("initContainers") == []
    assert applied == was


def test_what_is_applied_by_the_cli_is_what_was_there(told: Told) -> None:
    for name in ("billing-invoices", "imports-catalogue", "orders-fulfil"):
        was, now = applicable(told.was[name]), applicable(told.now[name])
        found = told.with_run[name]
        assert found["by_hand"] == []
        assert merge.updated(now, merge.sent(filled(found, was))[0]) == was


def test_identities_are_told_with_the_commands_that_bring_them_back(told: Told) -> None:
    commands = [each["command"].partition("--subscription")[0] for each in told.alone["imports-customs"]["by_hand"]]
    target = "--name imports-customs --resource-group RG-Imports-Prod "
    assert sorted(commands) == [
        f"az containerapp job identity assign {target}",
        f"az containerapp job identity remove {target}",
        f"az containerapp job identity remove {target}",
    ]
    told_commands = " ".join(each["command"] for each in told.alone["imports-customs"]["by_hand"])
    assert "--system-assigned" in told_commands
    assert "/id-other" in told_commands
    assert "/id-imports-shared" in told_commands


def test_a_secret_that_the_job_keeps_itself_is_asked_for(told: Told) -> None:
    found = told.with_run["billing-dunning"]
    secrets = found["definition"]["properties"]["configuration"]["secrets"]
    assert [each["value"] for each in secrets] == [None, None]
    whys = [each["why"] for each in found["required_inputs"] if ".secrets[" in each["path"]]
    assert len(whys) == 2
    assert all("the container-app CLI sends the value that the job has now" in why for why in whys)


def test_another_hidden_value_is_not_said_to_be_the_same(told: Told) -> None:
    asked = {each["path"]: each["why"] for each in told.with_run["imports-catalogue"]["required_inputs"]}
    path = "properties.configuration.eventTriggerConfig.scale.rules[0].metadata.connection"
    assert "looks like a secret" in asked[path]
    assert "AccountName=stnorvaneimports;AccountKey=(hidden)" in asked[path]
    assert "the same value" not in asked[path]


def test_an_image_by_tag_is_what_the_tag_meant_then(told: Told) -> None:
    (found,) = told.with_run["billing-dunning"]["images"]
    assert found["image"] == DUNNING
    assert found["digest"].startswith("sha256:")
    assert found["digest"] != MOVED
    assert "as run run-1 was told on" in found["digest_known_from"]
    assert f"{DUNNING}, {found['digest']} by its registry" in told.with_run["billing-dunning"]["text"]
    (lost,) = told.alone["billing-dunning"]["images"]
    assert lost["digest"] is None
    assert lost["digest_known_from"].startswith("not known: a tag doesn't tell what it meant then")


def test_an_image_by_digest_tells_itself_and_a_tag_that_never_moved_too(told: Told) -> None:
    (pinned,) = told.alone["billing-invoices"]["images"]
    assert pinned["image"].endswith(pinned["digest"])
    assert pinned["digest_known_from"] == "the reference itself"
    (customs,) = told.alone["imports-customs"]["images"]
    assert customs["image"].endswith(":latest")
    assert customs["digest"].startswith("sha256:")
    assert "the tag was last moved on" in customs["digest_known_from"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("search-indexer", "is not told property by property"),
        ("notifications-mail", "properties.configuration.replicaTimeout, written on"),
    ],
)
def test_a_recipe_that_is_not_certain_refuses(told: Told, name: str, reason: str) -> None:
    found = told.alone[name]
    assert (found["source"], found["complete"]) == ("changes undone", False)
    assert reason in found["because"]
    assert found["text"].startswith(f"refuse: {INCOMPLETE} ")
    with pytest.raises(yaml.constructor.ConstructorError, match=INCOMPLETE):
        yaml.safe_load(found["text"])
    assert told.with_run[name]["complete"] is True


def test_a_write_after_the_reading_makes_the_undone_changes_the_surer_source(told: Told) -> None:
    found = told.with_run["telemetry-ingest"]
    assert (found["source"], found["complete"]) == ("changes undone", True), found["because"]
    assert found["definition"]["properties"]["configuration"]["replicaTimeout"] == 300


def test_a_deleted_job_is_made_again_as_an_earlier_run_read_it(told: Told) -> None:
    found = told.with_run["telemetry-rollup"]
    assert (found["source"], found["command"]) == ("earlier run", "create"), found["because"]
    assert found["because"].startswith("the Activity Log is not known from")  # not yet: all of this took a minute
    assert found["definition"] == expected(told.was["telemetry-rollup"], found)
    assert found["by_hand"] == []
    assert "The job is gone. To apply, in this folder:\n#   az containerapp job create --name" in found["text"]
    lost = told.alone["telemetry-rollup"]
    assert lost["definition"] is None
    assert lost["because"].startswith("the job is deleted, and no earlier run that is at hand read it before")
    assert told.with_run["orders-backfill"]["definition"] is None


def test_a_job_that_the_change_made_goes_back_to_none(told: Told) -> None:
    assert told.alone["github-runner"]["definition"] is None
    assert "deleting it goes back" in told.alone["github-runner"]["because"]
    assert told.with_run["github-runner"]["source"] == "earlier run"


def test_a_damaged_earlier_run_is_told_where_it_mattered(told: Told) -> None:
    found = told.damaged["orders-fulfil"]
    assert found["definition"] is None
    assert "run run-1 can't be used" in found["because"]
    assert told.damaged["orders-returns"]["complete"] is True
    assert told.damaged["orders-returns"]["because"] is None


def test_no_file_holds_a_redaction_mark_or_a_secret_and_all_are_yaml(told: Told) -> None:
    texts = [row["text"] for rows in (told.with_run, told.alone) for row in rows.values() if row["text"]]
    assert len(texts) > 20
    for text in texts:
        assert text.isascii()
        assert "[redacted:" not in text
        assert yaml.compose(text) is not None
        assert not [secret for secret in told.planted if secret in text]
    assert all("[redacted:" not in str(row["definition"]) for row in told.with_run.values())
    assert len(told.planted) > 10


def test_the_files_follow_from_the_table_of_the_pack_alone(told: Told) -> None:
    assert len(told.written) == len([row for row in told.alone.values() if row["file"]]) > 5
    assert told.written_again == told.written


def test_hostile_texts_are_texts(told: Told) -> None:
    found: dict[str, Any] = told.with_run["imports-supplier-feed"]
    asked = {each["path"]: each["why"] for each in found["required_inputs"]}
    plain = {name: value for name, value in HOSTILE.items() if "redacted" not in name}
    tags = found["definition"]["tags"]
    assert {name: tags[name] for name in plain} == plain
    assert [name for name in tags if name not in plain] == ["hidden name 1"]
    assert 'tags["hidden name 1"]' in asked
    assert found["definition"]["properties"]["template"]["containers"][0]["args"][0] == ""
    empty = [each["path"] for each in found["by_hand"] if "empty text" in each["why"]]
    assert empty == ["properties.template.containers[0].args[0]"]
