"""The sides of an incident: its lanes on one time axis, and the same happenings as one table in order of time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.charts.numbers import table
from audit.render.dossier.health import meaning, tone
from audit.render.dossier.work import unbroken
from audit.render.text import number, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.render.rows import Row

MOST_ROWS = 300
"""Lines of the table; alike ones that follow on each other are one line before that."""
PAUSE = timedelta(minutes=30)
"""Alike happenings with less between them are one line; a change between them keeps them apart."""
_NAMED = re.compile(r"[\w-]+-[a-z0-9]{5,}\b")
"""The name of an execution or a replica in a message: what differs between alike ones."""
ACCESS = ("access", "identity", "secret_read", "role_assignment")
"""Kinds of change that concern who may do what."""
NETWORK = ("subnet", "private_endpoint", "dns_zone", "network")
_METRICS = {
    "ActiveMessages": "Messages waiting",
    "QueueMessageCount": "Queued in account",
    "DeadletteredMessages": "Dead letters",
    "IncomingMessages": "Events received",
    "OutgoingMessages": "Events read",
}


def split(changes: Sequence[Row]) -> dict[str, list[Row]]:
    """Return changes by lane: of access, of the network, of everything else."""
    found: dict[str, list[Row]] = {"setting": [], "access": [], "network": []}
    for each in changes:
        words = " ".join(str(row["property"]).lower() for row in each["properties"])
        if each["kind"] in ACCESS or each["relation"] in ("identity", "role_assignment", "reaches"):
            found["access"].append(each)
        elif each["relation"] in NETWORK or each["kind"] == "network" or "network" in words:
            found["network"].append(each)
        else:
            found["setting"].append(each)
    return found


def lanes(
    parts: dict[str, list[Row]], changes: dict[str, list[Row]], blind: list[charts.Span], missing: Any
) -> list[Any]:
    """Return the lanes, those that measure first."""
    drawn = []
    for metric, label in _METRICS.items():
        rows = [row for row in parts["points"] if row["metric"] == metric]
        if rows:
            width = timedelta(seconds=float(rows[0]["step"]))
            rows = unbroken(rows, width)
            drawn.append(
                charts.Lane(label=label, empty="", points=[(row["at"], row["value"]) for row in rows], width=width)
            )
    if not drawn:
        told = "not read" if missing.get("metrics") else "no figure in this time"
        drawn.append(charts.Lane(label="Messages waiting", empty=told))
    drawn.append(
        charts.Lane(
            label="Executions", empty="none known in this time", runs=[_run(row) for row in parts["runs"]], unread=blind
        )
    )
    gap = {"logs": "execution_logs", "changes": "activity_log", "alerts": "fired_alerts"}
    none = {key: "not read" if missing.get(kind) else "none in this time" for key, kind in gap.items()}
    logs = [charts.Mark(at=row["at"], told=_logged(row), bad=True) for row in parts["logs"]]
    drawn.append(charts.Lane(label="Log warnings", empty=none["logs"], marks=logs, shape="log"))
    for key, label, shape in (
        ("setting", "Changes", "change"),
        ("access", "Identity and access", "access"),
        ("network", "Network", "network"),
    ):
        marks = [charts.Mark(at=row["at"], told=_changed(row), bad=row["tone"] == "failed") for row in changes[key]]
        drawn.append(charts.Lane(label=label, empty=none["changes"], marks=marks, shape=shape))
    spans = [(row["at"], row["resolved_at"] or row["at"] + timedelta(minutes=1), row["name"]) for row in parts["fired"]]
    drawn.append(charts.Lane(label="Alerts", empty=none["alerts"], spans=spans))
    return drawn


def _run(row: Row) -> charts.Run:
    took = f", {seconds(round(row['duration_s']))}" if row["duration_s"] is not None else ""
    return charts.Run(
        began=row["at"], ended=row["ended_at"], tone=tone(row["status"]), told=f"{row['name']}: {row['status']}{took}"
    )


def _logged(row: Row) -> str:
    code = f" (exit {row['exit_code']})" if row["exit_code"] else ""
    whose = f", of one of {row['of_jobs']} jobs of this name" if row["of_jobs"] else ""
    return f"{row['reason'] or row['type'] or 'message'}{code}{whose}"


def _changed(row: Row) -> str:
    return f"{row['who'].name} {row['what']} {row['target'].kind} {row['target'].name}".strip()


def merged(parts: dict[str, list[Row]], changes: Sequence[Row]) -> tuple[list[Row], int]:
    """Return the lines of the table, oldest first, and how many more there are. Alike neighbours are one line."""
    lines: list[Row] = []
    for row in parts["runs"]:
        codes = sorted({code for code in [*row["codes"], row["logged_code"]] if code})
        why = [f"exit {code}: {meaning(code)}" for code in codes] + [row["reason"] or ", ".join(row["logged"] or [])]
        lines.append(_line(row, "execution", f"execution {row['status']}", "; ".join(each for each in why if each)))
    lines += [_line(row, "log", _logged(row), row["message"] or "") for row in parts["logs"]]
    for row in changes:
        lines.append(_line(row, row["around"], _changed(row), "", change=row))
    for row in parts["fired"]:
        lines.append(_line(row, "alert", f"alert “{row['name']}” fired", row["description"] or ""))
        if row["resolved_at"]:
            lines.append(_line(row | {"at": row["resolved_at"]}, "alert", f"alert “{row['name']}” resolved", ""))
    lines.sort(key=lambda line: (line["at"], line["side"], line["what"], line["raw_ref"] or ""))
    folded = _alike(lines)
    return folded[:MOST_ROWS], max(0, len(folded) - MOST_ROWS)


def _alike(lines: Sequence[Row]) -> list[Row]:
    """Return lines with those alike as one, unless much time or a change lies between them."""
    folded: list[Row] = []
    open_: dict[tuple[str, str, str], Row] = {}
    for line in lines:
        if line["change"] is not None:
            open_.clear()
            folded.append(line | {"count": 1, "until": line["at"]})
            continue
        key = (line["side"], line["what"], _NAMED.sub("…", line["why"]))
        before = open_.get(key)
        if before is not None and line["at"] - before["until"] <= PAUSE:
            before["count"] += 1
            before["until"] = line["at"]
        else:
            open_[key] = line | {"count": 1, "until": line["at"]}
            folded.append(open_[key])
    return folded


def _line(row: Row, side: str, what: str, why: str, change: Row | None = None) -> Row:
    bad = side == "log" or tone(row.get("status")) == "failed" if side in ("log", "execution") else side == "alert"
    return {
        "at": row["at"],
        "side": side,
        "what": what,
        "why": why,
        "change": change,
        "bad": bad,
        "raw_ref": row["raw_ref"],
    }


def measured(parts: dict[str, list[Row]]) -> Any:
    """Return the measurements as a table; None where there are none."""
    found: dict[datetime, dict[str, float]] = {}
    for row in parts["points"]:
        found.setdefault(row["at"], {})[row["metric"]] = row["value"]
    shown = [metric for metric in _METRICS if any(metric in each for each in found.values())]
    if not shown:
        return None
    rows = [
        [f"{at:%Y-%m-%d %H:%M}", *(number(found[at][m]) if m in found[at] else "no measurement" for m in shown)]
        for at in sorted(found)
    ]
    return table("What was measured, the largest of each part (UTC)", ["From", *(_METRICS[m] for m in shown)], rows)


def after_change(parts: dict[str, list[Row]], changes: Sequence[Row]) -> list[Row]:
    """Return the changes after which executions failed that hadn't failed before: what to look at first."""
    reach = timedelta(hours=6)
    failed = [row["at"] for row in parts["runs"] if tone(row["status"]) == "failed"]
    found = []
    for change in changes:
        if change["silent"] or change["tone"] == "failed":
            continue
        later = [at for at in failed if change["at"] <= at <= change["at"] + reach]
        before = [at for at in failed if change["at"] - reach <= at < change["at"]]
        if later and len(later) > 2 * len(before):
            found.append({"change": change, "failures": len(later), "before": len(before), "first": min(later)})
    return found
