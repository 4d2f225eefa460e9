"""What people state beside what is collected: the register of jobs, verified scalers. Snapshotted into the run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Words = Annotated[str, Meta(min_length=1)]
"""A text that says something."""
Line = Annotated[str, Meta(pattern=r"^[^\n\r\t]*\S[^\n\r\t]*$")]
"""A text of one line."""


class Objective(msgspec.Struct, frozen=True, kw_only=True):
    """How soon a message should be worked on: so many percent of them within so many seconds."""

    seconds: Annotated[float, Meta(gt=0)]
    """From the message's arrival to the start of its execution."""
    percentile: Annotated[float, Meta(gt=0, le=100)] = 95.0
    """The share of messages that keep to it, in percent."""
    note: str = ""
    """How it is measured, or where it was agreed."""


class Idempotence(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's word that working on a message twice does no harm."""

    attested_by: Line
    """Who says so."""
    attested_on: date
    """When."""
    how: Words
    """What makes it so, or how it was tried."""


class PerformedTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test that was performed on the job."""

    what: Words
    """What was tried, and what came out."""
    when: date
    """The day."""
    by: Line
    """Who performed it."""
    evidence: str = ""
    """One of the entry's attachments, or a digest ``sha256:…`` of a file that is kept elsewhere."""


class ScalerSupport(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's word that this job's scalers were tried with jobs."""

    verified_by: Line
    """Who tried."""
    verified_on: date
    """When."""
    verified_for: str = ""
    """What was tried: versions, sizes, authentication."""
    note: str = ""
    """Anything else."""


class VerifiedScaler(ScalerSupport, frozen=True, kw_only=True):
    """[[scalers]] of audit.toml: a scaler that the estate's owner had tried with jobs."""

    type: Line
    """The KEDA scaler's name, such as ``azure-eventhub``."""


class JobEntry(msgspec.Struct, frozen=True, kw_only=True):
    """[[jobs]] of jobs.toml: what people state about one job, or about all whose name fits a pattern."""

    id: str = ""
    """The job's resource id; an entry has an id or a name."""
    name: str = ""
    """A name or a pattern (``*``, ``?``, ``[…]``), in any casing; ``group/name`` narrows it to a resource group."""
    stated_by: str = ""
    """Who states this; empty = the file's ``stated_by``."""
    stated_on: date | None = None
    """When; unset = the file's ``stated_on``."""
    owner: str = ""
    """The team or person that answers for the job."""
    expected_behaviour: str = ""
    """What it does when all is well, in a sentence or two."""
    escalation: str = ""
    """Whom to call, in which order."""
    runbook: str = ""
    """Where the runbook is."""
    known_limits: tuple[Words, ...] = ()
    """What it is known not to do, or not to stand."""
    first_response: tuple[Words, ...] = ()
    """What to look at first when it fails, in order."""
    downstream: tuple[Words, ...] = ()
    """The systems that its work goes to."""
    event_source: str = ""
    """The resource id of the event source, where the address is hidden in a secret."""
    objective: Objective | None = None
    """The queue-latency objective."""
    idempotence: Idempotence | None = None
    """Who attested that working twice does no harm."""
    scaler_support: ScalerSupport | None = None
    """Who verified that the job's scalers work with jobs."""
    tests: tuple[PerformedTest, ...] = ()
    """Tests performed."""
    attachments: tuple[Line, ...] = ()
    """Files, relative to jobs.toml's folder; copied into the run and the pack as they are, byte by byte."""

    @property
    def label(self) -> str:
        """How a person finds the entry in the file: its id or its name."""
        return f"id of {self.id.rpartition('/')[2]}" if self.id else f"name = {self.name}"


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that jobs.toml names, as it was when the run began."""

    path: str
    """As written in jobs.toml."""
    name: str
    """Its name below attachments/ of the run and of the pack."""
    sha256: str
    bytes: int


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of jobs.toml, as it was when the run began."""

    file: str
    """Its name."""
    sha256: str
    entries: tuple[JobEntry, ...] = ()
    attachments: tuple[Attachment, ...] = ()


Support = Literal["documented", "keda-backed", "verify", "unknown"]
"""Whether a scaler starts jobs: the platform's pages about jobs name it; KEDA has it and its Azure documentation is
good, but nothing names it for jobs; KEDA has it; nobody knows it."""
