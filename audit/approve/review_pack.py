"""An access-review pack as it lies there: what it asks of whom, and who may not decide what."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from audit.approve.review_people import People
from audit.approve.review_rules import Asked
from audit.errors import IntegrityError, UsageError
from audit.model.packs import ACCESS_REVIEW
from audit.render.review import FOLDER, sent
from audit.seal import head as pack_head
from audit.seal import sums
from audit.store import head, tables
from audit.store.layout import RunFolder
from audit.store.reviews import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.model import Run
    from audit.render.review import Sent

_NEEDED = ("entitlements", "reviewer_subjects")
_TABLES = (*_NEEDED, "entitlement_reach", "job_gaps", "principals", "group_members")
_HINT = "restore the pack from a copy, or render the run again"


@dataclass(frozen=True, kw_only=True)
class Entitlement(Asked):
    """What a review asks about, in words."""

    position: int
    role: str
    where: str
    conflict: bool
    """It is, or may be, the access of the very person it was sent to, and nobody else was found."""
    complete: bool


@dataclass(frozen=True, kw_only=True)
class ReviewPack:
    """A pack that was sent out for review; its files are as they were sealed."""

    path: Path
    run: Run
    sha256: str
    """The digest of the pack: of its SHA256SUMS."""
    rows: str
    """The digest of what it asks."""
    entitlements: dict[str, Entitlement]
    """By id, in the order of the review."""
    workbooks: dict[str, Sent]
    """By file name in review/."""
    people: People

    @property
    def name(self) -> str:
        """The review's name is its pack's."""
        return self.path.name

    def workbook(self, file: str) -> Path:
        """Return one workbook as it was sent. Raises IntegrityError where the pack has lost it."""
        path = self.path / FOLDER / file
        if not path.is_file():
            raise IntegrityError("the pack has no such workbook", where=str(path), hint=_HINT)
        return path


def opened(path: Path) -> ReviewPack:
    """Open an access-review pack.

    Raises UsageError where it is none, IntegrityError where it isn't as it was sealed.
    """
    if not (path / "data").is_dir():
        raise UsageError("there is no pack here", where=str(path), hint="name the folder of an access-review pack")
    if not any((path / name).exists() for name in (pack_head.HEAD, sums.SUMS)):
        raise UsageError(
            "this folder asks for no review: it is no pack that was sealed",
            where=str(path),
            hint="name an access-review pack: jobaudit run access-review makes one",
        )
    kind = pack_head.read(path).pack
    if kind != ACCESS_REVIEW:
        raise UsageError(
            f"this is a {kind} pack: nobody was asked to review anything in it",
            where=str(path),
            hint="name an access-review pack; `jobaudit render RUN --pack access-review` makes one",
        )
    if not all((path / "data" / f"{table}.parquet").is_file() for table in _NEEDED):
        raise UsageError(
            "this pack asks for no review: it has no entitlements",
            where=str(path),
            hint="name an access-review pack: jobaudit run access-review makes one",
        )
    sums.check(path)
    with loaded(path) as con:
        return ReviewPack(
            path=path,
            run=head.run(head.read(RunFolder(path))),
            sha256=sums.digest(path),
            rows=digest(con),
            entitlements={each.entitlement_id: each for each in _entitlements(con)},
            workbooks={each.file: each for each in sent(con)},
            people=People(con),
        )


@contextlib.contextmanager
def loaded(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a database with the tables of a review pack that its review rests on. Raises IntegrityError."""
    with contextlib.closing(tables.connect()) as con:
        for table in _TABLES:
            file = path / "data" / f"{table}.parquet"
            if file.is_file():
                try:
                    con.execute(f"create table {table} as select * from read_parquet({tables.literal(str(file))})")
                except duckdb.Error as error:
                    told = f"a table of the pack is damaged: {str(error).partition(chr(10))[0]}"
                    raise IntegrityError(told, where=str(file), hint=_HINT) from error
        yield con


def _entitlements(con: duckdb.DuckDBPyConnection) -> Iterator[Entitlement]:
    rows = con.execute(
        """
        select entitlement_id, position, coalesce(principal_id, '') as principal_id,
               coalesce(principal, principal_id, '') as principal, coalesce(privileged, true) as privileged,
               coalesce(reviewer, '') as reviewer, coalesce(role, '') as role,
               coalesce(scope_words, scope, '') as "where",
               coalesce(reviewer_conflict, false) as conflict, coalesce(complete, false) as complete
        from entitlements order by position, entitlement_id
        """
    ).fetchall()
    names = [each[0] for each in con.description or ()]
    for row in rows:
        yield Entitlement(**dict(zip(names, row, strict=True)))
