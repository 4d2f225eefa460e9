"""The list itself: which checks are made, in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import IntegrityError, JobauditError
from audit.seal.keys import PublicKey
from audit.seal.verify import assessed, chained, counts, files, raw_answers, rendered, signature, stamp
from audit.seal.verify.checks import Check, Report, failed, lacking

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

Trust = Sequence[PublicKey]
"""Keys that the reader knows to be the signer's."""
Further = Callable[[Path], Check]
"""A check that a layer above adds to the list."""


def verify(
    pack: Path,
    *,
    trusted: Trust = (),
    roots: Sequence[Certificate] = (),
    deep: bool = False,
    further: Sequence[tuple[str, Further]] = (),
) -> Report:
    """Make every check and return the list. One that fails doesn't end it: a reader wants all that is wrong.

    ``roots``: of the timestamp authorities that the reader trusts. ``deep``: the raw answers are decoded and the
    controls run again too. ``further``: (title, check) of other packages, after the seal's own. Raises IntegrityError
    only where the folder is no sealed pack at all.
    """
    checks, signed = sealed(pack, trusted)
    timed = _timed(pack, roots)
    checks += [timed.check] if timed.check else []
    checks.append(_made(counts.COUNTS, counts.counts, pack))
    checks.append(_made(rendered.RENDERED, rendered.rendered, pack))
    if deep:
        checks.append(_made(raw_answers.RAW, raw_answers.raw_answers, pack))
        checks.append(_made(assessed.ASSESSED, assessed.assessed, pack))
    else:
        checks.append(lacking(raw_answers.RAW, "--deep decodes them again"))
        checks.append(lacking(assessed.ASSESSED, "--deep runs them again"))
    checks.append(_made(raw_answers.DERIVED, raw_answers.derived, pack))
    checks += [_made(title, check, pack) for title, check in further]
    return Report(
        checks=tuple(checks), signer=signed.standing, keyid=signed.key.keyid if signed.key else "", time=timed.time
    )


def _timed(pack: Path, roots: Sequence[Certificate]) -> stamp.Timed:
    try:
        return stamp.stamp(pack, roots)
    except IntegrityError as error:
        return stamp.Timed(failed(stamp.STAMPED, _told(error)))


def sealed(pack: Path, trusted: Trust = ()) -> tuple[list[Check], signature.Signed]:
    """Make the checks of the seal itself: files, name, signature, attestation, chain. As :func:`verify` else."""
    files.readable(pack)
    try:
        signed = signature.signature(pack, trusted)
    except IntegrityError as error:
        signed = signature.Signed(failed(signature.SIGNED, _told(error)), "refused", None)
    checks = [
        _made(files.FILES, files.files, pack),
        _made(files.NAME, files.name, pack),
        signed.check,
        _made(signature.ATTESTED, lambda path: signature.attestation(path, signed.key), pack),
        _made(chained.CHAIN, chained.chained, pack),
    ]
    return checks, signed


def _made(title: str, check: Further, pack: Path) -> Check:
    try:
        return check(pack)
    except JobauditError as error:
        return failed(title, _told(error))
    except Exception as error:  # noqa: BLE001  whatever a hostile pack breaks, the check is not passed
        first = (str(error).splitlines() or [""])[0]
        return failed(title, f"the check broke over what the pack holds: {type(error).__name__}: {first}")


def _told(error: JobauditError) -> str:
    return f"{error.message} ({error.where})" if error.where else error.message
