"""A described estate as a run's tables: as Azure would list it, every id in whatever casing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import duckdb
from access_estate import EVERYONE, MANAGEMENT_GROUP, Assignment, Block, Estate, Job
from access_truth import kind_of, within

from audit.derive import dependencies, insert
from audit.evidence.deny_assignments import DenyAssignment
from audit.evidence.event_sources import EventSource, EventSourcePolicy
from audit.evidence.group_eligibility import GroupEligibility
from audit.evidence.group_members import GroupEdge, GroupMember
from audit.evidence.identities import Identity
from audit.evidence.jobs import Job as JobRecord
from audit.evidence.key_vaults import KeyVault, VaultAccessPolicy
from audit.evidence.management_groups import ManagementGroup
from audit.evidence.principals import Principal
from audit.evidence.registries import Registry
from audit.evidence.role_activations import RoleActivation
from audit.evidence.role_assignments import RoleAssignment
from audit.evidence.role_definitions import RoleDefinition
from audit.evidence.role_eligibility import RoleEligibility
from audit.model import Json, Record
from audit.store.coverage import Coverage

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
RECORDS: tuple[type[Record], ...] = (
    Coverage, DenyAssignment, EventSource, EventSourcePolicy, GroupEligibility, GroupEdge, GroupMember, Identity,
    JobRecord, KeyVault, VaultAccessPolicy, ManagementGroup, Principal, Registry, RoleActivation, RoleAssignment,
    RoleDefinition, RoleEligibility,
)  # fmt: skip
_DERIVED = """
create or replace table population (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, name VARCHAR, subscription_id VARCHAR,
    resource_group VARCHAR, state VARCHAR
);
create or replace table job_gaps (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR, job_id VARCHAR, kind VARCHAR, scope VARCHAR,
    reason VARCHAR, detail VARCHAR
);
"""


def load(con: duckdb.DuckDBPyConnection, estate: Estate, seed: int = 0) -> None:
    """Write the tables that effective access is derived from, over what was there."""
    loader = Loader(estate, random.Random(seed))
    rows: dict[type[Record], list[Record]] = {record: [] for record in RECORDS}
    for each in loader.records():
        rows[type(each)].append(each)
    for record, found in rows.items():
        made = {each.row_id: insert.Made(each, NOW, f"raw/{record.table}/u.jsonl.zst#line=1") for each in found}
        insert.create(con, record, made.values())
    con.execute(_DERIVED)
    con.execute(dependencies._TABLE)
    for job in estate.jobs:
        if job.in_scope:
            parts = job.id.split("/")
            con.execute(
                "insert into population by name select ? as job_id, ? as name, ? as subscription_id,"
                " ? as resource_group, 'present' as state",
                [loader.spelled(job.id), parts[-1], parts[2], parts[4]],
            )
    leads = [lead for job in estate.jobs if job.in_scope for lead in loader.leads(job)]
    if leads:
        con.executemany(
            "insert into dependencies by name select ? as job_id, ? as relation, ? as resource_id, ? as via,"
            " ? as found_by, true as resolved",
            leads,
        )
        con.execute(f"update dependencies set resource_type = {dependencies._TYPE}")


class Loader:
    """The rows of an estate."""

    def __init__(self, estate: Estate, chance: random.Random) -> None:
        self.estate = estate
        self.chance = chance

    def spelled(self, name: str) -> str:
        """Return an id in some casing."""
        return self.chance.choice([name, name, name.lower(), name.upper()])

    def leads(self, job: Job) -> Iterator[tuple[str, ...]]:
        """Yield the rows of ``dependencies``: job, relation, resource, via and found_by."""
        say = self.spelled

        def lead(relation: str, resource: str, via: str, found_by: str) -> tuple[str, ...]:
            return say(job.id), relation, say(resource), say(via), found_by

        if job.environment:
            yield lead("environment", job.environment, job.id, "properties.environmentId")
        for workspace in job.workspaces:
            yield lead("workspace", workspace, job.environment or job.id, "diagnostic setting all")
        for identity in job.identities:
            yield lead("identity", identity, job.id, "identity")
            yield lead("reaches", job.id.rpartition("/")[0], identity, "role Reader")
        for number, rule in enumerate(job.rules):
            yield lead("event_source", rule.source, job.id, f"rule r{number}: namespace")
            if rule.entity:
                yield lead("entity", rule.entity, rule.source, f"rule r{number}")
        for vault in job.vaults:
            yield lead("vault", vault, job.id, "secret token")
        for registry in job.registries:
            yield lead("registry", registry, job.id, "image of worker")

    def records(self) -> Iterator[Record]:
        """Yield every row that was read."""
        yield from self.resources()
        yield from self.rights()
        yield from self.directory()

    def resources(self) -> Iterator[Record]:
        estate, say = self.estate, self.spelled
        for job in estate.jobs:
            parts = job.id.split("/")
            yield JobRecord(
                job_id=say(job.id), name=parts[-1], subscription_id=say(parts[2]), resource_group=parts[4],
                environment_id=say(job.environment) if job.environment else None, trigger_type="Event",
                in_scope=job.in_scope, secrets_count=0,
            )  # fmt: skip
            for identity in job.identities:
                yield Identity(
                    identity_id=say(identity), kind="system" if identity == job.id else "user", job_id=say(job.id),
                    principal_id=say(estate.principal_of[identity]) if identity in estate.principal_of else None,
                )  # fmt: skip
        for source, refuses in estate.refuses_keys.items():
            yield EventSource(
                resource_id=say(source), source_type=kind_of(source), name="s", local_auth_disabled=refuses
            )
        for policy in estate.policies:
            yield EventSourcePolicy(
                policy_id=say(policy.id), resource_id=say(policy.source), name="p", rights=Json(list(policy.rights)),
                entity_id=say(policy.entity) if policy.entity else None, can_manage="Manage" in policy.rights,
                can_listen="Listen" in policy.rights, can_send="Send" in policy.rights,
            )  # fmt: skip
        for vault, rbac in estate.rbac.items():
            yield KeyVault(vault_id=say(vault), name="v", rbac=rbac)
        for each in estate.vault_policies:
            yield VaultAccessPolicy(
                vault_id=say(each.vault), principal_id=say(each.principal), tenant_id="t",
                application_id=each.application, secrets=None if each.secrets is None else Json(list(each.secrets)),
            )  # fmt: skip
        for registry, admin in estate.admin_user.items():
            yield Registry(registry_id=say(registry), name="r", admin_user=admin)

    def rights(self) -> Iterator[Record]:
        """Yield assignments as each subscription's list names them: at it, above it and below it."""
        estate, say = self.estate, self.spelled
        for guid, blocks in estate.roles.items():
            yield RoleDefinition(
                role_definition_id=self.role(guid), role_guid=say(guid), name=f"Role {guid}", permissions=wire(blocks)
            )
        for subscription in estate.above:
            for assignment in estate.assignments:
                if self.listed(assignment.scope, subscription):
                    yield from self.assigned(assignment, subscription)
            for deny in estate.denials:
                if self.listed(deny.scope, subscription):
                    yield DenyAssignment(
                        assignment_id=say(deny.id), scope=say(deny.scope), permissions=wire(deny.blocks),
                        principals=self.people(deny.principals), excluded_principals=self.people(deny.excluded),
                        do_not_apply_to_child_scopes=deny.here_only, condition=deny.condition,
                        subscription_id=say(subscription),
                    )  # fmt: skip
            above = estate.above[subscription]
            if subscription in estate.told_above:
                for depth, group in enumerate(above, 1):
                    yield ManagementGroup(
                        subscription_id=say(subscription), group_id=say(group), depth=depth,
                        name=say(group.rpartition("/")[2]),
                    )  # fmt: skip
            else:
                yield ManagementGroup(subscription_id=say(subscription))

    def assigned(self, each: Assignment, subscription: str) -> Iterator[Record]:
        say = self.spelled
        named: dict[str, Any] = {
            "scope": say(each.scope), "principal_id": say(each.principal), "role_definition_id": self.role(each.role),
            "role_guid": say(each.role), "condition": each.condition, "subscription_id": say(subscription),
            "principal_type": self.chance.choice(["Group" if each.principal in self.estate.groups else "User", None]),
        }  # fmt: skip
        if each.eligible:
            yield RoleEligibility(eligibility_id=say(each.id), ends=each.ends, **named)
            return
        yield RoleAssignment(assignment_id=say(each.id), **named)
        if each.ends or self.chance.random() < 0.3:
            yield RoleActivation(
                activation_id=f"{each.id}-i", origin_assignment_id=say(each.id), ends=each.ends,
                assignment_type="Activated" if each.ends else "Assigned", **named,
            )  # fmt: skip

    def listed(self, scope: str, subscription: str) -> bool:
        if scope.lower().startswith(MANAGEMENT_GROUP.lower()):
            return scope in self.estate.above[subscription]
        return scope == "/" or within(scope, f"/subscriptions/{subscription}")

    def directory(self) -> Iterator[Record]:
        """Yield what Graph tells of every group that it was asked about and of those in it."""
        estate, say = self.estate, self.spelled
        read = estate.groups - estate.unread
        for group in sorted(estate.holding()):
            yield Coverage(
                kind="group_members", scope=f"/groups/{say(group)}", outcome="collected" if group in read else "gap",
                reason=None if group in read else "forbidden", detail="", pages=1, rows=1, requests=1, started=NOW,
                finished=NOW, place=None,
            )  # fmt: skip
        for root in sorted(read & estate.holding()):
            for group in inside(estate, root):
                if group != root:
                    yield GroupMember(group_id=say(root), member_id=say(group), member_type="Group")
                for each in estate.memberships:
                    if each.group == group and not each.eligible:
                        yield GroupEdge(group_id=say(group), member_id=say(each.member), root_group_id=say(root))
                        if each.member not in estate.groups:
                            yield GroupMember(group_id=say(root), member_id=say(each.member), member_type="User")
        for each in estate.memberships:
            if (each.eligible or each.ends) and each.group in read | estate.holding():
                yield GroupEligibility(
                    instance_id=f"{each.group}-{each.member}", group_id=say(each.group), principal_id=say(each.member),
                    access_id="member", access="eligible" if each.eligible else "active", ends=each.ends,
                    member_type="direct", principal_type="Group" if each.member in estate.groups else "User",
                )  # fmt: skip

    def role(self, guid: str) -> str:
        return self.spelled(f"/subscriptions/any/providers/Microsoft.Authorization/roleDefinitions/{guid}")

    def people(self, ids: Iterable[str]) -> Json:
        return Json([{"id": self.spelled(each), "type": "SystemDefined" if each == EVERYONE else None} for each in ids])


def inside(estate: Estate, root: str) -> list[str]:
    """Return a group and every group in it."""
    found = [root]
    for group in found:
        found += [
            each.member
            for each in estate.memberships
            if each.group == group and not each.eligible and each.member in estate.groups and each.member not in found
        ]
    return list(dict.fromkeys(found))


def wire(blocks: Iterable[Block]) -> Json:
    """Return permission blocks as Azure sends them."""
    return Json(
        [
            {
                "actions": list(each.actions),
                "notActions": list(each.not_actions),
                "dataActions": list(each.data_actions),
                "notDataActions": list(each.not_data_actions),
                "condition": each.condition,
            }
            for each in blocks
        ]
    )
