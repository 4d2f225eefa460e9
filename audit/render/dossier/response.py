"""What to look at first when a job misbehaves: checks made for this job, each of which only reads."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.render.rows import Row


_SOURCES = 3
"""Event sources whose depth is asked for; few jobs have more rules."""


def told(job: Row, facts: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (question, how to look, anchor on the page where the answer in this evidence stands)."""
    config = facts["config"]
    if config is None:
        return []
    where = f"--name {shlex.quote(job['name'])} --resource-group {shlex.quote(job['resource_group'])}"
    own = shlex.quote(job["job_id"])
    checks = [
        ("Did it start, and how did that end?", f"az containerapp job execution list {where} --output table", "health"),
        ("What did it say?", _logs(job, facts["environment"]), "health"),
    ]
    checks += [("Is work waiting?", _depth(row), "work") for row in facts["watched"][:_SOURCES]]
    checks += [
        (
            "Did somebody change it, or what it stands on?",
            f"az monitor activity-log list --resource-id {own} --offset 7d",
            "changes",
        ),
        (
            "Is it suspended, or still being set up?",
            f"az containerapp job show {where} --query properties.runningState",
            "configuration",
        ),
    ]
    return checks


def _logs(job: Row, environment: Row | None) -> str:
    name = job["name"].replace("'", "''")
    if environment is not None and (environment["log_destination"] or "").lower() == "azure-monitor":
        return f"ContainerAppConsoleLogs | where JobName == '{name}' | order by TimeGenerated desc"
    return f"ContainerAppConsoleLogs_CL | where ContainerJobName_s == '{name}' | order by TimeGenerated desc"


def _depth(row: Row) -> str:
    metric = "QueueMessageCount" if "storage" in row["source_type"].lower() else "ActiveMessages"
    if "eventhub" in row["source_type"].lower():
        metric = "IncomingMessages"
    target = row["resource_id"] + ("/queueServices/default" if metric == "QueueMessageCount" else "")
    return f"az monitor metrics list --resource {shlex.quote(target)} --metric {metric} --interval PT5M"
