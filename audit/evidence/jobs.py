"""Jobs of every trigger type, and what their configuration says: rules, containers, identities, names of secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, event_source, ids, image
from audit.model import containerapp as arm
from audit.model import job_texts as texts
from audit.model import rule_auth as auth
from audit.model.apart import apart
from audit.model.wire import decoder, kept, moment, spelled, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Job(Record, frozen=True, kw_only=True):
    """One Container Apps job of any trigger type. An unset setting is null: the platform's default is not filled in.

    Source: GET {scope}/providers/Microsoft.App/jobs.
    """

    table = "jobs"
    row_key = ("job_id",)

    job_id: str
    name: str
    subscription_id: str
    resource_group: str
    location: str | None = None
    """As Azure spells it, often in display form ("East US")."""
    environment_id: str | None = None
    trigger_type: str
    """``Event``, ``Schedule`` or ``Manual``; another word as Azure spells it."""
    in_scope: bool
    """Trigger type Event, and every tag that the configured scope asks for."""
    provisioning_state: str | None = None
    running_state: str | None = None
    replica_timeout_s: int | None = None
    """Seconds."""
    replica_retry_limit: int | None = None
    parallelism: int | None = None
    """Replicas per execution."""
    replica_completion_count: int | None = None
    min_executions: int | None = None
    """Executions per polling interval, at least."""
    max_executions: int | None = None
    """Executions per polling interval, at most."""
    polling_interval_s: int | None = None
    """Seconds between two looks at the event source."""
    identity_type: str | None = None
    """``None``, ``SystemAssigned``, ``UserAssigned`` or both; null where Azure sends no identity block at all."""
    workload_profile: str | None = None
    tags: Json | None = None
    """Object of text by text, the job's own."""
    secrets_count: int
    """How many secrets the job lists by name."""
    created_by: str | None = None
    created_by_type: str | None = None
    """``User``, ``Application``, ``ManagedIdentity`` or ``Key``."""
    created_at: datetime | None = None
    modified_by: str | None = None
    modified_by_type: str | None = None
    modified_at: datetime | None = None


class ScaleRule(Record, frozen=True, kw_only=True):
    """One KEDA scale rule of an event-driven job. Source: eventTriggerConfig.scale.rules."""

    table = "scale_rules"
    row_key = ("job_id", "rule_name")

    job_id: str
    rule_name: str
    """As Azure spells it; the second rule of one name in a job is called ``name (2)``, in every table."""
    scaler_type: str
    """The KEDA scaler's name, for example ``azure-servicebus``."""
    metadata: Json | None = None
    """Object of text by text, redacted as stored."""
    auth: Json | None = None
    """List of {secretRef, triggerParameter}."""
    auth_method: str
    """``identity``, ``secret`` or ``none``: how the rule reaches its event source, as far as the job tells."""
    identity: str | None = None
    """Resource id of a user-assigned identity, or ``system``."""
    position: int
    """The rule's place in the list, from 0."""


class RuleSource(Record, frozen=True, kw_only=True):
    """The event source that one scale rule watches, by its address; table event_sources has the resource itself.

    Source: the rule's metadata and auth, and the environment variables that its ``…FromEnv`` keys name.
    """

    table = "rule_sources"
    row_key = ("job_id", "rule_name")

    job_id: str
    rule_name: str
    scaler_type: str
    source_type: str | None = None
    """ARM type in lower case, ``external`` for a host that isn't Azure's, ``none`` for a clock; null = not known."""
    host: str | None = None
    """In lower case, as in table inventory: ``x.servicebus.windows.net``; ``x.core.windows.net`` for any storage."""
    namespace: str | None = None
    """The namespace's or account's name, the owner's, the organisation's, the virtual host's, or a list of brokers."""
    entity_kind: str
    """``queue``, ``topic``, ``subscription``, ``eventhub``, ``container``, ``list``, ``stream``, ``database``,
    ``repository``, ``pool`` or ``none``."""
    entity: str | None = None
    parent_entity: str | None = None
    """The topic of a subscription."""
    consumer: str | None = None
    """The consumer group."""
    policy: str | None = None
    """The shared-access policy that a connection string names."""
    found_by: str | None = None
    """What told the address: a metadata key, or ``env:NAME``."""
    unresolved: str | None = None
    """Why there is no address; null where there is one, or where there can be none."""
    note: str | None = None
    """What stands against the address; null = nothing."""


class Container(Record, frozen=True, kw_only=True):
    """One container of a job's template. Source: template.containers and template.initContainers."""

    table = "containers"
    row_key = ("job_id", "container", "init")

    job_id: str
    container: str
    """As Azure spells it; the second container of one name in a job is called ``name (2)``, in every table."""
    init: bool
    """Runs before the others."""
    image: str
    """The reference as written."""
    registry: str | None = None
    """Host of the registry; ``docker.io`` where the reference names none."""
    repository: str | None = None
    """Path below the registry; ``library/…`` where Docker Hub implies it."""
    tag: str | None = None
    """Null where none is written: the platform then takes ``latest``."""
    digest: str | None = None
    """``sha256:…``"""
    cpu: float | None = None
    """Cores requested."""
    memory_gib: float | None = None
    """GiB requested."""
    position: int
    """The container's place in its list, from 0."""


class JobSecret(Record, frozen=True, kw_only=True):
    """The name of one secret and where its value lives, never a value. Source: configuration.secrets."""

    table = "job_secrets"
    row_key = ("job_id", "name")

    job_id: str
    name: str
    """As Azure spells it; the second secret of one name in a job is called ``name (2)``."""
    key_vault_url: str | None = None
    """Null: the value is kept in the job itself."""
    identity: str | None = None
    """The identity that reads the vault: a resource id, or ``system``."""


class JobRegistry(Record, frozen=True, kw_only=True):
    """How one registry is signed in to. Source: configuration.registries."""

    table = "job_registries"
    row_key = ("job_id", "server")

    job_id: str
    server: str
    username: str | None = None
    password_secret_ref: str | None = None
    """Name of the job's secret that holds the password."""
    identity: str | None = None
    """The identity that pulls: a resource id, or ``system``."""


class JobIdentity(Record, frozen=True, kw_only=True):
    """One identity that a job may act as. Source: the identity block and configuration.identitySettings."""

    table = "job_identities"
    row_key = ("job_id", "identity_id")

    job_id: str
    identity_id: str
    """The user-assigned identity's resource id; for the system-assigned one the job's own id."""
    kind: str
    """``system`` or ``user``."""
    principal_id: str | None = None
    client_id: str | None = None
    """Null for a system-assigned identity: the job doesn't tell it, table identities does."""
    lifecycle: str | None = None
    """When the identity is available: ``Init``, ``Main``, ``None`` or ``All``; null = not stated."""


class JobValue(Record, frozen=True, kw_only=True):
    """One configured text: an environment value, command word, argument, scaler's metadata value or mounted secret.

    Source: the template's containers and volumes and the scale rules, redacted before they were stored.
    """

    table = "job_values"
    row_key = ("job_id", "place", "owner", "name")

    job_id: str
    place: str
    """``env``, ``command``, ``args``, ``scaler_metadata``, or ``volume`` for a secret that a volume mounts."""
    owner: str
    """The container's, the rule's or the volume's name."""
    name: str
    """The variable's or the metadata key's name; for command and args the index from 0; the mounted file's path."""
    value: str | None = None
    """As stored: hidden parts read ``[redacted:…]``; null where the value comes from a secret."""
    secret_ref: str | None = None
    """Name of the job's secret that the value comes from."""
    secret_like: str | None = None
    """Which detector took the value for a secret; null = none did."""


_ITEM = decoder(arm.JobResource)
_TRIGGERS = ("Event", "Schedule", "Manual")


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of the jobs in a subscription or resource group."""
    path = f"{scope.id}/providers/Microsoft.App/jobs"
    async for page in azure.pages(path, api_version="2025-07-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Record]:
    """Yield a job's row and the rows of everything in its configuration.

    The unit's ``scope.ids`` are the tags (``key=value``) that the configured scope asks of a job.
    """
    wire = _ITEM.decode(item)
    settings = wire.properties.configuration
    template = wire.properties.template or arm.Template()
    trigger = settings.event_trigger_config or settings.manual_trigger_config or settings.schedule_trigger_config
    rules = apart((trigger.scale.rules if trigger and trigger.scale else None) or ())
    yield _job(wire, trigger or arm.Trigger(), asked=page.scope.ids)
    yield from _rules(wire, rules)
    main = len(template.containers or ())
    for index, container in enumerate(apart((*(template.containers or ()), *(template.init_containers or ())))):
        init = index >= main
        yield _container(wire.id, container, index - main if init else index, init=init)
        yield from _values(wire.id, texts.of_container(container))
    for volume in apart(template.volumes or ()):
        yield from _values(wire.id, texts.of_volume(volume, settings.secrets or ()))
    for secret in apart(settings.secrets or ()):
        yield JobSecret(
            job_id=wire.id,
            name=secret.name,
            key_vault_url=text(secret.key_vault_url),
            identity=text(secret.identity),
        )
    for registry in settings.registries or ():
        yield JobRegistry(
            job_id=wire.id,
            server=registry.server,
            username=text(registry.username),
            password_secret_ref=text(registry.password_secret_ref),
            identity=text(registry.identity),
        )
    yield from _identities(wire)


def _job(wire: arm.JobResource, trigger: arm.Trigger, *, asked: tuple[str, ...]) -> Job:
    settings, author, scale = (
        wire.properties.configuration,
        wire.system_data or arm.Author(),
        trigger.scale or arm.Scale(),
    )
    trigger_type = spelled(settings.trigger_type, _TRIGGERS)
    return Job(
        job_id=wire.id,
        name=wire.name,
        subscription_id=ids.subscription_of(wire.id) or "",
        resource_group=ids.resource_group_of(wire.id) or "",
        location=text(wire.location),
        environment_id=text(wire.properties.environment_id),
        trigger_type=trigger_type or settings.trigger_type,
        in_scope=trigger_type == "Event" and _carries(wire.tags or {}, asked),
        provisioning_state=wire.properties.provisioning_state,
        running_state=wire.properties.running_state,
        replica_timeout_s=settings.replica_timeout,
        replica_retry_limit=settings.replica_retry_limit,
        parallelism=trigger.parallelism,
        replica_completion_count=trigger.replica_completion_count,
        min_executions=scale.min_executions,
        max_executions=scale.max_executions,
        polling_interval_s=scale.polling_interval,
        identity_type=text(wire.identity.type) if wire.identity else None,
        workload_profile=text(wire.properties.workload_profile_name),
        tags=kept(wire.tags),
        secrets_count=len(settings.secrets or ()),
        created_by=text(author.created_by),
        created_by_type=text(author.created_by_type),
        created_at=moment(author.created_at),
        modified_by=text(author.last_modified_by),
        modified_by_type=text(author.last_modified_by_type),
        modified_at=moment(author.last_modified_at),
    )


def _carries(tags: dict[str, str | None], asked: tuple[str, ...]) -> bool:
    own = {name.lower(): value or "" for name, value in tags.items()}
    return all(own.get(name.lower()) == value for name, _, value in (each.partition("=") for each in asked))


def _rules(wire: arm.JobResource, rules: list[arm.Rule]) -> Iterator[Record]:
    template = wire.properties.template or arm.Template()
    variables = {each.name: each for container in template.containers or () for each in container.env or ()}
    for position, rule in enumerate(rules):
        yield ScaleRule(
            job_id=wire.id,
            rule_name=rule.name,
            scaler_type=rule.type,
            metadata=kept(rule.metadata),
            auth=None if rule.auth is None else Json([msgspec.to_builtins(each) for each in rule.auth]),
            auth_method=auth.method(rule, variables),
            identity=text(rule.identity),
            position=position,
        )
        source = msgspec.structs.asdict(event_source.find(rule, variables))
        yield RuleSource(job_id=wire.id, rule_name=rule.name, scaler_type=rule.type, **source)
        yield from _values(wire.id, texts.of_rule(rule))


def _values(job_id: str, found: Iterator[texts.ConfiguredText]) -> Iterator[JobValue]:
    for each in found:
        yield JobValue(job_id=job_id, **each._asdict())


def _container(job_id: str, wire: arm.ContainerSpec, position: int, *, init: bool) -> Container:
    reference, resources = image.parse(wire.image), wire.resources or arm.Resources()
    return Container(
        job_id=job_id,
        container=wire.name,
        init=init,
        image=wire.image,
        registry=reference.registry,
        repository=reference.repository,
        tag=reference.tag,
        digest=reference.digest,
        cpu=resources.cpu,
        memory_gib=resources.gib,
        position=position,
    )


def _identities(wire: arm.JobResource) -> Iterator[JobIdentity]:
    identity = wire.identity or arm.IdentityBlock()
    settings = wire.properties.configuration.identity_settings or ()
    lifecycles = {ids.key(each.identity): text(each.lifecycle) for each in settings}
    if "systemassigned" in (identity.type or "").lower():
        yield JobIdentity(
            job_id=wire.id,
            identity_id=wire.id,
            kind="system",
            principal_id=text(identity.principal_id),
            lifecycle=lifecycles.get(ids.key("system")),
        )
    for identity_id, user in (identity.user_assigned_identities or {}).items():
        yield JobIdentity(
            job_id=wire.id,
            identity_id=identity_id,
            kind="user",
            principal_id=text(user.principal_id) if user else None,
            client_id=text(user.client_id) if user else None,
            lifecycle=lifecycles.get(ids.key(identity_id)),
        )


KIND = EvidenceKind(
    name="jobs",
    title="Jobs",
    records=(Job, ScaleRule, RuleSource, Container, JobSecret, JobRegistry, JobIdentity, JobValue),
    per=Level.SUBSCRIPTION,
    actions=("Microsoft.App/jobs/read",),
    fetch=fetch,
    normalise=normalise,
    after=("subscriptions",),
    filtered=True,
    groupwise=True,
)
