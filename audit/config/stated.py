"""What stands beside audit.toml and goes into the run: register, exceptions, scalers, catalogue, prices, tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audit.config import exceptions, prices, register, scalers, tickets
from audit.model.prices import Prices
from audit.model.scaler import Scaler
from audit.model.stated import Register, VerifiedScaler
from audit.model.ticket import Tickets
from audit.model.waiver import Exceptions

if TYPE_CHECKING:
    from audit.config.settings import Settings


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What a run takes over when it begins. ``folder`` is where the register's attachments are read from."""

    folder: Path = Path()
    register: Register | None = None
    exceptions: Exceptions | None = None
    scalers_verified: tuple[VerifiedScaler, ...] = ()
    scalers: dict[str, Scaler] = {}
    prices: Prices | None = None
    tickets: Tickets | None = None
    """Null: audit.toml names no file of approved changes."""

    def attachments(self) -> dict[str, Path]:
        """Return where each attachment lies now, by its name in the run."""
        named = self.register.attachments if self.register else ()
        return {each.name: self.folder / each.path for each in named}


def beside(config: Path, settings: Settings) -> Stated:
    """Read what stands beside an audit.toml: jobs.toml, and the files that its settings name.

    Raises ConfigError for whatever is wrong in any of them; nothing has been collected then.
    """
    folder, store = config.parent, settings.store
    now = datetime.now(UTC)
    tomorrow = now.date() + timedelta(days=1)  # it may be tomorrow already where people are
    people = folder / register.NAME
    return Stated(
        folder=folder,
        register=register.read(people, today=tomorrow) if people.exists() or people.is_symlink() else None,
        exceptions=exceptions.read(folder / store.exceptions, today=tomorrow) if store.exceptions else None,
        scalers_verified=settings.scalers,
        scalers=scalers.differing(scalers.read(folder / store.scalers)) if store.scalers else {},
        prices=prices.read(folder / settings.cost.prices) if settings.cost.prices else prices.shipped(),
        tickets=tickets.read(folder, settings.changes.files, now=now) if settings.changes.files else None,
    )


def alone(settings: Settings) -> Stated:
    """Return what a run takes over where settings come without a folder: no register, and the shipped price list."""
    return Stated(scalers_verified=settings.scalers, prices=prices.shipped())
