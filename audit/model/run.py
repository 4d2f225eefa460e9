"""A run: one collection over a scope and a window, by one caller, with one version of the tool."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from audit.model.approval import ApprovalRules
from audit.model.outcome import Collected, Gap
from audit.model.prices import Prices
from audit.model.review import ReviewSettings
from audit.model.scaler import Scaler
from audit.model.scope import Scope
from audit.model.stated import Register, VerifiedScaler
from audit.model.ticket import Tickets
from audit.model.waiver import Exceptions
from audit.model.window import Window


class RunState(StrEnum):
    """Whether a run's units have all ended."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    DONE = "done"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who collected: read from the access token, which itself is never kept."""

    object_id: str
    tenant_id: str
    kind: str
    """``user`` or ``app``."""
    app_id: str = ""
    name: str = ""


class UnitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as run.json lists it. ``unit`` is its raw file's name under raw/<kind>/."""

    kind: str
    scope: Scope
    unit: str
    outcome: Collected | Gap
    requests: int
    started: datetime
    finished: datetime
    malformed: tuple[MalformedItem, ...] = ()


class MalformedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item that could not be decoded: its id or place, and the JSON path that was wrong."""

    scope: str
    detail: str
    raw_ref: str


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """What the collection cost. ``requests``: by API family, every attempt counted; bytes as received."""

    requests: dict[str, int] = {}
    retries: int = 0
    throttled: int = 0
    bytes_received: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_rss_mib: float = 0.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The head of run.json."""

    run_id: str
    state: RunState
    tool_version: str
    cloud: str
    endpoint: str
    caller: Caller | None
    window: Window
    subscriptions: tuple[str, ...]
    """As configured; empty = all that the caller can see."""
    expected_subscriptions: tuple[str, ...]
    kinds: tuple[str, ...]
    started: datetime
    finished: datetime | None = None
    redaction_key_id: str = ""
    resource_groups: tuple[str, ...] = ()
    management_groups: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    """What a job must carry itself to be in scope; empty = nothing."""
    versions: dict[str, str] = {}
    settings: dict[str, object] = {}
    """The [policy] baselines in force when the run was made; controls read them."""
    register: Register | None = None
    """jobs.toml as it was when the run began: what people state; null = there was none."""
    exceptions: Exceptions | None = None
    """The exceptions that were approved, as they were when the run began; null = no file was named."""
    scalers_verified: tuple[VerifiedScaler, ...] = ()
    """[[scalers]] of audit.toml when the run began."""
    scalers: dict[str, Scaler] = {}
    """What the user's own scaler catalogue says differently from the one that travels with the program."""
    tickets: Tickets | None = None
    """The approved changes that audit.toml named when the run began; null = it named none."""
    prices: Prices | None = None
    """The price list in force when the run was made, for estimates."""
    approval: ApprovalRules = ApprovalRules()
    """[approval] of audit.toml when the run began: when its packs count as approved."""
    review: ReviewSettings = ReviewSettings()
    """[review] of audit.toml when the run began: who reviews which access."""
    collected_for: Window | None = None
    """Set while a pack is made for another window than the run's: the run's own. Events then come from history."""
    restored_from: str = ""
    """Set while a pack is made of a run whose folder is gone: the commit of history that tells of it."""
    stats: Stats = Stats()
    units: tuple[UnitRecord, ...] = ()
