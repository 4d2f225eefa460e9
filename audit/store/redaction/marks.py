"""What stands where a value was hidden: a keyed digest, so that a change is visible and the value is not."""

from __future__ import annotations

import hashlib
import hmac

from audit.model.marker import MARKER

KEY_ID_DIGITS = 8
DIGEST_DIGITS = 16


class Marks:
    """Makes markers under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.key_id = hashlib.sha256(key).hexdigest()[:KEY_ID_DIGITS]
        """Tells which key made a digest, without telling the key."""

    def digest(self, value: str) -> str:
        """Return the first 16 hex digits of HMAC-SHA256: equal for equal values under one key."""
        encoded = value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, encoded, "sha256").hex()[:DIGEST_DIGITS]

    def hide(self, value: str, detector: str = "") -> str:
        """Return the marker for a value; ``detector`` names what took it for a secret, empty where policy hides it."""
        if MARKER.fullmatch(value):
            return value
        return f"[redacted:{self.digest(value)}:{detector}]" if detector else f"[redacted:{self.digest(value)}]"
