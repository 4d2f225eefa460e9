"""What is the user's own, out of audit.toml: files beside it, where runs go, which window is meant."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit import pipeline
from audit.config import Settings, capabilities, period

if TYPE_CHECKING:
    from audit.model import Window
    from audit.seal.keys import Signing
    from audit.seal.timestamp import Stamping


class Own:
    """The user's own files, their paths taken from audit.toml's folder."""

    def __init__(self, settings: Settings, config: Path) -> None:
        base, store = config.parent, settings.store
        self.controls = [base / name for name in store.controls]
        self.templates = [base / name for name in store.templates]
        self._settings, self._base = settings, base
        self.key_file = base / store.redaction_key_file if store.redaction_key_file else None
        named = store.capabilities
        self.capabilities = capabilities.overlaid(capabilities.read(base / named)) if named else None

    @property
    def key(self) -> Signing | None:
        """What packs are signed with: asked for before anything is collected, so a wrong passphrase costs little."""
        return pipeline.signing_key(self._settings, self._base, dict(os.environ))

    @property
    def stamp(self) -> Stamping | None:
        """What has packs timestamped."""
        return pipeline.stamping(self._settings.seal, self._base)


def output_of(settings: Settings, config: Path, given: Path | None) -> Path:
    """Return where runs and packs go: as given, else as audit.toml says, from its own folder."""
    return given if given is not None else config.parent / settings.store.output


def window_of(settings: Settings, since: str | None, until: str | None, month: str | None) -> Window:
    """Return the window that the options ask for, else the one of audit.toml. Raises UsageError."""
    return period(since=since, until=until, month=month, days=settings.window.days, now=datetime.now(UTC))
