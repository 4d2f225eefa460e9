"""The event sources of in-scope jobs: who may reach them and how, what happens to a message, what waits there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from audit.model import (
    EvidenceKind,
    GapReason,
    Json,
    Level,
    NotThere,
    Page,
    ReadFailed,
    Record,
    Scope,
    Window,
    reach,
    source_answers,
    source_entities,
    source_facts,
    source_routes,
)

if TYPE_CHECKING:
    from audit.azure import Azure


class EventSource(Record, frozen=True, kw_only=True):
    """One namespace, storage account, cache or database server that a job waits for.

    An unset setting is null: the platform's default is not filled in. Source: GET {resource}; for a namespace also
    networkRuleSets/default, for a storage account with containers also blobServices/default.
    """

    table = "event_sources"
    row_key = ("resource_id",)

    resource_id: str
    source_type: str
    """ARM type in lower case."""
    name: str
    location: str | None = None
    sku: str | None = None
    host: str | None = None
    """As in table inventory."""
    local_auth_disabled: bool | None = None
    """True: no shared key or password opens it, only an identity. Null = Azure doesn't say; keys then work."""
    public_access: str | None = None
    """``Enabled``, ``Disabled`` or ``SecuredByPerimeter``: whether it is reached from outside private endpoints."""
    default_action: str | None = None
    """What the firewall does with an address that no rule names: ``Allow`` or ``Deny``."""
    ip_rules: Json | None = None
    """List of addresses and ranges (CIDR) that the firewall lets in."""
    vnet_rules: Json | None = None
    """List of ids of subnets that the firewall lets in."""
    bypass: str | None = None
    """Who passes the firewall all the same, as Azure spells it; for a namespace ``AzureServices`` or ``None``."""
    min_tls: str | None = None
    """``1.2``; for a storage account ``TLS1_2``."""
    zone_redundant: bool | None = None
    """For a storage account what its SKU means."""
    private_endpoints: Json | None = None
    """List of {endpoint_id, connection_id, status, group_ids}; null = Azure lists no connection."""
    provisioning_state: str | None = None
    status: str | None = None
    """``Active``, ``available``, ``Ready``…; null = not told."""
    created_at: datetime | None = None
    settings: Json | None = None
    """Object of what only its type has: soft delete and versions of blobs, throughput units, plain ports."""


class EventSourceEntity(Record, frozen=True, kw_only=True):
    """One queue, topic, subscription, event hub, consumer group or container that a job names. Source: GET {entity}.

    A consumer group is listed for every event hub that a job names. The figures are those of the moment.
    """

    table = "event_source_entities"
    row_key = ("entity_id",)

    entity_id: str
    resource_id: str
    entity_kind: str
    """``queue``, ``topic``, ``subscription``, ``eventhub``, ``consumer_group`` or ``container``."""
    name: str
    parent: str | None = None
    """The topic of a subscription, the event hub of a consumer group."""
    status: str | None = None
    """``Active``, ``Disabled``…; ``missing``: a job names it and Azure says that it isn't there; null = not told."""
    lock_duration_s: int | None = None
    """Seconds for which a message is hidden from others while one works on it."""
    max_delivery_count: int | None = None
    """Attempts before a message becomes a dead letter."""
    dead_letter_on_expiration: bool | None = None
    default_ttl_s: int | None = None
    """Seconds until a message expires; 922,337,203,685 is Azure's greatest and means never."""
    requires_session: bool | None = None
    duplicate_detection: bool | None = None
    partition_count: int | None = None
    retention_hours: int | None = None
    """Hours for which an event hub keeps events."""
    active_messages: int | None = None
    """Messages waiting; for a storage queue Azure's own approximation."""
    dead_letters: int | None = None
    size_bytes: int | None = None
    created_at: datetime | None = None
    settings: Json | None = None
    """Every other property as Azure sent it."""


class EventSourcePolicy(Record, frozen=True, kw_only=True):
    """One shared-access policy of a namespace or of an entity; its keys are never read.

    Source: GET {namespace or entity}/authorizationRules.
    """

    table = "event_source_policies"
    row_key = ("policy_id",)

    policy_id: str
    resource_id: str
    entity_id: str | None = None
    """The queue, topic or event hub that it is limited to; null = it opens the whole namespace."""
    name: str
    rights: Json
    """List of ``Listen``, ``Send`` and ``Manage``."""
    can_manage: bool
    can_listen: bool
    can_send: bool


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the resource's page, then those of its rules and of the entities in ``scope.ids`` (``queue/orders``).

    An entity that Azure says isn't there has no page. Raises ReadFailed for a type that isn't an event source's.
    """
    reads = list(source_routes.reads(scope))
    if not reads:
        raise ReadFailed(GapReason.UNSUPPORTED, f"how an event source of this type is read isn't known: {scope.id}")
    gone: set[str] = set()
    for read in reads:
        if read.owner in gone:
            continue
        try:
            if read.listed:
                async for page in azure.pages(read.path, api_version=read.version, scope=scope):
                    yield page
            else:
                yield await azure.get(read.path, api_version=read.version, scope=scope)
        except NotThere:
            if not (read.entity or read.tiered):
                raise
            gone.add(read.path)
        except ReadFailed as error:
            if not (read.tiered and error.reason is GapReason.UNSUPPORTED):
                raise


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield an item for the resource with its rules, and one for each entity and each policy."""
    yield from source_answers.items(pages)


def normalise(item: bytes, page: Page) -> Iterator[Record]:
    """Yield the one row of an item."""
    part = source_answers.decode(item)
    match part:
        case source_answers.Resource():
            yield EventSource(**source_facts.columns(part))
        case source_answers.Entity():
            yield EventSourceEntity(**source_entities.entity(part, page.scope))
        case source_answers.Policy():
            yield EventSourcePolicy(**source_entities.policy(part, page.scope))


_HOSTS = """
    select job_id, host, entity_kind, replace(entity, '/', '~') as entity,
           replace(parent_entity, '/', '~') as parent_entity,
           case when scaler_type = 'azure-eventhub' then consumer end as consumer
    from rule_sources
"""
_COLUMNS = "named.entity_kind, named.entity, named.parent_entity, named.consumer"
_USED = f"""
    with asked as ({reach.named(_HOSTS, columns=_COLUMNS)}),
    used as (
        select scope, job_id, case when entity_kind in ('queue', 'topic', 'subscription', 'eventhub', 'container')
            then entity_kind || '/' || coalesce(parent_entity || '/', '') || entity end as entity
        from asked
        union all select scope, job_id, 'topic/' || parent_entity from asked where entity_kind = 'subscription'
        union all
        select scope, job_id, 'consumer_group/' || entity || '/' || consumer from asked where entity_kind = 'eventhub'
    )
"""

KIND = EvidenceKind(
    name="event_sources",
    title="Event sources",
    records=(EventSource, EventSourceEntity, EventSourcePolicy),
    per=Level.RESOURCE,
    actions=source_routes.ACTIONS,
    fetch=fetch,
    normalise=normalise,
    item_path="$",
    combine=combine,
    after=("jobs", "inventory"),
    population=reach.population(_USED, ids="entity"),
    affects=reach.affects(_USED),
)
