"""Tables computed from collected tables: who belongs to the population, whether sources agree, which job lacks what.

Everything here reads and writes the DuckDB connection that holds a run's tables; nothing touches Azure or a clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive import (
    absent,
    access,
    cadence,
    changes,
    continuity,
    cost_totals,
    dependencies,
    earlier,
    earlier_packs,
    entitlements,
    events,
    execution_history,
    execution_templates,
    execution_totals,
    fit,
    job_alerts,
    job_configuration,
    job_cost_months,
    job_costs,
    job_gaps,
    population,
    reconciliation,
    scaler_facts,
    source_work,
    statements,
    tickets,
    unread,
    unresolved,
    usage,
)
from audit.derive.unread import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import duckdb

    from audit.model import Run
    from audit.model.capability import Capability

__all__ = ["LEFT_OUT", "derive"]


def derive(con: duckdb.DuckDBPyConnection, run: Run, *, capabilities: Mapping[str, Capability] | None = None) -> None:
    """Create the derived tables in ``con``, each as its module describes it.

    What the sources differ in without a reason, and what was never read, goes into ``coverage`` as gaps.

    ``con`` holds every table that the run collected and ``coverage``; a table of a kind that the run left out is made
    here, empty, and the kind becomes a gap of every job. Safe to call again: it replaces what it made, all of it or
    nothing. ``capabilities``: what effective access asks about; default what travels along.
    """
    con.begin()
    try:
        absent.create(con)
        earlier.create(con, run)
        earlier_packs.create(con)
        events.create(con, run)
        population.create(con)
        reconciliation.create(con, run)
        unresolved.forget(con)
        unread.create(con, run)
        unresolved.create(con, run)
        execution_history.create(con, run)
        execution_templates.complete(con)
        execution_totals.create(con)
        continuity.create(con, run)
        cadence.create(con, run)
        job_gaps.create(con, run)
        unresolved.drop(con)
        dependencies.create(con)
        access.create(con, capabilities)
        changes.create(con, run)
        entitlements.create(con, run)
        access.reach.drop(con)
        tickets.create(con, run)
        job_configuration.create(con, run)
        usage.create(con, run)
        job_costs.create(con, run)
        cost_totals.create(con)
        job_cost_months.create(con, run)
        job_costs.drop(con)
        fit.create(con, run)
        usage.drop(con)
        statements.create(con, run)
        scaler_facts.create(con, run)
        source_work.create(con, run)
        job_alerts.create(con)
        events.drop(con)
        earlier.drop(con)
    except BaseException:
        con.rollback()
        raise
    con.commit()
