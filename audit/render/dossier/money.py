"""What a job cost, day by day and for what, held against the budgets above it; an estimate is told as one."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from audit.render import charts
from audit.render.dossier.batch import About, Facts, of_job
from audit.render.sections import budgets
from audit.render.text import money

if TYPE_CHECKING:
    from audit.render.rows import Row

PARTS = (
    ("succeeded", "work that succeeded", "succeeded"),
    ("failed", "failed", "failed"),
    ("retried", "retried", "retried"),
    ("stopped", "stopped", "stopped"),
    ("unfinished", "unfinished", "running"),
    ("idle", "idle: nothing to do", "idle"),
    ("duplicate_suspect", "work done twice, suspected", "duplicate"),
    ("logs", "log ingestion", "logs"),
)
"""Part of job_costs, how it is told, how it is drawn."""
_BASES = ("actual", "amortised", "estimate")
_DAYS = {"monthly": 30.4, "quarterly": 91.3, "annually": 365.25, "billingmonth": 30.4}

QUERIES = {
    "spent": """
        select b.job_key, t.day, t.basis, t.currency, t.part, sum(t.amount) as amount, bool_and(t.final) as final,
               max(t.collected_at) as collected_at, min(t.note) as note, min(t.raw_ref) as raw_ref
        from job_costs t join report_jobs b on b.job_key = lower(t.job_id)
        where b.position between ? and ? group by all order by all
    """,
    "wasted": """
        select b.job_key, t.basis, t.currency, t.amount, t.wasted_amount, t.wasted_share
        from cost_totals t join report_jobs b on b.job_key = lower(t.job_id)
        where b.position between ? and ? order by b.position, t.basis, t.currency
    """,
    "months": of_job("job_cost_months", "t.basis, t.currency, t.month"),
    "beside": """
        select b.job_key, t.resource_id, t.relation, t.basis, t.currency, sum(t.amount) as amount,
               max(t.shared_by) as shared_by, min(t.raw_ref) as raw_ref
        from cost_beside t join report_jobs b on b.job_key = lower(t.job_id)
        where b.position between ? and ? and t.basis = 'actual' group by all
        order by b.job_key, amount desc, t.resource_id, t.relation, t.currency
    """,
    "budgets": budgets.OF_JOBS,
}


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return one job's cost: chart, parts, months, what stands beside it, budgets. ``cost`` is None where unknown."""
    rows = facts["spent"]
    basis = next((each for each in _BASES if any(row["basis"] == each for row in rows)), None)
    watched = [budgets.told(row, about.names, about.groups) for row in facts["budgets"]]
    mine = [row for row in rows if row["basis"] == basis]
    currency = mine[0]["currency"] if mine else None
    mine = [row for row in mine if row["currency"] == currency]
    return {
        "cost": _sum(mine, basis, currency, rows) | _wasted(facts["wasted"], basis, currency) if mine else None,
        "cost_chart": _chart(mine, watched, about.days, currency, basis) if mine else None,
        "months": _months([row for row in facts["months"] if row["basis"] == basis and row["currency"] == currency]),
        "beside": [row | {"where": about.names.scope(row["resource_id"])} for row in facts["beside"]],
        "budgets": watched,
    }


def _sum(rows: list[Row], basis: str | None, currency: str | None, every: list[Row]) -> Row:
    by_part: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        by_part[row["part"]] += row["amount"]
    total = sum(by_part.values(), Decimal(0))
    known = {name for name, _, _ in PARTS}
    parts = [(name, label, by_part[name]) for name, label, _ in PARTS if name in by_part]
    parts += [(name, name.replace("_", " "), by_part[name]) for name in sorted(by_part) if name not in known]
    return {
        "basis": basis,
        "currency": currency,
        "total": total,
        "parts": [(label, amount, amount / total if total else None) for _, label, amount in parts],
        "final": all(row["final"] for row in rows),
        "collected_at": max((row["collected_at"] for row in rows if row["collected_at"]), default=None),
        "note": _notes(rows),
        "logs_estimated": [] if basis == "estimate" else _logs(every),
        "raw_ref": rows[0]["raw_ref"],
        "other_currencies": sorted(
            {row["currency"] or "unknown" for row in every if not _estimated_logs(row)} - {currency or "unknown"}
        ),
    }


def _wasted(rows: list[Row], basis: str | None, currency: str | None) -> Row:
    """Return how much of it was good for nothing, as the controls have it."""
    own = (row for row in rows if row["basis"] == basis and row["currency"] == currency)
    found = next(own, {"wasted_amount": None, "wasted_share": None})
    return {"wasted": found["wasted_amount"], "wasted_share": found["wasted_share"]}


def _notes(rows: list[Row]) -> str | None:
    """Return what is said of the running, then what is said of its logs."""
    running = next((row["note"] for row in rows if row["note"] and row["part"] != "logs"), None)
    logs = next((row["note"] for row in rows if row["note"] and row["part"] == "logs"), None)
    return "; ".join(filter(None, (running, logs))) or None


def _estimated_logs(row: Row) -> bool:
    return bool(row["part"] == "logs" and row["basis"] == "estimate")


def _logs(every: list[Row]) -> list[tuple[Decimal, str | None]]:
    """Return what its logs are estimated to cost, by currency, of days on which no bill tells it."""
    found: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in every:
        if _estimated_logs(row):
            found[row["currency"]] += row["amount"]
    return [(amount, currency) for currency, amount in sorted(found.items(), key=str)]


def _chart(
    rows: list[Row], watched: list[Row], days: list[date], currency: str | None, basis: str | None
) -> charts.Chart:
    amounts: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    tones = {name: (label, tone) for name, label, tone in PARTS}
    for row in rows:
        amounts[row["part"] if row["part"] in tones else "other"][row["day"]] += row["amount"]
    tones["other"] = ("not told apart", "other")
    series = [
        charts.Series(label=label, tone=tone, values=[float(amounts[name].get(day, 0)) for day in days])
        for name, (label, tone) in tones.items()
        if name in amounts
    ]
    title = "Cost by day and what it was spent on" + (" (estimate)" if basis == "estimate" else "")
    return charts.columns(
        "cost",
        title,
        days,
        series,
        unit=currency or "currency unknown",
        limit=_limit(watched, currency),
        tell=lambda value: money(value, None).partition(" ")[0] if value >= 1 or not value else f"{value:.4f}",
    )


def _limit(watched: list[Row], currency: str | None) -> charts.Limit | None:
    """Return the tightest budget above the job, as what it allows for a day."""
    found = []
    for row in watched:
        days = _DAYS.get((row["time_grain"] or "").lower())
        if days and row["amount"] and row["currency"] in (currency, None) and not row["ended"]:
            found.append((float(row["amount"]) / days, row["name"], row["where"]))
    if not found:
        return None
    a_day, name, where = min(found)
    return charts.Limit(label=f"budget {name} of {where.kind} {where.name}, a day, for all in it", value=a_day)


def _months(rows: list[Row]) -> list[Row]:
    """Return the months, each whole one held against the one before it where that is whole too."""
    found: list[Row] = []
    for row in rows:
        alike = bool(found) and row["previous_is_last_month"] and row["whole"] and found[-1]["whole"]
        before = row["previous_amount"] if alike else None
        found.append(row | {"change": row["amount"] / before - 1 if before else None, "before": before})
    return found
