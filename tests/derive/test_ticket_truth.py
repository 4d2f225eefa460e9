"""The matching in SQL against one that is slow and plain: random tickets, changes and people, the same answers."""

from __future__ import annotations

import random
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import duckdb
import pytest
from run_tables import NOW, SUB, job_id

from audit.derive import tickets
from audit.model import Caller, Run, RunState, Window
from audit.model.ticket import Ticket, Tickets

AT = NOW - timedelta(days=9)
HOUR = timedelta(hours=1)
NAMES = ("orders", "orders-2", "Orders-x", "bills")
GROUPS = ("rg-a", "RG-b")
VAULT = "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.KeyVault/vaults/{}"


class Person(NamedTuple):
    """Somebody of the directory: id, sign-in name and the name they gave themselves."""

    id: str
    upn: str
    name: str


class Change(NamedTuple):
    """A change of one job or of a resource beside it."""

    id: str
    job: str
    resource: str
    relation: str
    by: str
    object_id: str | None
    hours: int


PEOPLE = (
    Person("aaaaaaaa-0000-0000-0000-000000000001", "ana@x.example", "Ana"),
    Person("bbbbbbbb-0000-0000-0000-000000000002", "ben@x.example", "Ben"),
    Person("cccccccc-0000-0000-0000-000000000003", "ben.2@x.example", "ben"),
    Person("dddddddd-0000-0000-0000-000000000004", "eve@x.example", "ana@x.example"),
)


def estate(chance: random.Random) -> tuple[list[Change], list[Ticket]]:
    changes = []
    for number in range(12):
        job = job_id(chance.choice(NAMES), group=chance.choice(GROUPS))
        vault = VAULT.format(SUB, chance.choice(GROUPS), chance.choice(("kv", "orders")))
        resource, relation = chance.choice(((job, "job"), (f"{job}/sub/x", "job"), (vault, "vault")))
        who = chance.choice(PEOPLE)
        shown = chance.choice((who.upn, who.upn.upper(), who.id))
        known = chance.choice((who.id, None)) if shown != who.id else who.id
        spelled = chance.choice((resource, resource.upper().replace("/SUBSCRIPTIONS", "/subscriptions")))
        changes.append(Change(f"c{number}", job, spelled, relation, shown, known, chance.randrange(8)))
    given = []
    for number in range(chance.randrange(4, 16)):
        near = chance.choice(changes)
        ids = [job_id(chance.choice(NAMES), group=chance.choice(GROUPS)), VAULT.format(SUB, "rg-a", "kv")]
        jobs = ["orders", "orders*", "ORDERS-?", "rg-b/*", "*", "rg-?/orders", ids[0]]
        things = ["kv", "orders", "k*", "rg-a/kv", *ids, f"{ids[1]}/", "/subscriptions/*/vaults/*", ids[0] + "/sub/x",
                  f"/subscriptions/{SUB}/resourceGroups/rg-a"]  # fmt: skip
        subject = {"job": chance.choice(jobs)} if chance.random() < 0.6 else {"resource": chance.choice(things)}
        maker = next(each for each in PEOPLE if near.by.lower() in (each.id, each.upn))
        who = chance.choice((maker, maker, *PEOPLE))
        since = chance.choice((near.hours, near.hours - 1, near.hours + 1))
        given.append(
            Ticket(
                ticket=f"T{number}", **{key: text.rstrip("/") for key, text in subject.items()},
                planned_from=AT + since * HOUR, planned_until=AT + (since + chance.randrange(1, 5)) * HOUR,
                requester="r", approver=("x",), approved_at=AT + chance.randrange(-2, 8) * HOUR,
                implementer=(chance.choice((who.id, who.upn, who.name)),), file="t", row=number,
            )
        )  # fmt: skip
    return changes, given


def names_it(ticket: Ticket, change: Change) -> bool:
    resource, job = change.resource.lower(), change.job.lower()
    wanted = ticket.subject.lower()
    if ticket.job:
        name, group = job.split("/")[8], job.split("/")[4]
        return change.relation == "job" and any(fnmatchcase(each, wanted) for each in (job, name, f"{group}/{name}")
                                                if each.count("/") == wanted.count("/"))  # fmt: skip
    if wanted.startswith("/"):
        if "*" in wanted:
            return any(fnmatchcase("/".join(resource.split("/")[:end]), wanted)
                       for end in range(9, resource.count("/") + 2))  # fmt: skip
        return len(wanted.split("/")) > 8 and f"{resource}/".startswith(f"{wanted}/")
    parts = resource.split("/")
    named = {each for name in (parts[8], parts[-1]) for each in (name, f"{parts[4]}/{name}")}
    return any(fnmatchcase(each, wanted) for each in named if each.count("/") == wanted.count("/"))


def made_by(ticket: Ticket, change: Change) -> bool:
    (wanted,) = (each.lower() for each in ticket.implementer)
    who = next(each for each in PEOPLE if change.by.lower() in (each.id, each.upn))
    if wanted in (who.id, who.upn):
        return True
    bearers = [each for each in PEOPLE if each.name.lower() == wanted and "@" not in each.name]
    return len(bearers) == 1 and bearers[0] is who


def matched(changes: list[Change], given: list[Ticket]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for change in changes:
        at = AT + change.hours * HOUR
        fitting = [
            each for each in given
            if names_it(each, change) and each.planned_from <= at < each.planned_until and made_by(each, change)
        ]  # fmt: skip
        fitting.sort(
            key=lambda each: (
                not (each.approved_at and each.approved_at <= at),
                each.planned_until - each.planned_from,
                each.ticket.lower(),
            )
        )
        found[change.id] = fitting[0].ticket if fitting else None
    return found


def by_sql(changes: list[Change], given: list[Ticket]) -> dict[str, str | None]:
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.execute("create table population (job_id VARCHAR, name VARCHAR, resource_group VARCHAR)")
    jobs = [(job_id(name, group=group), name, group) for name in NAMES for group in GROUPS]
    con.executemany("insert into population values (?, ?, ?)", jobs)
    con.execute("create table identities (principal_id VARCHAR, client_id VARCHAR)")
    con.execute(
        "create table access_principals (principal_id VARCHAR, user_principal_name VARCHAR, display_name VARCHAR,"
        " app_id VARCHAR, type VARCHAR)"
    )
    con.executemany("insert into access_principals values (?, ?, ?, null, 'User')", PEOPLE)
    con.execute(
        "create table changes (change_id VARCHAR, job_id VARCHAR, resource_id VARCHAR, relation VARCHAR,"
        ' changed_by VARCHAR, changed_by_id VARCHAR, "at" TIMESTAMPTZ, row_id VARCHAR, observed_at TIMESTAMPTZ,'
        " raw_ref VARCHAR, kind VARCHAR, operation VARCHAR, changed_by_name VARCHAR, changed_by_type VARCHAR,"
        " client_app_id VARCHAR, status VARCHAR)"
    )
    rows: list[list[Any]] = [[*each[:-1], AT + each.hours * HOUR] for each in changes]
    con.executemany(
        "insert into changes select ?, ?, ?, ?, ?, ?, ?, 'r', now(), 'raw', 'configuration', 'o', null, 'user', null,"
        " 'Succeeded'",
        rows,
    )
    run = Run(
        run_id="r", state=RunState.DONE, tool_version="0", cloud="custom", endpoint="https://127.0.0.1",
        caller=Caller(object_id="c", tenant_id="t", kind="app"),
        window=Window(since=NOW - timedelta(days=30), until=NOW), subscriptions=(), expected_subscriptions=(), kinds=(),
        started=NOW, tickets=Tickets(tickets=tuple(given)),
    )  # fmt: skip
    tickets.create(con, run)
    return dict(con.execute("select change_id, ticket from change_tickets where change_id is not null").fetchall())


@pytest.mark.parametrize("seed", range(40))
def test_both_find_the_same_ticket_for_every_change(seed: int) -> None:
    changes, given = estate(random.Random(seed))
    assert by_sql(changes, given) == matched(changes, given)


def test_the_random_estates_hold_matches_and_misses() -> None:
    found = [ticket for seed in range(40) for ticket in matched(*estate(random.Random(seed))).values()]
    assert 40 < sum(each is not None for each in found) < len(found) - 40
