"""Who decides about what: rules in their order, owners' tags, the fallback, and nobody about their own access."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from audit.derive.entitlements import reviewers
from audit.model.review import ReviewRule, ReviewSettings

SUB = "/subscriptions/11111111-1111-4000-8000-000000000000"
GROUP = f"{SUB}/resourceGroups/RG-Orders"
ANA, BEN, TEAM = "a-ana", "b-ben", "g-team"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(duckdb.connect()) as con:
        con.execute("""
            create table entitlements (
                entitlement_id VARCHAR, position BIGINT, kind VARCHAR, principal_id VARCHAR, principal VARCHAR,
                principal_login VARCHAR, scope VARCHAR, owner VARCHAR, resource_groups JSON, subscriptions JSON,
                source_key VARCHAR);
            create table access_principals (
                principal_id VARCHAR, user_principal_name VARCHAR, display_name VARCHAR);
            create table coverage (kind VARCHAR, outcome VARCHAR);
            create table groups_above (member_key VARCHAR, group_key VARCHAR);
            insert into access_principals values
                ('A-Ana', 'ana@contoso.example', 'Ana'), ('b-ben', 'ben@contoso.example', 'Ben_100%'),
                ('g-team', null, 'The team');
            insert into groups_above values ('a-ana', 'g-team');
        """)
        yield con


def entitle(con: duckdb.DuckDBPyConnection, name: str, **fields: Any) -> None:
    row = {
        "kind": "role", "principal_id": BEN, "principal": "Ben_100%", "principal_login": "ben@contoso.example",
        "scope": GROUP, "owner": None, "resource_groups": '["rg-orders"]',
        "subscriptions": '["11111111-1111-4000-8000-000000000000"]',
    } | fields  # fmt: skip
    columns = ", ".join(row)
    con.execute(
        f"insert into entitlements (entitlement_id, position, {columns}) "
        f"values (?, (select count(*) + 1 from entitlements), {', '.join('?' * len(row))})",
        [name, *row.values()],
    )


def chosen(con: duckdb.DuckDBPyConnection, settings: ReviewSettings) -> dict[str, tuple[str | None, bool]]:
    reviewers.create(con, settings)
    found = con.execute("select entitlement_id, reviewer, reviewer_conflict from entitlements").fetchall()
    return {name: (reviewer, conflict) for name, reviewer, conflict in found}


def rule(**named: Any) -> ReviewRule:
    return ReviewRule(reviewer="zoe@contoso.example", **named)


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        (rule(), True),
        (rule(resource_groups=("rg-ORDERS",)), True),
        (rule(resource_groups=("rg-orders-2",)), False),
        (rule(subscriptions=("11111111-1111-4000-8000-000000000000",)), True),
        (rule(subscriptions=("11111111-1111-4000-8000-000000000001",)), False),
        (rule(scopes=(SUB.upper(),)), True),
        (rule(scopes=(GROUP + "/",)), True),
        (rule(scopes=(f"{SUB}/resourceGroups/RG-Ord",)), False),
        (rule(principals=("BEN@*",)), True),
        (rule(principals=("Ben_100%",)), True),
        (rule(principals=("Benx100%",)), False),
        (rule(principals=("b-b?n",)), True),
        (rule(kinds=("role", "membership")), True),
        (rule(kinds=("membership",)), False),
        (rule(kinds=("role",), resource_groups=("other",)), False),
    ],
)
def test_all_that_a_rule_names_has_to_hold(con: duckdb.DuckDBPyConnection, given: ReviewRule, fits: bool) -> None:
    entitle(con, "E-1")
    found = chosen(con, ReviewSettings(reviewers=(given,)))
    assert found == {"E-1": ("zoe@contoso.example" if fits else None, False)}


def test_access_given_above_goes_by_the_jobs_that_it_reaches(con: duckdb.DuckDBPyConnection) -> None:
    entitle(con, "one group's jobs", scope=SUB)
    entitle(con, "two groups' jobs", scope=SUB, resource_groups='["rg-orders", "rg-billing"]')
    entitle(con, "no job", scope=SUB, resource_groups="[]")
    found = chosen(con, ReviewSettings(reviewers=(rule(resource_groups=("rg-orders",)),)))
    assert found == {
        "one group's jobs": ("zoe@contoso.example", False),
        "two groups' jobs": (None, False),
        "no job": (None, False),
    }


def test_the_first_rule_wins_then_the_owner_then_the_fallback(con: duckdb.DuckDBPyConnection) -> None:
    entitle(con, "ruled", owner="orders@contoso.example", kind="membership")
    entitle(con, "owned", owner="orders@contoso.example")
    entitle(con, "neither")
    rules = (rule(kinds=("membership",)), ReviewRule(reviewer="late@contoso.example", kinds=("membership",)))
    found = chosen(con, ReviewSettings(reviewers=rules, fallback="security@contoso.example"))
    assert {name: reviewer for name, (reviewer, _) in found.items()} == {
        "ruled": "zoe@contoso.example", "owned": "orders@contoso.example", "neither": "security@contoso.example",
    }  # fmt: skip


@pytest.mark.parametrize("subject", ["a-ANA", TEAM])
def test_nobody_decides_about_their_own_access_nor_their_groups(con: duckdb.DuckDBPyConnection, subject: str) -> None:
    entitle(con, "E-1", principal_id=subject, owner="Ana@contoso.example")
    assert chosen(con, ReviewSettings(alternate="ben@contoso.example")) == {"E-1": ("ben@contoso.example", False)}
    rows = con.execute("select reviewer, principal_id from reviewer_subjects order by all").fetchall()
    assert ("Ana@contoso.example", "g-team") in rows
    assert ("ben@contoso.example", "g-team") not in rows


def test_where_nobody_else_is_named_the_conflict_is_told(con: duckdb.DuckDBPyConnection) -> None:
    entitle(con, "E-1", principal_id=ANA, owner="ana@contoso.example")
    assert chosen(con, ReviewSettings()) == {"E-1": ("ana@contoso.example", True)}


def test_an_alternate_who_holds_it_too_leaves_it_to_the_fallback(con: duckdb.DuckDBPyConnection) -> None:
    entitle(con, "E-1", principal_id=TEAM, owner="ana@contoso.example")
    settings = ReviewSettings(alternate="Ana", fallback="ben@contoso.example")
    assert chosen(con, settings) == {"E-1": ("ben@contoso.example", False)}


@pytest.mark.parametrize("fallback", ["", "ben@contoso.example"])
def test_tags_that_were_not_read_may_hide_an_owner(con: duckdb.DuckDBPyConnection, fallback: str) -> None:
    entitle(con, "E-1", principal_id=ANA)
    entitle(con, "E-2", principal_id=ANA, owner="zoe@contoso.example")
    con.execute("insert into coverage values ('tags', 'gap')")
    reviewers.create(con, ReviewSettings(owner_tag="owner", fallback=fallback))
    told = dict(con.execute("select entitlement_id, reviewer_rule from entitlements").fetchall())
    assert told["E-1"].endswith("; not all tags could be read, so an owner may be missing")
    assert told["E-2"] == "the tag owner of every job that it reaches"


def test_one_reviewer_however_their_name_is_spelled(con: duckdb.DuckDBPyConnection) -> None:
    entitle(con, "E-1", owner="ANA@contoso.example")
    entitle(con, "E-2", owner="ana@Contoso.example")
    entitle(con, "E-3", owner="Zoe@contoso.example")
    entitle(con, "E-4", principal_id=ANA, owner="zoe@CONTOSO.example", kind="membership")
    rules = (ReviewRule(reviewer="ana@contoso.EXAMPLE", kinds=("membership",)),)
    found = chosen(con, ReviewSettings(reviewers=rules, alternate="zoe@contoso.example"))
    assert {name: reviewer for name, (reviewer, _) in found.items()} == {
        "E-1": "ana@contoso.EXAMPLE", "E-2": "ana@contoso.EXAMPLE", "E-3": "zoe@contoso.example",
        "E-4": "zoe@contoso.example",
    }  # fmt: skip
