"""Who can do what, worked out one case at a time: slow, and written from what Azure documents, not from the engine.

Role assignments: https://learn.microsoft.com/azure/role-based-access-control/overview#how-azure-rbac-determines-if-a-user-has-access-to-a-resource
Deny assignments: https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from access_estate import EVERYONE, MANAGEMENT_GROUP, Block, Deny, Estate, Job, Membership, Rule

from audit.model.capability import Capability, Need, Way

NEVER = datetime.max.replace(tzinfo=UTC)
ACT = "act_as_identity"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """What somebody holds, one way. ``path``: how many groups lead to them."""

    principal: str
    via: str
    eligible: bool = False
    ends: datetime | None = None
    conditional: bool = False
    denied: bool = False
    path: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of effective_access, ids in lower case. Of two steps ``way`` and ``hold`` tell the first one's way.

    Which of its best ways the identity has is left open: several may be as good.
    """

    job: str
    capability: str
    way: int
    target: str
    hold: Hold
    steps: int = 1
    identity: str | None = None


def rows(estate: Estate, wanted: Mapping[str, Capability]) -> list[Row]:
    """Return every row of every job in scope."""
    found = []
    for job in estate.jobs:
        if job.in_scope:
            direct = list(Evaluator(estate, job).direct(wanted))
            found += direct
            found += two_steps(estate, job, direct)
    return found


def two_steps(estate: Estate, job: Job, direct: list[Row]) -> Iterator[Row]:
    """Yield what those who may act as the job's identities get by it: for each of their ways, the identity's best."""
    for identity in job.identities:
        own = estate.principal_of.get(identity)
        if own is None:
            continue
        reach: dict[tuple[str, str], list[Hold]] = {}
        for row in direct:
            if row.capability != ACT and row.hold.principal == own.lower():
                reach.setdefault((row.capability, row.target), []).append(row.hold)
        for first in direct:
            on_it = first.target in {job.id.lower(), identity.lower()}
            if first.capability == ACT and on_it and first.hold.principal != own.lower():
                for (capability, target), holds in reach.items():
                    yield Row(
                        job=first.job, capability=capability, way=first.way, target=target, steps=2,
                        hold=joined(first.hold, best(holds)), identity=identity.lower(),
                    )  # fmt: skip


class Evaluator:
    """One job's answers."""

    def __init__(self, estate: Estate, job: Job) -> None:
        self.estate = estate
        self.job = job

    def direct(self, wanted: Mapping[str, Capability]) -> Iterator[Row]:
        """Yield the rows of one step."""
        for name, capability in wanted.items():
            for number, way in enumerate(capability.ways, 1):
                holding = self.without_role(way) if way.holder else self.by_roles(way)
                for target, hold in holding:
                    yield Row(job=self.job.id.lower(), capability=name, way=number, target=target.lower(), hold=hold)

    def by_roles(self, way: Way) -> Iterator[tuple[str, Hold]]:
        """Yield each hold of the first need, joined with the best of the others that the same principal has."""
        first, *others = way.needs
        for target in self.targets(first):
            if self.holds_there(way, target):
                for hold in self.grants(first, target):
                    rest = self.best_rest(first.on, target, others, hold.principal)
                    if rest is not None:
                        yield target, joined(hold, *rest)

    def best_rest(self, on: str, target: str, others: list[Need], who: str) -> list[Hold] | None:
        """Return the best hold of every other need, or None where some need has none.

        Needs of one relation are about one resource; another relation's resource is free to be any of the job's.
        """
        rest = []
        relations = dict.fromkeys(need.on for need in others)
        for relation in relations:
            needs = [need for need in others if need.on == relation]
            choices = []
            for place in [target] if relation == on else self.targets_of(relation):
                held = [[h for h in self.grants(need, place) if h.principal == who] for need in needs]
                typed = all(fits(place, need.type) for need in needs)
                if typed and all(held):
                    choices.append([best(each) for each in held])
            if not choices:
                return None
            rest += min(choices, key=lambda each: rank(joined(*each)))
        return rest

    def without_role(self, way: Way) -> Iterator[tuple[str, Hold]]:
        """Yield what keys, access policies and the admin user open."""
        match way.holder:
            case "shared_access_policy":
                yield from self.by_keys(way)
            case "access_policy":
                yield from self.by_access_policies(way)
            case _:
                for registry in self.job.registries:
                    if self.holds_there(way, registry):
                        user = f"{registry}/adminUser".lower()
                        yield registry, Hold(principal=user, via=user)

    def by_keys(self, way: Way) -> Iterator[tuple[str, Hold]]:
        """Yield each policy with what it opens: all at or below the place that it belongs to."""
        for policy in self.estate.policies:
            for target in self.targets_of("entity"):
                opened = within(target, policy.entity or policy.source)
                if opened and set(policy.rights) & set(way.rights) and self.holds_there(way, policy.source):
                    yield target, Hold(principal=policy.id.lower(), via=policy.id.lower())

    def by_access_policies(self, way: Way) -> Iterator[tuple[str, Hold]]:
        for each in self.estate.vault_policies:
            given = {word.lower() for word in each.secrets or ()}
            if each.vault in self.job.vaults and given & set(way.rights) and self.holds_there(way, each.vault):
                through = f"/{each.application}" if each.application else ""
                via = f"{each.vault}/accessPolicies/{each.principal}{through}".lower()
                for who in self.standing_for(each.principal):
                    yield each.vault, replace(who, via=via, conditional=each.application is not None)

    def holds_there(self, way: Way, target: str) -> bool:
        """Tell whether what the way depends on is so."""
        match way.when:
            case None:
                return True
            case "identity":
                return bool(self.job.identities)
            case "local_auth":
                return not any(off for source, off in self.estate.refuses_keys.items() if within(target, source))
            case "rbac":
                return bool(self.estate.rbac[target])
            case "access_policies":
                return not self.estate.rbac[target]
            case "admin_user":
                return bool(self.estate.admin_user[target])

    def targets(self, need: Need) -> list[str]:
        """Return the job's resources that a need is asked of."""
        return [each for each in self.targets_of(need.on) if fits(each, need.type)]

    def targets_of(self, relation: str) -> list[str]:
        """Return the job's resources of one relation, each once."""
        parts = self.job.id.split("/")
        found: dict[str, list[str]] = {
            "job": [self.job.id],
            "subscription": ["/".join(parts[:3])],
            "resource_group": ["/".join(parts[:5])],
            "environment": [self.job.environment] if self.job.environment else [],
            "workspace": list(self.job.workspaces),
            "identity": list(self.job.identities),
            "event_source": [rule.source for rule in self.job.rules],
            "entity": [entity for rule in self.job.rules for entity in watched(rule)],
            "vault": list(self.job.vaults),
            "registry": list(self.job.registries),
        }
        return list(dict.fromkeys(found[relation]))

    def grants(self, need: Need, target: str) -> Iterator[Hold]:
        """Yield who may do what a need asks for at a resource: by every assignment, and every way into its group."""
        for assignment in self.estate.assignments:
            if not self.reaches(assignment.scope, target):
                continue
            granting = [b for b in self.estate.roles.get(assignment.role, ()) if allows(b, need)]
            if not granting:
                continue
            conditional = bool(assignment.condition) or all(block.condition for block in granting)
            for who in self.standing_for(assignment.principal):
                denied, maybe = self.denied(need, target, who.principal)
                yield Hold(
                    principal=who.principal,
                    via=assignment.id.lower(),
                    eligible=assignment.eligible or who.eligible,
                    ends=earliest(assignment.ends, who.ends),
                    conditional=conditional or maybe,
                    denied=denied,
                    path=who.path,
                )

    def denied(self, need: Need, target: str, who: str) -> tuple[bool, bool]:
        """Tell whether somebody is denied, and whether they are if some condition holds."""
        surely = perhaps = False
        for deny in self.estate.denials:
            hitting = [block for block in deny.blocks if allows(block, need)]
            if hitting and self.applies(deny, need, target) and self.concerns(deny, who):
                if deny.condition or all(block.condition for block in hitting):
                    perhaps = True
                else:
                    surely = True
        return surely, perhaps

    def applies(self, deny: Deny, need: Need, target: str) -> bool:
        """Tell whether a denial is in force where an action takes effect.

        What is made in a resource group or a subscription lies below it, where a denial for that place alone isn't.
        """
        if deny.here_only:
            below = need.on in {"resource_group", "subscription"}
            return not below and deny.scope.lower().rstrip("/") == target.lower()
        return self.reaches(deny.scope, target)

    def concerns(self, deny: Deny, who: str) -> bool:
        """Tell whether somebody is among the principals of a denial, and not among those it spares."""
        named = any(each == EVERYONE or self.is_or_is_in(who, each) for each in deny.principals)
        return named and not any(self.is_or_is_in(who, each) for each in deny.excluded)

    def is_or_is_in(self, who: str, other: str) -> bool:
        """Tell whether somebody is another, or is now in that group or in one within it, as far as Graph told."""
        seen: set[str] = set()
        waiting = [other]
        while waiting:
            each = waiting.pop()
            if each == who:
                return True
            if each not in seen:
                seen.add(each)
                waiting += [m.member for m in self.told(each) if not m.eligible]
        return False

    def told(self, group: str) -> list[Membership]:
        """Return the direct memberships of a group that are known: all, or those of a refused group that PIM tells."""
        if self.was_told(group):
            return [each for each in self.estate.memberships if each.group == group]
        if group in self.estate.holding():
            return [each for each in self.estate.memberships if each.group == group and (each.eligible or each.ends)]
        return []

    def was_told(self, who: str) -> bool:
        """Tell whether somebody is a group whose members are all known."""
        return who in self.estate.groups and who not in self.estate.unread

    def standing_for(self, grantee: str) -> Iterator[Hold]:
        """Yield whom a grantee stands for: itself, or the members of the group, by the shortest path of each kind.

        A group that wasn't told stands for whoever is in it, besides those who are known to be. Level by level through
        the groups: a state is a group, and how a member of it holds; it is entered once, and what comes back to where
        it began adds nothing.
        """
        states: dict[tuple[str, bool, datetime | None], int] = {(grantee, False, None): 0}
        waiting = list(states)
        while waiting:
            who, eligible, ends = state = waiting.pop(0)
            if not self.was_told(who):
                yield Hold(principal=who, via="", eligible=eligible, ends=ends, path=states[state])
            for step in self.told(who):
                after = (step.member, eligible or step.eligible, earliest(ends, step.ends))
                if after not in states and step.member not in {who, grantee}:
                    states[after] = states[state] + 1
                    waiting.append(after)

    def reaches(self, scope: str, target: str) -> bool:
        """Tell whether what is given at a scope is given at a resource: the same place, or one above it."""
        place = scope.lower().rstrip("/")
        if place.startswith(MANAGEMENT_GROUP.lower()):
            above = self.estate.above.get(target.split("/")[2], ())
            return place in {group.lower() for group in above}
        return within(target, place)


def watched(rule: Rule) -> list[str]:
    """Return what a rule watches: the entity that it names, of a subscription its topic too, or else the source."""
    if rule.entity is None:
        return [rule.source]
    topic, below, _ = rule.entity.rpartition("/subscriptions/")
    return [rule.entity, topic] if below and "/topics/" in topic else [rule.entity]


def within(target: str, place: str) -> bool:
    """Tell whether a resource is at or below a place, segment by segment."""
    ours, theirs = [text.lower().rstrip("/").split("/") for text in (target, place)]
    return ours[: len(theirs)] == theirs


def allows(block: Block, need: Need) -> bool:
    """Tell whether a block covers what a need asks for, and doesn't take it out again."""
    asked = need.action or need.data_action
    given, taken = (block.actions, block.not_actions) if need.action else (block.data_actions, block.not_data_actions)
    return any(covers(p.lower(), asked.lower()) for p in given) and not any(
        covers(p.lower(), asked.lower()) for p in taken
    )


@cache
def covers(pattern: str, text: str) -> bool:
    """Tell whether a pattern is a text; ``*`` is any text, the empty one too. By every way of cutting the text.

    A ``*`` between slashes may be no segment at all, as in ``vaults/*/read``, by which Key Vault Reader reads vaults.
    """
    if "*" not in pattern:
        return pattern == text
    head, _, rest = pattern.partition("*")
    if head.endswith("/") and rest.startswith("/") and covers(head + rest[1:], text):
        return True
    return text.startswith(head) and any(covers(rest, text[cut:]) for cut in range(len(head), len(text) + 1))


def kind_of(resource: str) -> str:
    """Return the ARM type of an id, all its levels, in lower case."""
    provider, *pairs = resource.lower().rpartition("/providers/")[2].split("/")
    return "/".join([provider, *pairs[::2]])


def fits(place: str, wanted: str) -> bool:
    """Tell whether a resource is of a type; ``a/b/*`` is every type below ``a/b``, and none is any."""
    kind = kind_of(place) or ""
    if wanted.endswith("/*"):
        return kind.startswith(wanted[:-1])
    return not wanted or kind == wanted


def best(holds: list[Hold]) -> Hold:
    return min(holds, key=rank)


def rank(hold: Hold) -> tuple[bool, bool, bool, float]:
    """Order holds: not denied, in force, without condition, lasting longest."""
    return hold.denied, hold.eligible, hold.conditional, -(hold.ends or NEVER).timestamp()


def joined(hold: Hold, *others: Hold) -> Hold:
    """Return a hold that takes others besides: as weak as the weakest of them."""
    every = (hold, *others)
    return replace(
        hold,
        eligible=any(each.eligible for each in every),
        ends=earliest(*[each.ends for each in every]),
        conditional=any(each.conditional for each in every),
        denied=any(each.denied for each in every),
    )


def earliest(*ends: datetime | None) -> datetime | None:
    """Return the earliest of what ends at all."""
    return min((end for end in ends if end is not None), default=None)
