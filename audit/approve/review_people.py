"""Who is who: the names that people type, and about whose access somebody of that name may not decide."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from typing import TYPE_CHECKING

import duckdb

from audit.errors import IntegrityError
from audit.model.person import plain
from audit.render.workbook.stage import exists
from audit.seal import sums
from audit.store import tables

if TYPE_CHECKING:
    from pathlib import Path

_APART = re.compile(r"[<>()\[\];|/]+")
_ADDRESSED = re.compile(r"([^<>]+)<([^<>]+)>")
_NAMES = {
    "principals": ("principal_id", ("principal_id", "display_name", "user_principal_name", "app_id")),
    "entitlements": ("principal_id", ("principal_id", "principal", "principal_login")),
    "group_members": ("member_id", ("member_id", "display_name", "user_principal_name")),
}
"""Table → (its id, the names that it gives it)."""


class People:
    """The principals of a pack by every name that it knows of them."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._ids: dict[str, set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._barred: dict[str, set[str]] = defaultdict(set)
        for table, (key, names) in _NAMES.items():
            if exists(con, table):
                for principal, *given in con.execute(
                    f"select distinct lower({key}), {', '.join(names)} from {table} where {key} is not null"
                ).fetchall():
                    for name in given:
                        if name and plain(name):
                            self._ids[plain(name)].add(principal)
        if exists(con, "group_members"):
            for group, member in con.execute("select lower(group_id), lower(member_id) from group_members").fetchall():
                self._groups[member].add(group)
        if exists(con, "reviewer_subjects"):
            for reviewer, principal in con.execute(
                "select reviewer, lower(principal_id) from reviewer_subjects"
            ).fetchall():
                self._barred[plain(reviewer)].add(principal)

    def known(self, name: str) -> frozenset[str]:
        """Return the ids that a name may stand for. ``Ana Ruiz <ana@contoso.example>`` is both of its names."""
        return frozenset().union(*(self._ids.get(part, ()) for part in _parts(name)))

    def same(self, name: str, other: str) -> bool:
        """Tell whether two names are one, or may stand for one principal."""
        return bool(_parts(name) & _parts(other) or self.known(name) & self.known(other))

    def one(self, name: str, other: str) -> bool:
        """Tell whether two whole names are one person's: spelled alike, or of one principal.

        Unlike :meth:`same` it doesn't count what stands beside a name: two people of one team are two.
        """
        mine, theirs = _whole(name), _whole(other)
        return bool(mine & theirs or self._all(mine) & self._all(theirs))

    def _all(self, names: set[str]) -> frozenset[str]:
        return frozenset().union(*(self._ids.get(each, ()) for each in names))

    def barred(self, name: str) -> frozenset[str]:
        """Return the ids of principals about whose access somebody of this name may not decide.

        Their own, the groups that they are in, and what table ``reviewer_subjects`` says of every reviewer who may be
        the same person. A name that two people have bars both.
        """
        own = self.known(name)
        above = (self._groups.get(principal, set()) for principal in own)
        told = (barred for reviewer, barred in self._barred.items() if self.same(name, reviewer))
        return own.union(*above, *told)


def _whole(name: str) -> set[str]:
    """Return a name as it is written, and of ``Ana Ruiz <ana@contoso.example>`` both of its names too."""
    found = _ADDRESSED.fullmatch(name.strip())
    return {plain(each) for each in (name, *(found.groups() if found else ())) if plain(each)}


def _parts(name: str) -> set[str]:
    return {plain(part) for part in (name, *_APART.split(name)) if plain(part)}


def of(pack: Path) -> People:
    """Return the people whom a pack's own directory knows. Raises IntegrityError where its tables can't be read."""
    listed = sums.listed(pack)
    with contextlib.closing(tables.connect()) as con:
        try:
            for table in (*_NAMES, "reviewer_subjects"):
                if f"data/{table}.parquet" in listed:
                    tables.view(con, table, pack / f"data/{table}.parquet")
            return People(con)
        except duckdb.Error as error:
            raise IntegrityError(f"the pack's tables can't be read: {error}", where=str(pack / "data")) from None
