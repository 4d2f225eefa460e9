"""JA-01, 02, 03, 04 and 29: who can do what to a job against who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from access_rows import (
    CONTRIBUTOR,
    GROUP,
    HERE,
    IDENTITY,
    INNER,
    ITS_PRINCIPAL,
    ORDERS,
    TEAM,
    VAULT,
    assigned,
    denied,
    eligible,
    group,
    listed,
    person,
    role,
    whole,
)
from answered import found
from run_tables import NOW, RunTables, job

from audit.assess import load
from audit.evidence.group_members import GroupMember
from audit.evidence.jobs import JobIdentity
from audit.evidence.principals import Principal
from audit.model import GapReason

ASKED = {
    "JA-01": {"create job", "update job", "delete job"},
    "JA-02": {"list secrets", "read vault secret"},
    "JA-03": {"start job", "stop job", "exec job"},
    "JA-04": {"grant access", "assign identity"},
    "JA-29": {"read logs"},
}
WRITE = role("Writer", "Microsoft.App/jobs/write")


def answers(tables: RunTables, control: str = "JA-01", *approved: str) -> dict[str, tuple[str, str]]:
    """Derive once, then assess with whoever is approved."""
    if not tables.database.exists():
        tables.derived().close()
    if approved:
        tables.with_run(settings={"approved_principals": list(approved)})
    return {row["subject"]: (row["verdict"], row["reason"]) for row in tables.assessed(control)}


def every(tables: RunTables, *approved: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what all five controls answer, by control and subject."""
    tables.with_run(settings={"approved_principals": list(approved)})
    return {(row["control_id"], row["subject"]): (row["verdict"], row["reason"]) for row in tables.verdicts(*ASKED)}


def test_everybody_approved(tables: RunTables) -> None:
    whole(tables)
    rows = every(tables, "ana")
    assert rows.keys() == {(control, subject) for control, subjects in ASKED.items() for subject in subjects}
    # of its own vault only the job's identity reads: nobody is left to approve
    assert rows.pop(("JA-02", "read vault secret")) == ("not_applicable", "nobody can: no assignment leads to it")
    assert set(rows.values()) == {("pass", "1 can, and all of them are approved")}


def test_without_a_list_nothing_is_concluded(tables: RunTables) -> None:
    whole(tables)
    rows = every(tables)
    assert {verdict for verdict, _ in rows.values()} == {"not_assessed"}
    assert "policy.approved_principals): 1 can now" in rows["JA-01", "update job"][1]
    assert "policy.approved_log_readers, policy.approved_principals" in rows["JA-29", "read logs"][1]


def test_a_stranger_is_named_with_role_and_scope(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), role("Everything", "*", data=("*",)), assigned("ben", "Everything", GROUP))
    for key, (verdict, reason) in every(tables, "ana").items():
        assert verdict == "fail", key
        assert '"Ben" (user "ben@contoso.example"): "Everything" at the resource group "rg-orders"' in reason, key
    rows = tables.query("select raw_ref from verdicts")
    assert all(row["raw_ref"].startswith("raw/role_assignments/") for row in rows)


def test_a_gap_keeps_every_verdict_back(tables: RunTables) -> None:
    whole(tables)
    tables.gap("role_assignments", HERE, GapReason.THROTTLED)
    for verdict, reason in every(tables, "ana").values():
        assert verdict == "not_assessed"
        assert "throttled" in reason


def test_how_an_entry_names_somebody(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben", app_id="APP-7"), WRITE, assigned("ben", "Writer", GROUP))
    right = ("BEN", "ben@CONTOSO.example", "B?n", "*@contoso.example", "b*", "app-7", " ben ")
    wrong = ("", "be", "b", "ben?", "%", "_en", "b.n", "[b]en", "\\")
    for entry in right + wrong:
        verdict, _ = answers(tables, "JA-01", "ana", entry)["update job"]
        assert verdict == ("pass" if entry in right else "fail"), entry


def test_a_name_with_wildcards_is_taken_by_its_letter(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("x-1", "100%_\\ops"), person("x-2", "100 ops"), WRITE)
    tables.add(assigned("x-1", "Writer", GROUP), assigned("x-2", "Writer", GROUP))
    verdict, reason = answers(tables, "JA-01", "ana", "100%_\\*")["update job"]
    assert verdict == "fail"
    assert "1 of 3" in reason
    assert '"100 ops"' in reason


def test_keys_have_no_names_to_be_approved_by(tables: RunTables) -> None:
    whole(tables)
    key = Principal(principal_id="k", type="SharedAccessPolicy", display_name="deploy-1", resolved=True)
    tables.add(key, WRITE, assigned("k", "Writer", GROUP, principal_type=None))
    assert answers(tables, "JA-01", "ana", "deploy-*")["update job"][0] == "fail"
    assert answers(tables, "JA-01", "ana", "k")["update job"][0] == "pass"


def test_an_approved_group_covers_its_members_only_through_itself(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), WRITE, *group(TEAM, "The team", "ben"))
    tables.add(assigned(TEAM, "Writer", GROUP, principal_type="Group"))
    assert answers(tables, "JA-01", "ana", "the team")["update job"][0] == "pass"
    assert answers(tables, "JA-01", "ana", TEAM.upper())["update job"][0] == "pass"
    verdict, reason = answers(tables, "JA-01", "ana")["update job"]
    assert verdict == "fail"
    assert '"Writer" at the resource group "rg-orders", through the group "The team"' in reason


def test_a_member_s_own_assignment_is_not_the_group_s(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), WRITE, *group(TEAM, "The team", "ben"), assigned("ben", "Writer", HERE))
    tables.add(assigned(TEAM, "Writer", GROUP, principal_type="Group"))
    verdict, reason = answers(tables, "JA-01", "ana", "the team")["update job"]
    assert verdict == "fail"
    assert f'at the subscription "{HERE.split("/")[2]}"' in reason
    assert "through the group" not in reason


def test_nested_groups_are_told_from_the_outer_to_the_inner(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), WRITE, *group(TEAM, "The outer", INNER), *group(INNER, "The inner", "ben"))
    tables.add(GroupMember(group_id=TEAM, member_id="ben", member_type="User"))
    tables.add(assigned(TEAM, "Writer", GROUP, principal_type="Group"))
    _, reason = answers(tables, "JA-01", "ana")["update job"]
    assert 'through the group "The outer" and in it "The inner"' in reason
    assert answers(tables, "JA-01", "ana", "the inner")["update job"][0] == "pass"


def test_eligible_conditional_and_ending_access_counts_and_is_told(tables: RunTables) -> None:
    whole(tables)
    tables.add(WRITE, person("ben"), person("cem"))
    tables.add(eligible("ben", "Writer", GROUP, ends=NOW + timedelta(days=5)))
    tables.add(assigned("cem", "Writer", GROUP, condition="@Resource[x] eq 1"))
    verdict, reason = answers(tables, "JA-01", "ana")["update job"]
    assert verdict == "fail"
    assert "2 of 3 who can are not approved" in reason
    assert "after an activation, until 2026-11-06 06:00 UTC" in reason
    assert "under a condition" in reason


def test_whoever_is_denied_does_not_count(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), CONTRIBUTOR, assigned("ben", "Contributor"))
    tables.add(denied("Microsoft.App/jobs/write", spared=("ana",)))
    rows = answers(tables, "JA-01", "ana")
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "create job": "pass", "update job": "pass", "delete job": "fail",
    }  # fmt: skip


def test_nobody_left_is_no_pass(tables: RunTables) -> None:
    whole(tables)
    tables.add(denied("*"))
    assert answers(tables, "JA-01", "ana")["update job"] == ("not_applicable", "nobody can: no assignment leads to it")


def test_acting_as_the_identity_is_told(tables: RunTables) -> None:
    whole(tables)
    tables.add(
        role("Starter", "Microsoft.App/jobs/start/action"),
        role("Reader of secrets", data=("Microsoft.KeyVault/vaults/secrets/getSecret/action",)),
        person("ben"), assigned("ben", "Starter", ORDERS.job_id),
        assigned(ITS_PRINCIPAL, "Reader of secrets", VAULT, principal_type="ServicePrincipal"),
    )  # fmt: skip
    verdict, reason = answers(tables, "JA-02", "ana")["read vault secret"]
    assert verdict == "fail"
    assert "1 of 2" in reason
    assert '"Starter" at the jobs "orders", by acting as the identity "id-orders"' in reason


def test_a_job_without_a_secret_has_nothing_to_list(tables: RunTables) -> None:
    whole(tables)
    bare = job("bare")
    tables.add(*listed(bare))
    tables.with_run(settings={"approved_principals": ["ana"]})
    rows = found(tables, "JA-02")
    assert rows["bare", "bare"] == ("not_applicable", "the job has no secret")


@pytest.mark.parametrize(
    ("control", "key"),
    [
        ("JA-02", "approved_secret_readers"), ("JA-03", "approved_operators"),
        ("JA-04", "approved_access_administrators"), ("JA-29", "approved_log_readers"),
    ],
)  # fmt: skip
def test_each_control_has_a_list_of_its_own_beside(tables: RunTables, control: str, key: str) -> None:
    whole(tables)
    tables.with_run(settings={key: ["ana"]})
    got: dict[str, set[str]] = {each: set() for each in ASKED}
    for row in tables.verdicts(*ASKED):
        if row["subject"] != "read vault secret":
            got[row["control_id"]].add(row["verdict"])
    assert got == {each: {"pass"} if each == control else {"not_assessed"} for each in ASKED}


def test_untold_members_keep_a_pass_back_and_no_failure(tables: RunTables) -> None:
    whole(tables)
    tables.add(Principal(principal_id="far", type="ForeignGroup", display_name="Far", resolved=True), WRITE)
    tables.add(assigned("far", "Writer", GROUP, principal_type="ForeignGroup"))
    verdict, reason = answers(tables, "JA-01", "ana", "far")["update job"]
    assert verdict == "not_assessed"
    assert "there may be more: the members of the group Far are not known" in reason
    verdict, reason = answers(tables, "JA-01", "ana")["update job"]
    assert verdict == "fail"
    assert "there may be more" in reason


def test_what_was_not_found_may_be_anybodys(tables: RunTables) -> None:
    whole(tables)
    tables.rows = [each for each in tables.rows if each.table != "role_assignments"]
    tables.add(JobIdentity(job_id=ORDERS.job_id, identity_id=f"{GROUP}/gone", kind="user"))
    tables.rows = [
        each for each in tables.rows if each.table != "identities" and getattr(each, "identity_id", "") != IDENTITY
    ]
    verdict, reason = answers(tables, "JA-04", "ana")["assign identity"]
    assert verdict == "not_assessed"
    assert "the identity was not read, or it does not exist any more" in reason


def test_hostile_names_stay_bounded_and_inside_their_quotes(tables: RunTables) -> None:
    whole(tables)
    evil = '=cmd|"; and nobody else is\nmissing' + "x" * 5000
    tables.add(
        role("Writer", "Microsoft.App/jobs/write").__class__(
            role_definition_id=WRITE.role_definition_id, role_guid="Writer", name=evil, permissions=WRITE.permissions
        )
    )
    for number in range(9):
        tables.add(person(f"ben-{number}", evil, user_principal_name=evil), assigned(f"ben-{number}", "Writer", GROUP))
    verdict, reason = answers(tables, "JA-01", "ana")["update job"]
    assert verdict == "fail"
    assert reason.count("=cmd|'; and nobody else is") == 9
    assert '=cmd|"' not in reason
    assert reason.startswith("9 of 10 who can are not approved: ")
    assert reason.endswith("; and 6 more")
    assert len(reason) < 1500


def test_the_shared_words_are_the_same_in_every_control_of_access() -> None:
    start, end = "-- Who, by which role, where", "    group by shown.job_id, shown.subject\n)"
    told = {each.id: each.sql.partition(start)[2].partition(end)[0] for each in load() if start in each.sql}
    assert told.keys() == {*ASKED, "JA-05", "JA-06", "JA-08"}
    assert len(set(told.values())) == 1
    judged = {
        control: next(c for c in load() if c.id == control).sql.partition("-- A name stands")[2] for control in ASKED
    }
    assert len(set(judged.values())) == 1


def test_ids_in_any_casing_give_the_same_verdicts(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), WRITE, assigned("BEN", "WRITER", GROUP.upper()))
    assert answers(tables, "JA-01", "ana")["update job"][0] == "fail"
    assert answers(tables, "JA-01", "ana", "ben")["update job"][0] == "pass"
