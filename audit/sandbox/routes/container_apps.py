"""Microsoft.App: jobs and their environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.call import Call, Route, missing
from audit.sandbox.estate.quotas import running_cores, usages
from audit.sandbox.routes.resources import get_resource, group_of
from audit.sandbox.wire import encode

if TYPE_CHECKING:
    from audit.sandbox.wire import Answer

_VERSIONS = (
    "2023-05-01",
    "2023-05-02-preview",
    "2023-08-01-preview",
    "2023-11-02-preview",
    "2024-02-02-preview",
    "2024-03-01",
    "2024-08-02-preview",
    "2024-10-02-preview",
    "2025-01-01",
    "2025-02-02-preview",
    "2025-07-01",
    "2025-10-02-preview",
    "2026-01-01",
    "2026-07-01",
)
_READ_JOB = "Microsoft.App/jobs/read"
_READ_EXECUTIONS = "Microsoft.App/jobs/executions/read"
_READ_ENVIRONMENT = "Microsoft.App/managedEnvironments/read"
_READ_USAGES = "Microsoft.App/managedEnvironments/usages/read"
_KEPT_EXECUTIONS = 100
"""Azure keeps the most recent hundred: https://learn.microsoft.com/azure/container-apps/jobs."""


def list_jobs(call: Call) -> Answer:
    """Answer the jobs of a subscription or resource group, of every trigger type."""
    return _listed(call, _READ_JOB, call.options.page_sizes.jobs)


def list_environments(call: Call) -> Answer:
    """Answer the environments of a subscription or resource group."""
    return _listed(call, _READ_ENVIRONMENT, call.options.page_sizes.environments)


def list_executions(call: Call) -> Answer:
    """Answer the most recent executions of a job, newest first; of the older ones nothing is said."""
    call.require(_READ_EXECUTIONS, call.parent)
    if call.parent not in call.world.resources:
        group_of(call)
        raise missing(call)
    kept = call.world.estate.executions.get(call.parent, [])[:_KEPT_EXECUTIONS]
    return call.page([encode(each) for each in kept], call.options.page_sizes.executions)


def list_usages(call: Call) -> Answer:
    """Answer the quotas of an environment, and what of them is in use: cores of the executions that run now."""
    call.require(_READ_USAGES, call.parent)
    if call.parent not in call.world.resources:
        group_of(call)
        raise missing(call)
    estate = call.world.estate
    bodies = usages(estate.quotas.get(call.parent, {}), running_cores(estate, call.parent))
    return call.page([encode(each) for each in bodies], len(bodies))


def _listed(call: Call, action: str, size: int) -> Answer:
    bodies = call.readable(call.world.of_type(call.target.kind, call.parent), action)
    if "/resourcegroups/" in call.parent:
        group_of(call)
    return call.page(bodies, size)


ROUTES = (
    Route("microsoft.app/jobs", False, _VERSIONS, (_READ_JOB,), list_jobs),
    Route("microsoft.app/jobs", True, _VERSIONS, (_READ_JOB,), get_resource),
    Route("microsoft.app/jobs/executions", False, _VERSIONS, (_READ_EXECUTIONS,), list_executions),
    Route("microsoft.app/managedenvironments", False, _VERSIONS, (_READ_ENVIRONMENT,), list_environments),
    Route("microsoft.app/managedenvironments", True, _VERSIONS, (_READ_ENVIRONMENT,), get_resource),
    Route("microsoft.app/managedenvironments/usages", False, _VERSIONS, (_READ_USAGES,), list_usages),
)
