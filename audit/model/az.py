"""How the Azure command line is told a job."""

from __future__ import annotations

import shlex

from audit.model import ids


def job(job_id: str) -> str:
    """Return the options that name a job to ``az containerapp job``, quoted for a POSIX shell."""
    named = {
        "--name": ids.name_of(job_id),
        "--resource-group": ids.resource_group_of(job_id) or "",
        "--subscription": ids.subscription_of(job_id) or "",
    }
    return " ".join(f"{option} {shlex.quote(value)}" for option, value in named.items())
