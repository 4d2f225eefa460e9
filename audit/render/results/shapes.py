"""findings.json as types: they are its schema, and what is written is made of them and of nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from audit.model import Severity, Verdict, published
from audit.model.published import Shape, Text, Window

VERSION = "1.0"
"""Its second number grows when something is added; its first when something is renamed or dropped."""


class Caller(Shape, frozen=True, kw_only=True):
    """Who collected, as the access token said."""

    object_id: str
    tenant_id: str
    kind: Annotated[str, Meta(description="user or app")]
    app_id: Annotated[str, Meta(description="empty where the token names none")]
    name: Annotated[str, Meta(description="empty where the token names none")]


class RunHead(Shape, frozen=True, kw_only=True):
    """The collection that the findings rest on."""

    run_id: str
    state: Annotated[str, Meta(description="done, interrupted or running")]
    tool_version: str
    cloud: str
    endpoint: str
    started: datetime
    finished: datetime | None
    window: Window
    collected_for: Annotated[
        Window | None,
        Meta(description="set where events were taken from history for another window: the run's own"),
    ]
    restored_from: Annotated[Text, Meta(description="set where the run's folder was gone: there are no raw answers")]
    caller: Annotated[Caller | None, Meta(description="null: no token was read")]
    subscriptions: Annotated[list[str], Meta(description="as configured; empty: all that the caller could see")]
    expected_subscriptions: list[str]
    management_groups: list[str]
    resource_groups: list[str]


class KindCoverage(Shape, frozen=True, kw_only=True):
    """How the reads of one kind of evidence ended."""

    kind: str
    units: int
    collected: int
    gaps: int
    malformed: Annotated[int, Meta(description="items that could not be decoded; their unit is among the gaps")]


class Coverage(Shape, frozen=True, kw_only=True):
    """How whole the evidence is. A gap is a read that failed: never an absence."""

    complete: Annotated[bool, Meta(description="no gap, and every kind was collected")]
    units: int
    collected: int
    gaps: int
    malformed: int
    not_collected: Annotated[list[str], Meta(description="kinds that were no part of the run")]
    by_kind: list[KindCoverage]


class Counts(Shape, frozen=True, kw_only=True):
    """Verdicts, counted. ``waived`` are failures that an exception covers; they are among ``fail``."""

    fail: int
    not_assessed: int
    passed: int = msgspec.field(name="pass")
    not_applicable: int
    waived: int


class Framework(Shape, frozen=True, kw_only=True):
    """A framework by the key under which controls and findings name it."""

    key: str
    name: str
    weak: Annotated[
        dict[str, list[str]], Meta(description="by requirement, the controls that no more than touch what it asks")
    ]


class Control(Shape, frozen=True, kw_only=True):
    """A control that was applied."""

    control_id: str
    title: str
    area: str
    severity: Severity
    source: Annotated[str, Meta(description="built-in or own")]
    file: Annotated[str, Meta(description="its SQL, from the pack's folder")]
    needs: Annotated[list[str], Meta(description="kinds of evidence that it rests on")]
    frameworks: Annotated[dict[str, list[str]], Meta(description="requirements that it supports, by framework")]
    rationale: str
    remediation: str
    limits: Annotated[str, Meta(description="what it can't see; empty: its file doesn't say")]
    subjects: Annotated[int, Meta(description="how many things it judged; 0 passes nothing")]
    population: Annotated[str, Meta(description="what is to be said about them")]
    failure: Annotated[Text, Meta(description="what kept it from answering; null: nothing")]
    verdicts: Counts


class Gap(Shape, frozen=True, kw_only=True):
    """One read that failed or wasn't whole, or one item that could not be decoded."""

    kind: str
    scope: str
    place: Annotated[Text, Meta(description="the JSON path of an item; null: the whole read")]
    reason: str
    detail: Text
    raw_ref: Text


class Evidence(Shape, frozen=True, kw_only=True):
    """Where the words are that a finding rests on."""

    raw_ref: Annotated[Text, Meta(description="as every table of the pack names it")]
    file: Annotated[
        Text,
        Meta(
            description="the file in the pack: zstd JSON lines, run.json or a control; null: the pack doesn't hold it"
        ),
    ]
    line: Annotated[int | None, Meta(description="from 1")]
    item: Annotated[int | None, Meta(description="from 0")]
    request_id: Annotated[Text, Meta(description="Azure's x-ms-request-id")]
    observed_at: datetime | None


class Finding(Shape, frozen=True, kw_only=True):
    """One verdict: a control about one subject of one job."""

    id: Annotated[str, Meta(description="uuid, of this run and row_id")]
    row_id: Annotated[str, Meta(description="the same in every run for the same control, job and subject")]
    control_id: str
    title: str
    area: str
    severity: Annotated[Severity, Meta(description="how much a failure weighs, whatever the verdict")]
    verdict: Annotated[
        Verdict,
        Meta(description="not_assessed: evidence is missing and nothing was concluded; it is neither pass nor fail"),
    ]
    reason: str
    job_id: Annotated[Text, Meta(description="null: there was no job at all")]
    job: Text
    subscription_id: Text
    resource_group: Text
    subject: Annotated[str, Meta(description="what about the job was judged")]
    waived: Annotated[bool, Meta(description="an exception covers it; a failure stays a failure")]
    waiver_id: Text
    frameworks: Annotated[dict[str, list[str]], Meta(description="requirements that the control supports")]
    remediation: Annotated[Text, Meta(description="what to do; null: it is no failure")]
    evidence: Evidence


class Results(Shape, frozen=True, kw_only=True):
    """The findings of one run of jobaudit over event-driven Azure Container Apps jobs."""

    schema_version: str
    run: RunHead
    coverage: Coverage
    jobs: Annotated[int, Meta(description="in the population")]
    verdicts: Counts
    frameworks: list[Framework]
    controls: list[Control]
    gaps: list[Gap]
    findings: list[Finding]


def schema() -> bytes:
    """Return the JSON Schema (2020-12) of findings.json."""
    return published.schema(Results, "findings", VERSION)
