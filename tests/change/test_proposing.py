"""What a file makes of a job: merged, redacted under the run's key, and refused where nobody can tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from proposed_estate import Estate, opened, propose, write

from audit.change import proposal, proposing
from audit.errors import ConfigError, StoreError, UsageError
from audit.store import Redactor, Store

SECRET = "Zx9-hush-4711-tell-nobody-Q7"


def settings(proposed: proposing.Proposal) -> Any:
    return proposed.definition["properties"]["configuration"]


def test_a_part_is_merged_and_a_list_replaced(estate: Estate, tmp_path: Path) -> None:
    job = estate.job("orders-fulfil")
    part = {
        "name": "ORDERS-fulfil",
        "tags": {"reviewed": "yes"},
        "properties": {
            "configuration": {"replicaTimeout": 77, "registries": []},
            "template": {"containers": [{"name": "fulfil", "image": "norvane.azurecr.io/orders/fulfil:9"}]},
        },
    }
    (made,) = propose(estate, write(tmp_path, part))
    assert (made.what, made.job_id, made.name) == ("update", job["id"], job["name"])
    assert made.definition["tags"] == {**job["tags"], "reviewed": "yes"}
    assert settings(made)["replicaTimeout"] == 77
    assert settings(made)["registries"] == []
    assert settings(made)["eventTriggerConfig"] == job["properties"]["configuration"]["eventTriggerConfig"]
    assert made.definition["properties"]["template"]["containers"] == part["properties"]["template"]["containers"]
    assert made.raw_ref.startswith("raw/jobs/")


def test_a_null_takes_away_only_where_the_cli_sends_it(estate: Estate, tmp_path: Path) -> None:
    scale = {"scale": {"pollingInterval": None, "minExecutions": 0}}
    given = {"registries": None, "eventTriggerConfig": scale}
    (kept,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "configuration": given}))
    now = estate.job("orders-fulfil")["properties"]["configuration"]
    assert settings(kept)["registries"] == now["registries"]
    assert settings(kept)["eventTriggerConfig"]["scale"]["pollingInterval"] == 30
    (note,) = kept.notes
    assert "nothing is taken away at: properties.configuration.registries, " in note
    event = {**given, "triggerType": "Event"}
    (sent,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "configuration": event}))
    assert "pollingInterval" not in settings(sent)["eventTriggerConfig"]["scale"]
    assert settings(sent)["registries"] == now["registries"]


def test_a_template_replaces_what_it_does_not_name(estate: Estate, tmp_path: Path) -> None:
    job = estate.job("orders-fulfil")
    settled = {"triggerType": "Event", "replicaTimeout": 60, "eventTriggerConfig": {"scale": {"rules": []}}}
    containers = [{"name": "a", "image": "b"}]
    body = {
        "type": "Microsoft.App/jobs", "apiVersion": "2025-07-01", "name": job["name"], "location": "westeurope",
        "properties": {"environmentId": job["properties"]["environmentId"], "configuration": settled,
                       "template": {"containers": containers}},
    }  # fmt: skip
    path = tmp_path / "template.json"
    path.write_text(json.dumps({"resources": [body]}), encoding="utf-8")
    (made,) = propose(estate, path)
    assert settings(made) == settled
    assert "tags" not in made.definition
    assert "identity" not in made.definition
    assert made.definition["id"] == job["id"]


def test_secrets_are_hidden_as_the_run_hid_them(estate: Estate, tmp_path: Path) -> None:
    job = estate.job("notifications-mail")
    containers = job["properties"]["template"]["containers"]
    assert any("value" in each for each in containers[0]["env"])
    (same,) = propose(estate, write(tmp_path, {"id": job["id"], "template": {"containers": containers}}))
    with opened(estate.database) as con:
        stored = dict(
            con.execute(
                "select name, value from job_values where lower(job_id) = lower(?) and place = 'env'", [job["id"]]
            ).fetchall()
        )
    env = {
        each["name"]: each.get("value") for each in same.definition["properties"]["template"]["containers"][0]["env"]
    }
    assert {name: value for name, value in stored.items() if value and "[redacted:" in value}
    assert {name: env[name] for name, value in stored.items() if value} == {k: v for k, v in stored.items() if v}

    containers[0]["env"].append({"name": "API_PASSWORD", "value": SECRET})
    secrets = [{"name": "mail", "value": SECRET}]
    told = {"id": job["id"], "configuration": {"secrets": secrets}, "template": {"containers": containers}}
    (made,) = propose(estate, write(tmp_path, told))
    shown = repr(made) + msgspec.json.encode(made.definition).decode() + repr(made.records) + repr(made.patch)
    assert SECRET not in shown
    assert made.patch["properties"]["configuration"]["secrets"][0]["value"].startswith("[redacted:")
    assert any("never tells the value of a secret" in note and "mail" in note for note in made.notes)


def test_another_key_is_refused(estate: Estate, tmp_path: Path) -> None:
    path = write(tmp_path, {"name": "orders-fulfil"})
    with opened(estate.database) as con, pytest.raises(UsageError, match="redacted with another key"):
        proposing.propose(proposal.read(path), con, estate.stored, Redactor(b"x" * 32))
    other = tmp_path / "other.key"
    other.write_text("00" * 32)
    with pytest.raises(StoreError, match="redacted with another key"):
        Store(estate.output, key_file=other).redactor(estate.stored.run)


def test_a_job_that_is_not_there_has_to_be_whole(estate: Estate, tmp_path: Path) -> None:
    job = estate.job("orders-fulfil")
    new = job["id"].replace("orders-fulfil", "orders-new")
    with pytest.raises(ConfigError) as caught:
        propose(estate, write(tmp_path, {"id": new, "location": "westeurope"}))
    for place in ("environmentId", "triggerType", "replicaTimeout", "template.containers"):
        assert place in str(caught.value)
    whole = {**job, "id": new, "name": "orders-new"}
    (made,) = propose(estate, write(tmp_path, whole))
    assert (made.what, made.raw_ref) == ("create", "run.json")
    whole["properties"]["configuration"]["triggerType"] = "Manual"
    with pytest.raises(ConfigError, match="no event starts"):
        propose(estate, write(tmp_path, whole))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"name": "nobody-knows"}, "the run knows no job called"),
        (
            {"id": f"/subscriptions/{'0' * 8}/resourceGroups/g/providers/Microsoft.App/jobs/x"},
            "no jobs were listed there",
        ),
    ],
)
def test_what_nobody_can_tell_is_refused(estate: Estate, tmp_path: Path, document: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        propose(estate, write(tmp_path, document))


def test_a_gap_in_the_list_of_jobs_leaves_open_whether_one_is_new(estate: Estate, tmp_path: Path) -> None:
    job = estate.job("orders-fulfil")
    path = write(tmp_path, {**job, "id": job["id"].replace("fulfil", "new"), "name": "orders-new"})
    with opened(estate.database) as con:
        con.execute("begin")
        con.execute("update coverage set outcome = 'gap', reason = 'forbidden' where kind = 'jobs'")
        with pytest.raises(UsageError, match=r"isn't known: the list of jobs there is a gap \(forbidden\)"):
            proposing.propose(proposal.read(path), con, estate.stored, estate.store.redactor(estate.stored.run))
        con.execute("rollback")


@pytest.mark.parametrize(
    ("change", "words", "place"),
    [
        ({"location": "northeurope"}, "Azure moves no job", "location"),
        ({"template": {"containers": [{"name": "x"}]}}, "would not be valid", "properties.template.containers"),
        (
            {"configuration": {"replicaTimeout": 10**30}},
            "would not be valid",
            "proposed.json",
        ),
    ],
)
def test_what_azure_would_refuse_is_refused(
    estate: Estate, tmp_path: Path, change: dict[str, Any], words: str, place: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        propose(estate, write(tmp_path, {"name": "orders-fulfil", **change}))
    assert words in str(caught.value)
    assert place in str(caught.value)
    (same,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "location": "westeurope"}))
    assert same.definition["location"] == "westeurope"


def test_a_run_without_its_raw_answers_cannot_tell(estate: Estate, tmp_path: Path) -> None:
    path = write(tmp_path, {"name": "orders-fulfil"})
    with opened(estate.database) as con:
        con.execute("begin")
        con.execute("update jobs set raw_ref = 'runs/run-0/' || raw_ref")
        restored = msgspec.structs.replace(estate.stored.run, restored_from="x.json")
        stored = _Restored(estate.stored, restored)
        with pytest.raises(UsageError, match="the raw answers of run run-1 are gone"):
            proposing.propose(proposal.read(path), con, stored, estate.store.redactor(restored))  # type: ignore[arg-type]
        con.execute("rollback")


class _Restored:
    """A run as history keeps it: no page."""

    def __init__(self, stored: Any, run: Any) -> None:
        self.run, self.path = run, stored.path

    def pages(self, *_: str) -> Any:
        return iter(())


def test_an_identity_that_the_cli_does_not_send_is_judged_and_noted(estate: Estate, tmp_path: Path) -> None:
    new = estate.job("imports-customs")["identity"]
    (made,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "identity": new}))
    assert len(made.definition["identity"]["userAssignedIdentities"]) == 2
    assert "sends of an identity the type alone" in made.notes[0]
    assert next(iter(new["userAssignedIdentities"])) in made.notes[0]
    (same,) = propose(
        estate, write(tmp_path, {"name": "orders-fulfil", "identity": estate.job("orders-fulfil")["identity"]})
    )
    assert not any("an identity" in note for note in same.notes)


def test_an_identity_that_the_type_rules_out_goes(estate: Estate, tmp_path: Path) -> None:
    (made,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "identity": {"type": "SystemAssigned"}}))
    assert made.definition["identity"] == {"type": "SystemAssigned"}
    (made,) = propose(estate, write(tmp_path, {"name": "orders-fulfil", "configuration": {"triggerType": "Manual"}}))
    assert "eventTriggerConfig" not in settings(made)
    assert "the proposed job is out of scope" in made.notes[-1]
