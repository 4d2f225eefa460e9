"""A Container Apps job as ARM sends it (Microsoft.App/jobs, 2025-07-01): the parts that evidence rests on.

Required is what a row can't do without; unused blocks may be null; an unset setting stays None.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from audit.model.wire import Instant, ResourceId, Text, Wire

_GIB = {"": 2**-30, **{unit + "i": 1024.0 ** (power - 3) for power, unit in enumerate("KMGT", 1)}}
_GIB |= {unit: 1000.0**power / 2**30 for power, unit in enumerate("KMGT", 1)}


class Author(Wire, frozen=True, kw_only=True):
    """Who made a resource and who changed it last."""

    created_by: str | None = None
    created_by_type: str | None = None
    created_at: Instant | None = None
    last_modified_by: str | None = None
    last_modified_by_type: str | None = None
    last_modified_at: Instant | None = None


class RuleAuth(Wire, frozen=True, kw_only=True):
    """A trigger parameter that a secret of the job answers."""

    secret_ref: str | None = None
    trigger_parameter: str | None = None


class Rule(Wire, frozen=True, kw_only=True):
    """A KEDA scale rule."""

    name: Text
    type: Text
    metadata: dict[str, Any] | None = None
    auth: list[RuleAuth] | None = None
    identity: str | None = None


class Scale(Wire, frozen=True, kw_only=True):
    """How many executions start, and when."""

    min_executions: int | None = None
    max_executions: int | None = None
    polling_interval: int | None = None
    rules: list[Rule] | None = None


class Trigger(Wire, frozen=True, kw_only=True):
    """What an event, manual or schedule trigger has in common."""

    parallelism: int | None = None
    replica_completion_count: int | None = None
    scale: Scale | None = None


class SecretName(Wire, frozen=True, kw_only=True):
    """A secret without its value, which Azure never returns."""

    name: Text
    key_vault_url: str | None = None
    identity: str | None = None


class RegistrySignIn(Wire, frozen=True, kw_only=True):
    """How a registry is signed in to."""

    server: Text
    username: str | None = None
    password_secret_ref: str | None = None
    identity: str | None = None


class IdentitySetting(Wire, frozen=True, kw_only=True):
    """When an identity is available."""

    identity: Text
    lifecycle: str | None = None


class Configuration(Wire, frozen=True, kw_only=True):
    """Everything but the template."""

    trigger_type: Text
    replica_timeout: int | None = None
    replica_retry_limit: int | None = None
    event_trigger_config: Trigger | None = None
    manual_trigger_config: Trigger | None = None
    schedule_trigger_config: Trigger | None = None
    secrets: list[SecretName] | None = None
    registries: list[RegistrySignIn] | None = None
    identity_settings: list[IdentitySetting] | None = None


class Variable(Wire, frozen=True, kw_only=True):
    """An environment variable."""

    name: Text
    value: str | None = None
    secret_ref: str | None = None


class Resources(Wire, frozen=True, kw_only=True):
    """What a container asks for. ``memory`` is a Kubernetes quantity."""

    cpu: float | None = None
    memory: Annotated[str, msgspec.Meta(pattern=r"^\d+(\.\d+)?([KMGT]i?)?$")] | None = None

    @property
    def gib(self) -> float | None:
        """The memory in GiB."""
        if self.memory is None:
            return None
        number = self.memory.rstrip("KMGTi")
        return float(number) * _GIB[self.memory.removeprefix(number)]


class ContainerSpec(Wire, frozen=True, kw_only=True):
    """A container or init container."""

    name: Text
    image: Text
    command: list[str] | None = None
    args: list[str] | None = None
    env: list[Variable] | None = None
    resources: Resources | None = None


class MountedSecret(Wire, frozen=True, kw_only=True):
    """A secret as a file of a volume."""

    secret_ref: str | None = None
    path: str | None = None


class Volume(Wire, frozen=True, kw_only=True):
    """A volume. One of type ``Secret`` that lists no secrets mounts every secret of the job.

    https://learn.microsoft.com/azure/container-apps/manage-secrets#mounting-secrets-in-a-volume
    """

    name: Text
    storage_type: str | None = None
    secrets: list[MountedSecret] | None = None


class Template(Wire, frozen=True, kw_only=True):
    """What one replica runs."""

    containers: list[ContainerSpec] | None = None
    init_containers: list[ContainerSpec] | None = None
    volumes: list[Volume] | None = None


class JobProperties(Wire, frozen=True, kw_only=True):
    """The properties block."""

    configuration: Configuration
    environment_id: str | None = None
    provisioning_state: str | None = None
    running_state: str | None = None
    workload_profile_name: str | None = None
    template: Template | None = None


class UserAssigned(Wire, frozen=True, kw_only=True):
    """One user-assigned identity."""

    principal_id: str | None = None
    client_id: str | None = None


class IdentityBlock(Wire, frozen=True, kw_only=True):
    """The identities that the resource may act as."""

    type: str | None = None
    principal_id: str | None = None
    user_assigned_identities: dict[str, UserAssigned | None] | None = None


class JobResource(Wire, frozen=True, kw_only=True):
    """One job."""

    id: ResourceId
    name: Text
    location: str | None = None
    tags: dict[str, str | None] | None = None
    system_data: Author | None = None
    identity: IdentityBlock | None = None
    properties: JobProperties


def written(value: Any) -> str | None:
    """Return a metadata value as text: KEDA takes strings, so that is what Azure sends, almost always."""
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()
