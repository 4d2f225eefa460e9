"""Executions of in-scope jobs: how each ended, how long it took, and the template that was in force."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.model import EvidenceKind, Json, Level, Page, Record, Scope, Window, containerapp
from audit.model.wire import Instant, ResourceId, Text, Wire, decoder, kept, moment, text

if TYPE_CHECKING:
    from audit.azure import Azure


class Execution(Record, frozen=True, kw_only=True):
    """One execution that Azure still lists. Source: GET {job}/executions.

    Azure keeps the most recent hundred of a job, whatever the window: a list of a hundred says nothing about what
    came before its oldest. Whether older ones are known from logs or from earlier runs is what ``continuity`` says.
    """

    table = "executions"
    row_key = ("execution_id",)

    execution_id: str
    job_id: str
    name: str
    status: str
    """``Running`` ``Processing`` ``Stopped`` ``Degraded`` ``Failed`` ``Unknown`` ``Succeeded``."""
    started: datetime | None = None
    ended: datetime | None = None
    """Null while it runs."""
    duration_s: float | None = None
    """From start to end, in seconds; null while it runs."""
    replicas: Json | None = None
    """List of {name, containers: [{name, code, status, additionalInformation}]}; null = Azure gave no detail."""
    template_digest: str | None = None
    """Joins ``execution_templates`` with ``job_id``; it changes with anything in the template, also a hidden value."""
    images: Json | None = None
    """List of the containers' images, in the template's order, without those of init containers."""
    cpu: float | None = None
    """vCPU of one replica: the sum over its containers; null where one of them states none."""
    memory_gib: float | None = None
    """GiB of one replica, likewise."""
    replica_count: int | None = None
    """Replicas that Azure lists; more than the job's parallelism means retries."""
    exit_codes: Json | None = None
    """List of the containers' exit codes over all replicas, those that ended."""
    reason: str | None = None
    """What Azure says of the first container that didn't end with 0; null where all did or none is known."""


class ExecutionTemplate(Record, frozen=True, kw_only=True):
    """A template that executions of a job ran with, once per job and template. Source: GET {job}/executions."""

    table = "execution_templates"
    row_key = ("job_id", "template_digest")

    job_id: str
    template_digest: str
    """First 32 hex digits of SHA-256 over the template as kept (redacted), its keys sorted.

    Hidden values stand in it by their keyed digest, so it can be compared under the same redaction key only.
    """
    template: Json
    """{containers, initContainers} as Azure sent it, redacted."""
    images: Json
    """List of the containers' images, init containers left out."""


class _Container(Wire, frozen=True, kw_only=True):
    image: str | None = None
    resources: containerapp.Resources | None = None


class _Template(Wire, frozen=True, kw_only=True):
    containers: list[_Container] | None = None


class _Ended(Wire, frozen=True, kw_only=True):
    code: int | None = None
    status: str | None = None
    additional_information: str | None = None


class _Replica(Wire, frozen=True, kw_only=True):
    containers: list[_Ended] | None = None


class _Detail(Wire, frozen=True, kw_only=True):
    replicas: list[_Replica] | None = None


class _Properties(Wire, frozen=True, kw_only=True):
    status: Text
    start_time: Instant | None = None
    end_time: Instant | None = None
    template: _Template | None = None
    detailed_status: _Detail | None = None


class _Execution(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    properties: _Properties


class _AsSent(msgspec.Struct):
    template: msgspec.Raw = msgspec.Raw(b"null")
    detail: dict[str, Any] | None = msgspec.field(name="detailedStatus", default=None)


class _Sent(msgspec.Struct):
    properties: _AsSent
    id: str = ""


class _Listed(msgspec.Struct):
    value: list[_Sent]


class _Described(NamedTuple):
    digest: str
    template: Any
    images: list[str]
    cpu: float | None
    memory_gib: float | None


_ITEM = decoder(_Execution)
_TEMPLATE = decoder(_Template)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield every page of one job's executions. The list takes no period: what Azure keeps is read."""
    async for page in azure.pages(f"{scope.id}/executions", api_version="2025-07-01", scope=scope):
        yield page


def normalise(item: bytes, page: Page) -> Iterator[Record]:
    """Yield the execution, and its template where it is the first of its page that ran with it."""
    wire = _ITEM.decode(item)
    facts, job_id = wire.properties, page.scope.id
    sent = msgspec.json.decode(item, type=_Sent).properties
    ran = _described(bytes(sent.template)) if facts.template else None
    started, ended = moment(facts.start_time), moment(facts.end_time)
    replicas = facts.detailed_status.replicas if facts.detailed_status else None
    exits = [each for replica in replicas or () for each in replica.containers or ()]
    codes = [each.code for each in exits if each.code is not None]
    yield Execution(
        execution_id=wire.id,
        job_id=job_id,
        name=wire.name,
        status=facts.status,
        started=started,
        ended=ended,
        duration_s=(ended - started).total_seconds() if started and ended else None,
        replicas=kept((sent.detail or {}).get("replicas")),
        template_digest=ran.digest if ran else None,
        images=Json(ran.images) if ran else None,
        cpu=ran.cpu if ran else None,
        memory_gib=ran.memory_gib if ran else None,
        replica_count=None if replicas is None else len(replicas),
        exit_codes=Json(codes) if codes else None,
        reason=_reason(exits),
    )
    if ran and _introduces(page.body, wire.id):
        yield ExecutionTemplate(
            job_id=job_id, template_digest=ran.digest, template=Json(ran.template), images=Json(ran.images)
        )


def _reason(exits: list[_Ended]) -> str | None:
    for each in exits:
        if each.code != 0 and (each.status or "").lower() != "running":
            return text(each.additional_information) or text(each.status)
    return None


@lru_cache(maxsize=256)
def _described(sent: bytes) -> _Described:
    """Describe a template; it stands in the list once for every execution that ran with it."""
    template = msgspec.json.decode(sent)
    containers = _TEMPLATE.decode(sent).containers or []
    asked = [each.resources for each in containers]
    return _Described(
        digest=hashlib.sha256(msgspec.json.encode(template, order="sorted")).hexdigest()[:32],
        template=template,
        images=[each.image for each in containers if each.image],
        cpu=_sum(each.cpu if each else None for each in asked),
        memory_gib=_sum(each.gib if each else None for each in asked),
    )


def _sum(amounts: Iterator[float | None]) -> float | None:
    known: list[float] = []
    for each in amounts:
        if each is None:
            return None
        known.append(each)
    return sum(known) if known else None


def _introduces(body: bytes, execution_id: str) -> bool:
    found = _first_of_each(body)
    return found is None or execution_id in found


@lru_cache(maxsize=8)
def _first_of_each(body: bytes) -> frozenset[str] | None:
    """Return the ids of a page's executions of which each is the first with its template; None = can't tell."""
    first: dict[bytes, str] = {}
    try:
        for each in msgspec.json.decode(body, type=_Listed).value:
            first.setdefault(bytes(each.properties.template), each.id)
    except msgspec.MsgspecError:
        return None  # one item is malformed; the store keeps rows that say the same once
    return frozenset(first.values())


KIND = EvidenceKind(
    name="executions",
    title="Executions",
    records=(Execution, ExecutionTemplate),
    per=Level.RESOURCE,
    actions=("Microsoft.App/jobs/executions/read",),
    fetch=fetch,
    normalise=normalise,
    after=("jobs",),
    population="select job_id as scope from jobs where in_scope order by lower(job_id)",
    affects="select job_id as scope, job_id from jobs where in_scope",
)
