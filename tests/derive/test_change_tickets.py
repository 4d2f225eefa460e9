"""Changes held against tickets: what makes a ticket answer for a change, what doesn't, and what is said of the rest."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from run_tables import NOW, SUB, RunTables, event, job, job_id

from audit.derive import changes, tickets
from audit.evidence.activity_log import ActivityEvent
from audit.evidence.principals import Principal
from audit.evidence.resource_changes import ResourceChange
from audit.model import Json
from audit.model.ticket import Ticket, Tickets

ORDERS = job("orders")
AT = NOW - timedelta(days=3)
HOUR = timedelta(hours=1)
ANA, BEN = "aaaaaaaa-0000-0000-0000-000000000001", "bbbbbbbb-0000-0000-0000-000000000002"
APP, CLI = "cccccccc-0000-0000-0000-000000000003", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-orders"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-orders"


def ticket(number: int = 1, **fields: Any) -> Ticket:
    defaults: dict[str, Any] = {
        "ticket": f"CHG-{number}",
        "job": "" if "resource" in fields else "orders",
        "planned_from": AT - HOUR,
        "planned_until": AT + HOUR,
        "requester": "req@contoso.example",
        "approver": ("ben@contoso.example",),
        "approved_at": AT - timedelta(days=1),
        "implementer": ("ana@contoso.example",),
        "file": "t.csv",
        "row": number + 1,
    }
    return Ticket(**defaults | fields)


def write(
    *, caller: str | None = "ana@contoso.example", object_id: str | None = ANA, app: str | None = CLI,
    at: datetime = AT,
    resource: str = ORDERS.job_id, operation: str = "Microsoft.App/jobs/write", status: str = "Succeeded",
) -> ActivityEvent:  # fmt: skip
    return ActivityEvent(
        event_id=f"{operation}|{at.isoformat()}|{resource}|{caller}", event_time=at, operation=operation, status=status,
        caller=caller, caller_object_id=object_id, claims=Json({"appid": app}) if app else None, resource_id=resource,
        subscription_id=SUB, correlation_id=f"c-{at.isoformat()}-{operation}", operation_id="o",
    )  # fmt: skip


def person(principal_id: str, name: str, upn: str | None = None, **fields: Any) -> Principal:
    kind = {"type": "User"} | fields
    return Principal(principal_id=principal_id, display_name=name, user_principal_name=upn, resolved=True, **kind)


def held(tables: RunTables, *given: Ticket) -> list[dict[str, Any]]:
    """Hold the run against these tickets; return change_tickets, the latest change first.

    Derives nothing but that, over the jobs in scope and the principals: making all takes seconds.
    """
    tables.with_run(tickets=Tickets(tickets=given))
    con = tables.store()
    con.execute("create table population as select job_id, name, resource_group, subscription_id from jobs")
    con.execute("create table dependencies (job_id VARCHAR, resource_id VARCHAR, relation VARCHAR)")
    con.execute("create table access_principals as select * from principals")
    changes.create(con, tables.run)
    tickets.create(con, tables.run)
    con.close()
    return tables.query(
        'select * from change_tickets order by "at" desc nulls last, change_id, lower(job_id), ticket, ticket_row'
    )


def one(tables: RunTables, *given: Ticket) -> dict[str, Any]:
    found = [row for row in held(tables, *given) if row["state"] != "unused"]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def orders(tables: RunTables) -> RunTables:
    tables.add(ORDERS, write())
    return tables


def test_a_ticket_answers_for_a_change_of_its_job_time_and_implementer(orders: RunTables) -> None:
    row = one(orders, ticket())
    assert (row["state"], row["ticket"], row["matched_by"]) == ("matched", "CHG-1", "name as Azure records it")
    assert (row["approved_before"], row["approved_by_implementer"], row["differs"]) == (True, False, None)


@pytest.mark.parametrize(
    ("change", "differs", "told"),
    [
        ({"job": "order"}, "subject", "is for order"),
        ({"job": "orders?"}, "subject", "is for orders?"),
        ({"planned_until": AT}, "time", "was planned from"),
        ({"planned_from": AT + timedelta(seconds=1)}, "time", "was planned from"),
        ({"implementer": ("ben@contoso.example",)}, "implementer", "ana@contoso.example made it"),
        ({"implementer": ("ben@contoso.example",), "planned_until": AT}, "time, implementer", "and is for"),
        ({"resource": VAULT}, "subject", "is for /subscriptions"),
    ],
)
def test_whatever_is_lacking_is_told_with_the_nearest_ticket(
    orders: RunTables, change: dict[str, Any], differs: str, told: str
) -> None:
    row = one(orders, ticket(**change))
    assert (row["state"], row["ticket"], row["nearest"], row["differs"]) == ("unmatched", None, "CHG-1", differs)
    assert told in row["why"]


def test_a_ticket_of_other_people_and_things_is_not_near(orders: RunTables) -> None:
    row = one(orders, ticket(job="bills", implementer=("ben@contoso.example",)))
    assert (row["why"], row["nearest"]) == ("no ticket names the job", None)


@pytest.mark.parametrize(
    "subject",
    [
        {"job": ORDERS.job_id.upper().replace("/SUBSCRIPTIONS", "/subscriptions")},
        {"job": "ORDERS"}, {"job": "ord*"}, {"job": "order?"}, {"job": "RG-Orders/orders"}, {"job": "rg-*/o*"},
        {"resource": ORDERS.job_id}, {"resource": "orders"}, {"resource": f"{GROUP}/*"}, {"resource": "rg-orders/ord*"},
    ],
)  # fmt: skip
def test_a_job_is_named_by_id_name_or_pattern(orders: RunTables, subject: dict[str, Any]) -> None:
    assert one(orders, ticket(**subject))["state"] == "matched"


@pytest.mark.parametrize(
    "subject", [{"resource": GROUP}, {"job": "rg-bills/orders"}, {"resource": "/subscriptions/*x"}]
)
def test_what_only_encloses_a_job_or_is_called_alike_does_not_name_it(
    orders: RunTables, subject: dict[str, Any]
) -> None:
    assert one(orders, ticket(**subject))["state"] == "unmatched"


def test_a_job_of_another_name_that_begins_alike_is_another(tables: RunTables) -> None:
    tables.add(ORDERS, job("orders-2"), write(resource=job_id("orders-2")))
    assert one(tables, ticket())["state"] == "unmatched"
    assert one(tables, ticket(resource=ORDERS.job_id))["state"] == "unmatched"


def test_what_lies_on_a_resource_is_its_own_and_what_lies_in_a_group_is_not_the_groups(tables: RunTables) -> None:
    lock = f"{GROUP}/providers/Microsoft.Authorization/locks/l"
    tables.add(ORDERS, write(resource=lock, operation="Microsoft.Authorization/locks/delete"))
    assert one(tables, ticket(resource=GROUP))["state"] == "matched"
    assert one(tables, ticket())["why"] == "CHG-1 is of this time and implementer, but is for orders"


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("Ana Ruiz", "name"), ("ANA RUIZ ", "name"), (ANA.upper(), "object id"),
        ("Ana@Contoso.example", "name as Azure records it"), ("ana.ruiz@contoso.example", "user principal name"),
    ],
)  # fmt: skip
def test_a_person_is_who_bears_any_of_their_names(orders: RunTables, name: str, by: str) -> None:
    orders.add(person(ANA, "Ana Ruiz", "ana.ruiz@contoso.example"))
    row = one(orders, ticket(implementer=("somebody else", name)))
    assert (row["state"], row["matched_by"]) == ("matched", by)


def test_a_persons_program_is_not_the_person(orders: RunTables) -> None:
    """Everybody who uses the Azure CLI bears its application id in the token."""
    assert one(orders, ticket(implementer=(CLI,)))["state"] == "unmatched"


def test_an_application_is_known_by_its_application_id(tables: RunTables) -> None:
    tables.add(ORDERS, write(caller=BEN, object_id=BEN, app=APP))
    row = one(tables, ticket(implementer=(APP.upper(),)))
    assert (row["state"], row["matched_by"]) == ("matched", "application id")


def test_a_name_that_two_bear_decides_nothing(orders: RunTables) -> None:
    orders.add(person(ANA, "Ana Ruiz"), person(BEN, "ana ruiz"))
    row = one(orders, ticket(implementer=("Ana Ruiz",)))
    assert (row["state"], row["undecided"]) == ("unmatched", True)
    assert "several bear the name" in row["why"]


def test_a_display_name_that_looks_like_somebodys_address_or_id_is_none(tables: RunTables) -> None:
    tables.add(ORDERS, write(caller="guest@evil.example", object_id=BEN))
    tables.add(person(BEN, "ana@contoso.example", "guest@evil.example"))
    assert one(tables, ticket())["state"] == "unmatched"
    tables.add(person("dddddddd-0000-0000-0000-000000000004", ANA, "x@evil.example"))
    assert one(tables, ticket(implementer=(ANA,)))["state"] == "unmatched"


def test_who_made_a_change_is_undecided_where_the_directory_knows_neither(orders: RunTables) -> None:
    row = one(orders, ticket(implementer=("Ana Ruiz",)))
    assert (row["state"], row["undecided"], row["differs"]) == ("unmatched", True, "implementer")
    late = one(orders, ticket(implementer=("Ana Ruiz",), planned_until=AT))
    assert (late["undecided"], late["differs"]) == (False, "time, implementer")


def test_two_addresses_that_differ_are_two_people(orders: RunTables) -> None:
    assert one(orders, ticket(implementer=("ana@contoso.example.evil",)))["undecided"] is False


def test_of_several_tickets_the_one_approved_in_time_answers(orders: RunTables) -> None:
    row = one(orders, ticket(1, approved_at=AT + HOUR), ticket(2, planned_until=AT + 9 * HOUR), ticket(3))
    assert (row["ticket"], row["approved_before"]) == ("CHG-3", True)
    assert row["why"].endswith("; 2 more would fit")


def test_what_sets_nothing_failed_or_was_the_platforms_needs_no_ticket(tables: RunTables) -> None:
    system = ResourceChange(
        change_id="g", target_resource_id=ORDERS.job_id, target_type="microsoft.app/jobs", change_type="Update", at=AT,
        changed_by="System", property="properties.x", before="1", after="2",
    )  # fmt: skip
    tables.add(
        ORDERS, system, write(status="Failed", at=AT + HOUR),
        write(operation="Microsoft.App/jobs/start/action", at=AT + 2 * HOUR),
    )  # fmt: skip
    rows = held(tables, ticket(job="bills", implementer=("x@y.example",)))
    assert [(row["state"], row["why"]) for row in rows if row["change_id"]] == [
        ("not_expected", "it sets nothing"),
        ("not_expected", "it failed, so nothing changed"),
        ("not_expected", "Azure's platform did it by itself"),
    ]


def test_without_tickets_nothing_is_compared(orders: RunTables) -> None:
    assert [(row["state"], row["why"]) for row in held(orders)] == [("not_compared", "no approved changes were given")]
    orders.with_run(tickets=None)
    orders.derived().close()
    assert [row["state"] for row in orders.query("select state from change_tickets")] == ["not_compared"]


def test_a_ticket_without_a_change_says_why(orders: RunTables) -> None:
    rows = held(
        orders, ticket(1, job="gone"), ticket(2, planned_from=NOW, planned_until=NOW + HOUR),
        ticket(3, implementer=("ben@contoso.example",)), ticket(4, planned_until=AT), ticket(5, resource="kv-none"),
        ticket(6),
    )  # fmt: skip
    unused = {row["ticket"]: row for row in rows if row["state"] == "unused"}
    assert {name: row["why"].partition(":")[0] for name, row in unused.items()} == {
        "CHG-1": "it names no job of this run",
        "CHG-2": "it was planned for outside the window that was looked at",
        "CHG-3": "what it names was changed in its planned window, but not by its implementer, or another"
        " ticket answers",
        "CHG-4": "what it names was changed, but not in its planned window",
        "CHG-5": "no change of what it names is known",
    }
    assert {row["job_id"] for row in unused.values()} == {None, ORDERS.job_id}


def test_changes_outside_the_window_are_not_held_against_tickets(tables: RunTables) -> None:
    tables.add(ORDERS, write(at=NOW - timedelta(days=40)))
    assert [row["state"] for row in held(tables, ticket())] == ["unused"]


@pytest.mark.parametrize(
    ("fields", "names", "expected"),
    [
        ({"approver": ("ana@contoso.example", "ben@contoso.example")}, (), (True, False)),
        ({"approver": ("Ana Ruiz",)}, (person(ANA, "Ana Ruiz"),), (True, False)),
        ({"approver": ("Ana Ruiz",)}, (person(ANA, "Ana Ruiz"), person(BEN, "Ana Ruiz")), (None, False)),
        ({"approver": ("Ana Ruiz",)}, (), (None, None)),
        ({"approver": ("Board",)}, (person(ANA, "Ana Ruiz"),), (False, None)),
        (
            {"approver": ("Board",)},
            (person(ANA, "Ana Ruiz"), person(BEN, "Rita", "req@contoso.example")),
            (False, False),
        ),
        ({"approver": ("Board", "ben@contoso.example")}, (person(ANA, "Ana Ruiz"),), (False, False)),
        ({"approver": ("Rita",)}, (person(BEN, "Rita", "req@contoso.example"), person(ANA, "Rita")), (None, None)),
        ({"approver": ("REQ@contoso.example",)}, (), (False, True)),
        ({"approver": ("req@contoso.example", "ben@contoso.example")}, (), (False, False)),
        ({"approver": ("Rita Quist",)}, (person(BEN, "Rita Quist", "req@contoso.example"),), (False, True)),
        ({"approver": (), "approved_at": None}, (), (None, None)),
    ],
)
def test_who_approved_is_held_against_who_made_it_and_who_asked(
    orders: RunTables, fields: dict[str, Any], names: tuple[Principal, ...], expected: tuple[bool | None, bool | None]
) -> None:
    orders.add(*names)
    row = one(orders, ticket(**fields))
    assert row["state"] == "matched"
    assert (row["approved_by_implementer"], row["approved_by_requester_alone"]) == expected


def test_hostile_text_stays_text(orders: RunTables) -> None:
    name = "'); drop table changes; --"
    rows = held(orders, ticket(1, ticket=name, job="orders%_", requester='"', risk="=1+1"), ticket(2, job="o'*"))
    assert {row["state"] for row in rows} == {"unmatched", "unused"}
    kept = orders.query("select ticket, risk, implementers from approved_changes order by ticket")
    assert (kept[0]["ticket"], kept[0]["risk"]) == (name, "=1+1")
    assert json.loads(kept[0]["implementers"]) == ["ana@contoso.example"]


def test_a_change_around_several_jobs_has_a_row_for_each(tables: RunTables) -> None:
    tables.add(ORDERS, job("returns"), event(f"{GROUP}/providers/Microsoft.Authorization/locks/l",
                                             "Microsoft.Authorization/locks/write", at=AT))  # fmt: skip
    rows = held(tables, ticket(resource="rg-orders"))
    assert [(row["state"], row["relation"]) for row in rows if row["change_id"]] == [("matched", "scope")] * 2


def test_deriving_again_changes_nothing(orders: RunTables) -> None:
    from audit.derive import derive

    orders.with_run(tickets=Tickets(tickets=(ticket(1), ticket(2, job="gone"))))
    con = orders.derived()
    before = con.execute("select * from change_tickets").fetchall()
    assert len({row[0] for row in before}) == len(before) == 2
    derive(con, orders.run)
    assert con.execute("select * from change_tickets").fetchall() == before
