"""exceptions.toml, the file that ``store.exceptions`` names: read strictly, nothing in it stands for several things."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from pathlib import Path

import msgspec

from audit.config import toml
from audit.config.register import JOB
from audit.model.person import plain
from audit.model.waiver import Exceptions, Waiver

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WILD = re.compile(r"[*?]")
_EXACT = {
    "control": "write one control's id, such as JA-12; one exception for each control",
    "job": "write one job's resource id; one exception for each job",
    "subject": "write the subject as the finding names it; one exception for each subject",
}


class ExceptionsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file as it is written."""

    exceptions: tuple[Waiver, ...] = ()
    """[[exceptions]]: one entry for each failure that is borne."""


def read(path: Path, *, today: date | None = None) -> Exceptions:
    """Read a file of exceptions. ``today``: nothing may have been approved on a later day.

    Raises ConfigError with the file, the key's path, what was expected and what to do. What only a run can tell (that
    there is no such job or subject, that it has expired or isn't used) is no error: it is a finding.
    """
    text = toml.read(path, hint="store.exceptions names a file relative to audit.toml's folder")
    entries = toml.convert(text, ExceptionsFile, str(path)).exceptions
    for index, each in enumerate(entries):
        _check(each, f"exceptions[{index}]", str(path), today)
    _refuse_twins(entries, str(path))
    return Exceptions(file=path.name, sha256=hashlib.sha256(text.encode()).hexdigest(), entries=entries)


def _check(entry: Waiver, here: str, name: str, today: date | None) -> None:
    if not _ID.fullmatch(entry.id):
        hint = "letters, digits, dots, hyphens and underscores, such as EX-2026-014"
        raise toml.wrong(name, f"{here}.id", f'{here}.id "{entry.id[:80]}" is no id', hint=hint)
    for key, hint in _EXACT.items():
        if _WILD.search(getattr(entry, key)):
            told = f"{here}.{key} holds a wildcard, and an exception is about exactly one thing"
            raise toml.wrong(name, f"{here}.{key}", told, hint=hint)
    if not JOB.fullmatch(entry.job):
        hint = "/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/NAME, as the finding has it"
        raise toml.wrong(name, f"{here}.job", f"{here}.job is not the resource id of a job", hint=hint)
    if plain(entry.requester) == plain(entry.approver):
        told = f"{here}.approver is who asked for it: {entry.approver}"
        raise toml.wrong(name, f"{here}.approver", told, hint="somebody else has to approve an exception")
    if today is not None and entry.approved_on > today:
        told = f"{here}.approved_on is {entry.approved_on}, which is yet to come"
        raise toml.wrong(name, f"{here}.approved_on", told, hint="check the year; what isn't approved yet is none")
    if entry.expires < entry.approved_on:
        told = f"{here}.expires is {entry.expires}, before it was approved on {entry.approved_on}"
        raise toml.wrong(name, f"{here}.expires", told, hint="give the last day on which it holds")


def _refuse_twins(entries: tuple[Waiver, ...], name: str) -> None:
    ids: dict[str, int] = {}
    checks: dict[tuple[str, str, str], int] = {}
    for index, each in enumerate(entries):
        first = ids.setdefault(each.id.lower(), index)
        if first != index:
            where = f"exceptions[{index}].id"
            raise toml.wrong(name, where, f"{where} is that of exceptions[{first}] too", hint="give each its own id")
        first = checks.setdefault((each.control.lower(), each.job.lower(), each.subject), index)
        if first != index:
            where = f"exceptions[{index}]"
            told = f"{where} is about the same failure as exceptions[{first}]"
            raise toml.wrong(name, where, told, hint="keep the one that is approved now")
