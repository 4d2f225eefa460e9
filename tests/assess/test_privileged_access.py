"""JA-05, 06 and 08: how many may grant access, whose access should have ended, who holds what without activating."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from access_rows import (
    ADMINISTRATOR,
    CONTRIBUTOR,
    GROUP,
    HERE,
    ITS_PRINCIPAL,
    ORDERS,
    QUEUE,
    TEAM,
    VAULT,
    assigned,
    denied,
    eligible,
    group,
    person,
    policy,
    role,
    source,
    whole,
)
from run_tables import NOW, SUB, RunTables

from audit.evidence.principals import Principal
from audit.evidence.role_activations import RoleActivation
from audit.model import GapReason

TENANT = "/"


def answers(tables: RunTables, control: str, **settings: Any) -> dict[str, tuple[str, str]]:
    """Derive once, then assess with these settings."""
    if not tables.database.exists():
        tables.derived().close()
    tables.with_run(settings=settings)
    return {row["subject"]: (row["verdict"], row["reason"]) for row in tables.assessed(control)}


def test_owners_count_by_what_their_role_allows_each_once(tables: RunTables) -> None:
    whole(tables)
    landlord = role("Landlord", "Microsoft.App/*", "Microsoft.Authorization/roleAssignments/write")
    tables.add(landlord, ADMINISTRATOR, CONTRIBUTOR, *(person(each) for each in ("ben", "cem", "dia", "eva")))
    tables.add(
        *group(TEAM, "Team", "ana", "ben"),
        assigned(TEAM, "Owner", TENANT, principal_type="Group"),
        eligible("cem", "Landlord", GROUP),
        assigned("dia", "User Access Administrator", condition="@Resource[x] eq 1"),
        assigned("eva", "Contributor"),
        assigned("eva", "Owner", ORDERS.job_id),
    )
    rows = answers(tables, "JA-05")
    owners, administrators = rows["owners"], rows["user access administrators"]
    assert owners[0] == administrators[0] == "pass"
    assert owners[1].startswith("3 above the job (1 of them after an activation, 0 under a condition), at most 3")
    assert '"Owner" at the tenant\'s root, through the group "Team"' in owners[1]
    assert administrators[1].startswith("1 above the job (0 of them after an activation, 1 under a condition)")
    rows = answers(tables, "JA-05", owners_most=2, access_administrators_most=0)
    assert {verdict for verdict, _ in rows.values()} == {"fail"}
    assert answers(tables, "JA-05", owners_most=2)["user access administrators"][0] == "pass"


def test_an_owner_who_is_denied_writing_jobs_stays_an_owner(tables: RunTables) -> None:
    whole(tables)
    tables.add(denied("Microsoft.App/jobs/write"))
    rows = answers(tables, "JA-05")
    assert rows["owners"][1].startswith("1 above the job")
    assert rows["user access administrators"] == ("pass", "0 above the job, at most 2 expected")


def test_nobody_at_all_above_a_job_is_no_pass(tables: RunTables) -> None:
    whole(tables)
    tables.add(denied("Microsoft.Authorization/*"))
    assert set(answers(tables, "JA-05").values()) == {("not_applicable", "nobody above the job can grant access")}


def test_untold_members_may_be_more_owners(tables: RunTables) -> None:
    whole(tables)
    tables.add(Principal(principal_id="far", type="ForeignGroup", display_name="Far", resolved=True))
    tables.add(assigned("far", "Owner", principal_type="ForeignGroup"))
    assert {verdict for verdict, _ in answers(tables, "JA-05").values()} == {"not_assessed"}
    rows = answers(tables, "JA-05", owners_most=1)
    assert rows["owners"][0] == "fail"
    assert "the members of the group Far are not known" in rows["owners"][1]


CONCERNS = {
    "orphaned principals": {"resolved": False, "enabled": None, "user_type": None},
    "disabled principals": {"enabled": False},
    "guests": {"user_type": "Guest"},
}


@pytest.mark.parametrize("subject", CONCERNS)
def test_access_that_should_have_ended(tables: RunTables, subject: str) -> None:
    whole(tables)
    tables.add(person("ben", **CONCERNS[subject]), CONTRIBUTOR, eligible("ben", "Contributor", GROUP))
    rows = answers(tables, "JA-06")
    assert {each: verdict for each, (verdict, _) in rows.items()} == dict.fromkeys(CONCERNS, "pass") | {subject: "fail"}
    assert rows[subject][1].startswith('1 holds access: "Ben" (')
    assert '"Contributor" at the resource group "rg-orders", after an activation, for ' in rows[subject][1]
    approved = answers(tables, "JA-06", approved_guests=["ben"])
    assert approved[subject][0] == ("pass" if subject == "guests" else "fail")


def test_a_disabled_guest_is_both(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben", enabled=False, user_type="Guest"), CONTRIBUTOR, assigned("ben", "Contributor"))
    rows = answers(tables, "JA-06", approved_guests=["somebody else"])
    assert [subject for subject, (verdict, _) in rows.items() if verdict == "fail"] == ["disabled principals", "guests"]


def test_one_who_holds_nothing_or_is_denied_does_not_matter(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben", enabled=False), person("cem", enabled=False), role("Writer", "Microsoft.App/jobs/write"))
    tables.add(assigned("cem", "Writer"), denied("Microsoft.App/jobs/write"))
    assert {verdict for verdict, _ in answers(tables, "JA-06").values()} == {"pass"}


@pytest.mark.parametrize(
    ("known", "unclear"),
    [
        ({"enabled": None}, {"disabled principals"}),
        ({"user_type": None}, {"guests"}),
        (None, {"disabled principals", "guests", "orphaned principals"}),
    ],
)
def test_what_the_directory_does_not_say_is_no_pass(
    tables: RunTables, known: dict[str, Any] | None, unclear: set[str]
) -> None:
    whole(tables)
    tables.add(CONTRIBUTOR, assigned("ben", "Contributor"), *([] if known is None else [person("ben", **known)]))
    rows = answers(tables, "JA-06")
    assert {subject for subject, (verdict, _) in rows.items() if verdict == "not_assessed"} == unclear
    assert all("says too little about 1" in rows[each][1] for each in unclear)


def test_nobody_with_access_is_no_pass(tables: RunTables) -> None:
    whole(tables)
    tables.rows = [each for each in tables.rows if each.table != "role_assignments"]
    assert {verdict for verdict, _ in answers(tables, "JA-06").values()} == {"not_applicable"}
    assert {verdict for verdict, _ in answers(tables, "JA-08").values()} == {"not_applicable"}


def privileged(tables: RunTables, *allowed: str, **settings: Any) -> tuple[str, str]:
    return answers(tables, "JA-08", standing_principals=list(allowed), **settings)["privileged access"]


def test_standing_access_fails_and_eligible_passes(tables: RunTables) -> None:
    whole(tables)
    tables.add(person("ben"), eligible("ben", "Owner"))
    verdict, reason = privileged(tables)
    assert verdict == "fail"
    assert reason.startswith('1 of 2 hold it standing: "Ana" (user "ana@contoso.example"): "Owner" at the subscription')
    assert ", for 1" in reason
    verdict, reason = privileged(tables, "ana")
    assert (verdict, reason) == (
        "pass", "nobody holds it standing but 1 of policy.standing_principals; 1 may or did activate it",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ends", "verdict"), [(timedelta(hours=8), "pass"), (timedelta(hours=25), "fail"), (None, "fail")]
)
def test_an_activation_ends_within_a_day(tables: RunTables, ends: timedelta | None, verdict: str) -> None:
    whole(tables)
    made = assigned("ben", "Owner")
    tables.add(person("ben"), made)
    tables.add(
        RoleActivation(
            activation_id="a", scope=HERE, principal_id="ben", role_definition_id=made.role_definition_id,
            role_guid="Owner", assignment_type="Activated", ends=NOW + ends if ends else None,
            origin_assignment_id=made.assignment_id, subscription_id=SUB,
        )
    )  # fmt: skip
    assert privileged(tables, "ana")[0] == verdict
    assert privileged(tables, "ana", activation_hours_most=4)[0] == "fail"


def test_standing_through_an_allowed_group_and_by_keys(tables: RunTables) -> None:
    whole(tables)
    tables.rows = [each for each in tables.rows if each.table != "event_sources"]
    key = policy("keda", "Manage", "Listen", "Send", entity=QUEUE)
    tables.add(person("ben"), *group(TEAM, "Pipelines", "ben"), assigned(TEAM, "Owner", principal_type="Group"))
    tables.add(source(local_auth_disabled=False), key)
    verdict, reason = privileged(tables, "ana", "pipelines", "keda")
    assert verdict == "fail"
    assert reason.startswith('1 of 3 hold it standing: whoever has the key of "keda"')
    assert privileged(tables, "ana", "pipelines", key.policy_id)[0] == "pass"


def test_the_job_s_identity_may_read_its_vault_and_nothing_else(tables: RunTables) -> None:
    whole(tables)
    secrets = role("Secrets", data=("Microsoft.KeyVault/vaults/secrets/getSecret/action",))
    tables.add(secrets, assigned(ITS_PRINCIPAL, "Secrets", VAULT, principal_type="ServicePrincipal"))
    assert privileged(tables, "ana")[0] == "pass"
    tables.add(CONTRIBUTOR, assigned(ITS_PRINCIPAL, "Contributor", GROUP, principal_type="ServicePrincipal"))
    tables.derived().close()
    verdict, reason = privileged(tables, "ana")
    assert verdict == "fail"
    assert '"id-orders"' in reason


@pytest.mark.parametrize("control", ["JA-05", "JA-06", "JA-08"])
def test_a_gap_keeps_every_verdict_back(tables: RunTables, control: str) -> None:
    whole(tables)
    tables.gap("role_assignments", HERE, GapReason.FORBIDDEN)
    for verdict, reason in answers(tables, control).values():
        assert verdict == "not_assessed"
        assert "role_assignments" in reason


def test_hostile_names_stay_bounded_and_inside_their_quotes(tables: RunTables) -> None:
    whole(tables)
    evil = '"; all is well\x1b[2J\u202e' + "y" * 4000
    for number in range(6):
        who = f"ben-{number}"
        tables.add(person(who, evil, user_principal_name=evil, user_type="Guest"), assigned(who, "Owner", GROUP))
    for control, subject in (("JA-05", "owners"), ("JA-06", "guests"), ("JA-08", "privileged access")):
        verdict, reason = answers(tables, control)[subject]
        assert verdict == "fail"
        assert '""; all' not in reason
        assert "\"'; all is well" in reason
        assert " more" in reason
        assert len(reason) < 1500
