"""Random small estates: few names, so that they meet; every rule of Azure's that the answers depend on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from access_estate import (
    EVERYONE,
    MANAGEMENT_GROUP,
    TENANT,
    Assignment,
    Block,
    Deny,
    Estate,
    Job,
    Membership,
    Policy,
    Rule,
    VaultPolicy,
)
from hypothesis import strategies as st

from audit.config import capabilities

ENDS = [datetime(2026, 11, 5, tzinfo=UTC) + timedelta(days=days) for days in (0, 1, 2)]
CONDITION = "@Resource[name] StringEquals 'x'"
NEEDS = [need for each in capabilities.shipped().values() for way in each.ways for need in way.needs]
ACTIONS = sorted({need.action for need in NEEDS if need.action})
DATA = sorted({need.data_action for need in NEEDS if need.data_action})


@st.composite
def patterns(draw: st.DrawFn, actions: list[str]) -> str:
    """An action, or one cut open by wildcards, in some casing; a few with what another matcher would take for one."""
    text = draw(st.sampled_from(actions))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, len(text)))
        text = f"{text[:start]}*{text[end:]}"
    if draw(st.integers(0, 7)) == 0:
        parts = text.split("/")
        parts.insert(draw(st.integers(0, len(parts))), "*")
        text = "/".join(parts)
    if draw(st.integers(0, 15)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(".%_?[+")) + text[at + 1 :]
    return draw(st.sampled_from([text, text, text.lower(), text.upper()]))


def listed(values: st.SearchStrategy[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(values, max_size=most).map(tuple)


MAYBE = st.sampled_from([None, None, None, None, CONDITION])
ANY_BLOCK = st.builds(
    Block,
    actions=listed(patterns(ACTIONS) | st.sampled_from(["*", "*/read", "Microsoft.App/*"]), 3),
    not_actions=listed(patterns(ACTIONS), 2),
    data_actions=listed(patterns(DATA) | st.just("*"), 2),
    not_data_actions=listed(patterns(DATA), 1),
    condition=MAYBE,
)
NARROW = st.builds(
    Block,
    actions=listed(st.sampled_from(ACTIONS), 3),
    data_actions=listed(st.sampled_from(DATA), 2),
    condition=MAYBE,
)
WIDE = st.builds(
    Block, actions=st.just(("*",)), not_actions=listed(patterns(ACTIONS), 3), data_actions=st.sampled_from([(), ("*",)])
)
BLOCKS = st.lists(WIDE | WIDE | NARROW | ANY_BLOCK, min_size=1, max_size=3).map(tuple)
ROLES = BLOCKS | BLOCKS | BLOCKS | st.just(())


def guid(world: int, kind: str, number: int) -> str:
    return f"{world:08x}-{kind}-4000-a000-{number:012x}"


class Names:
    """The names of one world: two subscriptions below management groups of their own and shared ones."""

    def __init__(self, world: int) -> None:
        self.subscriptions = [guid(world, "5ab1", 0xA), guid(world, "5ab1", 0xB)]
        self.root = f"{MANAGEMENT_GROUP}Tenant-Root"
        self.middle = f"{MANAGEMENT_GROUP}World-{world}"
        self.leaves = [f"{MANAGEMENT_GROUP}World-{world}-{leaf}" for leaf in "ab"]
        a, b = self.subscriptions
        self.resource_groups = [
            f"/subscriptions/{a}/resourceGroups/Rg-Orders",
            f"/subscriptions/{a}/resourceGroups/Rg-Orders-2",
            f"/subscriptions/{b}/resourceGroups/Rg-Orders",
        ]
        first, second, third = self.resource_groups
        self.jobs = [
            f"{group}/providers/Microsoft.App/jobs/{name}"
            for group in self.resource_groups
            for name in ("Ship", "Ship-2", "Pack")
        ]
        self.environments = [f"{group}/providers/Microsoft.App/managedEnvironments/Env" for group in (first, third)]
        self.workspaces = [
            f"{group}/providers/Microsoft.OperationalInsights/workspaces/Logs" for group in (second, third)
        ]
        self.identities = [
            f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Id" for group in (first, second)
        ]
        bus = f"{first}/providers/Microsoft.ServiceBus/namespaces/Bus"
        hub = f"{second}/providers/Microsoft.EventHub/namespaces/Hub"
        store = f"{third}/providers/Microsoft.Storage/storageAccounts/store"
        self.entities = {
            bus: [f"{bus}/queues/In", f"{bus}/queues/In-2", f"{bus}/topics/T", f"{bus}/topics/T/subscriptions/S"],
            hub: [f"{hub}/eventhubs/E"],
            store: [
                f"{store}/queueServices/default/queues/q",
                f"{store}/blobServices/default/containers/c",
            ],
        }
        self.sources = list(self.entities)
        self.vaults = [f"{group}/providers/Microsoft.KeyVault/vaults/V" for group in (first, third)]
        self.registries = [f"{group}/providers/Microsoft.ContainerRegistry/registries/R" for group in (second, third)]
        self.people = [guid(world, "0001", number) for number in range(1, 5)]
        self.groups = [guid(world, "0002", number) for number in range(1, 7)]
        used = [
            *self.jobs, *self.environments, *self.workspaces, *self.identities, *self.sources, *self.vaults,
            *self.registries, *[entity for each in self.entities.values() for entity in each],
        ]  # fmt: skip
        self.broad = [f"/subscriptions/{each}" for each in self.subscriptions] + [*self.leaves, self.middle, TENANT]
        self.scopes = [
            *used, *[f"{used[0]}/executions/x", f"{self.sources[0]}/queues/Out"],
            *[place for place in self.resource_groups for _ in range(5)],
            *[f"/subscriptions/{each}" for each in self.subscriptions for _ in range(4)],
            *[*self.leaves, self.middle, self.root, TENANT] * 2,
        ]  # fmt: skip


@st.composite
def jobs(draw: st.DrawFn, names: Names) -> Job:
    own = draw(st.sampled_from(names.jobs))
    sources = draw(st.lists(st.sampled_from(names.sources), max_size=2))
    return Job(
        id=own,
        environment=draw(st.sampled_from([None, *names.environments * 3])),
        workspaces=draw(some(names.workspaces, 2)),
        identities=draw(some([own, *names.identities], 2)),
        rules=tuple(Rule(source=each, entity=draw(st.sampled_from([None, *names.entities[each]]))) for each in sources),
        vaults=draw(some(names.vaults, 2)),
        registries=draw(some(names.registries, 2)),
        in_scope=draw(st.integers(0, 7)) > 0,
    )


def some(values: list[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


@st.composite
def worlds(draw: st.DrawFn, world: int) -> Estate:
    """Two subscriptions, up to six jobs, and who was given what."""
    names = Names(world)
    found = {job.id: job for job in draw(st.lists(jobs(names), min_size=2, max_size=6))}
    own = [job.id for job in found.values() if job.id in job.identities]
    principal_of = {each: guid(world, "0003", number) for number, each in enumerate([*own, *names.identities])}
    for each in draw(some(sorted(principal_of), 1)):
        if draw(st.booleans()):
            del principal_of[each]
    who = [*names.people, *principal_of.values(), *names.groups, *names.groups]
    roles = {
        guid(world, "0004", number): each for number, each in enumerate(draw(st.lists(ROLES, min_size=2, max_size=5)))
    }
    unread_role = guid(world, "0004", 99)
    assignments = [
        Assignment(
            id=f"{scope.rstrip('/')}/providers/Microsoft.Authorization/x/{guid(world, '0005', number)}",
            scope=scope,
            principal=draw(st.sampled_from(who)),
            role=draw(st.sampled_from([*roles, *roles, unread_role])),
            condition=draw(MAYBE),
            eligible=draw(st.integers(0, 3)) == 0,
            ends=draw(st.sampled_from([None, None, None, *ENDS])),
        )
        for number, scope in enumerate(draw(st.lists(st.sampled_from(names.scopes), min_size=5, max_size=15)))
    ]
    denials = [
        Deny(
            id=f"{scope.rstrip('/')}/providers/Microsoft.Authorization/denyAssignments/{guid(world, '0006', number)}",
            scope=scope,
            blocks=draw(BLOCKS),
            principals=draw(st.just((EVERYONE,)) | some([EVERYONE, *who, *names.groups], 4)),
            excluded=draw(some(who, 2)),
            here_only=draw(st.sampled_from([None, False, True])),
            condition=draw(MAYBE),
        )
        for number, scope in enumerate(
            draw(st.lists(st.sampled_from([*names.scopes, *names.broad * 3]), min_size=1, max_size=4))
        )
    ]  # fmt: skip
    vault_policies = [
        VaultPolicy(
            vault=draw(st.sampled_from(names.vaults)),
            principal=principal,
            secrets=draw(st.sampled_from([None, (), ("List",), ("Get", "list"), ("all",), ("backup", "GET")])),
            application=draw(st.sampled_from([None, None, guid(world, "0007", 1)])),
        )
        for principal in draw(st.lists(st.sampled_from(who), max_size=3, unique=True))
    ]
    memberships = {}
    for each in draw(st.lists(members(names, who), min_size=4, max_size=14)):
        memberships[each.group, each.member, each.eligible] = each
    estate = Estate(
        jobs=tuple(found.values()),
        above={
            sub: (leaf, names.middle, names.root) for sub, leaf in zip(names.subscriptions, names.leaves, strict=True)
        },
        told_above=frozenset(draw(some(names.subscriptions, 2))),
        principal_of=principal_of,
        refuses_keys={each: draw(st.sampled_from([None, False, True])) for each in names.sources},
        policies=tuple(
            Policy(
                id=f"{entity or source}/authorizationRules/P{number}",
                source=source,
                entity=entity,
                rights=draw(some(["Listen", "Send", "Manage"], 3)),
            )
            for number, (source, entity) in enumerate(draw(st.lists(st.sampled_from(policy_places(names)), max_size=3)))
        ),
        rbac={each: draw(st.sampled_from([None, False, True])) for each in names.vaults},
        vault_policies=tuple(vault_policies),
        admin_user={each: draw(st.sampled_from([None, False, True])) for each in names.registries},
        roles=roles,
        assignments=tuple(assignments),
        denials=tuple(denials),
        groups=frozenset(names.groups),
        memberships=tuple(memberships.values()),
    )
    return replace(estate, unread=unread(estate, set(draw(some(names.groups, 1)))))


def policy_places(names: Names) -> list[tuple[str, str | None]]:
    bus, hub, _ = names.sources
    below = [(source, entity) for source in (bus, hub) for entity in names.entities[source][:3]]
    return [(bus, None), (hub, None), *below]


@st.composite
def members(draw: st.DrawFn, names: Names, who: list[str]) -> Membership:
    """A membership of whoever, of groups in a circle too."""
    return Membership(
        group=draw(st.sampled_from(names.groups)),
        member=draw(st.sampled_from(who)),
        eligible=draw(st.integers(0, 3)) == 0,
        ends=draw(st.sampled_from([None, None, None, *ENDS])),
    )


def unread(estate: Estate, refused: set[str]) -> frozenset[str]:
    """Return the groups that nothing is known of: refused, with a refused one in them, or never asked about.

    Groups are asked about that hold something, with all that are in them.
    """
    inner = [each for each in estate.memberships if not each.eligible and each.member in estate.groups]
    for _ in estate.groups:
        refused |= {each.group for each in inner if each.member in refused}
    known = set(estate.holding() - refused)
    for _ in estate.groups:
        known |= {each.member for each in inner if each.group in known}
    return frozenset(estate.groups - known)


def merged(parts: list[Estate]) -> Estate:
    """Return one tenant with all of these in it."""
    whole = dict(vars(parts[0]))
    for part in parts[1:]:
        for name, value in vars(part).items():
            whole[name] = whole[name] + value if isinstance(value, tuple) else whole[name] | value
    return Estate(**whole)


@st.composite
def tenants(draw: st.DrawFn, most: int = 4, least: int = 1) -> Estate:
    """One tenant of some worlds, which share its root and what is given there."""
    return merged([draw(worlds(number)) for number in range(1, draw(st.integers(least, most)) + 1)])
