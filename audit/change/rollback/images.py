"""Which image a reference meant then: by the reference itself, by the registry, or by what earlier runs were told."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from audit.change.rollback.readings import newest
from audit.change.rollback.writes import utc
from audit.errors import IntegrityError
from audit.model import image
from audit.model.marker import unmarked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from audit.store import StoredRun

_COLUMNS = "image, digest, updated_at, observed_at"
_OWN = f"select {_COLUMNS} from image_digests where digest is not null order by image, observed_at, digest"
_EARLIER = f"""
select {_COLUMNS} from read_parquet(?) where digest is not null and observed_at < ? order by image, observed_at, digest
"""
_RAN = """
select lower(job_id), images::VARCHAR, max(started) as started from execution_history
where started < ? and contains(images::VARCHAR, '@') and lower(job_id) in (select lower(job_id) from change_jobs)
group by all order by started desc, images::VARCHAR
"""
_NOT_KNOWN = "not known: a tag doesn't tell what it meant then, and nothing that was read before does"


class _Known(NamedTuple):
    digest: str
    known_from: str


class Images:
    """What is known of images as they were at a moment."""

    def __init__(self, con: duckdb.DuckDBPyConnection, runs: Sequence[StoredRun], moment: datetime) -> None:
        self._known: dict[str, _Known] = {}
        for reference, digest, updated, observed in con.execute(_OWN).fetchall():
            if updated is not None and updated < moment and updated <= observed:
                told = f"its registry: the tag was last moved on {utc(updated)}, before the change"
                self._known[reference] = _Known(digest, told)
        self._told_before(con, runs, moment)
        self._ran: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        for job, images, started in con.execute(_RAN, [moment]).fetchall():
            self._ran[job] += [(each, started) for each in _texts(images) if "@" in each]

    def _told_before(self, con: duckdb.DuckDBPyConnection, runs: Sequence[StoredRun], moment: datetime) -> None:
        for stored in newest(runs):
            try:
                path = stored.table_file("image_digests")
            except IntegrityError:
                continue  # what is damaged is told of its jobs
            for reference, digest, _, observed in con.execute(_EARLIER, [str(path), moment]).fetchall() if path else ():
                told = f"its registry, as run {stored.run.run_id} was told on {utc(observed)}"
                self._known.setdefault(reference, _Known(digest, told))

    def of(self, job_id: str, definition: dict[str, Any]) -> list[dict[str, Any]]:
        """Return each container's image, the digest that it meant, and from what that is known."""
        return [
            {"container": unmarked(name), "image": unmarked(reference), **self._digest(job_id, reference)}
            for name, reference in _named(definition)
        ]

    def _digest(self, job_id: str, reference: str) -> dict[str, str | None]:
        if pinned := image.parse(reference).digest:
            return {"digest": pinned, "digest_known_from": "the reference itself"}
        for ran, started in self._ran[job_id.lower()]:
            if ran.startswith(f"{reference}@"):
                told = f"an execution that started on {utc(started)}"
                return {"digest": image.parse(ran).digest, "digest_known_from": told}
        known = self._known.get(reference)
        if known is None:
            return {"digest": None, "digest_known_from": _NOT_KNOWN}
        return {"digest": known.digest, "digest_known_from": known.known_from}


def _named(definition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    template = (definition.get("properties") or {}).get("template") or {}
    for part in ("containers", "initContainers"):
        for container in template.get(part) or ():
            if isinstance(container.get("image"), str):
                yield str(container.get("name")), container["image"]


def _texts(images: Any) -> list[str]:
    return msgspec.json.decode(images, type=list[str])
