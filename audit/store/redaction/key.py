"""The redaction key: 32 random bytes in a file that only its owner reads, kept outside runs and packs."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from audit.errors import StoreError
from audit.store import atomic

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """Return the key in ``path``, made on first use (0600, atomically). Raises StoreError where it can't be used."""
    for _ in range(2):
        try:
            return _parsed(path, path.read_bytes())
        except FileNotFoundError:
            _make(path)
        except OSError as error:
            raise StoreError(
                f"the redaction key can't be read: {error.strerror}",
                where=str(path),
                hint="make the file readable for this user; without it, digests can't be compared over runs",
            ) from error
    raise StoreError("the redaction key vanished while it was read", where=str(path))


def _parsed(path: Path, content: bytes) -> bytes:
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise StoreError(
            "the redaction key is damaged: 64 hex digits are expected",
            where=str(path),
            hint="restore it from a copy; or move it away, and a new one is made (old digests can't be compared then)",
        )
    return key


def _make(path: Path) -> None:
    """Write a new key under a name of this process's own and link it: of two processes, one wins and both read that."""
    atomic.make_folder(path.parent)
    mine = path.with_name(f".{path.name}.{os.getpid()}.part")
    with atomic.refusals(path.parent):
        try:
            descriptor = atomic.create(mine)
            try:
                atomic.write_all(descriptor, secrets.token_hex(KEY_BYTES).encode() + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.link(mine, path)
            atomic.sync(path.parent)
        except FileExistsError:
            return
        finally:
            mine.unlink(missing_ok=True)
