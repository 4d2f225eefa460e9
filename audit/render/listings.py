"""The report's listings: what each asks for, how many rows a page holds, and which template prints them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.render.rows import Row
from audit.render.sections import (
    access,
    budgets,
    changes,
    coverage,
    excused,
    findings,
    health,
    holding,
    matrix,
    owners,
    tickets,
)

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run
    from audit.render.names import Names
    from audit.render.raw_pages import RawViews

Told = Callable[[list[Row]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Rows that may fill more than a page: the first stands on the index, the others on pages of their own.

    ``sql`` gives each row a ``number`` from 1; ``told`` makes of one page's rows what ``template`` is given.
    """

    name: str
    title: str
    template: str
    sql: str
    size: int
    told: Told


@dataclass(frozen=True, kw_only=True)
class Part:
    """One page of a listing, and its neighbours (links relative to the pack's folder)."""

    number: int
    of: int
    first: int
    last: int
    total: int
    previous: str
    following: str


_DELETED = """
select row_number() over (order by position) as number, * from report_jobs where state = 'deleted'
"""
_OUT_OF_SCOPE = """
select row_number() over (order by lower(subscription_id), lower(resource_group), lower(name), row_id) as number, *
from jobs where not in_scope
"""


def of_index(con: duckdb.DuckDBPyConnection, run: Run, names: Names, views: RawViews) -> tuple[Listing, ...]:
    """Return the listings that begin on the index, in the order in which they stand there."""
    return (
        Listing(
            name="gaps",
            title="Gaps in the evidence",
            template="sections/gaps.html",
            sql=coverage.GAPS,
            size=200,
            told=_each(lambda row: coverage.place(row, names, views)),
        ),
        Listing(
            name="reconciliation",
            title="Do the sources agree?",
            template="sections/reconciliation.html",
            sql=coverage.RECONCILIATION,
            size=200,
            told=_each(lambda row: coverage.side(row, names)),
        ),
        Listing(
            name="verdicts-by-job",
            title="Verdicts by job and area",
            template="sections/matrix.html",
            sql=matrix.JOBS,
            size=250,
            told=lambda rows: {"groups": matrix.groups(con, rows), "areas": matrix.areas(con)},
        ),
        Listing(
            name="findings",
            title="Findings",
            template="sections/findings.html",
            sql=findings.FAILURES,
            size=200,
            told=lambda rows: {"groups": findings.by_control(rows)},
        ),
        Listing(
            name="not-assessed",
            title="Not assessed",
            template="sections/not_assessed.html",
            sql=findings.OPEN,
            size=200,
            told=_each(dict),
        ),
        Listing(
            name="exceptions",
            title="Exceptions",
            template="sections/exceptions.html",
            sql=excused.EXCEPTIONS,
            size=200,
            told=_each(excused.told),
        ),
        Listing(
            name="exemptions",
            title="Policy exemptions",
            template="sections/exemptions.html",
            sql=excused.EXEMPTIONS,
            size=200,
            told=_each(lambda row: excused.exempted(row, names)),
        ),
        Listing(
            name="health",
            title="How the jobs did",
            template="sections/health.html",
            sql=health.JOBS,
            size=250,
            told=_each(dict),
        ),
        Listing(
            name="history",
            title="Continuity",
            template="sections/history.html",
            sql=health.HISTORY,
            size=100,
            told=_each(lambda row: health.history(row, names)),
        ),
        Listing(
            name="changes",
            title="What changed",
            template="sections/changes.html",
            sql=changes.CHANGES,
            size=200,
            told=lambda rows: changes.page(con, rows, names, run),
        ),
        Listing(
            name="unused-tickets",
            title="Tickets without a change",
            template="sections/tickets_unused.html",
            sql=tickets.UNUSED,
            size=200,
            told=_each(dict),
        ),
        Listing(
            name="access-by-job",
            title="Who can do what to each job",
            template="sections/access_by_job.html",
            sql=holding.JOBS,
            size=50,
            told=lambda rows: {"rows": holding.cells(con, rows), "columns": holding.columns(con)},
        ),
        Listing(
            name="access",
            title="Who has access",
            template="sections/access.html",
            sql=access.ASSIGNMENTS,
            size=250,
            told=lambda rows: {"groups": access.by_scope([access.told(row, names) for row in rows])},
        ),
        Listing(
            name="budgets",
            title="Cost and budgets",
            template="sections/budgets.html",
            sql=budgets.BUDGETS,
            size=200,
            told=_budgets(con, names),
        ),
        Listing(
            name="owners",
            title="Owners",
            template="sections/owners.html",
            sql=owners.JOBS,
            size=250,
            told=lambda rows: owners.told(con, rows),
        ),
        Listing(
            name="deleted",
            title="Jobs deleted in the window",
            template="sections/deleted.html",
            sql=_DELETED,
            size=200,
            told=_each(lambda row: row | {"by": names.caller(row["deleted_by"])}),
        ),
        Listing(
            name="out-of-scope",
            title="Jobs out of scope",
            template="sections/out_of_scope.html",
            sql=_OUT_OF_SCOPE,
            size=250,
            told=_each(dict),
        ),
    )


def _each(tell: Callable[[Row], Row]) -> Told:
    return lambda rows: {"rows": [tell(row) for row in rows]}


def _budgets(con: duckdb.DuckDBPyConnection, names: Names) -> Told:
    groups = budgets.ActionGroups(con)
    return _each(lambda row: budgets.told(row, names, groups))
