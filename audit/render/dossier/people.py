"""What people stated about a job in the register, apart from what was collected, with the files they gave."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audit.render.dossier.batch import About, Facts, of_job

if TYPE_CHECKING:
    from audit.render.rows import Row

QUERIES = {
    "statements": of_job("statements", "t.topic, t.position nulls last, t.stated_on desc nulls last, t.text, t.source"),
    "attachments": of_job("attachments", "t.name, t.path"),
}
_ORDER = (
    "owner",
    "expected_behaviour",
    "objective",
    "known_limit",
    "downstream",
    "idempotence",
    "test",
    "scaler_support",
    "first_response",
    "escalation",
    "runbook",
)


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return statements by topic, in the order in which a reviewer asks, and attachments with their link."""
    by_topic: dict[str, list[Row]] = defaultdict(list)
    for row in facts["statements"]:
        by_topic[row["topic"]].append(row | {"pairs": _pairs(row["detail"], row["text"] or "")})
    topics = sorted(by_topic, key=lambda topic: (_ORDER.index(topic) if topic in _ORDER else len(_ORDER), topic))
    return {
        "stated_once": _once(facts["statements"]),
        "stated": [(topic, by_topic[topic]) for topic in topics],
        "stated_on": {topic: rows[0] for topic, rows in by_topic.items()},
        "attachments": [
            row | {"link": None if about.run.restored_from else _link(row["path"])} for row in facts["attachments"]
        ],
    }


def _once(rows: list[Row]) -> tuple[str | None, Any, str | None] | None:
    """Return who stated all of it, when and where, if that is one for every statement."""
    found = {(row["stated_by"], row["stated_on"], row["source"]) for row in rows}
    return found.pop() if len(found) == 1 else None


def _pairs(detail: Any, said: str) -> list[tuple[str, str]]:
    """Return what a statement's detail says beyond its text."""
    found = json.loads(detail) if isinstance(detail, str) else detail
    if not isinstance(found, dict):
        return []
    told = [
        (key.replace("_", " "), each if isinstance(each, str) else json.dumps(each, ensure_ascii=False))
        for key, each in sorted(found.items())
        if each not in (None, "", [], {})
    ]
    return [(key, each) for key, each in told if each.removesuffix(".0") not in said]


def _link(path: str | None) -> str | None:
    """Return where the file lies in the pack, which copies the run's folder of attachments."""
    return quote(path) if path and path.startswith("attachments/") and ".." not in path.split("/") else None
