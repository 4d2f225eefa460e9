"""The jobs as they would be, held against the controls: on a copy of the run's tables that holds the proposal.

Fills ``change_proposals``, ``proposed_configuration`` and ``proposed_verdicts``. The copy is derived and assessed by
the steps that made the run's own tables, so a proposal is judged exactly as the job would be. What the proposal newly
refers to and the run did not read is evidence that the proposed job lacks: what rests on it is ``not_assessed``. So is
what only time can show: a proposal has run nothing, cost nothing and been approved by nobody.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING, ClassVar

from audit import assess, derive
from audit.change import happened, unread
from audit.change.rows import insert
from audit.derive.insert import Made, create
from audit.derive.rows import row_id
from audit.evidence.graph_jobs import GraphJob
from audit.evidence.jobs import KIND
from audit.evidence.tags import Tag
from audit.model import Json, Record, ids
from audit.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import duckdb

    from audit.assess import Control
    from audit.change.proposing import Proposal
    from audit.model import Run
    from audit.model.capability import Capability


class ChangeProposal(Record, frozen=True, kw_only=True):
    """One job as a proposal would make it. In packs of a change that is proposed."""

    table: ClassVar[str] = "change_proposals"
    row_key: ClassVar[tuple[str, ...]] = ("job_id",)

    job_id: str
    file: str
    """Name of the file that will be applied."""
    sha256: str
    """Of that file as given, hex."""
    what: str
    """``update`` or ``create``."""
    patch: Json
    """What the file asks for, as it is sent; hidden values read ``[redacted:…]``."""
    definition: Json
    """What the job would be, as ARM has it; hidden values read ``[redacted:…]``."""
    unread: Json
    """List of [kind, what]: what the proposal newly refers to and the run did not read."""
    notes: Json
    """List of text: what in the file has no effect, and what can't be told of it."""


_MADE = (
    ("proposed_configuration", "job_configuration", "property"),
    ("proposed_verdicts", "verdicts", "control_id, subject"),
)
_TAKEN = """
create or replace table {target} as
select * replace (substr(sha256('{target}' || row_id), 1, 16) as row_id)
from made.{source} where list_contains($jobs::VARCHAR[], lower(job_id)) order by lower(job_id), {order}
"""


def proposed(
    database: Path,
    scratch: Path,
    run: Run,
    proposals: Sequence[Proposal],
    controls: Sequence[Control],
    *,
    capabilities: Mapping[str, Capability] | None = None,
) -> None:
    """Fill the tables of a proposal in ``database``, which holds the run's tables: derived and assessed, and closed.

    ``scratch``: a path for the copy, which is left there. Without proposals there is none, and the tables are empty.
    """
    if not proposals:
        _empty(database)
        return
    shutil.copyfile(database, scratch)
    with contextlib.closing(tables.connect(str(scratch))) as con:
        before = unread.asked(con, run)
        _put(con, proposals)
        derive.derive(con, run, capabilities=capabilities)
        lacking = unread.mark(con, run, before, [each.job_id for each in proposals], database)
    assess.assess(scratch, run, controls)
    with contextlib.closing(tables.connect(str(database))) as con:
        create(con, ChangeProposal, (_row(each, lacking.get(each.job_id.lower(), [])) for each in proposals))
        con.execute(f"attach {tables.literal(str(scratch))} as made (read_only)")
        jobs = [each.job_id.lower() for each in proposals]
        for target, source, order in _MADE:
            con.execute(_TAKEN.format(target=target, source=source, order=order), {"jobs": jobs})
        con.execute("detach made")
        happened.mark(con, controls)


def _empty(database: Path) -> None:
    with contextlib.closing(tables.connect(str(database))) as con:
        create(con, ChangeProposal, ())
        for target, source, _ in _MADE:
            con.execute(f"create or replace table {target} as from {source} limit 0")


def _row(each: Proposal, lacking: list[tuple[str, str]]) -> Made:
    record = ChangeProposal(
        job_id=each.job_id,
        file=each.file,
        sha256=each.sha256,
        what=each.what,
        patch=Json(each.patch),
        definition=Json(each.definition),
        unread=Json(lacking),
        notes=Json(each.notes),
    )
    return Made(record, each.observed_at, each.raw_ref)


def _put(con: duckdb.DuckDBPyConnection, proposals: Sequence[Proposal]) -> None:
    """Replace the rows of the proposed jobs by those of what they would be."""
    given = {"jobs": [each.job_id.lower() for each in proposals]}
    for record in KIND.records:
        con.execute(f"delete from {record.table} where list_contains($jobs::VARCHAR[], lower(job_id))", given)
    con.execute("delete from tags where source = 'job' and list_contains($jobs::VARCHAR[], lower(resource_id))", given)
    insert(con, (Made(record, each.observed_at, each.raw_ref) for each in proposals for record in _records(each)))
    con.execute(_KNOWN_IDENTITIES)


# A user-assigned identity that another job carries was read with it: what it is doesn't depend on the job.
_KNOWN_IDENTITIES = f"""
insert into identities by name
select distinct on (lower(g.identity_id), lower(g.job_id)) i.* replace (
    {row_id("identities", "i.identity_id", "g.job_id")} as row_id, g.job_id as job_id)
from job_identities g
join identities i on lower(i.identity_id) = lower(g.identity_id)
where g.kind = 'user' and not exists (
    select 1 from identities mine
    where lower(mine.identity_id) = lower(g.identity_id) and lower(mine.job_id) = lower(g.job_id))
order by lower(g.identity_id), lower(g.job_id), i.row_id
"""


def _records(each: Proposal) -> Iterator[Record]:
    yield from each.records
    yield from _tags(each)
    if each.what == "create":  # once it is there, Resource Graph lists it too
        yield _listed(each)


def _tags(each: Proposal) -> Iterator[Tag]:
    for key, value in (each.definition.get("tags") or {}).items():
        yield Tag(
            resource_id=each.job_id,
            key=key,
            value=value or "",
            source="job",
            subscription_id=ids.subscription_of(each.job_id) or "",
            resource_group=ids.resource_group_of(each.job_id),
        )


def _listed(each: Proposal) -> GraphJob:
    return GraphJob(
        job_id=each.job_id,
        name=each.name,
        subscription_id=ids.subscription_of(each.job_id) or "",
        resource_group=ids.resource_group_of(each.job_id) or "",
        trigger_type="Event",
    )
