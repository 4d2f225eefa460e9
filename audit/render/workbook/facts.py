"""Facts about a run as lines of text: the Summary tells the chief ones, the Provenance all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit.render.sections.provenance import restored
from audit.render.text import number, plural, size, utc, utc_seconds, visible
from audit.render.workbook.stage import exists

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

Fact = tuple[str, str]
"""(label, what it says)"""

_NAMED = 6
"""Subscriptions that the Summary names; more are counted."""


def period(run: Run) -> str:
    """Return the window as a reader says it; its end is excluded."""
    return f"{_moment(run.window.since)} to {_moment(run.window.until)} UTC"


def _moment(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%Y-%m-%d %H:%M}"


def collected(run: Run) -> str:
    """Return when the run began and ended."""
    return f"{utc(run.started)} to {utc(run.finished) if run.finished else 'not finished'}"


def caller(con: duckdb.DuckDBPyConnection, run: Run) -> str:
    """Return who collected: the name that the token or the directory gives, or the id."""
    if run.caller is None:
        return "unknown: the run ended before a token was read"
    named = run.caller.name or _in_directory(con, run.caller.object_id) or run.caller.app_id or run.caller.object_id
    return f"{visible(named)} ({'application' if run.caller.kind == 'app' else run.caller.kind})"


def _in_directory(con: duckdb.DuckDBPyConnection, object_id: str) -> str | None:
    if not exists(con, "principals"):
        return None
    row = con.execute(
        "select min(display_name) from principals where lower(principal_id) = lower(?)", [object_id]
    ).fetchone()
    return row[0] if row else None


def scope(run: Run) -> str:
    """Return the configured scope."""
    parts = []
    if run.management_groups:
        parts.append(plural(len(run.management_groups), "management group"))
    if run.subscriptions:
        parts.append(plural(len(run.subscriptions), "subscription"))
    if run.resource_groups:
        parts.append(plural(len(run.resource_groups), "resource group"))
    return f"as configured: {', '.join(parts)}" if parts else "every subscription that the caller can see"


def subscriptions(con: duckdb.DuckDBPyConnection, run: Run) -> str:
    """Return the names of the subscriptions read, or how many there are."""
    if not exists(con, "subscriptions"):
        return "not collected"
    wanted = [item.lower() for item in run.subscriptions]
    named = [
        visible(name or subscription_id)
        for name, subscription_id in con.execute(
            "select name, subscription_id from subscriptions order by lower(name), subscription_id",
        ).fetchall()
        if not wanted or subscription_id.lower() in wanted
    ]
    if not named:
        return "none is listed"
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def provenance(con: duckdb.DuckDBPyConnection, run: Run) -> list[tuple[str, list[Fact]]]:
    """Return everything that is known about how the evidence was made, in sections."""
    who = run.caller
    return [
        (
            "Run",
            [
                ("Run", run.run_id),
                ("State", run.state.value),
                ("Started", utc_seconds(run.started)),
                ("Finished", utc_seconds(run.finished) if run.finished else "not finished"),
                ("Cloud", f"{run.cloud}, {run.endpoint}"),
                ("Redaction key id", run.redaction_key_id or "none"),
                *restored(run),
            ],
        ),
        (
            "Caller",
            [
                ("Name", who.name or _in_directory(con, who.object_id) or "not known"),
                ("Kind", who.kind),
                ("Object id", who.object_id),
                ("Application id", who.app_id or "not in the token"),
                ("Tenant id", who.tenant_id),
            ]
            if who
            else [("Caller", caller(con, run))],
        ),
        (
            "Scope and period",
            [
                ("Period", f"{utc_seconds(run.window.since)} (included) to {utc_seconds(run.window.until)} (excluded)"),
                ("Scope", scope(run)),
                ("Management groups", _listed(run.management_groups)),
                ("Subscriptions configured", _listed(run.subscriptions)),
                ("Subscriptions listed", subscriptions(con, run)),
                ("Subscriptions expected", _listed(run.expected_subscriptions)),
                ("Resource groups", _listed(run.resource_groups)),
                ("Evidence kinds", ", ".join(run.kinds)),
            ],
        ),
        ("Software", [("jobaudit", run.tool_version), *sorted(run.versions.items())]),
        (
            "Baselines in force",
            [
                (key, json.dumps(value, ensure_ascii=False, sort_keys=True))
                for key, value in sorted(run.settings.items())
            ]
            or [("Policy", "none set: the controls' defaults apply")],
        ),
        (
            "Effort",
            [
                *((f"Requests: {family}", number(count)) for family, count in sorted(run.stats.requests.items())),
                ("Retries", number(run.stats.retries)),
                ("Throttled answers", number(run.stats.throttled)),
                ("Received", size(run.stats.bytes_received)),
                ("CPU", f"{run.stats.cpu_seconds:,.2f} s"),
                ("Wall clock", f"{run.stats.wall_seconds:,.2f} s"),
                ("Peak memory", f"{run.stats.peak_rss_mib:,.0f} MiB"),
            ],
        ),
    ]


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values) if values else "none named"
