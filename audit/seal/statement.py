"""The attestation's statement: what a pack is, in the words of in-toto Statement v1.

Everything in it but ``previous`` is read from the sealed files, so whoever has the pack can make it again.
https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
"""

from __future__ import annotations

import contextlib
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from audit.errors import IntegrityError
from audit.seal import head, sums, tree
from audit.store import tables

if TYPE_CHECKING:
    from pathlib import Path

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:jobaudit:pack:v1"
COVERAGE = "data/coverage.parquet"
_GAPS = """
select coalesce(reason, 'unknown'), count(*), count(place) from read_parquet({file})
where outcome = 'gap' group by all order by all
"""
_ENCODER = msgspec.json.Encoder(order="sorted")
_CONFIGURED = (
    "approval", "cloud", "endpoint", "exceptions", "expected_subscriptions", "management_groups", "prices", "register",
    "resource_groups", "review", "scalers", "scalers_verified", "settings", "subscriptions", "tags", "tickets",
)  # fmt: skip
"""What of run.json is configuration, where it is there: all of audit.toml that changes what a pack says."""
_SCOPE = (
    "cloud",
    "endpoint",
    "subscriptions",
    "expected_subscriptions",
    "management_groups",
    "resource_groups",
    "tags",
)


class Previous(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pack before this one: the chain's link."""

    name: str
    sha256: str
    """Of its SHA256SUMS."""


def of(pack: Path, previous: Previous | None) -> bytes:
    """Return the statement about a sealed pack: canonical JSON, keys sorted, without blanks.

    Raises IntegrityError where the pack's own files can't be read.
    """
    about, run = head.read(pack), json_of(pack, "run.json")
    listed = sums.listed(pack)
    predicate = {
        "pack": msgspec.to_builtins(about),
        "run": {name: run.get(name) for name in ("run_id", "state", "started", "finished", "tool_version")},
        "caller": run.get("caller"),
        "scope": {name: run.get(name) for name in _SCOPE},
        "window": msgspec.to_builtins(about.window),
        "counts": _counts(pack, listed),
        "gaps": gaps(pack),
        "digests": {
            "configuration": _digest({name: run[name] for name in _CONFIGURED if name in run}),
            "controls": _digest({name: sha for name, sha in listed.items() if name.startswith("controls/")}),
            "exceptions": _digest(run["exceptions"]) if run.get("exceptions") else None,
        },
        "previous": msgspec.to_builtins(previous),
    }
    subject = {"name": sums.SUMS, "digest": {"sha256": sums.digest(pack)}}
    return _ENCODER.encode({"_type": TYPE, "subject": [subject], "predicateType": PREDICATE, "predicate": predicate})


def previous_of(payload: bytes) -> Previous | None:
    """Return the link of a statement. Raises IntegrityError where it isn't a statement of ours."""
    try:
        told = msgspec.json.decode(payload)
        return msgspec.convert(told["predicate"]["previous"], Previous | None)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(f"the attestation is no statement about a pack: {error}") from None


def subject_of(payload: bytes) -> str:
    """Return the digest that a statement is about. Raises IntegrityError where it isn't a statement of ours."""
    try:
        (subject,) = msgspec.json.decode(payload)["subject"]
        return str(subject["digest"]["sha256"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"the attestation is no statement about a pack: {error}") from None


def _counts(pack: Path, listed: dict[str, str]) -> dict[str, Any]:
    found = [name for name in listed if name.startswith("data/") and name.endswith(".parquet")]
    return {
        "files": len(listed),
        "tables": {name[len("data/") : -len(".parquet")]: _rows(pack / name) for name in sorted(found)},
    }


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """Return the database that tables are counted in: opening one takes longer than counting a whole pack."""
    return tables.connect()


def _rows(path: Path) -> int:
    """Return how many rows a Parquet file has. Raises IntegrityError."""
    try:
        with contextlib.closing(_engine().cursor()) as con:
            found = con.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
    except duckdb.Error as error:
        raise _unread(path, error) from None
    return int(found[0]) if found else 0


def gaps(pack: Path) -> dict[str, Any] | None:
    """Return how many units of the sealed coverage are gaps, how many items beside them, and all by their reason.

    None where the pack has no coverage. Raises IntegrityError where it can't be read.
    """
    path = pack / COVERAGE
    if COVERAGE not in sums.listed(pack):
        return None
    try:
        with contextlib.closing(_engine().cursor()) as con:
            found = con.execute(_GAPS.format(file=tables.literal(str(path)))).fetchall()
    except duckdb.Error as error:
        raise _unread(path, error) from None
    return {
        "units": sum(count for _, count, items in found) - sum(items for *_, items in found),
        "items": sum(items for *_, items in found),
        "by_reason": {reason: count for reason, count, _ in found},
    }


def _unread(path: Path, error: duckdb.Error) -> IntegrityError:
    return IntegrityError(f"a table can't be read: {str(error).splitlines()[0]}", where=str(path))


def _digest(value: object) -> str:
    return hashlib.sha256(_ENCODER.encode(value)).hexdigest()


def json_of(pack: Path, name: str) -> dict[str, Any]:
    """Return a JSON object of the pack. Raises IntegrityError."""
    try:
        return msgspec.json.decode(tree.read(pack, name), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntegrityError(f"{name} can't be read: {error}", where=str(pack / name)) from None
