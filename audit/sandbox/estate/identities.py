"""Managed identities: user-assigned ones, the block that gives a job its own, and what trusts them from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.sandbox.estate import directory

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import Actor, World


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user-assigned identity: its ARM id as Azure spells it, and the service principal behind it."""

    id: str
    client_id: str
    actor: Actor

    @property
    def on_wire(self) -> str:
        """The id as Container Apps repeats it, with ``resourcegroups`` in lower case."""
        return self.id.replace("/resourceGroups/", "/resourcegroups/")


def user_assigned(world: World, group: str, name: str, location: str, tags: dict[str, str] | None = None) -> Identity:
    """Add a user-assigned identity and its service principal."""
    place = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
    actor = directory.application(world, place, name, kind="ManagedIdentity", of=place)
    body: Body = {
        "location": location,
        "tags": tags or {},
        "id": place,
        "name": name,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
        "properties": {
            "isolationScope": "None",
            "tenantId": world.estate.tenant_id,
            "principalId": actor.object_id,
            "clientId": actor.author,
        },
    }
    world.add(body)
    world.estate.federated_credentials[place.lower()] = []
    return Identity(id=place, client_id=actor.author, actor=actor)


def trust(world: World, identity: Identity, name: str, issuer: str, subject: str) -> None:
    """Let tokens of an issuer outside the tenant act as an identity."""
    world.estate.federated_credentials[identity.id.lower()].append(
        {
            "properties": {"issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]},
            "id": f"{identity.id}/federatedIdentityCredentials/{name}",
            "name": name,
            "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        },
    )


def none() -> Body:
    """Return the block of a job without any identity."""
    return {"type": "None"}


def held(world: World, job: str, location: str, *users: Identity, system: bool = False) -> Body:
    """Return the block of a job with these identities; ``system`` makes it one of its own."""
    kinds = [*(["SystemAssigned"] if system else []), *(["UserAssigned"] if users else [])]
    block: Body = {"type": ", ".join(kinds)}
    if system:
        actor = _system(world, job, location)
        block |= {"principalId": actor.object_id, "tenantId": world.estate.tenant_id}
    if users:
        block["userAssignedIdentities"] = {
            user.on_wire: {"principalId": user.actor.object_id, "clientId": user.client_id} for user in users
        }
    return block


def _system(world: World, job: str, location: str) -> Actor:
    actor = directory.application(world, job, job.rsplit("/", 1)[-1], kind="ManagedIdentity", of=job)
    tenant, subscription = world.estate.tenant_id, job.split("/")[2]
    credentials = f"https://control-{location}.identity.azure.net/subscriptions/{subscription}/{job.rsplit('/', 1)[-1]}"
    world.estate.system_identities[job.lower()] = {
        "location": location,
        "tags": {},
        "properties": {
            "tenantId": tenant,
            "principalId": actor.object_id,
            "clientId": actor.author,
            "clientSecretUrl": f"{credentials}/credentials?tid={tenant}&oid={actor.object_id}&aid={actor.author}",
        },
        "id": f"{job}/providers/Microsoft.ManagedIdentity/identities/default",
        "name": "default",
        "type": "Microsoft.ManagedIdentity/identities",
    }
    return actor
