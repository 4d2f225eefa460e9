"""What the platform's consumption plan costs: the prices that estimates are made with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of one region. Null = not known here: an estimate then says what it leaves out."""

    vcpu_second_active: Decimal | None = None
    """Of one vCPU for a second. Jobs are always billed at the active rate."""
    vcpu_second_idle: Decimal | None = None
    """Of one vCPU for a second while a replica of an app idles; jobs have no such rate."""
    gib_second_active: Decimal | None = None
    """Of one GiB of memory for a second."""
    gib_second_idle: Decimal | None = None
    """Of one GiB of memory for a second while a replica of an app idles; jobs have no such rate."""
    requests_million: Decimal | None = None
    """Of a million HTTP requests; jobs take none."""
    log_analytics_gb: Decimal | None = None
    """Of one GB ingested into Log Analytics, pay-as-you-go."""
    dedicated_management_hour: Decimal | None = None
    """Of the dedicated plan's management, for an hour of an environment that has a dedicated workload profile."""
    dedicated_vcpu_hour: Decimal | None = None
    """Of one vCPU of a dedicated workload profile's instance for an hour."""
    dedicated_gib_hour: Decimal | None = None
    """Of one GiB of a dedicated workload profile's instance for an hour."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What is free in each subscription and calendar month."""

    vcpu_seconds: Decimal = Decimal(180_000)
    """Seconds of a vCPU."""
    gib_seconds: Decimal = Decimal(360_000)
    """Seconds of a GiB of memory."""
    requests: Decimal = Decimal(2_000_000)
    """HTTP requests; jobs take none."""


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """A price list: one currency, one day, one source."""

    currency: str
    """ISO 4217."""
    as_of: date
    """The day that the list speaks of."""
    source: str
    """Where."""
    note: str = ""
    """What should be known about the amounts."""
    grant: Grant = Grant()
    """What is free."""
    default: Rates = Rates()
    """The prices of every region that isn't listed."""
    regions: dict[str, Rates] = {}
    """What differs in a region, by its name without spaces in lower case (``westeurope``)."""

    def of(self, location: str | None) -> Rates:
        """Return the prices of a region, spelled as Azure does ("West Europe", "westeurope"); unknown = default."""
        own = self.regions.get(region(location or ""))
        if own is None:
            return self.default
        known = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self.default, **known)


def region(location: str) -> str:
    """Return a region's name as Azure's own tools write it: ``West Europe`` and ``westeurope`` are one."""
    return "".join(location.split()).lower()
