"""Names of the principals that hold access, gave it, or are a job's identity: directory objects by id."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from audit.model import EvidenceKind, Level, Page, Record, Scope, Window
from audit.model.directory_object import type_of
from audit.model.wire import Text, Wire, decoder, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Principal(Record, frozen=True, kw_only=True):
    """One directory object, or the confirmed absence of one. Source: Graph POST /v1.0/directoryObjects/getByIds."""

    table = "principals"
    row_key = ("principal_id",)

    principal_id: str
    type: str | None = None
    """``User``, ``Group``, ``ServicePrincipal`` or ``Device``; null where unresolved."""
    display_name: str | None = None
    user_principal_name: str | None = None
    app_id: str | None = None
    """A service principal's application (client) id."""
    enabled: bool | None = None
    """accountEnabled; null where Graph doesn't say (groups never do)."""
    user_type: str | None = None
    """``Member`` or ``Guest``."""
    resolved: bool
    """False: asked for and not returned, so the directory doesn't know it (deleted, or of another tenant)."""


class _Principal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: Text
    shape: str | None = msgspec.field(default=None, name="@odata.type")
    display_name: str | None = None
    user_principal_name: str | None = None
    app_id: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    not_found: bool = False


class _Asked(Wire, frozen=True, kw_only=True):
    ids: list[Text]


class _Answer(msgspec.Struct):
    value: list[msgspec.Raw]


class _Id(Wire, frozen=True, kw_only=True):
    id: Text


_ITEM = decoder(_Principal)
_ASKED = decoder(_Asked)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the pages that resolve the ids of the unit."""
    async for page in azure.directory_objects(scope.ids, scope=scope):
        yield page


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every object that came back, and ``{"id", "notFound"}`` for each id that was asked for and didn't."""
    known: set[str] = set()
    for page in pages:
        for item in msgspec.json.decode(page.body, type=_Answer).value:
            known.add(msgspec.json.decode(item, type=_Id).id.lower())
            yield bytes(item), page
    for page in pages:
        for asked in _ASKED.decode(page.request_body or b"{}").ids:
            if asked.lower() not in known:
                known.add(asked.lower())
                yield msgspec.json.encode({"id": asked, "notFound": True}), page


def normalise(item: bytes, page: Page) -> Iterator[Principal]:  # noqa: ARG001  the seam is one
    """Yield the row of one directory object, or of an id that the directory doesn't know."""
    wire = _ITEM.decode(item)
    yield Principal(
        principal_id=wire.id,
        type=type_of(wire.shape),
        display_name=text(wire.display_name),
        user_principal_name=text(wire.user_principal_name),
        app_id=text(wire.app_id),
        enabled=wire.account_enabled,
        user_type=text(wire.user_type),
        resolved=not wire.not_found,
    )


_UNITS = """
    with asked as (
        select lower(principal_id) as id from role_assignments
        union select lower(created_by) from role_assignments
        union select lower(principal_id) from vault_access_policies
        union select lower(principal_id) from role_eligibility
        union select lower(principal_id) from role_activations
        union select lower(created_by) from deny_assignments
        union select lower(each.value ->> 'id')
            from deny_assignments, json_each(deny_assignments.principals) as each
        union select lower(each.value ->> 'id')
            from deny_assignments, json_each(deny_assignments.excluded_principals) as each
        union select lower(job_identities.principal_id)
            from job_identities join jobs using (job_id) where jobs.in_scope
    ), numbered as (
        select id, (row_number() over (order by id) - 1) // 1000 as number
        from asked
        where regexp_full_match(id, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
            and id <> '00000000-0000-0000-0000-000000000000'
    ), units as (
        select '/principals/' || number as scope, list(id order by id) as ids
        from numbered group by number order by number
    )
"""
"""Graph resolves at most 1,000 ids at once; the id of zeros is everyone, of whom a deny assignment speaks.

https://learn.microsoft.com/graph/api/directoryobject-getbyids
"""

KIND = EvidenceKind(
    name="principals",
    title="Principals",
    records=(Principal,),
    per=Level.RESOURCE,
    actions=(),
    directory=("Directory.Read.All",),
    fetch=fetch,
    normalise=normalise,
    combine=combine,
    after=("jobs", "key_vaults", "role_assignments", "role_eligibility", "role_activations", "deny_assignments"),
    population=f"{_UNITS} select scope, ids from units",
    affects=f"{_UNITS} select units.scope, jobs.job_id from units cross join jobs where jobs.in_scope",
)
