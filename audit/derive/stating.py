"""Which entries of jobs.toml speak of which job, and which of them prevails, topic by topic."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

    from audit.model import Run
    from audit.model.stated import JobEntry


class Word(NamedTuple):
    """One entry that speaks of a job."""

    place: int
    """Its place in jobs.toml, from 0."""
    entry: JobEntry

    def source(self, file: str) -> str:
        """Return where it stands, as a person finds it."""
        return f"{file}: jobs[{self.place}] ({self.entry.label})"


class Stating:
    """jobs.toml held against the population.

    Where several entries speak of one job, the one with its id prevails, then one with its very name, then patterns;
    of equals the one that stands first. That holds topic by topic: what the first leaves out, the next one may say.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, run: Run) -> None:
        self.register = run.register
        self.entries = run.register.entries if run.register else ()
        self.jobs: dict[str, str] = {}
        self._words: dict[str, list[Word]] = {}
        if self.entries:
            self._match(con)

    def _match(self, con: duckdb.DuckDBPyConnection) -> None:
        by_id = {entry.id.rstrip("/").lower(): index for index, entry in enumerate(self.entries) if entry.id}
        patterns = [(index, _pattern(entry.name)) for index, entry in enumerate(self.entries) if entry.name]
        rows = con.execute("select job_id, name, resource_group from population order by lower(job_id)").fetchall()
        for job_id, name, group in rows:
            key = job_id.lower()
            self.jobs[key] = job_id
            found = [by_id[key]] if key in by_id else []
            texts = (name.lower(), f"{group}/{name}".lower())
            fitting = [index for index, (in_group, fits) in patterns if fits(texts[in_group])]
            found += sorted(fitting, key=lambda index: (_wild(self.entries[index].name), index))
            if found:
                self._words[key] = [Word(index, self.entries[index]) for index in found]

    def of(self, job_id: str) -> list[Word]:
        """Return the entries that speak of a job, the prevailing one first."""
        return self._words.get(job_id.lower(), [])

    def silent(self) -> Iterator[Word]:
        """Yield the entries that speak of no job of the population."""
        speaking = {word.place for words in self._words.values() for word in words}
        for index, entry in enumerate(self.entries):
            if index not in speaking:
                yield Word(index, entry)


def _pattern(name: str) -> tuple[bool, Callable[[str], object]]:
    """Return whether a pattern speaks of group/name, and what tells whether it fits a text in lower case."""
    return "/" in name, re.compile(fnmatch.translate(name.lower())).match


def _wild(name: str) -> bool:
    return any(sign in name for sign in "*?[")
