"""The controls of changes: JA-22, JA-23 and JA-25 against tickets, JA-24 against what is known from before, JA-21."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from run_tables import NOW, SUB, RunTables, container, event, job, job_id

from audit.evidence.image_digests import ImageDigest
from audit.evidence.jobs import JobSecret, JobValue
from audit.evidence.principals import Principal
from audit.evidence.resource_changes import ResourceChange
from audit.model.ticket import Ticket, TicketFile, Tickets

AT = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)
WRITE = "Microsoft.App/jobs/write"
ANA, BEN = "ana@contoso.example", "ben@contoso.example"
OF_TICKETS = ("JA-22", "JA-23", "JA-25")


def ticket(name: str, **fields: Any) -> Ticket:
    defaults: dict[str, Any] = {
        "ticket": f"CHG {name}", "job": name, "planned_from": AT - HOUR, "planned_until": AT + HOUR,
        "requester": "req@contoso.example", "approver": (BEN,), "approved_at": AT - HOUR, "implementer": (ANA,),
        "file": "t.csv", "row": 2,
    }  # fmt: skip
    return Ticket(**defaults | fields)


def emergency(name: str, reviewed: timedelta | None, by: str = BEN) -> Ticket:
    fields = {"reviewed_at": AT + reviewed, "reviewed_by": by} if reviewed is not None else {}
    return ticket(name, approver=(), approved_at=None, emergency=True, **fields)


def answers(tables: RunTables, *controls: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return (verdict, reason) by control and job."""
    found = tables.verdicts(*controls)
    made = {(row["control_id"], row["job_id"].rpartition("/")[2]): (row["verdict"], row["reason"]) for row in found}
    assert len(made) == len(found), "each of these jobs has one subject"
    return made


def with_writes(tables: RunTables, *tickets: Ticket, but: tuple[str, ...] = ()) -> None:
    """Add a job for each ticket, written by Ana at AT."""
    for each in tickets:
        tables.add(job(each.job))
        if each.job not in but:
            tables.add(event(job_id(each.job), WRITE, at=AT))
    tables.with_run(tickets=Tickets(tickets=tickets))


def test_tickets_decide_what_is_approved_beforehand_and_reviewed(tables: RunTables) -> None:
    cases: dict[str, tuple[Ticket, str, str, str]] = {
        "good": (ticket("good"), "pass", "pass", "not_applicable"),
        "moment": (ticket("moment", approved_at=AT), "pass", "pass", "not_applicable"),
        "late": (ticket("late", approved_at=AT + timedelta(seconds=1)), "pass", "fail", "not_applicable"),
        "nobody": (ticket("nobody", approver=(), approved_at=None), "pass", "fail", "not_applicable"),
        "self": (ticket("self", approver=(ANA,)), "pass", "fail", "not_applicable"),
        "one-of": (ticket("one-of", approver=(BEN, ANA.upper())), "pass", "fail", "not_applicable"),
        "asked": (ticket("asked", approver=("req@contoso.example",)), "pass", "fail", "not_applicable"),
        "board": (ticket("board", approver=("The board",)), "pass", "not_assessed", "not_applicable"),
        "early": (ticket("early", planned_until=AT), "fail", "not_assessed", "not_applicable"),
        "other": (ticket("other", implementer=(BEN,)), "fail", "not_assessed", "not_applicable"),
        "nickname": (ticket("nickname", implementer=("Annie",)), "not_assessed", "not_assessed", "not_applicable"),
        "unwritten": (ticket("unwritten"), "not_applicable", "not_applicable", "not_applicable"),
        "reviewed": (emergency("reviewed", 48 * HOUR), "pass", "not_applicable", "pass"),
        "review-late": (emergency("review-late", 48 * HOUR + timedelta(seconds=1)), "pass", "not_applicable", "fail"),
        "review-early": (emergency("review-early", -HOUR), "pass", "not_applicable", "fail"),
        "review-self": (emergency("review-self", HOUR, ANA), "pass", "not_applicable", "fail"),
        "review-who": (emergency("review-who", HOUR, "Somebody"), "pass", "not_applicable", "not_assessed"),
        "unreviewed": (emergency("unreviewed", None), "pass", "not_applicable", "fail"),
    }
    with_writes(tables, *(each[0] for each in cases.values()), but=("unwritten",))
    tables.add(job("=evil<b>'"), event(job_id("=evil<b>'"), WRITE, at=AT))
    tables.add(job("refused"), event(job_id("refused"), WRITE, at=AT, status="Failed"))
    found = answers(tables, *OF_TICKETS)
    for name, (_, *expected) in cases.items():
        assert [found[control, name][0] for control in OF_TICKETS] == expected, name
    assert found["JA-22", "=evil<b>'"][0] == "fail"
    assert found["JA-22", "refused"] == ("not_applicable", f"by {ANA}: it failed, so nothing changed")
    assert "after it began" in found["JA-23", "late"][1]
    assert "approved it and made it" in found["JA-23", "one-of"][1]
    assert "CHG early names it, but was planned from" in found["JA-22", "early"][1]


def test_an_emergency_may_still_be_reviewed_until_its_time_is_over(tables: RunTables) -> None:
    """How late it is, is when the tickets were read: no clock is asked afterwards."""
    tables.add(job("orders"), event(job_id("orders"), WRITE, at=NOW - 47 * HOUR))
    fresh = {"planned_from": NOW - 48 * HOUR, "planned_until": NOW, "emergency": True}
    tables.with_run(tickets=Tickets(tickets=(ticket("orders", approver=(), approved_at=None, **fresh),)))
    assert answers(tables, "JA-25")["JA-25", "orders"][0] == "not_assessed"
    tables.with_run(settings={"emergency_review_hours": 46})
    assert answers(tables, "JA-25")["JA-25", "orders"][0] == "fail"


@pytest.mark.parametrize("given", [None, Tickets()])
def test_without_tickets_nothing_passes_and_nothing_fails(tables: RunTables, given: Tickets | None) -> None:
    with_writes(tables, ticket("orders"), ticket("unwritten"), but=("unwritten",))
    tables.with_run(tickets=given)
    found = answers(tables, *OF_TICKETS)
    for control in OF_TICKETS:
        verdict, reason = found[control, "orders"]
        assert (verdict, reason.removeprefix(f"by {ANA}: ")) == ("not_assessed", "no approved changes were given")
        assert found[control, "unwritten"][0] == "not_applicable"


def without(tables: RunTables, kind: str) -> None:
    tables.with_run(kinds=tuple(each for each in tables.run.kinds if each != kind))


@pytest.mark.parametrize("kind", ["activity_log", "resource_changes", "principals"])
def test_a_gap_takes_a_pass_and_leaves_a_failure(tables: RunTables, kind: str) -> None:
    tickets = (ticket("good"), ticket("late", approved_at=AT + HOUR), ticket("early", planned_until=AT))
    with_writes(tables, *tickets, ticket("unwritten"), but=("unwritten",))
    without(tables, kind)
    found = answers(tables, "JA-22", "JA-23")
    assert found["JA-22", "good"][0] == found["JA-23", "good"][0] == "not_assessed"
    assert found["JA-22", "early"][0] == found["JA-23", "late"][0] == "fail"
    assert "other evidence is missing" in found["JA-22", "early"][1]
    assert found["JA-22", "unwritten"][0] == "not_assessed"


def test_a_directory_that_was_not_read_makes_nobody_somebody_else(tables: RunTables) -> None:
    with_writes(tables, ticket("orders", implementer=("Ana Ruiz",)))
    without(tables, "principals")
    assert answers(tables, "JA-22")["JA-22", "orders"][0] == "not_assessed"


def seen(name: str, path: str, before: str | None, **fields: Any) -> ResourceChange:
    made: dict[str, Any] = {
        "change_id": f"{name}-{path}", "target_resource_id": job_id(name), "target_type": "microsoft.app/jobs",
        "change_type": "Update", "at": AT, "changed_by": ANA, "property": path, "before": before, "after": "z",
    }  # fmt: skip
    return ResourceChange(**made | {"change_id": f"g-{name}", "correlation_id": f"c-{name}"} | fields)


def test_what_was_before_a_change_is_known_or_not(tables: RunTables) -> None:
    image, digest = "properties.template.containers[0].image", "sha256:" + "b" * 64
    pinned, tagged = f"contoso.azurecr.io/w@{digest}", "contoso.azurecr.io/w:1"
    for name in ("value", "pinned", "tag", "tag-kept", "tag-moved", "gone", "cut", "untold", "made", "secret"):
        tables.add(job(name, created_at=AT if name == "made" else NOW - timedelta(days=200)))
    tables.add(
        seen("value", "properties.x", "1"), seen("pinned", image, pinned), seen("tag", image, tagged),
        seen("tag-kept", image, "contoso.azurecr.io/k:1"), seen("tag-moved", image, "contoso.azurecr.io/m:1"),
        seen("gone", image, "contoso.azurecr.io/g@" + digest), seen("cut", "properties.x", "1", truncated=True),
        seen("made", "properties.x", None), seen("secret", "properties.x", "[redacted:0123456789abcdef]"),
        event(job_id("untold"), WRITE, at=AT),
    )  # fmt: skip
    registry = f"/subscriptions/{SUB}/resourceGroups/r/providers/Microsoft.ContainerRegistry/registries/contoso"
    known = {"registry_id": registry, "repository": "w"}
    tables.add(
        ImageDigest(image="contoso.azurecr.io/k:1", tag="1", digest=digest, updated_at=AT - HOUR, **known),
        ImageDigest(image="contoso.azurecr.io/m:1", tag="1", digest=digest, updated_at=AT + HOUR, **known),
        ImageDigest(
            image="contoso.azurecr.io/g@" + digest, digest=None, note="the registry has no such manifest", **known
        ),
    )
    told = answers(tables, "JA-24")
    assert {name: verdict for (_, name), (verdict, _) in told.items()} == {
        "value": "pass", "pinned": "pass", "secret": "pass", "tag-kept": "pass", "tag": "fail", "tag-moved": "fail",
        "gone": "fail", "cut": "not_assessed", "untold": "not_assessed", "made": "not_applicable",
    }  # fmt: skip
    assert "to be entered anew" in told["JA-24", "secret"][1]
    assert told["JA-24", "tag"][1].endswith(f"{tagged} (its registry was not asked about it)")
    assert "its registry was not asked whether it still has it" in told["JA-24", "pinned"][1]
    assert "not asked" not in told["JA-24", "tag-kept"][1] + told["JA-24", "tag-moved"][1]
    assert "Azure cut" in told["JA-24", "cut"][1]


def test_without_what_resource_graph_saw_nothing_from_before_is_known(tables: RunTables) -> None:
    tables.add(job("orders"), seen("orders", "properties.x", "1"))
    tables.gap("resource_changes", "/")
    assert answers(tables, "JA-24")["JA-24", "orders"][0] == "not_assessed"


def snapshots(tables: RunTables, *rows: tuple[str, datetime, Any, str]) -> dict[str, tuple[str, str]]:
    """Derive, approve these (job, when, configuration, key) and return JA-21's answers by job."""
    con = tables.derived()
    for name, at, configuration, key in rows:
        con.execute(
            "insert into approved_snapshots by name select 'r' as row_id, $job as job_id,"
            " 'run-' || $at::DATE as run_id,"
            " $at as approved_at, 'Ben' as approved_by, 'CHG-1' as ticket, $set as configuration,"
            " $key as redaction_key_id",
            {"job": job_id(name).upper(), "at": at, "set": json.dumps(configuration), "key": key},
        )
    con.close()
    return {row["job_id"].rpartition("/")[2]: (row["verdict"], row["reason"]) for row in tables.assessed("JA-21")}


def test_a_job_is_held_against_its_last_approved_snapshot(tables: RunTables) -> None:
    tables.with_run(redaction_key_id="key-1")
    names = ("same", "drift", "more", "less", "hidden", "none", "odd", "newer")
    for name in names:
        one = job(name, max_executions=5, workload_profile="[redacted:0123456789abcdef]" if name == "hidden" else None)
        tables.add(one, container(one, image="a@sha256:1"))
    con = tables.derived()
    now: dict[str, dict[str, str]] = {name: {} for name in names}
    for found, name, value in con.execute("select job_id, property, value from job_configuration").fetchall():
        now[found.rpartition("/")[2]][name] = value
    con.close()
    assert now["same"]["max_executions"] == "5"
    assert now["same"]["containers/worker/image"] == "a@sha256:1"
    less = {key: value for key, value in now["less"].items() if key != "max_executions"}
    found = snapshots(
        tables,
        ("same", AT, now["same"], "key-1"),
        ("drift", AT, now["drift"] | {"max_executions": "9", "containers/worker/image": "b"}, "key-1"),
        ("more", AT, now["more"] | {"min_executions": "1"}, "key-1"),
        ("less", AT, less, "key-1"),
        ("hidden", AT, now["hidden"] | {"workload_profile": "[redacted:fedcba9876543210]"}, "key-0"),
        ("odd", AT, ["not", "an", "object"], "key-1"),
        ("newer", AT, now["newer"] | {"max_executions": "9"}, "key-1"),
        ("newer", AT + HOUR, now["newer"], "key-1"),
    )
    assert {name: verdict for name, (verdict, _) in found.items()} == {
        "same": "pass", "drift": "fail", "more": "fail", "less": "fail", "hidden": "not_assessed",
        "none": "not_assessed", "odd": "not_assessed", "newer": "pass",
    }  # fmt: skip
    assert found["none"][1] == "nobody has approved a snapshot of this job"
    assert found["drift"][1].startswith(
        "2 properties differ from what was approved: containers/worker/image: b was approved, a@sha256:1 is set; "
        "max_executions: 9 was approved, 5 is set"
    )
    assert "min_executions: 1 was approved, nothing is set" in found["more"][1]
    assert "hidden under another key" in found["hidden"][1]


def test_a_secret_that_the_job_keeps_itself_is_part_of_what_was_approved(tables: RunTables) -> None:
    tables.add(job("orders"), JobSecret(job_id=job_id("orders"), name="s"))
    tables.add(JobSecret(job_id=job_id("orders"), name="v", key_vault_url="https://kv.vault.azure.net/secrets/v"))
    con = tables.derived()
    now = dict(con.execute("select property, value from job_configuration").fetchall())
    con.close()
    assert (now["secrets/s/kept"], now["secrets/v/kept"]) == ("job", "vault")
    approved = {key: value for key, value in now.items() if key != "secrets/s/kept"}
    verdict, reason = snapshots(tables, ("orders", AT, approved, "key-1"))["orders"]
    assert verdict == "fail"
    assert "secrets/s/kept: nothing was approved, job is set" in reason


def test_properties_that_differ_in_case_alone_are_rows_of_their_own(tables: RunTables) -> None:
    own = job("orders")
    for name in ("PATH", "path"):
        tables.add(own, JobValue(job_id=own.job_id, place="env", owner="worker", name=name, value="x"))
    tables.rows.remove(own)
    con = tables.derived()
    rows = con.execute("select row_id from job_configuration where property ilike 'values/%'").fetchall()
    con.close()
    assert len(set(rows)) == len(rows) == 2


def test_a_hidden_value_that_changed_under_the_same_key_is_drift(tables: RunTables) -> None:
    tables.with_run(redaction_key_id="key-1")
    tables.add(job("orders", workload_profile="[redacted:0123456789abcdef]"))
    con = tables.derived()
    now = dict(con.execute("select property, value from job_configuration").fetchall())
    con.close()
    changed = now | {"workload_profile": "[redacted:fedcba9876543210]"}
    assert snapshots(tables, ("orders", AT, changed, "key-1"))["orders"][0] == "fail"


def test_people_known_by_the_directory_are_told_apart(tables: RunTables) -> None:
    ana = Principal(principal_id="p-a", display_name="Ana Ruiz", user_principal_name=ANA, resolved=True, type="User")
    rita = msgspec.structs.replace(
        ana, principal_id="p-r", display_name="Rita", user_principal_name="req@contoso.example"
    )
    unknown = ticket("unknown", requester="Somebody", approver=("The board",))
    with_writes(tables, ticket("self", approver=("Ana Ruiz",)), ticket("good", approver=("The board",)), unknown)
    tables.add(ana, rita)
    found = answers(tables, "JA-23")
    assert found["JA-23", "self"][0] == "fail"
    assert found["JA-23", "good"][0] == "pass"
    assert found["JA-23", "unknown"][0] == "not_assessed"
    assert "The board and Somebody, who asked for it, are two can't be told" in found["JA-23", "unknown"][1]


def test_a_change_of_a_ticket_that_nobody_approved_says_so(tables: RunTables) -> None:
    with_writes(tables, ticket("nobody", approver=(), approved_at=None), emergency("urgent", HOUR), ticket("good"))
    found = answers(tables, "JA-22")
    assert found["JA-22", "nobody"][1].endswith("(JA-23: nobody has approved it)")
    assert found["JA-22", "urgent"][1].endswith("(an emergency: JA-25)")
    assert "JA-2" not in found["JA-22", "good"][1]


def test_a_file_without_any_ticket_is_held_against_the_changes_all_the_same(tables: RunTables) -> None:
    with_writes(tables, ticket("orders"))
    tables.with_run(tickets=Tickets(files=(TicketFile(name="t.csv", sha256="0", tickets=0),)))
    verdict, reason = answers(tables, "JA-22")["JA-22", "orders"]
    assert verdict == "fail"
    assert "no ticket names the job" in reason


def test_only_the_first_write_makes_the_job(tables: RunTables) -> None:
    tables.add(job("orders", created_at=AT), event(job_id("orders"), WRITE, at=AT))
    tables.add(event(job_id("orders"), WRITE, at=AT - timedelta(seconds=30)))
    found = {row["subject"]: row["verdict"] for row in tables.verdicts("JA-24")}
    assert sorted(found.values()) == ["not_applicable", "not_assessed"]
    assert found[min(found)] == "not_applicable"
