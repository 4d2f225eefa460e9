"""Environments that in-scope jobs run in, as units of collection: which there are, whose each is, how to name one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import ids
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from audit.model.scope import Scope

AFTER = ("jobs",)
POPULATION = """
    select min(environment_id) as scope, list(job_id order by lower(job_id)) as ids
    from jobs
    where in_scope and environment_id is not null
    group by lower(environment_id)
    order by lower(environment_id)
"""
AFFECTS = """
    select min(environment_id) over (partition by lower(environment_id)) as scope, job_id
    from jobs
    where in_scope and environment_id is not null
"""


def named(scope: Scope) -> tuple[str, str]:
    """Return an environment's resource group and name. Raises ReadFailed for an id of something else, such as Arc's."""
    if not scope.resource_group or ids.segment(scope.id, "managedEnvironments") is None:
        raise ReadFailed(GapReason.UNSUPPORTED, f"not the id of a managed environment: {scope.id}")
    return scope.resource_group, ids.name_of(scope.id)
