"""The seed's randomness, drawn by name: a value depends on its name and the seed, never on what was drawn before it."""

from __future__ import annotations

import hashlib
import random


class Chance:
    """A seed. Every draw names what it is for, so that adding to the story leaves the rest of it as it was."""

    def __init__(self, seed: int) -> None:
        self._root = hashlib.sha256(f"jobaudit estate {seed}".encode()).digest()[:32]

    def draw(self, *names: object) -> bytes:
        """Return 32 bytes that belong to these names."""
        text = "\x1f".join(map(str, names)).encode()
        return hashlib.blake2b(text, key=self._root, digest_size=32).digest()

    def guid(self, *names: object) -> str:
        """Return a version 4 GUID in Azure's spelling."""
        text = self.draw("guid", *names).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"

    def digits(self, length: int, *names: object) -> str:
        """Return up to 64 hexadecimal digits."""
        return self.draw("hex", *names).hex()[:length]

    def number(self, below: int, *names: object) -> int:
        """Return an integer from 0 to ``below`` - 1."""
        return int.from_bytes(self.draw("number", *names)[:8]) % below

    def stream(self, *names: object) -> random.Random:
        """Return a generator of its own, for draws without a fixed number."""
        return random.Random(self.draw("stream", *names))  # noqa: S311  a simulation has to be repeatable
