"""Reviews: what was sent out to be reviewed and what came back, kept beside history, appended to, never changed.

::

    output/history/reviews/<pack>/issued-N.json           a rendering that asks something else than the one before
    output/history/reviews/<pack>/issued-N.<table>.parquet  its entitlements, the jobs each of them reaches, its gaps
    output/history/reviews/<pack>/NNNN.json               one import: decisions about the entitlements
    output/history/reviews/<pack>/proved-<run>.json       what a run showed of the revocations

A pack's folder can be thrown away; who decided what about which access can't.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from audit.errors import IntegrityError
from audit.model.review import IssuedReview, ReviewProof, ReviewRecord
from audit.store import atomic, tables
from audit.store.head import sha256
from audit.store.lock import exclusive

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import duckdb

TABLES = ("entitlements", "entitlement_reach", "reviewer_subjects", "job_gaps")
"""What is kept of a review that was sent out."""
_LATER = ("job_gaps",)
"""Of these, what reviews that were kept by earlier versions lack."""

T = TypeVar("T")
_HINT = "restore output/history/reviews from a copy"


class Reviews:
    """The reviews of one output folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def issue(self, con: duckdb.DuckDBPyConnection, issued: IssuedReview) -> bool:
        """Keep what a pack asks, from the tables in ``con``; False where the same was asked before.

        Raises StoreError, IntegrityError where a rendering that was kept is gone.
        """
        folder = self.folder / issued.review
        atomic.make_folder(folder)
        with exclusive(folder):
            known = [_read(path, IssuedReview) for path in self._heads(folder)]
            if any(each.rows_sha256 == issued.rows_sha256 for each in known):
                return False
            name = f"issued-{len(known) + 1}"
            files = {}
            for table in TABLES:
                part, target = folder / f".{name}.{table}.part", folder / f"{name}.{table}.parquet"
                part.unlink(missing_ok=True)
                con.execute(
                    f"copy (select * from {table} order by row_id) to {tables.literal(str(part))} "
                    "(format parquet, compression zstd)"
                )
                files[table] = sha256(part)
                atomic.publish(part, target)
            atomic.write_new(folder / f"{name}.json", _encoded(msgspec.structs.replace(issued, files=files)))
        return True

    def append(self, record: ReviewRecord) -> Path:
        """Keep one import and return its file. Raises StoreError, IntegrityError where an earlier one is gone."""
        folder = self.folder / record.review
        atomic.make_folder(folder)
        with exclusive(folder):
            path = folder / f"{len(self._files(folder)) + 1:04}.json"
            atomic.write_new(path, _encoded(record))
        return path

    def prove(self, review: str, proof: ReviewProof) -> None:
        """Keep what a run showed of a review's revocations; the same run shows the same. Raises StoreError."""
        with atomic.refusals(self.folder):
            atomic.make_folder(self.folder / review)
            atomic.write(self.folder / review / f"proved-{proof.run_id}.json", _encoded(proof))

    def proofs(self, review: str, *, before: datetime) -> list[ReviewProof]:
        """Return what runs that began before showed of a review's revocations. Raises IntegrityError."""
        found = [_read(path, ReviewProof) for path in sorted((self.folder / review).glob("proved-*.json"))]
        return sorted((each for each in found if each.run_started < before), key=lambda each: each.run_started)

    def issued(self, *, before: datetime | None = None) -> list[IssuedReview]:
        """Return the reviews that were sent out, oldest first; ``before``: of runs that began before.

        Of a pack that was rendered anew with other rows every rendering, in their order. Raises IntegrityError, also
        where something came back of a review of which it isn't known what it asked.
        """
        found: list[IssuedReview] = []
        for folder in sorted(self.folder.glob("*/")):
            heads = self._heads(folder)
            if not heads and self._files(folder):
                raise IntegrityError(
                    "what came back of a review is kept, and what it asked is gone", where=str(folder), hint=_HINT
                )
            found += [_read(path, IssuedReview) for path in heads]
        found = [each for each in found if before is None or each.run_started < before]
        return sorted(found, key=lambda each: (each.run_started, each.review))

    def records(self, review: str, *, until: datetime | None = None) -> list[ReviewRecord]:
        """Return what was imported about one pack, oldest first, ``until`` that moment.

        Raises IntegrityError, also where one is missing.
        """
        found = [_read(path, ReviewRecord) for path in self._files(self.folder / review)]
        return [each for each in found if until is None or each.imported_at <= until]

    def rows_of(self, issued: IssuedReview) -> dict[str, Path]:
        """Return the Parquet files of what was asked, by table; without what an earlier version didn't keep.

        Raises IntegrityError where they are gone, or aren't what was sent out.
        """
        for path in self._heads(self.folder / issued.review):
            if _read(path, IssuedReview).rows_sha256 == issued.rows_sha256:
                kept = [table for table in TABLES if table in issued.files or table not in _LATER]
                files = {table: path.with_name(f"{path.stem}.{table}.parquet") for table in kept}
                for table, file in files.items():
                    if not file.is_file():
                        raise IntegrityError(
                            "a review that was sent out has lost its rows", where=str(file), hint=_HINT
                        )
                    if sha256(file) != issued.files.get(table):
                        raise IntegrityError(
                            "the rows of a review are not those that were sent out", where=str(file), hint=_HINT
                        )
                return files
        raise IntegrityError("a review that was sent out is gone", where=str(self.folder / issued.review), hint=_HINT)

    def _heads(self, folder: Path) -> list[Path]:
        """Return the files that say what was asked, in order. Raises IntegrityError where one is missing."""
        found = sorted(folder.glob("issued-*.json"), key=lambda path: (len(path.name), path.name))
        return _whole(found, [f"issued-{number}.json" for number in range(1, len(found) + 1)])

    def _files(self, folder: Path) -> list[Path]:
        """Return the files of what came back, in order. Raises IntegrityError where one is missing."""
        found = sorted(folder.glob("[0-9][0-9][0-9][0-9].json"))
        return _whole(found, [f"{number:04}.json" for number in range(1, len(found) + 1)])


def _whole(found: list[Path], names: list[str]) -> list[Path]:
    for path, name in zip(found, names, strict=True):
        if path.name != name:
            raise IntegrityError("a record of a review is missing", where=str(path.with_name(name)), hint=_HINT)
    return found


def digest(con: duckdb.DuckDBPyConnection) -> str:
    """Return SHA-256 over what a review asks: the ids of the entitlements, what they give, to whom they are sent."""
    row = con.execute(
        """
        select string_agg(sha256(to_json({'id': entitlement_id, 'kind': kind, 'principal': principal_id, 'role': role,
               'scope': scope, 'capabilities': capabilities, 'jobs': jobs, 'privileged': privileged,
               'expires': expires, 'condition': condition, 'reviewer': reviewer})::VARCHAR), ''
               order by entitlement_id)
        from entitlements
        """
    ).fetchone()
    return hashlib.sha256((row[0] if row and row[0] else "").encode()).hexdigest()


def _encoded(record: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"


def _read(path: Path, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape)
    except (OSError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"a record of a review can't be read: {error}", where=str(path), hint=_HINT) from error
