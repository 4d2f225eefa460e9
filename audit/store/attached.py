"""Copying what people attach into a new run: as it was when jobs.toml was read, or not at all."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from audit.errors import UsageError
from audit.store import atomic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from audit.model import Run
    from audit.store.layout import RunFolder


def copy(folder: RunFolder, run: Run, sources: Mapping[str, Path]) -> dict[str, str]:
    """Copy the register's attachments and return their digests by path in the run's folder.

    Raises UsageError where a file can't be read any more, or isn't what the register says; StoreError.
    """
    digests: dict[str, str] = {}
    for each in run.register.attachments if run.register else ():
        target = folder.attachments / each.name
        if (name := folder.relative(target)) in digests:
            continue
        source = sources.get(each.name)
        try:
            content = source.read_bytes() if source is not None else None
        except OSError as error:
            raise UsageError(f"the attachment can't be read: {error.strerror}", where=str(source)) from error
        if content is None or hashlib.sha256(content).hexdigest() != each.sha256:
            hint = "start the collection again: jobs.toml and its attachments are read when it begins"
            raise UsageError("the attachment changed while the run began", where=str(source or each.path), hint=hint)
        atomic.make_folder(folder.attachments)
        atomic.write(target, content)
        digests[name] = each.sha256
    return digests
