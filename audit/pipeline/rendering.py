"""Render: a stored run becomes a pack, offline."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from audit.config import packaged
from audit.derive import LEFT_OUT
from audit.errors import ExitCode, StoreError, UsageError
from audit.model import Severity, Window
from audit.model.change import ChangeAsked
from audit.model.packs import ACCESS_REVIEW, CHANGE, COMPLIANCE
from audit.pipeline import changing, earlier_reviews
from audit.pipeline.changing import Change
from audit.pipeline.naming import named
from audit.pipeline.sealing import described, seal
from audit.pipeline.tabling import broken_controls, controls_in, scratch, tabled
from audit.render import pack as packs
from audit.render.incident import Incident
from audit.render.text import plural
from audit.store import Store, StoredRun, tables

if TYPE_CHECKING:
    import duckdb

    from audit.model.capability import Capability
    from audit.seal.keys import Signing
    from audit.seal.timestamp import Stamping

ASSESSED = ("verdicts", "controls")
"""What assessment makes of a run, and history keeps."""
PACKS = (COMPLIANCE, ACCESS_REVIEW, CHANGE)
"""The packs that can be rendered today; cost-review follows."""


_LEFT_OUT = "select distinct kind from coverage where scope = '/' and detail = ? order by kind"


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A finished pack: where it is, how many rows of its coverage are gaps, and the heaviest failure in it."""

    path: Path
    run_id: str
    jobs: int
    gaps: int
    failures: int
    waived: int = 0
    """Failures beside these for which an exception is in force."""
    worst: Severity | None
    not_kept: str = ""
    """Why the verdicts are not in history yet; empty where they are, or where there was no need."""
    broken: tuple[str, ...] = ()
    """The controls that could not be run, or not for every job, each with the reason; among the gaps too."""
    gone: tuple[str, ...] = ()
    """What the earlier pack of this name held and this one doesn't, for its formats leave it out."""
    signer: str = ""
    """The id of the key that signed it; empty = nobody did."""
    change: str = ""
    """Of a change pack: what it tells, in short."""
    left_out: tuple[str, ...] = ()
    """The kinds that the run did not collect: controls that need them are not assessed."""

    def exit_code(self, fail_on: Severity | None = None) -> ExitCode:
        """3 where evidence is missing, 1 where a failure weighs at least ``fail_on``, else 0."""
        if self.gaps:
            return ExitCode.INCOMPLETE
        if fail_on is not None and self.worst is not None and self.worst.rank >= fail_on.rank:
            return ExitCode.FINDINGS
        return ExitCode.OK


def check_pack(pack: str) -> None:
    """Refuse a pack that can't be rendered, before anything is collected for it."""
    if pack not in PACKS:
        raise UsageError(f'there is no pack "{pack}" yet', hint="packs that can be rendered: " + ", ".join(PACKS))


def render(
    run_ref: str,
    *,
    pack: str,
    output: Path,
    controls: Sequence[Path] = (),
    capabilities: Mapping[str, Capability] | None = None,
    templates: Sequence[Path] = (),
    formats: Sequence[str] = (),
    window: Window | None = None,
    incidents: Sequence[str] = (),
    change: Change | None = None,
    key: Signing | None = None,
    stamp: Stamping | None = None,
) -> Rendered:
    """Derive, assess and render a stored run into a pack below ``output``/packs.

    ``run_ref``: an id, a folder, or ``latest``, the newest run that has everything.
    ``window``: events come from history for this window instead of the run's own; the configuration stays the run's.
    ``formats``: html, xlsx, results; empty = all. ``incidents``: JOB=SINCE/UNTIL each, shown beside the incident view
    that is chosen for every job. ``change``: what a change pack is asked about; None = every change of the window.
    ``key``: what the pack is signed with; None = it is sealed and not signed. ``stamp``: what has it timestamped.
    Raises UsageError, ConfigError (a control or a template of the user's), IntegrityError (the run or history is
    damaged), StoreError; nothing half-written stays.

    A run whose folder is gone is put together from history, without raw answers, and its pack says so.
    """
    check_pack(pack)
    store = Store(output)
    stored = store.read(named(store, run_ref, output))
    loaded = controls_in(controls)
    asked = [Incident.parse(each, datetime.now(UTC)) for each in incidents]
    folders = [*templates, packaged("report_templates")]
    with scratch() as database:
        run = tabled(
            stored,
            database,
            loaded,
            history=store.history,
            reviews=store.reviews,
            packs=output / "packs",
            window=window,
            capabilities=capabilities,
        )
        slug = ""
        if pack == CHANGE:
            wanted = change or Change(asked=ChangeAsked())
            slug = wanted.asked.slug
            changing.add(
                database,
                run,
                stored,
                wanted,
                store=store,
                packs=output / "packs",
                controls=loaded,
                capabilities=capabilities,
            )
        with contextlib.closing(tables.connect(str(database))) as con:
            place = packs.place(output, pack, run, slug=slug)
            before = _made(place)
            about = described(
                pack, run, slug=slug, formats=formats, incidents=asked, templates=templates, key=key, stamp=stamp
            )
            path = packs.build(
                con,
                run,
                stored,
                output,
                pack=pack,
                slug=slug,
                templates=folders,
                controls=loaded,
                formats=formats,
                incidents=asked,
                attached=change.attached if change else None,
                finish=lambda folder: seal(folder, about, replaces=place, key=key, stamp=stamp),
                signer=key.keyid if key else "",
            )
            earlier_reviews.prove(con, run, store.reviews)
            if pack == ACCESS_REVIEW:
                earlier_reviews.issue(con, run, store.reviews, path.name)
            kept = _remember(con, store, stored) if window is None and isinstance(stored, StoredRun) else ""
            summary = _summary(con, path, run.run_id, kept)
            told = _change(con) if pack == CHANGE else ""
            gone = tuple(sorted(before - _made(path)))
            return msgspec.structs.replace(summary, gone=gone, signer=key.keyid if key else "", change=told)


def _made(folder: Path) -> set[str]:
    """Return what a pack holds beside its data, by the file's name."""
    return {name for name in packs.MADE.values() if (folder / name).is_file()}


def _remember(con: duckdb.DuckDBPyConnection, store: Store, stored: StoredRun) -> str:
    """Add the verdicts to history, where they aren't in it already; return why not, where they can't be added now.

    They are made offline, so a run that is rendered while another collects isn't held up: rendering again adds them.
    """
    with TemporaryDirectory(prefix="jobaudit-verdicts-") as folder:
        sources = {}
        for table in ASSESSED:
            sources[table] = Path(folder) / f"{table}.parquet"
            con.execute(f"copy (select * from \"{table}\") to '{sources[table]}' (format parquet)")
        try:
            store.history.append_verdicts(stored, sources)
        except StoreError as error:
            return error.message
    return ""


_CHANGE = """
select (select count(*) from change_jobs), (select count(*) from change_properties where kind <> 'unknown'),
       (select count(*) from change_properties where kind = 'unknown'),
       (select count(*) from change_findings where state = 'opened'),
       (select count(*) from change_findings where state = 'closed'),
       (select count(*) from change_risks where weight = 'warn')
"""


def _change(con: duckdb.DuckDBPyConnection) -> str:
    jobs, otherwise, unknown, opened, closed, risks = con.execute(_CHANGE).fetchall()[0]
    untold = f" ({unknown} more unknown)" if unknown else ""
    return (
        f"the change: {plural(jobs, 'job')}, {plural(otherwise, 'property', 'properties')} otherwise{untold}, "
        f"{plural(opened, 'finding')} opened, {closed} closed, {plural(risks, 'risk')} to look at"
    )


def _summary(con: duckdb.DuckDBPyConnection, path: Path, run_id: str, kept: str) -> Rendered:
    def count(sql: str) -> int:
        row = con.execute(sql).fetchone()
        return int(row[0]) if row else 0

    failing = "from verdicts where verdict = 'fail' and not waived"
    heavy = [Severity(row[0]) for row in con.execute(f"select distinct severity {failing}").fetchall()]
    return Rendered(
        path=path,
        run_id=run_id,
        jobs=count("select count(*) from population"),
        gaps=count("select count(*) from coverage where outcome = 'gap'"),
        failures=count(f"select count(*) {failing}"),
        waived=count("select count(*) from verdicts where verdict = 'fail' and waived"),
        not_kept=kept,
        broken=broken_controls(con),
        left_out=tuple(kind for (kind,) in con.execute(_LEFT_OUT, [LEFT_OUT]).fetchall()),
        worst=max(heavy, key=lambda severity: severity.rank, default=None),
    )
