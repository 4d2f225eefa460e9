"""The rest of a subscription's Activity Log: other providers, policy, health, and nobody's business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate import events
from audit.sandbox.estate.deploy import KEPT

if TYPE_CHECKING:
    from audit.sandbox.estate.world import Actor, World


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Something that happens again and again. ``target`` is below a resource group; ``shout``: spelled in capitals."""

    action: str
    target: str
    category: str = "Administrative"
    level: str = "Informational"
    steps: tuple[str, ...] = events.SHORT
    shout: bool = False


HABITS = (
    Habit(
        action="Microsoft.Storage/storageAccounts/listKeys/action",
        target="Microsoft.Storage/storageAccounts/stbuild{n}",
    ),
    Habit(
        action="Microsoft.Compute/virtualMachines/deallocate/action",
        target="Microsoft.Compute/virtualMachines/VM{n}",
        shout=True,
    ),
    Habit(
        action="Microsoft.Network/networkSecurityGroups/securityRules/write",
        target="Microsoft.Network/networkSecurityGroups/nsg-{n}/securityRules/allow-{n}",
    ),
    Habit(action="Microsoft.Insights/metricAlerts/write", target="Microsoft.Insights/metricAlerts/cpu-{n}"),
    Habit(action="Microsoft.Web/sites/restart/action", target="Microsoft.Web/sites/web-{n}"),
    Habit(
        action="Microsoft.Sql/servers/databases/write",
        target="Microsoft.Sql/servers/sql-{n}/databases/app",
        steps=events.LONG,
    ),
    Habit(
        action="Microsoft.ServiceBus/namespaces/queues/write",
        target="Microsoft.ServiceBus/namespaces/sb-{n}/queues/work",
    ),
    Habit(
        action="Microsoft.Authorization/policies/audit/action",
        target="Microsoft.Storage/storageAccounts/stbuild{n}",
        category="Policy",
        level="Warning",
        steps=("Succeeded",),
    ),
    Habit(
        action="Microsoft.Resourcehealth/healthevent/Activated/action",
        target="Microsoft.Compute/virtualMachines/VM{n}",
        category="ResourceHealth",
        steps=("Succeeded",),
        shout=True,
    ),
    Habit(
        action="Microsoft.Advisor/recommendations/available/action",
        target="Microsoft.Sql/servers/sql-{n}",
        category="Recommendation",
        steps=("Succeeded",),
    ),
    Habit(
        action="Microsoft.Security/securitySolutions/write",
        target="Microsoft.Security/securitySolutions/s-{n}",
        category="Security",
    ),
    Habit(action="Microsoft.Resources/tags/write", target="Microsoft.Resources/tags/default"),
)


def make(world: World, subscription: str, groups: list[str], actors: list[Actor], operations: int) -> None:
    """Write this many operations over ninety days into a subscription's log."""
    stream = world.chance.stream("noise", subscription)
    for _ in range(operations):
        habit = stream.choice(HABITS)
        group = stream.choice(groups)
        target = f"{group}/providers/{habit.target.format(n=stream.randrange(1, 9))}"
        age = timedelta(minutes=stream.randrange(30, KEPT * 1440 - 60), microseconds=stream.randrange(1, 999_999))
        events.record(
            world,
            events.Operation(
                when=world.now - age,
                actor=stream.choice(actors),
                action=habit.action,
                target=target,
                steps=habit.steps,
                category=habit.category,
                level=habit.level,
                spelled=target.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/") if habit.shout else "",
            ),
        )
