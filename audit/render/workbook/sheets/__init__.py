"""The sheets that are tables, declared as data, in the order in which an auditor asks for them."""

from __future__ import annotations

from audit.render.workbook.sheets.access import IDENTITIES, PERMISSIONS, ROLE_ASSIGNMENTS, ROLES
from audit.render.workbook.sheets.assessment import CONTROLS, COVERAGE, FINDINGS, RECONCILIATION, REQUIREMENTS
from audit.render.workbook.sheets.effective import ANSWERS, EFFECTIVE
from audit.render.workbook.sheets.governance import CADENCE, EXCEPTIONS, EXEMPTIONS, LOCKS
from audit.render.workbook.sheets.health import EXECUTIONS, HEALTH
from audit.render.workbook.sheets.jobs import CONTAINERS, ENVIRONMENTS, JOBS, SCALE_RULES, SECRETS, SUBSCRIPTIONS
from audit.render.workbook.sheets.operations import ACTION_GROUPS, ACTIVITY_LOG, DIAGNOSTIC_SETTINGS, RAW_FILES
from audit.render.workbook.sheets.ownership import BUDGETS, TAGS
from audit.render.workbook.sheets.privileged import ACTIVATIONS, DENIALS, ELIGIBLE, MEMBERS, MEMBERSHIPS
from audit.render.workbook.sheets.surroundings import ALERTS, DEPENDENCIES, EVENT_SOURCES, FIRED, NETWORK
from audit.render.workbook.sheets.time import CHANGES, CONTINUITY, COSTS, STATEMENTS, TICKETS

EVIDENCE = (
    COVERAGE,
    RECONCILIATION,
    FINDINGS,
    CONTROLS,
    REQUIREMENTS,
    EXCEPTIONS,
    JOBS,
    HEALTH,
    EXECUTIONS,
    CHANGES,
    TICKETS,
    SCALE_RULES,
    CONTAINERS,
    SECRETS,
    ENVIRONMENTS,
    DEPENDENCIES,
    EVENT_SOURCES,
    NETWORK,
    ANSWERS,
    EFFECTIVE,
    ROLE_ASSIGNMENTS,
    ROLES,
    ELIGIBLE,
    ACTIVATIONS,
    DENIALS,
    MEMBERS,
    MEMBERSHIPS,
    LOCKS,
    EXEMPTIONS,
    ACTIVITY_LOG,
    DIAGNOSTIC_SETTINGS,
    IDENTITIES,
    TAGS,
    STATEMENTS,
    COSTS,
    BUDGETS,
    ALERTS,
    FIRED,
    ACTION_GROUPS,
    CONTINUITY,
    CADENCE,
    SUBSCRIPTIONS,
    PERMISSIONS,
)
"""Between the Summary and the Provenance."""

__all__ = ["EVIDENCE", "RAW_FILES"]
