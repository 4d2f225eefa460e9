"""What the company's people state about their jobs: a jobs.toml and its attachments, as they lie beside audit.toml.

Orders says everything, billing and telemetry the most of it, imports one thing, the others nothing: as it is in life.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from audit.sandbox.estate.model import Estate

LOAD_TEST = "evidence/orders-fulfil-load-test.csv"
RESTART_TEST = "evidence/orders-restart-test.txt"
_WIKI = "https://wiki.norvane.example/runbooks"


def register_files(estate: Estate) -> dict[str, str]:
    """Return the files that lie beside audit.toml, by their path: jobs.toml and what it attaches."""
    jobs = {body["name"]: body["id"] for body in estate.resources.values() if body["type"] == "Microsoft.App/jobs"}
    if "orders-fulfil" not in jobs:
        return {"jobs.toml": _file(_generated(_day(estate, 40)))}
    entries = _story(estate, jobs)
    return {"jobs.toml": _file(entries), LOAD_TEST: _load_test(_day(estate, 51)), RESTART_TEST: _restart_test()}


def _day(estate: Estate, ago: int) -> date:
    return (estate.now - timedelta(days=ago)).date()


def _generated(stated: date) -> list[dict[str, Any]]:
    """State a little about all jobs of a generated estate, by a pattern."""
    return [
        {
            "name": "*",
            "stated_by": "petra.okafor@norvane.example",
            "stated_on": stated,
            "escalation": "Platform on call, then the owner in the tags",
            "first_response": ["Is the queue growing?", "What did the last execution log?"],
        }
    ]


def _story(estate: Estate, jobs: Mapping[str, str]) -> list[dict[str, Any]]:
    def day(ago: int) -> date:
        return _day(estate, ago)

    return [
        {
            "id": jobs["orders-fulfil"],
            "stated_by": "ines.halloran@norvane.example",
            "stated_on": day(44),
            "owner": "Orders team (orders@norvane.example), Ines Halloran",
            "expected_behaviour": (
                "Takes one placed order per execution from orders-placed, books the parcel and writes the order's"
                " state. Quiet between 02:00 and 04:00 UTC; busiest on Mondays."
            ),
            "escalation": "Operator on call; after 30 minutes Ines Halloran; after two hours Petra Okafor",
            "runbook": f"{_WIKI}/orders/fulfil",
            "known_limits": [
                "More than 20 executions at once hit the carrier's rate limit.",
                "An order with more than 500 lines takes over ten minutes.",
            ],
            "downstream": ["Carrier booking (external)", "orders database sql-norvane-orders"],
            "first_response": [
                "Dead letters of orders-placed: the reason is in the message's properties.",
                "Carrier status page; if it is down, nothing else helps.",
                "Last deployment: does the failure begin with it?",
            ],
            "objective": {"seconds": 300, "percentile": 95, "note": "agreed with sales operations"},
            "idempotence": {
                "attested_by": "ines.halloran@norvane.example",
                "attested_on": day(44),
                "how": "The booking key is the order number; the carrier answers a second booking with the first.",
            },
            "scaler_support": {
                "verified_by": "ines.halloran@norvane.example",
                "verified_on": day(51),
                "verified_for": "queue, identity, 0 to 20 executions, 2,000 messages",
            },
            "tests": [
                {
                    "what": "2,000 orders in ten minutes: all booked once, longest wait 212 s",
                    "when": day(51),
                    "by": "ines.halloran@norvane.example",
                    "evidence": LOAD_TEST,
                },
                {
                    "what": "Replica killed in mid-booking: the message came back and was booked once",
                    "when": day(50),
                    "by": "nora.haddad@norvane.example",
                    "evidence": RESTART_TEST,
                },
            ],
            "attachments": [LOAD_TEST, RESTART_TEST],
        },
        {
            "name": "orders-*",
            "stated_by": "ines.halloran@norvane.example",
            "stated_on": day(120),
            "owner": "Orders team (orders@norvane.example)",
            "escalation": "Operator on call; after 30 minutes Ines Halloran",
            "runbook": f"{_WIKI}/orders",
            "attachments": [RESTART_TEST],
        },
        {
            "name": "billing-*",
            "stated_by": "marek.dvorak@norvane.example",
            "stated_on": day(95),
            "owner": "Billing team, Marek Dvořák",
            "expected_behaviour": "Runs after the nightly close; a dozen messages, done before 06:00 UTC.",
            "escalation": "Marek Dvořák on working days; nobody at weekends",
            "known_limits": ["A dunning letter that failed is sent again when its message comes back."],
        },
        {
            "id": jobs["telemetry-rollup"],
            "stated_by": "tove.lindqvist@norvane.example",
            "stated_on": day(30),
            "owner": "Telemetry team, Tove Lindqvist",
            "expected_behaviour": "Works whenever the lag of positions-minute is above 1,000; some ten times a day.",
            "runbook": f"{_WIKI}/telemetry/rollup",
            "objective": {"seconds": 900, "percentile": 90},
            "idempotence": {
                "attested_by": "tove.lindqvist@norvane.example",
                "attested_on": day(210),
                "how": "Sums are written per minute and key: a second run writes the same row.",
            },
            "first_response": ["Consumer group rollup: who commits?", "Was kafka-password rotated?"],
        },
        {
            "name": "imports-customs",
            "stated_by": "sanjay.rao@norvane.example",
            "stated_on": day(240),
            "known_limits": ["Keeps one execution running: the broker drops idle connections."],
        },
        {
            "name": "parcels-*",
            "stated_by": "petra.okafor@norvane.example",
            "stated_on": day(400),
            "owner": "Parcels team, merged into orders",
        },
    ]


def _file(entries: list[dict[str, Any]]) -> str:
    head = "# What people state about these jobs. docs/configuration.md lists the keys.\n"
    return head + "".join(f"\n[[jobs]]\n{_table(entry, 'jobs')}" for entry in entries)


def _table(entry: Mapping[str, Any], path: str) -> str:
    plain = {key: each for key, each in entry.items() if not _is_table(each)}
    text = "".join(f"{key} = {_value(each)}\n" for key, each in plain.items())
    for key, each in entry.items():
        if isinstance(each, dict):
            text += f"[{path}.{key}]\n{_table(each, f'{path}.{key}')}"
        elif _is_table(each):
            text += "".join(f"[[{path}.{key}]]\n{_table(row, f'{path}.{key}')}" for row in each)
    return text


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _value(value: Any) -> str:
    """Return a TOML value: JSON's texts, numbers and arrays are TOML's; days stand without quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float | list) else value.isoformat()


def _load_test(day: date) -> str:
    rows = [f"{day}T10:{minute:02d}:00Z,{200},{min(20, 2 * minute + 2)},{40 + 19 * minute}" for minute in range(10)]
    return "\n".join(["minute,orders sent,executions running,longest wait in s", *rows]) + "\n"


def _restart_test() -> str:
    return (
        "Restart test, orders\n\n1. Sent one order, waited for the log line `booking`.\n2. Stopped the execution.\n"
        "3. The lock ran out after 60 s; the next execution took the message.\n4. The carrier shows one booking.\n"
    )
