"""Which controls say nothing about a proposal, and which subjects of theirs do."""

from __future__ import annotations

from audit.change import happened
from audit.pipeline.tabling import controls_in


def test_controls_of_the_past_are_told_by_what_they_need() -> None:
    found = {control.id: happened._spared(control) for control in controls_in(())}
    past = {control: spared for control, spared in found.items() if spared is not None}
    assert {control for control, spared in past.items() if not spared} == {
        "JA-07", "JA-21", "JA-22", "JA-23", "JA-24", "JA-25", "JA-31", "JA-32", "JA-38", "JA-40", "JA-41", "JA-42",
        "JA-44", "JA-45", "JA-46",
    }  # fmt: skip
    assert {control: set(spared) for control, spared in past.items() if spared} == {
        "JA-20": {"replica timeout", "retry limit"},
        "JA-39": {"changes", "identities", "secrets"},
    }
