"""What was applied held against what was approved, over two collections with changes in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pytest
from changed_estate import job, log, put, see
from proposed_estate import BEGAN, KINDS, Estate, held, opened

from audit import __version__
from audit.approve import records
from audit.change.closing import closing
from audit.change.planned import Planned, planned
from audit.model import Run
from audit.model.approval import ApprovalDecision
from audit.pipeline.earlier_pack import before
from audit.pipeline.tabling import derived
from audit.seal import head, sealing
from audit.store import Store
from tests.conftest import NOW, collected, serving

TABLES = ("change_proposals", "proposed_configuration", "job_configuration", "jobs", "change_request")
AT = NOW - timedelta(days=2)
SECRET = "Zx9-hush-4711-tell-nobody-Q7"
CONFIGURATION = "properties.configuration"
SCALE = f"{CONFIGURATION}.eventTriggerConfig.scale"


def proposals(estate: Estate) -> list[dict[str, Any]]:
    rolled = estate.job("notifications-mail")["properties"]["template"]["containers"]
    rolled[0]["env"].append({"name": "API_PASSWORD", "value": SECRET})
    probed = estate.job("search-indexer")["properties"]["template"]["containers"]
    probed[0]["probes"] = [{"type": "Liveness", "periodSeconds": 9}]
    image = estate.job("orders-fulfil")["properties"]["template"]["containers"]
    image[0]["image"] = f"norvane.azurecr.io/orders/fulfil@sha256:{'b' * 64}"
    image[0]["resources"]["cpu"] = "1"
    return [
        {
            "name": "orders-fulfil",
            "location": "westeurope",
            "tags": {"reviewed": "yes"},
            "configuration": {"replicaTimeout": 77},
            "template": {"containers": image},
        },
        {"name": "orders-returns", "configuration": {"replicaTimeout": 99, "replicaRetryLimit": 3}},
        {
            "name": "billing-invoices",
            "configuration": {
                "triggerType": "event",
                "eventTriggerConfig": {"scale": {"maxExecutions": 5}},
            },
        },
        {
            "name": "notifications-mail",
            "configuration": {"secrets": [{"name": "mail", "value": SECRET}]},
            "template": {"containers": rolled},
        },
        {"name": "search-indexer", "template": {"containers": probed}},
        {"name": "imports-customs", "configuration": {"replicaTimeout": 66}},
    ]  # fmt: skip


class Closed(NamedTuple):
    """Two runs, the tables of the second, and the pack in which the proposal was approved."""

    output: Path
    run: Run
    database: Path
    pack: Path

    @property
    def packs(self) -> Path:
        return self.pack.parent

    def find(self, ticket: str = "CHG-7", jobs: tuple[str, ...] = ()) -> Planned:
        return planned(before(self.run, self.packs), ticket=ticket, jobs=jobs)


@pytest.fixture(scope="module")
def closed(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Closed:
    output = tmp_path_factory.mktemp("closed")
    shutil.copytree(estate.output, output, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.duckdb"))
    pack = _pack(estate, output / "packs", held(estate, output / "made", *proposals(estate), controls=[]), "CHG-7")
    _say(pack, ApprovalDecision.APPROVED)
    run = asyncio.run(_applied(output))
    database = output / "applied.duckdb"
    store = Store(output)
    derived(store.open("run-2"), database, history=store.history)
    return Closed(output, run, database, pack)


def _pack(estate: Estate, packs: Path, database: Path, ticket: str, *, run_id: str = "run-1") -> Path:
    """Seal what a change pack of a proposal holds, as far as closing looks at it."""
    run = estate.stored.run
    name = f"change-{run.window.label}-{run_id}"
    folder = packs / name
    (folder / "data").mkdir(parents=True)
    with opened(database) as con:
        con.execute("create or replace table change_request as select $ticket as ticket", {"ticket": ticket})
        for table in TABLES:
            con.execute(f"copy (from {table}) to '{folder}/data/{table}.parquet' (format parquet)")
        con.execute(f"copy (from coverage) to '{folder}/data/coverage.parquet' (format parquet)")
    (folder / "run.json").write_bytes(estate.stored.head())
    about = head.PackHead(
        name=name, pack="change", run_id=run_id, window=run.window, collected_for=None, restored_from="",
        formats=("html",), incidents=(), templates_sha256="", tool_version=__version__, signer=None,
    )  # fmt: skip
    sealing.seal(folder, about, packs=packs, key=None)
    return folder


def _say(pack: Path, decision: ApprovalDecision) -> None:
    body = {
        "decision": decision, "by": "nora@norvane.example", "role": "owner", "ticket": "CHG-7", "comment": "",
        "conflicts": [], "not_shown": [],
    }  # fmt: skip
    records.append(pack, "approval", body, at=BEGAN + timedelta(days=1))


async def _applied(output: Path) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        async with serving() as sandbox:
            for name, value in sandbox.environment().items():
                patch.setenv(name, value)
            digest = f"norvane.azurecr.io/orders/fulfil@sha256:{'b' * 64}"
            image = "properties.template.containers[0].image"
            put(
                sandbox,
                "orders-fulfil",
                {f"{CONFIGURATION}.replicaTimeout": 77, image: digest, "tags.reviewed": "yes"},
                AT,
            )
            put(sandbox, "orders-returns", {f"{CONFIGURATION}.replicaRetryLimit": 4}, AT)
            put(sandbox, "billing-invoices", {f"{SCALE}.maxExecutions": 5, f"{CONFIGURATION}.replicaTimeout": 4000}, AT)
            env = job(sandbox, "notifications-mail")["properties"]["template"]["containers"][0]["env"]
            env.append({"name": "API_PASSWORD", "value": SECRET})
            put(sandbox, "notifications-mail", {}, AT, told=False)
            job(sandbox, "search-indexer")["properties"]["template"]["containers"][0]["probes"] = [{}]
            put(sandbox, "search-indexer", {"properties.template.containers[0].probes[0].periodSeconds": "9"}, AT)
            telemetry = job(sandbox, "telemetry-ingest")["id"]
            put(sandbox, "telemetry-ingest", {f"{SCALE}.pollingInterval": 11}, AT)
            put(sandbox, "telemetry-ingest", {f"{SCALE}.pollingInterval": 30}, AT + timedelta(hours=1))
            put(sandbox, "telemetry-ingest", {}, AT + timedelta(hours=2), told=False)
            assignment = (
                f"{telemetry}/providers/Microsoft.Authorization/roleAssignments/{'7' * 8}-0000-4000-8000-000000000001"
            )
            log(sandbox, assignment, "Microsoft.Authorization/roleAssignments/write", AT)
            settings = f"{telemetry}/providers/Microsoft.Insights/diagnosticSettings/all"
            log(sandbox, settings, "Microsoft.Insights/diagnosticSettings/write", AT)
            log(sandbox, telemetry, "Microsoft.App/jobs/start/action", AT)
            see(sandbox, telemetry, {}, BEGAN - timedelta(days=1), "before")
            del sandbox.estate.resources[job(sandbox, "imports-customs")["id"].lower()]
            sandbox.refresh()
            return await collected(sandbox, output, kinds=KINDS, run_id="run-2", at=NOW)


@contextlib.contextmanager
def compared(closed: Closed, *jobs: str, change: str = "") -> Any:
    with opened(closed.database) as con:
        con.execute("begin")
        if change:
            con.execute(change)
        closing(con, closed.run, closed.find(), jobs=jobs)
        yield con
        con.execute("rollback")


def told(con: duckdb.DuckDBPyConnection, name: str) -> dict[str | None, list[Any]]:
    sql = "select property, outcome, approved, applied, because from change_closing where job_id like ? order by all"
    found: dict[str | None, list[Any]] = {}
    for prop, *rest in con.execute(sql, [f"%/{name}"]).fetchall():
        found.setdefault(prop, []).append(rest)
    return found


def outcomes(con: duckdb.DuckDBPyConnection, name: str) -> dict[str | None, list[str]]:
    return {prop: [each[0] for each in rows] for prop, rows in told(con, name).items()}


def own(found: dict[str | None, list[str]]) -> dict[str | None, list[str]]:
    """Leave out what is about no property."""
    return {prop: each for prop, each in found.items() if prop is not None}


def about_the_job(con: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str, str]]:
    sql = "select outcome, because from change_closing where job_id like ? and property is null order by all"
    return [row for row in con.execute(sql, [f"%/{name}"]).fetchall() if "of the job" in row[1]]


def test_exactly_what_was_approved(closed: Closed) -> None:
    with compared(closed) as con:
        assert own(outcomes(con, "orders-fulfil")) == {
            "containers/fulfil/image": ["as approved"],
            "replica_timeout_s": ["as approved"],
            "tags/reviewed": ["as approved"],
        }
        assert about_the_job(con, "orders-fulfil") == []
        ids, who = con.execute(
            "select distinct change_ids, changed_by from change_closing "
            "where job_id like '%/orders-fulfil' and property is not null"
        ).fetchone()
        assert len(json.loads(ids)) == 1
        assert who
        assert own(outcomes(con, "search-indexer")) == {}
        assert about_the_job(con, "search-indexer") == [], (
            "a probe is no setting that is compared, and the file sets it"
        )


def test_not_applied_and_otherwise(closed: Closed) -> None:
    with compared(closed) as con:
        found = told(con, "orders-returns")
        assert found["replica_timeout_s"][0][:2] == ["not applied", "99"]
        assert found["replica_retry_limit"][0][:3] == ["otherwise", "3", "4"]


def test_an_extra_property_and_a_word_of_another_case(closed: Closed) -> None:
    with compared(closed) as con:
        found = outcomes(con, "billing-invoices")
        assert own(found) == {"max_executions": ["as approved"], "replica_timeout_s": ["extra"]}
        assert told(con, "billing-invoices")["replica_timeout_s"][0][2] == "4000"


def test_secrets_are_compared_by_digest_and_kept_ones_unknown(closed: Closed) -> None:
    with compared(closed) as con:
        found = told(con, "notifications-mail")
        ((outcome, approved, applied, _),) = [
            rows[0]
            for prop, rows in found.items()
            if prop and prop.startswith("values/env/") and "API_PASSWORD" in prop
        ]
        assert outcome == "as approved"
        assert approved == applied
        assert approved.startswith("[redacted:")
        assert found["secrets/mail/value"][0][0] == "unknown"
        assert "never tells" in found["secrets/mail/value"][0][3]
        who = "select distinct changed_by from change_closing where property like 'values/env/%API_PASSWORD%'"
        assert con.execute(who).fetchone()[0], "the one write whose properties Azure doesn't tell made it"
    other = "update job_configuration set hidden_under = 'other', value = replace(value, '[redacted:', '[redacted:0')"
    shorter = f"{other} where value like '[redacted:%'"
    shorter = shorter.replace("'[redacted:0')", "'[redacted:0000000000000000][redacted:')")
    with compared(closed, change=shorter) as con:
        found = told(con, "notifications-mail")
        hidden = [rows[0] for prop, rows in found.items() if prop and "API_PASSWORD" in prop]
        assert [each[0] for each in hidden] == ["unknown"]
        assert "another key" in hidden[0][3]


def test_what_else_was_changed_is_named(closed: Closed) -> None:
    with opened(closed.database) as con:
        ((job_id,),) = con.execute("select job_id from jobs where name = 'telemetry-ingest'").fetchall()
    with compared(closed, job_id) as con:
        rows = told(con, "telemetry-ingest")
        assert set(rows) == {None}, "set and set back: no property differs"
        extra = [each[3] for each in rows[None] if each[0] == "extra"]
        assert sum("pollingInterval" in each for each in extra) == 2
        assert sum("Azure doesn't tell of which properties" in each for each in extra) == 1
        assert any(each.startswith("access of the job") for each in extra)
        assert any(each.startswith("diagnostics of the job") for each in extra)
        assert not any("start of" in each for each in extra), "a start sets nothing"
    with compared(closed) as con:
        assert told(con, "telemetry-ingest") == {}, "it is not asked about"


def test_a_job_that_is_gone_and_one_that_nobody_could_read(closed: Closed) -> None:
    with compared(closed) as con:
        found = told(con, "imports-customs")
        assert own(outcomes(con, "imports-customs")) == {"replica_timeout_s": ["not applied"]}
        assert found[None][0][0] == "extra"
        assert found[None][0][3] == "the job isn't there"
    with compared(
        closed, change="update coverage set outcome = 'gap', reason = 'forbidden' where kind = 'jobs'"
    ) as con:
        outcome, _, applied, because = told(con, "imports-customs")["replica_timeout_s"][0]
        assert (outcome, applied) == ("unknown", None)
        assert "forbidden" in because
        assert told(con, "orders-returns")["replica_timeout_s"][0][0] == "not applied", "what was read is known"


def test_what_was_not_read_of_changes_is_told(closed: Closed) -> None:
    gap = (
        "insert into job_gaps by name select job_id, 'activity_log' as kind, '/subscriptions/x' as scope, "
        "'forbidden' as reason, '' as detail from jobs where name = 'orders-fulfil'"
    )
    with compared(closed, change=gap) as con:
        unknown = [each[3] for each in told(con, "orders-fulfil")[None] if each[0] == "unknown"]
        assert any("activity_log at /subscriptions/x: forbidden" in each for each in unknown)
    late = msgspec.structs.replace(
        closed.run, window=msgspec.structs.replace(closed.run.window, since=AT - timedelta(hours=1))
    )
    with opened(closed.database) as con:
        con.execute("begin")
        closing(con, late, closed.find())
        unknown = [each[3] for each in told(con, "orders-fulfil")[None] if each[0] == "unknown"]
        con.execute("rollback")
        assert any("the run's window leaves out" in each for each in unknown)


def test_the_approved_pack_is_found_by_its_ticket(closed: Closed) -> None:
    found = closed.find()
    assert (found.pack, found.state, found.folder) == (closed.pack.name, "approved", closed.pack)
    assert found.since == BEGAN
    assert "1 of its approvals are not signed" in found.note
    assert closed.find(" chg-7 ").pack == closed.pack.name
    none = closed.find("CHG-8")
    assert (none.folder, none.pack) == (None, "")
    assert "no change pack with a proposal under CHG-8" in none.note
    other = closed.find(jobs=("/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/x",))
    assert other.folder is None
    assert "it is about other jobs" in other.note
    with opened(closed.database) as con:
        con.execute("begin")
        closing(con, closed.run, none)
        assert con.execute("select count(*) from change_closing").fetchall() == [(0,)]
        con.execute("rollback")


def test_what_does_not_count_is_named(closed: Closed, tmp_path: Path) -> None:
    shutil.copytree(closed.packs, tmp_path / "packs")
    copied = closed._replace(pack=tmp_path / "packs" / closed.pack.name)
    (copied.pack / "data" / "jobs.parquet").write_bytes(b"PAR1")
    damaged = copied.find()
    assert damaged.folder is None
    assert "data/jobs.parquet was changed" in damaged.note

    (copied.pack / "data" / "change_request.parquet").write_bytes(b"x")
    assert closed.pack.name in copied.find("CHG-8").note, "which ticket it was can't be told"

    shutil.rmtree(copied.pack)
    shutil.copytree(closed.pack, copied.pack)
    (copied.pack / "SHA256SUMS").unlink()
    unsealed = copied.find()
    assert unsealed.folder is None
    assert "not sealed" in unsealed.note

    shutil.rmtree(copied.pack)
    shutil.copytree(closed.pack, copied.pack)
    shutil.rmtree(copied.pack / "approvals")
    open_ = copied.find()
    assert open_.folder is None
    assert "it is not approved but open, lacking an approval" in open_.note
