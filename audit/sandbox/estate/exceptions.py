"""What the company bears for a time: one exception that holds, one that has run out, one that nobody needs any more."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Estate

FILE = "exceptions.toml"


def exceptions_toml(estate: Estate) -> str:
    """Return the section of an audit.toml that names the file; empty for a generated estate, which has none."""
    return f'\n[store]\nexceptions = "{FILE}"\n' if exception_files(estate) else ""


def exception_files(estate: Estate) -> dict[str, str]:
    """Return the file of exceptions, by its path beside audit.toml."""
    jobs = {body["name"]: body["id"] for body in estate.resources.values() if body["type"] == "Microsoft.App/jobs"}
    if "orders-fulfil" not in jobs:
        return {}
    entries: tuple[dict[str, str | int], ...] = (
        {
            "id": "EX-0031",
            "control": "JA-16",
            "job": jobs["imports-supplier-feed"],
            "subject": "container rclone",
            "category": "risk_accepted",
            "justification": "The supplier feed is to be replaced in spring; until then it needs the public image.",
            "compensating_control": "The image is scanned every night, and the job reaches its own container only.",
            "requester": "sanjay.rao@norvane.example",
            "approver": "petra.okafor@norvane.example",
            "approved_on": -70,
            "ticket": "NORV-2214",
            "expires": 20,
        },
        {
            "id": "EX-0017",
            "control": "JA-11",
            "job": jobs["billing-dunning"],
            "subject": "norvane.azurecr.io",
            "category": "fix_planned",
            "justification": "The job gets an identity with the move to the new runtime.",
            "compensating_control": "The password of the registry is changed every month.",
            "requester": "marek.dvorak@norvane.example",
            "approver": "petra.okafor@norvane.example",
            "approved_on": -150,
            "ticket": "NORV-1980",
            "expires": -9,
        },
        {
            "id": "EX-0024",
            "control": "JA-10",
            "job": jobs["orders-returns"],
            "subject": "refunds",
            "category": "fix_planned",
            "justification": "The queue of refunds takes keys only until it is moved to the Premium namespace.",
            "compensating_control": "Its key may listen only, and is changed every month.",
            "requester": "nora.haddad@norvane.example",
            "approver": "ines.halloran@norvane.example",
            "approved_on": -110,
            "ticket": "NORV-2077",
            "expires": 40,
        },
    )
    text = "# What Norvane bears for a time. docs/configuration.md lists the keys.\n"
    return {FILE: text + "".join(f"\n[[exceptions]]\n{_table(estate, each)}" for each in entries)}


def _table(estate: Estate, entry: dict[str, str | int]) -> str:
    """Return TOML; a number is so many days from the estate's own day."""
    return "".join(
        f"{key} = {json.dumps(value) if isinstance(value, str) else (estate.now + timedelta(days=value)).date()}\n"
        for key, value in entry.items()
    )
