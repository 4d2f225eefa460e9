"""attestation.dsse.json: the statement in a DSSE envelope, signed where there is a key.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Signature, SSlibKey

from audit.errors import IntegrityError
from audit.seal import sums, tree
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from audit.seal.keys import PublicKey, Signing

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def write(pack: Path, statement: bytes, key: Signing | None) -> None:
    """Write the attestation; without a key its list of signatures is empty, which is no signature. StoreError."""
    envelope = Envelope(statement, PAYLOAD_TYPE, {})
    if key is not None:
        envelope.signatures[key.keyid] = Signature(key.keyid, key.sign(envelope.pae()).hex())
    atomic.write(pack / sums.ATTESTATION, _encode(envelope))


def read(pack: Path) -> Envelope:
    """Read the attestation. Raises IntegrityError where it is missing or not written as we write it, to the byte."""
    where = str(pack / sums.ATTESTATION)
    content = tree.read(pack, sums.ATTESTATION)
    try:
        envelope = Envelope.from_dict(json.loads(content))
        same = _encode(envelope) == content
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"the attestation can't be read: {error}", where=where) from None
    if not same or envelope.payload_type != PAYLOAD_TYPE:
        raise IntegrityError("the attestation is not as it was written", where=where)
    return envelope


def signed_by(envelope: Envelope, key: PublicKey) -> bool:
    """Tell whether the envelope carries a signature, exactly one, and it is this key's."""
    if list(envelope.signatures) != [key.keyid]:
        return False
    try:
        envelope.verify([SSlibKey.from_crypto(key.raw, keyid=key.keyid)], threshold=1)
    except VerificationError:
        return False
    return True


def _encode(envelope: Envelope) -> bytes:
    return json.dumps(envelope.to_dict(), indent=2, sort_keys=True).encode() + b"\n"
