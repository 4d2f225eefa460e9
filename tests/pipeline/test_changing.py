"""Which runs may tell how a job was before a change, and that those which can't are named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from audit.errors import IntegrityError, UsageError
from audit.model import Run, RunState, Window
from audit.pipeline import changing

SINCE = Window.month(2026, 11).since


class Commit(NamedTuple):
    run_id: str
    run: Run


def run(name: str, days: int) -> Run:
    return Run(
        run_id=name, state=RunState.DONE, tool_version="-", cloud="-", endpoint="-", caller=None,
        window=Window.month(2026, 11), subscriptions=(), expected_subscriptions=(), kinds=("jobs",),
        started=SINCE + timedelta(days=days),
    )  # fmt: skip


class Kept:
    """A store of five runs: the one that is told, a later one, a whole one, a damaged one and one that is gone."""

    def __init__(self) -> None:
        self.history = self

    def commits(self) -> list[Commit]:
        told = {"mine": -1, "later": 1, "whole": -3, "damaged": -4, "gone": -5}
        return [Commit(name, run(name, days)) for name, days in told.items()]

    def open(self, run_id: str) -> str:
        if run_id == "damaged":
            raise IntegrityError("a file of the run is missing", where="runs/damaged")
        if run_id == "gone":
            raise UsageError("there is no run gone")
        return run_id


def test_a_run_that_cannot_tell_is_named_and_never_left_out() -> None:
    store: Any = Kept()
    found, unusable = changing._runs(store, run("mine", -1), SINCE)
    assert found == ["whole"]
    assert unusable == [
        "run damaged can't be used: a file of the run is missing",
        "the folder of a run from before is gone, and history keeps no raw answers",
    ]


def test_anything_else_that_goes_wrong_is_raised() -> None:
    store: Any = Kept()
    store.open = lambda _: (_ for _ in ()).throw(OSError("broken disk"))
    with pytest.raises(OSError, match="broken disk"):
        changing._runs(store, run("mine", -1), SINCE)
