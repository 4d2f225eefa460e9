"""One of the two that are compared: which run it is, and what it was read from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from audit.model import Run, RunState


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A run's head and where its tables came from."""

    run: Run
    pack: str = ""
    """The pack's name; empty = the run itself."""
    sealed: bool | None = None
    """Whether the pack's files were checked against its seal; null = it is a run, whose files run.json lists."""
    foreign: bool = False
    """Another version of the program sealed the pack: its files were checked, its signature wasn't."""
    missing: tuple[str, ...] = ()
    """Tables that an older version of the program didn't make: nothing can be said of what they would hold."""

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return self.pack or self.run.run_id

    @property
    def days(self) -> int:
        """How many days of cost the window has: its first and last are whole ones."""
        window = self.run.window
        return ((window.until - timedelta(microseconds=1)).date() - window.since.date()).days + 1


def notes(old: Side, new: Side) -> list[str]:
    """Return what a reader has to know of the two before any difference, a sentence each."""
    both = (("OLD", old, new), ("NEW", new, old))
    return [told for word, side, other in both for told in _alone(word, side, other)] + list(_apart(old.run, new.run))


def _alone(word: str, side: Side, other: Side) -> Iterator[str]:
    """Yield what is to be said of one side."""
    if side.sealed is False:
        yield f"{word} is not sealed: whether its tables are as they were made, nobody can tell"
    if side.foreign:
        yield (
            f"{word} was sealed by another version of the program: its files are as they were sealed; its signature and"
            " attestation were not checked"
        )
    if side.missing:
        yield f"{word} is of version {side.run.tool_version} and lacks tables: " + ", ".join(side.missing)
    if side.run.restored_from:
        yield f"{word} was put together from history: its raw answers are gone"
    if side.run.state is not RunState.DONE:
        yield f"{word} was not collected to its end"
    if left := [kind for kind in other.run.kinds if kind not in side.run.kinds]:
        yield f"{word} did not collect {', '.join(left)}"


def _apart(old: Run, new: Run) -> Iterator[str]:
    """Yield in what the two runs were made differently."""
    if old.window != new.window:
        yield (
            f"the windows differ ({old.window.label} and {new.window.label}): what is about events of the window"
            " comes and goes with it"
        )
    for what, one, other in (
        ("subscriptions", old.subscriptions, new.subscriptions),
        ("management groups", old.management_groups, new.management_groups),
        ("resource groups", old.resource_groups, new.resource_groups),
    ):
        if {each.lower() for each in one} != {each.lower() for each in other}:
            yield f"the runs ask for different {what}: {_listed(one)} and {_listed(other)}"
    if old.tags != new.tags:
        yield "the runs ask for jobs with different tags"
    if old.caller and new.caller and old.caller.object_id.lower() != new.caller.object_id.lower():
        yield "the runs were collected by different callers"
    if old.redaction_key_id != new.redaction_key_id:
        yield "hidden values were hidden under different keys: whether they changed can't be told"
    if old.tool_version != new.tool_version:
        yield f"the runs were collected by versions {old.tool_version} and {new.tool_version}"
    if old.started > new.started:
        yield "OLD was collected after NEW"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "all that can be seen"
