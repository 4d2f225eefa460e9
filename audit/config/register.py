"""jobs.toml, the register that people keep beside audit.toml: read strictly, its attachments looked at."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec

from audit.config import toml
from audit.errors import ConfigError
from audit.model.stated import Attachment, JobEntry, Register

NAME = "jobs.toml"
MOST_CHARACTERS = 4 << 20
MOST_BYTES = 20 << 20
"""The largest attachment: 20 MiB."""
MOST_BYTES_TOGETHER = 200 << 20
"""All attachments of a register: 200 MiB."""

JOB = re.compile(r"(?i)/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.app/jobs/[^/]+")
_RESOURCE = re.compile(r"(?i)/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/.+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]|^\.|[. ]$|\.part$')


class RegisterFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole of jobs.toml as it is written."""

    stated_by: str = ""
    """Who states what the entries say, where an entry doesn't say so itself."""
    stated_on: date | None = None
    """When it was stated, where an entry doesn't say so itself."""
    jobs: tuple[JobEntry, ...] = ()
    """[[jobs]]: one entry per job, or per pattern of names."""


def read(path: Path, *, today: date | None = None) -> Register:
    """Read a jobs.toml and look at its attachments, which are named relative to its folder.

    ``today``: no statement may be of a later day. Raises ConfigError with the file, the key's path, what was expected
    and what to do: for whatever is wrong in the file, and for an attachment that isn't there or can't be taken.
    """
    text = toml.read(path, hint="write one beside audit.toml; config/jobs.toml is a sample")
    if len(text) > MOST_CHARACTERS:
        hint = "attach what is long, and state what it says"
        raise toml.wrong(str(path), "", f"the register is longer than {MOST_CHARACTERS} characters", hint=hint)
    file = toml.convert(text, RegisterFile, str(path))
    entries = tuple(_entry(each, index, file, str(path), today) for index, each in enumerate(file.jobs))
    _refuse_twins(entries, str(path))
    attachments = _attachments(entries, path)
    _check_evidence(entries, str(path))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Register(file=path.name, sha256=digest, entries=entries, attachments=attachments)


def _entry(entry: JobEntry, index: int, file: RegisterFile, name: str, today: date | None) -> JobEntry:
    here = f"jobs[{index}]"
    if bool(entry.id) == bool(entry.name):
        both = "both an id and a name" if entry.id else "neither an id nor a name"
        raise toml.wrong(name, here, f"{here} has {both}", hint="give the job's resource id, or a pattern of names")
    if entry.id and not JOB.fullmatch(entry.id):
        hint = "/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/NAME, or `name` for a name"
        raise toml.wrong(name, f"{here}.id", f"{here}.id is not the resource id of a job", hint=hint)
    if entry.name.count("/") > 1 or entry.name.strip() != entry.name:
        hint = "a job's name or a pattern of names, or resource-group/name"
        raise toml.wrong(name, f"{here}.name", f"{here}.name is not a name or a pattern", hint=hint)
    if entry.event_source and not _RESOURCE.fullmatch(entry.event_source):
        hint = "/subscriptions/…/resourceGroups/…/providers/Microsoft.ServiceBus/namespaces/NAME, for example"
        raise toml.wrong(name, f"{here}.event_source", f"{here}.event_source is not a resource id", hint=hint)
    said = msgspec.structs.replace(
        entry, stated_by=entry.stated_by or file.stated_by, stated_on=entry.stated_on or file.stated_on
    )
    if not said.stated_by.strip() or said.stated_on is None:
        key = "stated_on" if said.stated_by.strip() else "stated_by"
        hint = "say who states this and when: in the entry, or once at the top of the file"
        raise toml.wrong(name, f"{here}.{key}", f"{here}.{key} is missing", hint=hint)
    for key, day in _days(said):
        if today is not None and day > today:
            where = f"{here}.{key}"
            raise toml.wrong(name, where, f"{where} is {day}, which is yet to come", hint="check the year")
    return said


def _days(entry: JobEntry) -> Iterator[tuple[str, date]]:
    if entry.stated_on:
        yield "stated_on", entry.stated_on
    if entry.idempotence:
        yield "idempotence.attested_on", entry.idempotence.attested_on
    if entry.scaler_support:
        yield "scaler_support.verified_on", entry.scaler_support.verified_on
    for index, test in enumerate(entry.tests):
        yield f"tests[{index}].when", test.when


def _refuse_twins(entries: tuple[JobEntry, ...], name: str) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        key = "id" if entry.id else "name"
        first = seen.setdefault((key, (entry.id or entry.name).lower()), index)
        if first != index:
            where = f"jobs[{index}].{key}"
            raise toml.wrong(
                name, where, f"{where} is that of jobs[{first}] too", hint="put what you state into one entry"
            )


def _check_evidence(entries: tuple[JobEntry, ...], name: str) -> None:
    """Refuse evidence of a test that is neither a digest nor one of the entry's own attachments."""
    for index, entry in enumerate(entries):
        for number, test in enumerate(entry.tests):
            if test.evidence and test.evidence not in entry.attachments and not _DIGEST.fullmatch(test.evidence):
                where = f"jobs[{index}].tests[{number}].evidence"
                hint = "name one of the entry's attachments, or give sha256: and 64 hexadecimal digits"
                raise toml.wrong(name, where, f"{where} is neither an attachment nor a digest", hint=hint)


def _attachments(entries: tuple[JobEntry, ...], file: Path) -> tuple[Attachment, ...]:
    """Return every path named, each once, sorted. Raises ConfigError for one that can't be taken."""
    found: dict[str, Attachment] = {}
    holders: dict[str, tuple[Path, Attachment]] = {}
    for index, entry in enumerate(entries):
        for number, written in enumerate(entry.attachments):
            if written in found:
                continue
            where = f"jobs[{index}].attachments[{number}]"
            path = _inside(file, written, where)
            key = unicodedata.normalize("NFC", path.name).casefold()
            if key not in holders:
                holders[key] = (path, _looked_at(path, written, file, where))
            held, attachment = holders[key]
            if held != path:
                told = f'{where}: "{attachment.path}" has the name of "{written}"'
                hint = "attachments are kept side by side under their names: rename one of the files"
                raise toml.wrong(str(file), where, told, hint=hint)
            found[written] = msgspec.structs.replace(attachment, path=written)
            if sum(each.bytes for _, each in holders.values()) > MOST_BYTES_TOGETHER:
                hint = f"attach less, or link to it: {MOST_BYTES_TOGETHER >> 20} MiB is the most"
                raise toml.wrong(str(file), where, "the attachments are too large together", hint=hint)
    return tuple(found[written] for written in sorted(found))


def _inside(file: Path, written: str, where: str) -> Path:
    """Return the real path of an attachment. Raises ConfigError where it isn't a file inside jobs.toml's folder."""
    folder = file.resolve().parent
    try:
        path = (folder / written).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise toml.wrong(
            str(file), where, f'there is no file "{written}"', hint=f"put it below {folder}, or take the line out"
        ) from None
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name that no file can have
        raise toml.wrong(str(file), where, f'"{written}" can\'t be read: {error}', hint="check the path") from None
    if not path.is_relative_to(folder):
        hint = "an attachment lies in jobs.toml's folder or below it, and no link leads out of there"
        raise toml.wrong(str(file), where, f'"{written}" leads outside {folder}', hint=hint)
    if not path.is_file():
        raise toml.wrong(str(file), where, f'"{written}" is not a file', hint="name the files one by one")
    if _UNFIT.search(path.name) or len(path.name.encode()) > 150:  # noqa: PLR2004  what a pack's file may be called
        hint = 'rename it: no leading dot, none of / \\ : * ? " < > |, at most 150 bytes'
        raise toml.wrong(str(file), where, f'"{written}" has a name that a pack can\'t carry', hint=hint)
    return path


def _looked_at(path: Path, written: str, file: Path, where: str) -> Attachment:
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            hint = f"{MOST_BYTES >> 20} MiB is the most: link to it, and give its digest as a test's evidence"
            raise toml.wrong(str(file), where, f'"{written}" is too large: {size} bytes', hint=hint)
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(
            f'"{written}" can\'t be read: {error.strerror}', where=f"{file}: {where}", hint="check who may read it"
        ) from error
    return Attachment(path=written, name=path.name, sha256=digest, bytes=size)
