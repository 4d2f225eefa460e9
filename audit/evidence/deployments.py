"""ARM deployments into the resource groups of in-scope jobs: which template wrote what, with which parameters."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, ids
from audit.model.wire import ArmId, Instant, Text, Wire, decoder, kept, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Deployment(Record, frozen=True, kw_only=True):
    """One deployment of a resource group's history.

    Source: GET {resource group}/providers/Microsoft.Resources/deployments. Azure keeps the last 800 of a group and
    deletes older ones by itself; a name that is used again replaces the deployment that had it.
    """

    table = "deployments"
    row_key = ("deployment_id", "at")

    deployment_id: str
    name: str
    scope: str
    """The resource group."""
    subscription_id: str
    at: datetime | None = None
    """When it ended, or last changed its state."""
    duration_s: float | None = None
    state: str | None = None
    """``Succeeded``, ``Failed``, ``Canceled``, ``Running``…"""
    mode: str | None = None
    """``Incremental``, or ``Complete`` (what the template doesn't name is deleted)."""
    correlation_id: str | None = None
    """The Activity Log's events of everything it did carry the same one."""
    template_hash: str | None = None
    """Equal for equal templates."""
    template_link: str | None = None
    """Where the template came from, without signatures; null where it was sent along."""
    parameters: Json | None = None
    """Object of {type, value} by name, redacted as stored; of secure parameters Azure tells the type only."""
    output_resources: Json | None = None
    """List of the ids of the resources that it wrote."""
    error: Json | None = None
    """{code, message, details} where it failed."""


class _Link(Wire, frozen=True, kw_only=True):
    uri: str | None = None
    id: str | None = None
    relative_path: str | None = None


class _Output(Wire, frozen=True, kw_only=True):
    id: str


class _Properties(Wire, frozen=True, kw_only=True):
    timestamp: Instant | None = None
    duration: str | None = None
    provisioning_state: str | None = None
    mode: str | None = None
    correlation_id: str | None = None
    template_hash: str | None = None
    template_link: _Link | None = None
    parameters: dict[str, Any] | None = None
    output_resources: list[_Output] | None = None
    error: dict[str, Any] | None = None


class _Deployment(Wire, frozen=True, kw_only=True):
    id: ArmId
    name: Text
    properties: _Properties


_ITEM = decoder(_Deployment)
_DURATION = re.compile(
    r"P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of a resource group's deployments, all that Azure still has: a roll-back leads to older ones."""
    path = f"{scope.id}/providers/Microsoft.Resources/deployments"
    async for page in azure.pages(path, api_version="2021-04-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Deployment]:
    """Yield the row of one deployment."""
    wire = _ITEM.decode(item)
    facts, link = wire.properties, wire.properties.template_link
    group = ids.resource_group_of(wire.id)
    subscription = ids.subscription_of(wire.id) or page.scope.subscription_id
    written = None if facts.output_resources is None else [each.id for each in facts.output_resources]
    yield Deployment(
        deployment_id=wire.id,
        name=wire.name,
        scope=f"/subscriptions/{subscription}/resourceGroups/{group}" if group else page.scope.id,
        subscription_id=subscription,
        at=moment(facts.timestamp),
        duration_s=_seconds(facts.duration),
        state=text(facts.provisioning_state),
        mode=text(facts.mode),
        correlation_id=text(facts.correlation_id),
        template_hash=text(facts.template_hash),
        template_link=(text(link.uri) or text(link.id) or text(link.relative_path)) if link else None,
        parameters=kept(facts.parameters),
        output_resources=kept(written),
        error=kept(facts.error),
    )


def _seconds(duration: str | None) -> float | None:
    """Return the seconds of a duration such as ``PT1M22.5S``. Raises msgspec.ValidationError for other text."""
    if not duration:
        return None
    match = _DURATION.fullmatch(duration)
    if match is None:
        what = f"Expected a duration such as PT1M22.5S, got {duration!r} - at `$.properties.duration`"
        raise msgspec.ValidationError(what)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


_GROUPS = """
    select job_id, min('/subscriptions/' || subscription_id || '/resourceGroups/' || resource_group)
        over (partition by lower(subscription_id), lower(resource_group)) as scope
    from jobs where in_scope
"""

KIND = EvidenceKind(
    name="deployments",
    title="Deployments",
    records=(Deployment,),
    per=Level.RESOURCE,
    actions=("Microsoft.Resources/deployments/read",),
    fetch=fetch,
    normalise=normalise,
    after=("jobs",),
    population=f"select distinct scope from ({_GROUPS}) order by lower(scope)",
    affects=f"select scope, job_id from ({_GROUPS})",
)
