"""The differences as JSON: these types are the schema, and what is written is made of them and of nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from audit.model import published
from audit.model.published import Shape, Text, Window

VERSION = "1.0"
"""Its second number grows when something is added; its first when something is renamed or dropped."""


class Compared(Shape, frozen=True, kw_only=True):
    """One of the two that were compared."""

    run_id: str
    pack: Annotated[Text, Meta(description="the pack's name; null: the run itself was read")]
    sealed: Annotated[bool | None, Meta(description="whether the pack has a seal, which then held; null: it is a run")]
    tool_version: Annotated[str, Meta(description="what collected the run")]
    started: datetime
    window: Window
    subscriptions: Annotated[list[str], Meta(description="as configured; empty: all that the caller could see")]
    redaction_key_id: Annotated[str, Meta(description="digests of hidden values compare under one key only")]


class Counts(Shape, frozen=True, kw_only=True):
    """How many differences an area has."""

    added: int
    removed: int
    changed: int
    unknown: int


class Areas(Shape, frozen=True, kw_only=True):
    """Every area, in the order in which differences are listed."""

    jobs: Counts
    configuration: Counts
    access: Counts
    verdicts: Counts
    coverage: Counts
    cost: Counts
    baselines: Counts


class Because(Shape, frozen=True, kw_only=True):
    """The gap that leaves a difference unknown."""

    side: Annotated[Literal["old", "new"], Meta(description="the one whose evidence is lacking")]
    kind: Annotated[Text, Meta(description="the evidence kind; null: no single one")]
    scope: Text
    reason: Annotated[
        str,
        Meta(
            description="a gap's reason as in coverage, or: out_of_scope (that run doesn't read there), not_read,"
            " not_assessed (the verdict says so), not_complete (not all holders are known), not_run (the control),"
            " other_key (hidden under another key), no_table (an older version of the program)"
        ),
    ]
    detail: Text
    raw_ref: Text


class Difference(Shape, frozen=True, kw_only=True):
    """One thing, or one property of it, that differs."""

    area: Literal["jobs", "configuration", "access", "verdicts", "coverage", "cost", "baselines"]
    table: Annotated[str, Meta(description="the table in which it stands")]
    key: Annotated[list[str], Meta(description="the ids that name it there, as Azure spells them")]
    job_id: Annotated[Text, Meta(description="null: it is no single job's")]
    property: Annotated[Text, Meta(description="null: the whole thing")]
    kind: Annotated[
        Literal["added", "removed", "changed", "unknown"],
        Meta(description="unknown: a gap explains it as well; it is never told as a removal"),
    ]
    before: Annotated[Text, Meta(description="as text; null: there was nothing, or the whole thing is meant")]
    after: Text
    because: Annotated[Because | None, Meta(description="of what is unknown: why; else null")]
    note: Annotated[Text, Meta(description="what a reader has to know beside it, such as a baseline that changed")]
    old_ref: Annotated[Text, Meta(description="where the old run keeps Azure's answer; null: it has none of it")]
    new_ref: Text


class Diff(Shape, frozen=True, kw_only=True):
    """What differs between two runs of jobaudit."""

    schema_version: str
    old: Compared
    new: Compared
    notes: Annotated[list[str], Meta(description="what bears on all of it, such as windows that differ")]
    counts: Areas
    differences: list[Difference]


def schema() -> bytes:
    """Return the JSON Schema (2020-12) of the file."""
    return published.schema(Diff, "diff", VERSION)
