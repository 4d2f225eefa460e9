"""JA-41: the previous pack is intact, signed, complete and approved; what can't be read never passes."""

from __future__ import annotations

from typing import Any

import pytest
from run_tables import NOW, RunTables, job

GOOD: dict[str, Any] = {
    "row_id": "r", "kind": "compliance", "pack": "compliance-2026-10-r1", "run_id": "r1", "run_started": NOW,
    "intact": True, "signed": True, "gaps": 0, "approval": "approved", "lacking": "[]",
    "approvals": '[{"by": "Ben"}]', "flagged": 0, "asserted": 0,
}  # fmt: skip


def answer(tables: RunTables, *packs: dict[str, Any]) -> tuple[str, str]:
    tables.add(job("orders"))
    con = tables.derived()
    for each in packs:
        named = ", ".join(f"${name} as {name}" for name in each)
        con.execute(f"insert into earlier_packs by name select {named}", each)
    con.close()
    ((verdict, reason),) = {(row["verdict"], row["reason"]) for row in tables.assessed("JA-41")}
    return verdict, reason


@pytest.mark.parametrize(
    ("changed", "verdict", "reason"),
    [
        ({}, "pass", "it is approved by Ben"),
        ({"approval": "approved with conditions"}, "pass", "it is approved with conditions by Ben"),
        ({"approval": "open", "lacking": '["an approval"]'}, "fail", "not approved but open, lacking an approval"),
        ({"intact": False, "damage": "x was changed"}, "fail", "not as it was sealed: x was changed"),
        ({"signed": False}, "fail", "nobody signed it"),
        ({"gaps": 2}, "fail", "2 gaps are in its coverage"),
        ({"gaps": None}, "not_assessed", "how complete it is can't be read"),
        ({"approval": None}, "not_assessed", "what people said of it can't be read"),
        ({"run_started": None, "damage": "it is a link"}, "not_assessed", "r1: it is a link"),
        ({"kind": "change"}, "not_assessed", "no earlier compliance pack"),
    ],
)
def test_each_property_of_the_previous_pack_counts(
    tables: RunTables, changed: dict[str, Any], verdict: str, reason: str
) -> None:
    found = answer(tables, GOOD | changed)
    assert found[0] == verdict
    assert reason in found[1]


def test_one_that_may_be_the_previous_and_cannot_be_read_takes_the_pass(tables: RunTables) -> None:
    verdict, reason = answer(tables, GOOD, {"kind": "compliance", "pack": "compliance-x", "intact": False})
    assert verdict == "not_assessed"
    assert reason.startswith("what may be the previous pack can't be read: compliance-x")
