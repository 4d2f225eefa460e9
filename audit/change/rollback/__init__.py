"""``rollbacks``: how each job of the change was right before it, as something that can be applied.

The sources, the surer first: an earlier run that read the job before the change, with no write between; what this run
read, with every known change since undone in reverse; the earlier run though a write may have come between; what this
run read, undone as far as it is known. A recipe that isn't certain is not ``complete`` and says why.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from audit.change.rollback import readings
from audit.change.rollback.definition import applicable
from audit.change.rollback.images import Images
from audit.change.rollback.inputs import taken_out
from audit.change.rollback.patch import ByHand, taking_away
from audit.change.rollback.recipes import EARLIER_RUN, Recipe, chosen
from audit.change.rollback.writes import Writes
from audit.derive.insert import Made
from audit.derive.insert import create as insert
from audit.model import Json, Record
from audit.model.marker import marked, unmarked
from audit.render import links

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from audit.change.rollback.readings import Reading
    from audit.render.raw_pages import Answers
    from audit.store import StoredRun

__all__ = ["Rollback", "create"]


class Rollback(Record, frozen=True, kw_only=True):
    """How one job was right before the change, and what it takes to have that again. In packs of a change."""

    table: ClassVar[str] = "rollbacks"
    row_key: ClassVar[tuple[str, ...]] = ("job_id",)

    job_id: str
    source: str | None = None
    """``earlier run``, ``changes undone``; null = there is no recipe."""
    source_run_id: str | None = None
    """The run that read the definition."""
    as_of: datetime | None = None
    """When the job was like this: the time of that reading or, with changes undone, the beginning of the change."""
    complete: bool | None = None
    """False = it isn't certain that this is how the job was; null = there is no recipe."""
    because: str | None = None
    """Why there is no recipe, or what is uncertain."""
    images: Json = Json([])
    """List of {container, image, digest, digest_known_from}: what each reference meant then, and how that is known."""
    required_inputs: Json = Json([])
    """List of {path, why}: values that nobody but a person can give, each null at its path in ``definition``."""
    by_hand: Json = Json([])
    """List of {path, why, command}: what the container-app CLI can't bring back with a file."""
    command: str | None = None
    """``update``, or ``create`` where the job is gone."""
    definition: Json | None = None
    """What can be applied, as ARM has it."""
    file: str | None = None
    """Name of the YAML file in ``change/rollback/`` of the pack."""


def create(
    con: duckdb.DuckDBPyConnection,
    stored: Answers,
    *,
    since: datetime,
    earlier: Sequence[StoredRun],
    unusable: Sequence[str] = (),
) -> None:
    """Create ``rollbacks``: a row for each job of table ``change_jobs``, as the job was right before ``since``.

    ``con`` holds the derived tables of the run ``stored``. ``earlier``: other runs, in any order; what they read before
    ``since`` is used, and one that is damaged is named where it may have mattered, as are the ``unusable``, runs that
    could not even be opened, a sentence each. Raises IntegrityError where a raw page of ``stored`` itself is damaged.
    """
    others = [each for each in earlier if each.run.run_id != stored.run.run_id]
    insert(con, Rollback, _rows(con, stored, since, others, unusable))


_JOBS = """
select change_jobs.job_id, coalesce(any_value(population.state), if(count(jobs.job_id) > 0, 'present', null)),
       any_value(change_jobs.observed_at), any_value(change_jobs.raw_ref)
from change_jobs
left join population on lower(population.job_id) = lower(change_jobs.job_id)
left join jobs on lower(jobs.job_id) = lower(change_jobs.job_id)
group by change_jobs.job_id order by lower(change_jobs.job_id)
"""


def _rows(
    con: duckdb.DuckDBPyConnection,
    stored: Answers,
    since: datetime,
    runs: Sequence[StoredRun],
    unusable: Sequence[str],
) -> Iterator[Made]:
    jobs = con.execute(_JOBS).fetchall()
    writes, images = Writes(con), Images(con, runs, since)
    now = readings.own(con, stored)
    before, damaged = readings.before(con, runs, [job_id.lower() for job_id, *_ in jobs], since)
    damaged = [*unusable, *damaged]
    for job_id, state, observed_at, raw_ref in jobs:
        here, then = now.get(job_id.lower()), before.get(job_id.lower())
        found = chosen(job_id, now=here, before=then, state=state, since=since, writes=writes)
        if isinstance(found, str):
            told = _because([found, *damaged])
            yield Made(Rollback(job_id=job_id, because=told), observed_at, raw_ref)
        else:
            yield _made(job_id, found, here, images, gone=here is None and state == "deleted", damaged=damaged)


def _made(
    job_id: str, recipe: Recipe, now: Reading | None, images: Images, *, gone: bool, damaged: Sequence[str]
) -> Made:
    then, reading = applicable(recipe.item), recipe.reading
    current: dict[str, Any] = {}
    written, by_hand = then, list[ByHand]()
    if now is not None:
        current = applicable(now.whole())
        written, by_hand = taking_away(then, current, job_id)
    elif not gone:
        by_hand = [ByHand("", "how the job is now can't be told: what it has now and had not then stays")]
    definition, inputs = taken_out(written, current)
    earlier = recipe.source == EARLIER_RUN
    row = Rollback(
        job_id=job_id,
        source=recipe.source,
        source_run_id=reading.run_id,
        as_of=recipe.as_of,
        complete=not recipe.doubts,
        because=_because([*recipe.doubts, *damaged]) if recipe.doubts else None,
        images=Json(images.of(job_id, then)),
        required_inputs=Json([each._asdict() for each in inputs]),
        by_hand=Json([_shown(each) for each in by_hand]),
        command="create" if gone else "update",
        definition=Json(definition),
        file=links.job_file(job_id, ".yaml"),
    )
    return Made(row, reading.at, f"runs/{reading.run_id}/{reading.raw_ref}" if earlier else reading.raw_ref)


def _because(reasons: Sequence[str]) -> str:
    return unmarked("; ".join(reasons))


def _shown(each: ByHand) -> dict[str, str | None]:
    """Return it without a redaction mark; a command that has one would do something else, so there is none."""
    command = None if marked(each.command or "") else each.command
    return {"path": unmarked(each.path), "why": unmarked(each.why), "command": command}
