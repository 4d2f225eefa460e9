"""The simulated estate as pure data: bodies exactly as Azure would put them on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

Body = dict[str, Any]
"""A JSON object in the shape in which Azure sends it."""


class LogsMade(Protocol):
    """Rows of Log Analytics that nobody keeps."""

    def between(self, customer: str, table: str, since: datetime, until: datetime) -> Iterator[Body]:
        """Yield a table's rows from ``since`` to ``until``, both included, in any order."""


@dataclass(kw_only=True)
class Estate:
    """Everything that Azure knows in this world.

    Keys called "lower-case id" are ARM ids in lower case with their leading slash; bodies keep Azure's own spelling.
    """

    now: datetime
    """Aware, UTC: the moment that the world stands at."""
    tenant_id: str
    subscriptions: list[Body]
    """``{"id": "/subscriptions/…", "subscriptionId", "displayName", "state", "tenantId", "tags", …}``."""
    management_groups: list[str] = field(default_factory=list)
    """Ids from the root group down to the one above the subscriptions; assignments live there too."""
    resource_groups: list[Body] = field(default_factory=list)
    resources: dict[str, Body] = field(default_factory=dict)
    """Lower-case id → body of a job, managedEnvironment, userAssignedIdentity or anything else of the story."""
    system_identities: dict[str, Body] = field(default_factory=dict)
    """Lower-case job id → body of ``{job}/providers/Microsoft.ManagedIdentity/identities/default``."""
    federated_credentials: dict[str, list[Body]] = field(default_factory=dict)
    """Lower-case id of a user-assigned identity → its credentials."""
    role_assignments: list[Body] = field(default_factory=list)
    deny_assignments: list[Body] = field(default_factory=list)
    role_eligibility: list[Body] = field(default_factory=list)
    """Role eligibility schedule instances, by Privileged Identity Management."""
    role_activations: list[Body] = field(default_factory=list)
    """Role assignment schedule instances; each names the role assignment that carries it."""
    memberships: dict[str, list[str]] = field(default_factory=dict)
    """Object id of a group → object ids of its direct members, groups among them."""
    group_eligibility: dict[str, list[Body]] = field(default_factory=dict)
    """Object id of a group → eligibility schedule instances of PIM for groups."""
    group_activations: dict[str, list[Body]] = field(default_factory=dict)
    """Object id of a group → its assignment schedule instances, likewise."""
    role_definitions: dict[str, Body] = field(default_factory=dict)
    """GUID in lower case → body; built-in ones have the tenant-level id without a subscription."""
    directory: dict[str, Body] = field(default_factory=dict)
    """Object id → Graph object with its ``@odata.type``."""
    activity: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → events of more than 90 days, newest first."""
    diagnostic_settings: dict[str, list[Body]] = field(default_factory=dict)
    """Lower-case resource id → its settings; a resource without any is missing here or has an empty list."""
    budgets: dict[str, list[Body]] = field(default_factory=dict)
    """Lower-case scope → budgets."""
    action_groups: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → action groups."""
    quotas: dict[str, dict[str, int]] = field(default_factory=dict)
    """Lower-case id of an environment → quota's name → what was granted, where it isn't the default."""
    executions: Mapping[str, list[Body]] = field(default_factory=dict)
    """Lower-case job id → its executions of ninety days, newest first; Azure shows the most recent hundred."""
    logs: dict[str, dict[str, list[Body]]] = field(default_factory=dict)
    """Lower-case customer id of a workspace → table → rows, oldest first; a table that does not exist has no key."""
    logs_made: LogsMade | None = None
    """Rows that are in a table of ``logs`` too, and are made when they are asked for."""
    metrics: dict[str, list[Body]] = field(default_factory=dict)
    """Lower-case resource id → series ``{"metric", "dimension", "points": [[moment, value], …], "peak"}``.

    A point, oldest first, is the mean of an hour, and ``peak`` by how much its highest sample is above that; an hour
    without a point had 0.
    """
    alerts: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → metric, log and Activity Log alert rules, told apart by their type."""
    fired_alerts: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → alerts that fired."""
    costs: Mapping[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → lines ``{"resource", "type", "day", "meter", "actual", "amortised"}``; EUR, days as dates."""
    resource_changes: list[Body] = field(default_factory=list)
    """Rows of Resource Graph's ``resourcechanges``, of fourteen days."""
    deployments: dict[str, list[Body]] = field(default_factory=dict)
    """Lower-case id of a resource group → its deployments."""
    locks: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → locks at it and below it."""
    policy_exemptions: dict[str, list[Body]] = field(default_factory=dict)
    """Subscription GUID → exemptions that hold at it or below it."""
    images_gone: list[str] = field(default_factory=list)
    """Image references of jobs that their registry doesn't hold any more."""
    tags_moved: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Image reference of a job, by a tag → the digest that the tag was moved to, and when."""
    graph_lag: set[str] = field(default_factory=set)
    """Lower-case ids that Resource Graph doesn't know yet."""
    collector_id: str = ""
    """Object id of the principal that the collector signs in as; ``directory`` has it, an assignment gives its role."""
    planted: tuple[str, ...] = ()
    """Every fake secret that the estate plants: none of them may be seen in an output."""
