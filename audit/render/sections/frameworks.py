"""What each framework asks: the controls that support it and how they were answered, and what none of them shows."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING, Any

from audit.render.controls import FRAMEWORKS, VERDICTS
from audit.render.rows import Row, fetch

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

_REQUIREMENTS = "select * from requirements order by position"
_WAIVED = "select control_id, count(*) as n from verdicts where waived group by all order by all"


def frameworks(con: duckdb.DuckDBPyConnection, controls: dict[str, Row]) -> list[dict[str, Any]]:
    """Return one entry per framework: ``supported`` and ``without`` (requirements), ``beyond`` (what can't be shown).

    A supported requirement has ``controls``, ``weak`` (the ids of those whose link is weak), ``counts`` by verdict,
    summed over them, and ``assessed``: whether any of the answers is a pass or a failure. A requirement that no control
    of the run supports is never among them.
    ``waived``: the failures that an exception covers, by control; they count as failures all the same.
    """
    waived = {row["control_id"]: row["n"] for row in fetch(con, _WAIVED)}
    found = groupby(fetch(con, _REQUIREMENTS), key=lambda row: (str(row["framework"]), str(row["framework_name"])))
    return [_framework(key, name, list(rows), controls) | {"waived": waived} for (key, name), rows in found]


def labels(told: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return our words for each requirement, by framework and id."""
    asked = ((each["key"], row) for each in told for row in (*each["supported"], *each["without"]))
    return {(key, row["requirement"]): row["label"] or "" for key, row in asked}


def _framework(key: str, name: str, rows: list[Row], controls: dict[str, Row]) -> dict[str, Any]:
    linked = [control for control in controls.values() if control["linked"].get(key)]
    asked = [row | _answers(key, row, linked) for row in rows if row["shown"]]
    return {
        "key": key,
        "short": FRAMEWORKS.get(key, (key, name))[0],
        "name": name,
        "supported": [row for row in asked if row["controls"]],
        "without": [row for row in asked if not row["controls"]],
        "beyond": [row for row in rows if not row["shown"]],
        "controls": linked,
        "counts": _summed(linked),
    }


def _answers(key: str, row: Row, linked: Iterable[Row]) -> Row:
    mine = [control for control in linked if row["requirement"] in control["linked"][key]]
    counts, weak = _summed(mine), json.loads(row["weak"] or "[]")
    return {"controls": mine, "weak": weak, "counts": counts, "assessed": bool(counts["pass"] or counts["fail"])}


def _summed(controls: Iterable[Row]) -> dict[str, int]:
    counts = dict.fromkeys(VERDICTS, 0)
    for control in controls:
        for word in VERDICTS:
            counts[word] += control["counts"][word]
    return counts
