"""Managed identities of in-scope jobs, with the federated credentials that let others act as them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, GapReason, Json, Level, Page, ReadFailed, Record, Scope, Window, ids
from audit.model.wire import ArmId, Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Identity(Record, frozen=True, kw_only=True):
    """One identity of one job: an identity shared by three jobs has three rows.

    Source: GET {identity} and its federatedIdentityCredentials; for a system-assigned one
    GET {job}/providers/Microsoft.ManagedIdentity/identities/default.
    """

    table = "identities"
    row_key = ("identity_id", "job_id")

    identity_id: str
    """The user-assigned identity's resource id; for the system-assigned one the job's own id."""
    kind: str
    """``system`` or ``user``."""
    principal_id: str | None = None
    client_id: str | None = None
    tenant_id: str | None = None
    name: str | None = None
    location: str | None = None
    job_id: str
    federated_credentials: Json | None = None
    """List of {name, issuer, subject, audiences}; null for a system-assigned identity, which can't have any."""


class _Facts(Wire, frozen=True, kw_only=True):
    principal_id: str | None = None
    client_id: str | None = None
    tenant_id: str | None = None


class _Resource(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: str | None = None
    location: str | None = None
    properties: _Facts


class _Trust(Wire, frozen=True, kw_only=True):
    issuer: Text
    subject: str | None = None
    audiences: list[str] | None = None


class _Credential(Wire, frozen=True, kw_only=True):
    name: Text
    properties: _Trust


class _Identity(Wire, frozen=True, kw_only=True):
    """One identity as ``combine`` puts it together; ``credentials`` None = a system-assigned one."""

    identity: _Resource
    credentials: list[_Credential] | None = None


class _Listed(msgspec.Struct):
    value: list[msgspec.Raw]


_ITEM = decoder(_Identity)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the identity's page, and for a user-assigned one the pages of its federated credentials."""
    if not _is_user_assigned(scope):
        if not any(ids.same(scope.id, job_id) for job_id in scope.ids):
            raise ReadFailed(GapReason.MALFORMED, f"not the id of an identity: {scope.id}")
        path = f"{scope.id}/providers/Microsoft.ManagedIdentity/identities/default"
        yield await azure.get(path, api_version="2023-01-31", scope=scope)
        return
    client, name = azure.identities(scope.subscription_id), ids.name_of(scope.id)
    async for page in azure.typed(client.user_assigned_identities.get(scope.resource_group, name), scope=scope):
        yield page
    listing = client.federated_identity_credentials.list(scope.resource_group, name)
    async for page in azure.typed(listing, scope=scope):
        yield page


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield the identity with its credentials as one item; its row leads to the identity's own page."""
    identity, *lists = pages
    found: dict[str, object] = {"identity": msgspec.Raw(identity.body)}
    if _is_user_assigned(identity.scope):
        found["credentials"] = [each for page in lists for each in msgspec.json.decode(page.body, type=_Listed).value]
    yield msgspec.json.encode(found), identity


def normalise(item: bytes, page: Page) -> Iterator[Identity]:
    """Yield one row for each job of the unit's ``scope.ids`` that uses the identity."""
    wire = _ITEM.decode(item)
    facts = wire.identity.properties
    for job_id in page.scope.ids:
        yield Identity(
            identity_id=page.scope.id,
            kind="user" if _is_user_assigned(page.scope) else "system",
            principal_id=text(facts.principal_id),
            client_id=text(facts.client_id),
            tenant_id=text(facts.tenant_id),
            name=text(wire.identity.name),
            location=text(wire.identity.location),
            job_id=job_id,
            federated_credentials=None
            if wire.credentials is None
            else Json([_plain(each) for each in wire.credentials]),
        )


def _is_user_assigned(scope: Scope) -> bool:
    return ids.segment(scope.id, "userAssignedIdentities") is not None


def _plain(credential: _Credential) -> dict[str, object]:
    trust = credential.properties
    return {
        "name": credential.name,
        "issuer": trust.issuer,
        "subject": trust.subject,
        "audiences": trust.audiences,
    }


KIND = EvidenceKind(
    name="identities",
    title="Managed identities",
    records=(Identity,),
    per=Level.RESOURCE,
    actions=(
        "Microsoft.ManagedIdentity/identities/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
        "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    ),
    fetch=fetch,
    normalise=normalise,
    item_path="$",
    combine=combine,
    after=("jobs",),
    population="""
        select min(identity_id) as scope, list(distinct job_id order by job_id) as ids
        from job_identities join jobs using (job_id)
        where jobs.in_scope
        group by lower(identity_id)
        order by lower(identity_id)
    """,
    affects="""
        select min(identity_id) over (partition by lower(identity_id)) as scope, job_id
        from job_identities join jobs using (job_id)
        where jobs.in_scope
    """,
)
