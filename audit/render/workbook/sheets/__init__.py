"""The sheets that are tables, declared as data, in the order in which an auditor asks for them."""

from __future__ import annotations

from audit.render.workbook.sheets.access import IDENTITIES, PERMISSIONS, ROLE_ASSIGNMENTS, ROLES
from audit.render.workbook.sheets.assessment import CONTROLS, COVERAGE, FINDINGS, RECONCILIATION
from audit.render.workbook.sheets.jobs import CONTAINERS, ENVIRONMENTS, JOBS, SCALE_RULES, SECRETS, SUBSCRIPTIONS
from audit.render.workbook.sheets.operations import ACTION_GROUPS, ACTIVITY_LOG, DIAGNOSTIC_SETTINGS, RAW_FILES
from audit.render.workbook.sheets.ownership import BUDGETS, TAGS

EVIDENCE = (
    COVERAGE,
    RECONCILIATION,
    FINDINGS,
    CONTROLS,
    JOBS,
    SCALE_RULES,
    CONTAINERS,
    SECRETS,
    ENVIRONMENTS,
    ROLE_ASSIGNMENTS,
    ROLES,
    ACTIVITY_LOG,
    DIAGNOSTIC_SETTINGS,
    IDENTITIES,
    TAGS,
    BUDGETS,
    ACTION_GROUPS,
    SUBSCRIPTIONS,
    PERMISSIONS,
)
"""Between the Summary and the Provenance."""

__all__ = ["EVIDENCE", "RAW_FILES"]
