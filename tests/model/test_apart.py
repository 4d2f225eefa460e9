"""Two things of one name in one job get names of their own, whatever other names there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from audit.model.apart import apart
from audit.model.containerapp import Rule


def names(*spelled: str) -> list[str]:
    return [each.name for each in apart(Rule(name=name, type="cron") for name in spelled)]


def test_later_ones_are_numbered_and_the_first_keeps_its_name() -> None:
    assert names("queue", "other", "queue", "Queue") == ["queue", "other", "queue (2)", "Queue (3)"]


def test_a_name_that_another_bears_is_passed_over() -> None:
    assert names("queue", "queue", "queue (2)") == ["queue", "queue (3)", "queue (2)"]
    assert names("queue (2)", "queue", "queue") == ["queue (2)", "queue", "queue (3)"]


@given(st.lists(st.sampled_from(["a", "A", "a (2)", "a (3)", "a (2) (2)", "b"])))
def test_whatever_the_names_they_end_up_different_and_in_order(spelled: list[str]) -> None:
    told = names(*spelled)
    assert len({each.lower() for each in told}) == len(spelled)
    assert all(new.startswith(old) for new, old in zip(told, spelled, strict=True))
    assert names(*told) == told
