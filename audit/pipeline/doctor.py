"""Doctor: whether a collection will work, and whether its packs can be sealed.

It signs in, looks what the caller can see, and names what the role lacks; then it tries what signs and timestamps.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit.collect import Silent
from audit.errors import JobauditError
from audit.model import Gap
from audit.pipeline.collecting import ALWAYS, collect, window_of
from audit.pipeline.signing import signing_key, stamping
from audit.pipeline.tabling import scratch
from audit.store import Store

if TYPE_CHECKING:
    from audit.config import Settings


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at: ``good`` or not, what was seen, and what to do."""

    good: bool
    what: str
    hint: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Collect nothing but the subscriptions and the caller's own permissions, into a folder that is thrown away.

    Raises AzureUnreachable, SignInFailed and ConfigError as a collection would.
    """
    with tempfile.TemporaryDirectory(prefix="jobaudit-doctor-") as folder:
        output = Path(folder)
        made = collect(
            settings,
            output=output,
            window=window_of(settings, datetime.now(UTC)),
            kinds=sorted(ALWAYS),
            progress=Silent(),
        )
        stored = Store(output).open(made.run_id)
        caller = stored.run.caller
        if caller is not None:
            yield Finding(good=True, what=f"signed in as {caller.name or caller.object_id} ({caller.kind})")
        for unit in stored.run.units:
            if isinstance(unit.outcome, Gap):
                yield Finding(
                    good=False,
                    what=f"{unit.kind} at {unit.scope.id}: {unit.outcome.reason}: {unit.outcome.detail}",
                    hint="grant the role that `jobaudit role` prints at this scope or above",
                )
        with scratch() as database, stored.tables(database) as con:
            seen = con.execute("select count(*) from subscriptions").fetchone()
            yield Finding(good=bool(seen and seen[0]), what=f"{seen[0] if seen else 0} subscriptions can be seen")
            rows = con.execute("select scope, missing from permissions order by lower(scope)").fetchall()
        for scope, missing in rows:
            lacking = json.loads(missing)
            if lacking:
                yield Finding(
                    good=False,
                    what=f"{scope}: the caller lacks {', '.join(lacking)}",
                    hint="grant the role that `jobaudit role` prints at this scope or above",
                )
            else:
                yield Finding(good=True, what=f"{scope}: every read is granted")


_TRIED = b"jobaudit doctor: a text to sign, kept nowhere"


def examine_seal(settings: Settings, base: Path, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Sign a text and have it timestamped as packs would be. ``base``: audit.toml's folder."""
    yield _tried(lambda: _signed(settings, base, environment))
    yield _tried(lambda: _stamped(settings, base))


def _tried(attempt: Callable[[], str]) -> Finding:
    try:
        return Finding(good=True, what=attempt())
    except JobauditError as error:
        where = f"{error.where}: " if error.where else ""
        return Finding(good=False, what=where + error.message, hint=error.hint)


def _signed(settings: Settings, base: Path, environment: Mapping[str, str]) -> str:
    key = signing_key(settings, base, environment)
    if key is None:
        return "packs will not be signed: [seal] names no key"
    key.sign(_TRIED)
    return f"packs are signed with the key {key.keyid[:16]}…"


def _stamped(settings: Settings, base: Path) -> str:
    authority = stamping(settings.seal, base)
    if authority is None:
        return "packs will not be timestamped: [seal] names no authority"
    authority.token(_TRIED)
    return f"packs are timestamped by {authority.authority}"
