"""Provenance: how the evidence was made, so that a reader can judge it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from audit.render.text import number, size, utc_seconds

if TYPE_CHECKING:
    from audit.model import Run


WITHOUT_RAW = (
    "The folder of this run was not there when this pack was made, so its raw answers and attachments are gone and no "
    "row can be held against Azure's own words here. The rows are those that the run collected, as history kept them; "
    "each names the run that first read it so (runs/<run id>/raw/…), which may be gone too: then it says “not kept”."
)
"""What a reader of a restored run must know before anything else."""


def scope(run: Run) -> str:
    """Return the configured scope in words."""
    parts = []
    if run.management_groups:
        parts.append(f"management groups {', '.join(run.management_groups)}")
    if run.subscriptions:
        parts.append(f"{len(run.subscriptions):,} named in the configuration")
    if run.resource_groups:
        parts.append(f"only resource groups {', '.join(run.resource_groups)}")
    return "; ".join(parts) if parts else "every subscription that the caller can see"


def facts(run: Run) -> list[tuple[str, str]]:
    """Return (label, what it says) for everything that is known about the run."""
    who, stats = run.caller, run.stats
    return [
        ("Period", f"{utc_seconds(run.window.since)} (included) to {utc_seconds(run.window.until)} (excluded)"),
        *_of_the_past(run),
        *restored(run),
        ("Run", f"{run.run_id}, {run.state}"),
        ("Started", utc_seconds(run.started)),
        ("Finished", utc_seconds(run.finished) if run.finished else "not finished"),
        ("Cloud", f"{run.cloud}, {run.endpoint}"),
        ("Scope", scope(run)),
        ("Subscriptions expected", ", ".join(run.expected_subscriptions) or "none named by the owner"),
        *_caller(run),
        ("Tenant", who.tenant_id if who else "unknown"),
        ("Redaction key id", run.redaction_key_id or "none"),
        ("Requests", "; ".join(f"{family} {number(n)}" for family, n in sorted(stats.requests.items())) or "none"),
        ("Retries", f"{number(stats.retries)}, throttled answers {number(stats.throttled)}"),
        ("Received", size(stats.bytes_received)),
        ("Time", f"{stats.wall_seconds:,.1f} s, CPU {stats.cpu_seconds:,.1f} s"),
        ("Peak memory", f"{stats.peak_rss_mib:,.0f} MiB"),
        ("Software", _software(run)),
        *((f"Baseline {name}", _json(value)) for name, value in sorted(run.settings.items())),
    ]


def _of_the_past(run: Run) -> list[tuple[str, str]]:
    own = run.collected_for
    if own is None:
        return []
    told = f"events from history; configuration as this run read it, which was collected for {utc_seconds(own.since)}"
    return [("Made from", f"{told} to {utc_seconds(own.until)}")]


def restored(run: Run) -> list[tuple[str, str]]:
    """Return how a run without its folder came to be told, and what it lacks; nothing for any other run."""
    if not run.restored_from:
        return []
    return [("Restored", f"from history, commit {run.restored_from}. {WITHOUT_RAW}")]


def _software(run: Run) -> str:
    versions = {"jobaudit": run.tool_version, **run.versions}
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _caller(run: Run) -> list[tuple[str, str]]:
    who = run.caller
    if who is None:
        return [("Caller", "unknown: no token was read")]
    named = who.name or "no name in the token"
    told = f"{named}, {'application' if who.kind == 'app' else who.kind}, object id {who.object_id}"
    return [("Caller", told + (f", application id {who.app_id}" if who.app_id else ""))]
