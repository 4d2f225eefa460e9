"""What a check answers, and what the whole list comes to."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Result(StrEnum):
    """``not_checked`` is never a pass: it says what was lacking."""

    OK = "ok"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. ``told``: what was found, a sentence each."""

    title: str
    result: Result
    told: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole list, in order, and what it comes to in words."""

    checks: tuple[Check, ...]
    signer: str
    """authentic, unknown, unsigned, untrusted (no trusted key signed it, and one was asked for) or refused."""
    keyid: str
    time: str = ""
    """When it was sealed, as a trusted timestamp authority asserts; empty = only the operator says so."""

    @property
    def intact(self) -> bool:
        """Whether nothing failed. A list without a check is not intact."""
        return bool(self.checks) and all(each.result is not Result.FAILED for each in self.checks)

    @property
    def verdict(self) -> str:
        """The last line: never more than what was shown."""
        if not self.intact:
            wrong = [each for each in self.checks if each.result is Result.FAILED]
            if self.signer == "untrusted" and len(wrong) == 1:
                return "NOT AUTHENTIC: the files are as they were sealed, and no key that you trust has signed them"
            return "NOT INTACT"
        said = {
            "authentic": f"authentic: intact, and signed with the trusted key {self.keyid}",
            "unknown": f"intact, signer unknown: signed with key {self.keyid}, which nobody here has called trusted",
            "unsigned": "intact, NOT SIGNED: the files agree with each other, and anybody could have made them so",
        }[self.signer]
        return f"{said}; {self.time or 'time asserted by the operator'}{self.lacking}"

    @property
    def lacking(self) -> str:
        """How many checks were not made, in words; empty = every one was."""
        left = sum(each.result is Result.NOT_CHECKED for each in self.checks)
        return f"; {left} of {len(self.checks)} checks were not made" if left else ""


def ok(title: str, *told: str) -> Check:
    """Return a check that was passed."""
    return Check(title=title, result=Result.OK, told=told)


def failed(title: str, *told: str) -> Check:
    """Return a check that wasn't."""
    return Check(title=title, result=Result.FAILED, told=told)


def lacking(title: str, *told: str) -> Check:
    """Return a check that could not be made, and why."""
    return Check(title=title, result=Result.NOT_CHECKED, told=told)
