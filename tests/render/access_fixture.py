"""Access of every kind to job ``good``: nested groups, one that keeps still, eligibility, a denial, a vault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dossier_fixture
from report_answers import OWNER, ROBOT, SUB_A
from report_fixture import NOW, RG, SCRIPT, A, job_id

from audit.derive import access

TEAM, NEST, DARK, ZOE, ELI, IDLE = (f"bbbbbbbb-0000-4000-8000-00000000000{n}" for n in range(1, 7))
SECRETS, NOTHING = "4633458b-17de-408a-b874-0445c86b69e6", "11111111-2222-4333-8444-555555555555"
TEAM_NAME = f"Team {SCRIPT}"
UNTIL = NOW + timedelta(days=40)


def _role(to: Any, guid: str, name: str, **block: list[str]) -> None:
    to.add(
        "role_definitions", role_definition_id=f"{A}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
        role_guid=guid, name=name, type="BuiltInRole", permissions=[{"actions": []} | block],
    )  # fmt: skip


def _grant(to: Any, name: str, scope: str, principal: str, kind: str, guid: str, **more: Any) -> None:
    to.add(
        "role_assignments", assignment_id=f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        scope=scope, principal_id=principal, principal_type=kind, role_guid=guid, subscription_id=SUB_A,
        role_definition_id=f"/providers/Microsoft.Authorization/roleDefinitions/{guid}", created_on=NOW, **more,
    )  # fmt: skip


def fill(con: Any) -> None:
    """Fill the dossier's tables and those of access, and derive it again."""
    dossier_fixture.fill(con)
    to = dossier_fixture.Adder(con)
    _role(to, SECRETS, "Key Vault Secrets User", dataActions=["Microsoft.KeyVault/vaults/secrets/getSecret/action"])
    _role(to, NOTHING, "Reader of nothing", actions=["Microsoft.Support/*"])
    _grant(to, "team", RG, TEAM, "Group", OWNER)
    _grant(to, "dark", RG, DARK, "Group", OWNER)
    _grant(to, "robot", dossier_fixture.VAULT, ROBOT, "ServicePrincipal", SECRETS)
    _grant(to, "idle", job_id("good"), IDLE, "User", NOTHING)
    for group, member, kind, name in (
        (TEAM, NEST, "Group", "Nest"),
        (TEAM, ZOE, "User", "Zoe"),
    ):
        to.add("group_members", group_id=group, member_id=member, member_type=kind, display_name=name,
               user_type="Guest" if kind == "User" else None, enabled=True if kind == "User" else None)  # fmt: skip
    for group, member in ((TEAM, NEST), (NEST, ZOE)):
        to.add("group_edges", group_id=group, member_id=member, root_group_id=TEAM)
    to.add("coverage", kind="group_members", scope=f"/groups/{TEAM}", outcome="collected", detail="", rows=2, pages=1,
           requests=1, started=NOW, finished=NOW)  # fmt: skip
    for group, name in ((TEAM, TEAM_NAME), (DARK, "Dark")):
        to.add("principals", principal_id=group, type="Group", display_name=name, resolved=True)
    to.add(
        "role_eligibility", eligibility_id=f"{RG}/eligible/1", scope=RG, principal_id=ELI, principal_type="User",
        role_definition_id=f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}", role_guid=OWNER, ends=UNTIL,
        created_on=NOW, subscription_id=SUB_A,
    )  # fmt: skip
    to.add(
        "deny_assignments", assignment_id=f"{RG}/deny/1", name="Keep the job as it is", scope=job_id("good"),
        permissions=[{"actions": ["Microsoft.App/jobs/delete"]}], excluded_principals=[{"id": TEAM, "type": "Group"}],
        principals=[{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}], subscription_id=SUB_A,
    )  # fmt: skip
    access.create(con)
