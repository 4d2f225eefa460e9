"""A proposal held against the controls: as good as the job is, better, worse, and resting on what was never read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proposed_estate import Estate, held, opened, write

from audit.change import happened, merge, proposal, proposing
from audit.change.current import current
from audit.change.proposed import proposed
from audit.change.unread import WORDS
from audit.evidence.jobs import KIND
from audit.model import Page, Scope
from audit.store import Redactor
from tests.conftest import NOW

SECRET = "Zx9-hush-4711-tell-nobody-Q7"
_SAID = (
    "select lower(job_id), {columns} from {table} where lower(job_id) in (select lower(job_id) from change_proposals)"
)


def rows(con: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[Any]:
    return con.execute(_SAID.format(columns=columns, table=table) + " order by all").fetchall()


def verdicts(con: duckdb.DuckDBPyConnection, control: str, job: str) -> list[tuple[str, str, str]]:
    sql = "select subject, verdict, reason from proposed_verdicts where control_id = ? and job_id like ? order by all"
    return con.execute(sql, [control, f"%/{job}"]).fetchall()


def unread(con: duckdb.DuckDBPyConnection, job: str) -> dict[str, str]:
    (told,) = con.execute("select unread from change_proposals where job_id like ?", [f"%/{job}"]).fetchall()
    return dict(json.loads(told[0]))


def test_what_is_set_already_changes_nothing(estate: Estate, tmp_path: Path) -> None:
    with opened(held(estate, tmp_path, *estate.jobs())) as con:
        assert len(rows(con, "change_proposals", "what")) == len(estate.jobs())
        assert {(what, told) for _, what, told in rows(con, "change_proposals", "what, unread")} == {("update", "[]")}
        columns = "property, value, hidden_under, observed_at, raw_ref"
        assert rows(con, "proposed_configuration", columns) == rows(con, "job_configuration", columns)
        assert rows(con, "proposed_configuration", columns)
        said = "control_id, subject, verdict, reason, waived"
        now, then = (set(rows(con, table, said)) for table in ("verdicts", "proposed_verdicts"))
        assert {row for row in then if row[-2] != happened.WORDS} <= now
        about = {row[1] for row in then if row[-2] == happened.WORDS}
        assert about == {"JA-20", "JA-21", "JA-22"}
        ours = {row for row in then if row[1] == "JA-20"}
        assert {row[2] for row in ours if row[-2] != happened.WORDS} == {"replica timeout", "retry limit"}


@pytest.fixture(scope="module")
def changed(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Several jobs changed at once: the folder of it all, and the database."""
    better, worse, elsewhere, shared, new = (
        estate.job(name)
        for name in ("billing-dunning", "orders-fulfil", "telemetry-ingest", "orders-returns", "orders-fulfil")
    )
    for each in better["properties"]["template"]["containers"]:
        each["image"] = f"norvane.azurecr.io/billing/dunning@sha256:{'a' * 64}"
    worse["properties"]["environmentId"] = worse["properties"]["environmentId"].replace("cae-prod-weu", "cae-new")
    worse["properties"]["configuration"]["secrets"] = [{"name": "kept", "value": SECRET}]
    worse["properties"]["template"]["containers"][0]["image"] = "norvane.azurecr.io/orders/fulfil:next"
    worse["properties"]["template"]["containers"][0]["env"].append({"name": "API_PASSWORD", "value": SECRET})
    scale = elsewhere["properties"]["configuration"]["eventTriggerConfig"]["scale"]
    scale["rules"][0]["metadata"]["eventHubName"] = "never-heard-of"
    theirs = estate.job("orders-fulfil")["identity"]["userAssignedIdentities"]
    unknown = next(iter(theirs)).replace("id-orders-fulfil", "id-unknown")
    shared["identity"]["userAssignedIdentities"] |= {key: {} for key in (*theirs, unknown)}
    new["id"], new["name"] = new["id"].replace("orders-fulfil", "orders-new"), "orders-new"
    folder = tmp_path_factory.mktemp("changed")
    return folder, held(estate, folder, better, worse, elsewhere, shared, new)


def test_better_passes_and_worse_fails(changed: tuple[Path, Path]) -> None:
    with opened(changed[1]) as con:
        now = "select distinct verdict from verdicts where control_id = 'JA-16' and job_id like ?"
        assert con.execute(now, ["%/billing-dunning"]).fetchall() == [("fail",)]
        assert {verdict for _, verdict, _ in verdicts(con, "JA-16", "billing-dunning")} == {"pass"}
        assert con.execute(now, ["%/orders-fulfil"]).fetchall() == [("pass",)]
        assert {verdict for _, verdict, _ in verdicts(con, "JA-16", "orders-fulfil")} == {"fail"}
        ((subject, verdict, _),) = verdicts(con, "JA-12", "orders-fulfil")
        assert (subject, verdict) == ("kept", "fail")
        assert ("fail" in {verdict for _, verdict, _ in verdicts(con, "JA-13", "orders-fulfil")}) is True


def test_what_the_run_did_not_read_lets_nothing_pass(changed: tuple[Path, Path]) -> None:
    with opened(changed[1]) as con:
        told = verdicts(con, "JA-33", "orders-fulfil")
        assert {verdict for _, verdict, _ in told} == {"not_assessed"}
        assert all(WORDS in reason for _, _, reason in told)
        assert "/cae-new" in unread(con, "orders-fulfil")["environments"]
        assert unread(con, "orders-fulfil")["image_digests"].endswith("norvane.azurecr.io/orders/fulfil:next")
        assert unread(con, "telemetry-ingest")["event_sources"].endswith("eventhub/never-heard-of")
        assert unread(con, "orders-returns") == {"identities": unread(con, "orders-returns")["identities"]}
        assert "id-unknown" in unread(con, "orders-returns")["identities"]
        assert unread(con, "billing-dunning").keys() == {"image_digests"}
        shared = {verdict for _, verdict, _ in verdicts(con, "JA-14", "orders-returns")}
        assert shared == {"not_assessed"}, "one of its identities was never read"


def test_a_new_job_is_judged_like_any_other(changed: tuple[Path, Path]) -> None:
    with opened(changed[1]) as con:
        assert con.execute("select what from change_proposals where job_id like '%/orders-new'").fetchall() == [
            ("create",)
        ]
        assert {verdict for _, verdict, _ in verdicts(con, "JA-16", "orders-new")} == {"pass"}
        assert {verdict for _, verdict, _ in verdicts(con, "JA-33", "orders-new")} == {
            verdict
            for (verdict,) in con.execute(
                "select verdict from verdicts where control_id = 'JA-33' and job_id like '%/orders-fulfil'"
            ).fetchall()
        }
        assert con.execute("select count(*) from jobs where name = 'orders-new'").fetchall() == [(0,)]


def test_no_secret_of_the_file_is_anywhere(changed: tuple[Path, Path], tmp_path: Path) -> None:
    folder, database = changed
    assert SECRET in (folder / "proposed.json").read_text()
    with opened(database) as con:
        con.execute(f"export database '{tmp_path}' (format csv)")
        (definition,) = con.execute(
            "select definition from change_proposals where job_id like '%/orders-fulfil'"
        ).fetchall()
    assert definition[0].count("[redacted:") >= 2
    for path in [*tmp_path.iterdir(), database, folder / "scratch.duckdb"]:
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_without_a_proposal_the_tables_are_empty(estate: Estate, tmp_path: Path) -> None:
    database = tmp_path / "run.duckdb"
    shutil.copyfile(estate.database, database)
    proposed(database, tmp_path / "scratch.duckdb", estate.run, [], [])
    with opened(database) as con:
        for table in ("change_proposals", "proposed_configuration", "proposed_verdicts"):
            assert con.execute(f"select count(*) from {table}").fetchall() == [(0,)]
    assert not (tmp_path / "scratch.duckdb").exists(), "nothing is derived for nothing"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_part_of_what_is_set_changes_nothing(estate: Estate, data: st.DataObject) -> None:
    redactor = estate.store.redactor(estate.run)
    job = data.draw(st.sampled_from(estate.jobs()))
    part = _part(data, {key: value for key, value in job.items() if key in ("tags", "identity", "properties")})
    with opened(estate.database) as con:
        now = current(con, estate.stored, [job["id"]])[job["id"].lower()]
    path = write(estate.output / "parts", {"id": job["id"], **part})
    (asked,) = proposal.read(path)
    patch = proposing._redacted(merge.sent(asked.members)[0], now.page, redactor)
    definition = merge.updated(proposing._DECODER.decode(now.item), patch)
    made = list(KIND.normalise(proposing._ENCODER.encode(definition), now.page))
    assert made == list(KIND.normalise(now.item, now.page))


def _part(data: st.DataObject, members: dict[str, Any]) -> dict[str, Any]:
    chosen = {key: value for key, value in members.items() if data.draw(st.booleans(), label=key)}
    return {key: _part(data, value) if isinstance(value, dict) else value for key, value in chosen.items()}


HOSTILE = st.text(st.characters(exclude_categories=("Cs",)), max_size=30).filter(lambda each: "[redacted:" not in each)
NAMES = st.from_regex(r"[A-Z_]{1,12}", fullmatch=True)


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    """A job with hostile texts wherever people write some, as Azure would send it."""
    env = [
        {"name": name, "value": value}
        for name, value in draw(st.dictionaries(NAMES | st.just("DB_PASSWORD"), HOSTILE, max_size=4)).items()
    ]
    rule = {
        "name": draw(st.text("ab-", min_size=1, max_size=5)),
        "type": draw(st.sampled_from(["azure-servicebus", "rabbitmq", "x\u202e"])),
        "metadata": draw(st.dictionaries(NAMES, HOSTILE, max_size=3)),
        "auth": draw(st.none() | st.just([{"secretRef": "a", "triggerParameter": "b"}])),
    }
    secrets = [{"name": "a"}] if draw(st.booleans()) else None
    return {
        "id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j",
        "name": "j",
        "type": "Microsoft.App/jobs",
        "location": "West Europe",
        "tags": draw(st.none() | st.dictionaries(NAMES, HOSTILE, max_size=2)),
        "identity": draw(
            st.sampled_from([None, {"type": "None"}, {"type": "SystemAssigned", "principalId": "p", "tenantId": "t"}])
        ),
        "properties": {
            "provisioningState": "Succeeded",
            "environmentId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/managedEnvironments/e",
            "configuration": {
                "triggerType": "Event",
                "replicaTimeout": 60,
                "secrets": secrets,
                "eventTriggerConfig": {"scale": {"pollingInterval": None, "rules": [rule]}},
            },
            "template": {
                "containers": [
                    {"name": "c", "image": "i:1", "env": env, "args": draw(st.lists(HOSTILE, max_size=3)),
                     "resources": {"cpu": 0.5, "memory": "1Gi"}}
                ],
                "volumes": None,
            },
        },
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(jobs())
def test_proposing_what_azure_sends_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, job: dict[str, Any]
) -> None:
    redactor = Redactor(b"k" * 32)
    page = Page(
        scope=Scope(id="/subscriptions/s"), method="GET", url="", api_version="", status=200, request_id="",
        correlation_id="", received_at=NOW, body=json.dumps({"value": [job]}).encode(),
    )  # fmt: skip
    (item,) = KIND.items(redactor.page(page))
    (asked,) = proposal.read(write(tmp_path_factory.getbasetemp(), job))
    patch = proposing._redacted(merge.sent(asked.members)[0], page, redactor)
    definition = merge.updated(proposing._DECODER.decode(item), patch)
    assert list(KIND.normalise(proposing._ENCODER.encode(definition), page)) == list(KIND.normalise(bytes(item), page))
