"""An estate described in plain Python: what the evaluator reads, and what the loader writes as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

EVERYONE = "00000000-0000-0000-0000-000000000000"
TENANT = "/"
MANAGEMENT_GROUP = "/providers/Microsoft.Management/managementGroups/"


@dataclass(frozen=True, kw_only=True)
class Block:
    """One permission block of a role or of a deny assignment."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    condition: str | None = None


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """One role assignment, or one role that may be activated; ``ends`` of an active one is what PIM says of it."""

    id: str
    scope: str
    principal: str
    role: str
    condition: str | None = None
    eligible: bool = False
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Deny:
    """One deny assignment."""

    id: str
    scope: str
    blocks: tuple[Block, ...]
    principals: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    here_only: bool | None = None
    condition: str | None = None


@dataclass(frozen=True, kw_only=True)
class Membership:
    """One direct membership; an active one with an end is one that PIM activated."""

    group: str
    member: str
    eligible: bool = False
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One scale rule: the source that it watches, and the entity that it names there."""

    source: str
    entity: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job and what it stands on. Its own id among ``identities`` is the system-assigned one."""

    id: str
    environment: str | None = None
    workspaces: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    vaults: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()
    in_scope: bool = True


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One shared-access policy of a source, or of one entity of it."""

    id: str
    source: str
    entity: str | None = None
    rights: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VaultPolicy:
    """One access policy of a vault; with an application it holds only through that application."""

    vault: str
    principal: str
    secrets: tuple[str, ...] | None = None
    application: str | None = None


@dataclass(frozen=True, kw_only=True)
class Estate:
    """One tenant. Ids are spelled in one way here; the loader spells each of their uses in another casing."""

    jobs: tuple[Job, ...] = ()
    above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Management groups above each subscription, by its id."""
    told_above: frozenset[str] = frozenset()
    """Subscriptions whose management groups Resource Graph tells; of the others only the lists do."""
    principal_of: dict[str, str] = field(default_factory=dict)
    """Principal of each identity, by its id (a job's for the system-assigned one)."""
    refuses_keys: dict[str, bool | None] = field(default_factory=dict)
    """Event sources and whether local authentication is off."""
    policies: tuple[Policy, ...] = ()
    rbac: dict[str, bool | None] = field(default_factory=dict)
    """Vaults and whether roles decide there."""
    vault_policies: tuple[VaultPolicy, ...] = ()
    admin_user: dict[str, bool | None] = field(default_factory=dict)
    """Registries and whether the admin user is on."""
    roles: dict[str, tuple[Block, ...]] = field(default_factory=dict)
    """Permission blocks of the roles whose definitions were read, by GUID."""
    assignments: tuple[Assignment, ...] = ()
    denials: tuple[Deny, ...] = ()
    groups: frozenset[str] = frozenset()
    memberships: tuple[Membership, ...] = ()
    unread: frozenset[str] = frozenset()
    """Groups whose members weren't told: Graph refused, or nobody asked as they hold nothing."""

    def holding(self) -> frozenset[str]:
        """Return the groups that hold something, which are those that Graph is asked about."""
        known = {each.principal for each in (*self.assignments, *self.vault_policies)}
        known |= {who for deny in self.denials for who in (*deny.principals, *deny.excluded)}
        return frozenset(known & self.groups)
