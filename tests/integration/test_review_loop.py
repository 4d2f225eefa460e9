"""An access review from end to end: asked, decided, carried out or not, and what the next collections show of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from audit import assess
from audit.model import Run
from audit.model.review import Decision, Judged, ReviewRecord
from audit.pipeline import earlier_reviews
from audit.pipeline.tabling import controls_in, derived
from audit.sandbox import Sandbox
from audit.store import Store, tables
from tests.conftest import NOW, collected

REVIEW = "access-review-of-the-test"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
BEGAN = NOW - timedelta(days=20)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


async def collect(sandbox: Sandbox, output: Path, run_id: str, days: int) -> Run:
    sandbox.refresh()
    return await collected(sandbox, output, run_id=run_id, at=BEGAN + timedelta(days=days))


@contextlib.contextmanager
def tabled(store: Store, run_id: str, output: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    database = output / f"{run_id}.duckdb"
    run = derived(store.open(run_id), database, history=store.history, reviews=store.reviews)
    alone = msgspec.structs.replace(run, settings={})  # its baselines are other controls'
    assess.assess(database, alone, [control for control in controls_in(()) if control.id == "JA-07"])
    with contextlib.closing(tables.connect(str(database))) as con:
        yield con


def one(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Any:
    (row,) = con.execute(sql, list(values)).fetchall()
    return row[0] if len(row) == 1 else row


def decide(store: Store, run: Run, decisions: dict[str, Decision | None], *, by: str = "ana", days: int = 1) -> None:
    at = run.started + timedelta(days=days)
    store.reviews.append(
        ReviewRecord(
            review=REVIEW,
            pack_sha256="0" * 64,
            rows_sha256=store.reviews.issued()[-1].rows_sha256,
            run_id=run.run_id,
            imported_at=at,
            files=(),
            judged=tuple(
                Judged(entitlement_id=key, decision=word, reason="because", decided_by=by, decided_on=at.date())
                for key, word in decisions.items()
            ),
        )
    )


def entitled(con: duckdb.DuckDBPyConnection, principal: str, role: str, scope: str = "%") -> str:
    return str(
        one(
            con,
            "select entitlement_id from entitlements where principal like ? and role = ? and scope_words like ?",
            f"{principal}%",
            role,
            scope,
        )
    )


async def test_what_was_decided_is_followed_until_it_is_done(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    estate = sandbox.estate
    first = await collect(sandbox, tmp_path, "run-1", 0)
    with tabled(store, "run-1", tmp_path) as con:
        assert {row[0] for row in con.execute("select distinct verdict from verdicts").fetchall()} == {"not_assessed"}
        assert one(con, "select count(*) from entitlements where since_last is not null") == 0
        guest = entitled(con, "Dana Whitlock", "Contributor")
        disabled = entitled(con, "Oskar Brandt", "Owner")
        member = entitled(con, "Oskar Brandt", "member of grp-operations-on-call")
        kept = entitled(con, "Emergency access 1", "Owner")
        via = msgspec.json.decode(one(con, "select via_ids from entitlements where entitlement_id = ?", guest))
        everything = [row[0] for row in con.execute("select entitlement_id from entitlements").fetchall()]
        earlier_reviews.issue(con, first, store.reviews, REVIEW)
    blank = everything[-1]
    words: dict[str, Decision | None] = dict.fromkeys(everything, Decision.KEEP)
    words |= {guest: Decision.REVOKE, disabled: Decision.REVOKE, member: Decision.REVOKE, blank: None}
    decide(store, first, words)

    # The guest's role is taken away; the membership and the owner stay; an application is given something new.
    removed = [each for each in estate.role_assignments if each["id"] in via]
    assert len(removed) == 1
    estate.role_assignments.remove(removed[0])
    given = msgspec.json.decode(msgspec.json.encode(removed[0]))
    given["id"], given["name"] = (
        given["id"][:-36] + "77777777-0000-4000-8000-000000000001",
        "77777777-0000-4000-8000-000000000001",
    )
    await collect(sandbox, tmp_path, "run-2", 5)
    with tabled(store, "run-2", tmp_path) as con:
        states = dict(con.execute("select entitlement_id, state from review_outcomes").fetchall())
        assert states == {guest: "done", disabled: "open", member: "open"}
        assert one(con, "select since_last from entitlements where entitlement_id = ?", kept) == "same"
        assert one(con, "select decision, outcome from entitlement_removals") == ("revoke", "done")
        assert one(con, "select decided, owed from reviews where last") == (len(everything) - 1, 1)
        previous = "select previous_decision, previous_outcome from entitlements where entitlement_id = ?"
        assert one(con, previous, disabled) == ("revoke", "open")
        assert {row[0] for row in con.execute("select distinct verdict from verdicts").fetchall()} <= {
            "not_assessed", "pass"
        }  # fmt: skip
        earlier_reviews.prove(con, store.open("run-2").run, store.reviews)

    # Given again, by a new assignment; what should be gone by now is overdue.
    estate.role_assignments.append(given)
    await collect(sandbox, tmp_path, "run-3", 19)
    with tabled(store, "run-3", tmp_path) as con:
        states = dict(con.execute("select entitlement_id, state from review_outcomes").fetchall())
        assert states == {guest: "re-granted", disabled: "overdue", member: "overdue"}
        assert one(con, "select since_last from entitlements where entitlement_id = ?", guest) == "same"
        failed = con.execute("select reason from verdicts where verdict = 'fail'").fetchall()
        assert failed
        assert all("overdue" in reason or "granted again" in reason for (reason,) in failed)
    (tmp_path / "again").mkdir()
    with tabled(store, "run-2", tmp_path / "again") as con:  # a run says the same however much came after it
        states = dict(con.execute("select entitlement_id, state from review_outcomes").fetchall())
        assert states == {guest: "done", disabled: "open", member: "open"}


async def test_a_list_that_was_not_read_proves_nothing(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    first = await collect(sandbox, tmp_path, "run-1", 0)
    with tabled(store, "run-1", tmp_path) as con:
        disabled = entitled(con, "Oskar Brandt", "Owner")
        member = entitled(con, "Oskar Brandt", "member of grp-operations-on-call")
        earlier_reviews.issue(con, first, store.reviews, REVIEW)
    decide(store, first, {disabled: Decision.REVOKE, member: Decision.REVOKE})
    estate = sandbox.estate
    estate.role_assignments[:] = [
        each for each in estate.role_assignments if "Owner" not in str(each) and "8e3af657" not in str(each)
    ]
    sandbox.refresh()
    await collected(
        sandbox, tmp_path, run_id="run-2", at=BEGAN + timedelta(days=19), kinds=("jobs", "environments", "tags")
    )
    with tabled(store, "run-2", tmp_path) as con:
        states = {row[0] for row in con.execute("select distinct state from review_outcomes").fetchall()}
        assert states == {"unknown"}
        assert {row[0] for row in con.execute("select distinct verdict from verdicts").fetchall()} <= {
            "not_assessed", "fail"
        }  # fmt: skip
        assert "pass" not in {row[0] for row in con.execute("select verdict from verdicts").fetchall()}


async def test_who_holds_the_access_may_not_decide_about_it(sandbox: Sandbox, store: Store, tmp_path: Path) -> None:
    first = await collect(sandbox, tmp_path, "run-1", 0)
    with tabled(store, "run-1", tmp_path) as con:
        owner = entitled(con, "Petra Okafor", "Owner", "subscription norvane-production")
        everything = [row[0] for row in con.execute("select entitlement_id from entitlements").fetchall()]
        earlier_reviews.issue(con, first, store.reviews, REVIEW)
    decide(store, first, dict.fromkeys(everything, Decision.KEEP), by="Petra Okafor")
    await collect(sandbox, tmp_path, "run-2", 5)
    with tabled(store, "run-2", tmp_path) as con:
        assert one(con, "select own_access from review_decisions where entitlement_id = ?", owner)
        failed = con.execute("select reason from verdicts where verdict = 'fail'").fetchall()
        assert failed
        assert all("decided by whoever holds the access" in reason for (reason,) in failed)
