"""The state of a review as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.render.text import plural, shortened, utc, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from audit.approve.review_state import Decided, ReviewState

_SHOWN = 20


def verdict(state: ReviewState) -> str:
    """Return the whole in one sentence."""
    if not state.rows:
        return "The review asks nothing: no entitlement was found, which is no review."
    if state.complete:
        return f"Complete: {plural(state.rows, 'row')}, all decided."
    left = state.rows - state.decided
    return f"Open: {left:,} of {plural(state.rows, 'row')} are not decided. Due {utc(state.due)}."


def trust(state: ReviewState) -> str:
    """Say what the names are worth."""
    unsigned = state.records - len(state.signed)
    if unsigned > 0:
        some = "" if unsigned == state.records else f" of {unsigned:,} of the {plural(state.records, 'record')}"
        return f"Names are asserted, as they were typed: nobody has signed for those{some}."
    keys = ", ".join(f"{each[:16]}…" for each in sorted(set(state.signed)))
    return f"Whoever took the workbooks in has signed for what they say (key {keys}); no reviewer has signed a name."


def lines(state: ReviewState) -> Iterator[str]:
    """Yield what a terminal shows; names are as they were typed, made visible."""
    yield f"review {state.review}"
    yield verdict(state)
    for each in state.reviewers:
        who = visible(each.reviewer) or "(sent to nobody)"
        came = "" if each.returned else ", nothing came back"
        yield f"  {who}: {each.decided:,} of {each.rows:,} decided, {each.blank:,} blank{came}"
    yield from _listed("to be done", state.to_do, lambda each: f"{each.decision}, due {each.due}")
    yield from _listed("privileged and kept", state.kept, lambda each: f"keep: {shortened(each.reason, 100)}")
    if state.by_another:
        yield "decided by somebody else than the person it was sent to, as far as names tell:"
    for stead in state.by_another[:_SHOWN]:
        yield visible(f"  sent to {stead.sent_to}, decided by {stead.decided_by}: {plural(stead.rows, 'row')}")
    if len(state.by_another) > _SHOWN:
        yield f"  and {len(state.by_another) - _SHOWN:,} more: approvals/review.html lists all"
    if state.conflicts:
        yield f"{plural(state.conflicts, 'open row')} may be about the own access of whom they were sent to"
    if state.incomplete:
        yield f"at least these: what {plural(state.incomplete, 'row')} of the review rest on was not all read"
    if state.elsewhere:
        told = plural(state.elsewhere, "record")
        yield f"not counted: {told} about another rendering of this pack; import those workbooks again"
    if state.records:
        yield trust(state)


def _listed(heading: str, rows: Sequence[Decided], told: Callable[[Decided], str]) -> Iterator[str]:
    if rows:
        yield f"{heading}: {len(rows):,}"
    for each in rows[:_SHOWN]:
        about = f"{each.principal}, {each.role}, {each.where}"
        yield f"  {each.entitlement_id}  {visible(about)}: {visible(told(each))}".replace("\n", " ")
    if len(rows) > _SHOWN:
        yield f"  and {len(rows) - _SHOWN:,} more: approvals/review.html lists all"
