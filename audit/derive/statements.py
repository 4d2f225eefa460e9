"""``statements`` and ``attachments``: what people state in jobs.toml, job by job, apart from what was collected."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.derive import insert
from audit.derive.stating import Stating, Word
from audit.model import Json, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from audit.model import Run
    from audit.model.stated import JobEntry

UNMATCHED = "unmatched"
"""The topic of an entry that speaks of no job of the population."""


class Statement(Record, frozen=True, kw_only=True):
    """One thing that people state about a job in jobs.toml: their word, not evidence that was collected.

    Where several entries speak of a job, the one with its id prevails over one with its name, and that over patterns,
    topic by topic.
    """

    table = "statements"
    row_key = ("job_id", "topic", "position", "source")

    job_id: str | None = None
    """Null: the entry speaks of no job of the population (topic ``unmatched``)."""
    topic: str
    """``owner``, ``expected_behaviour``, ``escalation``, ``runbook``, ``event_source``, ``objective``, ``idempotence``,
    ``scaler_support``, ``known_limit``, ``first_response``, ``downstream``, ``test`` or ``unmatched``."""
    position: int
    """The place in a list of several (limits, checks, systems, tests), from 0."""
    text: str
    stated_by: str
    """Who states it; for a test or an attestation the entry's author, ``detail`` names who did it."""
    stated_on: date
    detail: Json | None = None
    """The parts of an objective, an attestation or a test, as written."""
    source: str
    """The file and the entry that prevails, such as ``jobs.toml: jobs[2] (name = orders-*)``."""
    overrides: Json | None = None
    """Entries that say something else on this topic, and are not in force for this job."""


class JobAttachment(Record, frozen=True, kw_only=True):
    """A file that jobs.toml attaches to a job: copied into the run and the pack as it was, byte by byte."""

    table = "attachments"
    row_key = ("job_id", "name")

    job_id: str | None = None
    """Null: the entry speaks of no job of the population."""
    name: str
    path: str
    """Below the run's and the pack's folder."""
    sha256: str
    """As the file was when the run began; the store checks it whenever it is read."""
    bytes: int
    written: str
    """The path as written in jobs.toml."""
    stated_by: str
    stated_on: date
    source: str


class _Said(NamedTuple):
    """What one entry says on one topic: one text, or several."""

    texts: tuple[str, ...]
    details: tuple[Any, ...] = ()


_PLAIN = ("owner", "expected_behaviour", "escalation", "runbook", "event_source")
_LISTS = {"known_limits": "known_limit", "first_response": "first_response", "downstream": "downstream"}


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``statements`` and ``attachments``; both are empty where there was no jobs.toml."""
    stating = Stating(con, run)

    def made(record: Record) -> insert.Made:
        return insert.Made(record, run.started, "run.json")

    insert.create(con, Statement, (made(each) for each in _statements(stating)))
    insert.create(con, JobAttachment, (made(each) for each in _attached(stating)))


def _statements(stating: Stating) -> Iterator[Statement]:
    file = stating.register.file if stating.register else ""
    for job_id in stating.jobs.values():
        words = stating.of(job_id)
        said = [(word, dict(_topics(word.entry))) for word in words]
        for topic in dict.fromkeys(topic for _, topics in said for topic in topics):
            speaking = [(word, topics[topic]) for word, topics in said if topic in topics]
            (word, prevailing), others = speaking[0], [each for each, _ in speaking[1:]]
            yield from _rows(file, job_id, topic=topic, word=word, said=prevailing, others=others)
    for word in stating.silent():
        text = f"no job of this run's population fits {word.entry.label}"
        yield from _rows(file, None, topic=UNMATCHED, word=word, said=_Said((text,)))


def _rows(
    file: str, job_id: str | None, *, topic: str, word: Word, said: _Said, others: Sequence[Word] = ()
) -> Iterator[Statement]:
    for position, text in enumerate(said.texts):
        yield Statement(
            job_id=job_id,
            topic=topic,
            position=position,
            text=text,
            stated_by=word.entry.stated_by,
            stated_on=word.entry.stated_on or date.min,  # the loader takes no entry without a day
            detail=Json(said.details[position]) if said.details else None,
            source=word.source(file),
            overrides=Json([each.source(file) for each in others]) if others else None,
        )


def _topics(entry: JobEntry) -> Iterator[tuple[str, _Said]]:
    for name in _PLAIN:
        if text := getattr(entry, name).strip():
            yield name, _Said((text,))
    for name, topic in _LISTS.items():
        if texts := getattr(entry, name):
            yield topic, _Said(tuple(texts))
    if goal := entry.objective:
        text = f"{goal.percentile:g} % of the messages start within {goal.seconds:g} s"
        yield "objective", _Said((f"{text}: {goal.note}" if goal.note else text,), (_parts(goal),))
    if word := entry.idempotence:
        text = f"{word.attested_by} attested on {word.attested_on} that working twice does no harm: {word.how}"
        yield "idempotence", _Said((text,), (_parts(word),))
    if support := entry.scaler_support:
        text = f"{support.verified_by} verified on {support.verified_on} that the scalers start this job"
        rest = "; ".join(each for each in (support.verified_for, support.note) if each)
        yield "scaler_support", _Said((f"{text}: {rest}" if rest else text,), (_parts(support),))
    if entry.tests:
        texts = tuple(f"{test.what} ({test.by}, {test.when})" for test in entry.tests)
        yield "test", _Said(texts, tuple(_parts(test) for test in entry.tests))


def _parts(shape: msgspec.Struct) -> Any:
    return msgspec.to_builtins(shape)


def _attached(stating: Stating) -> Iterator[JobAttachment]:
    register = stating.register
    if register is None:
        return
    files = {each.path: each for each in register.attachments}
    seen: set[tuple[str | None, str]] = set()
    for job_id, word in _speakers(stating):
        for written in word.entry.attachments:
            file = files[written]
            if (job_id, file.name) in seen:
                continue
            seen.add((job_id, file.name))
            yield JobAttachment(
                job_id=job_id,
                name=file.name,
                path=f"attachments/{file.name}",
                sha256=file.sha256,
                bytes=file.bytes,
                written=written,
                stated_by=word.entry.stated_by,
                stated_on=word.entry.stated_on or date.min,
                source=word.source(register.file),
            )


def _speakers(stating: Stating) -> Iterator[tuple[str | None, Word]]:
    """Yield each job with every entry that speaks of it: attachments add up, the prevailing entry's first."""
    for job_id in stating.jobs.values():
        for word in stating.of(job_id):
            yield job_id, word
    for word in stating.silent():
        yield None, word
