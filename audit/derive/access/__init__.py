"""Effective access: who can do what to each job, through which assignment, role, scope and group.

::

    capabilities ──► access_ways, access_needs      what is asked                       (ways)
    jobs, dependencies ──► job_access               of which resource of which job       (targets)
    assignments, PIM, policies ──► access_grants    who was given what, where            (grants)
    group_edges, PIM for groups ──► access_holders  whom a grantee stands for            (groups)
    deny assignments ──► access_denials             what is taken away, where            (denials)
                       │
                       ▼
    effective_access   job × capability × principal × path                               (effective)
    access_answers     per job and capability: how many, and whether that is all          (answers)

The tables above ``effective_access`` are its factors: a resource whose scopes carry the same assignments as another's
shares its ``set_id``, a grant stands once however many jobs it reaches, a group is unfolded once. ``effective_access``
is their join, written out where it has at most :data:`effective.LIMIT` rows and asked for job by job beyond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.config import capabilities
from audit.derive.access import answers, denials, effective, grants, groups, principals, reach, targets, ways

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from audit.model.capability import Capability

__all__ = ["create"]


def create(
    con: duckdb.DuckDBPyConnection, wanted: Mapping[str, Capability] | None = None, *, limit: int = effective.LIMIT
) -> None:
    """Create effective access and its factors.

    ``wanted``: the capabilities, default those that travel along; ``limit``: rows up to which effective_access is
    written out.
    Leaves the temporary tables of :mod:`reach` to who asks what an assignment gives.
    Needs ``dependencies``, ``job_gaps`` and the tables of assignments, definitions, groups and policies.
    """
    con.execute("create schema if not exists access")
    ways.create(con, capabilities.shipped() if wanted is None else wanted)
    principals.create(con)
    groups.create(con)
    grants.create(con)
    denials.create(con)
    targets.create(con)
    written = effective.create(con, limit=limit)
    answers.create(con, counted=written)
    reach.create(con, written=written)
    for part in (effective, targets, denials, ways):
        part.drop(con)
    if written:
        _clear(con)


def _clear(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the factors in numbers; table by table, as a schema that falls in one goes wrong inside a transaction."""
    for (table,) in con.execute("select table_name from duckdb_tables() where schema_name = 'access'").fetchall():
        con.execute(f'drop table access."{table}"')
    con.execute("drop schema access")
