"""The scaler catalogue as values: what a KEDA scaler takes, and what is known of it for jobs."""

from __future__ import annotations

from typing import Literal

import msgspec

from audit.model.stated import Support

Place = Literal["metadata", "env", "auth"]
"""Where KEDA reads a parameter from: the rule's metadata, ``<name>FromEnv``, or a trigger parameter of ``auth``."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parameter of a scaler, as KEDA's schema lists it or as its pages do."""

    type: str = "string"
    default: str | None = None
    required: bool = False
    """Neither optional nor with a default in KEDA's schema: a weak word, see :class:`ForJobs`."""
    read_from: tuple[Place, ...] = msgspec.field(default=(), name="from")
    """Where KEDA reads it from."""
    allowed: tuple[str, ...] = ()
    """The only values that it may have."""
    deprecated: dict[Place, str] = {}
    """What KEDA says about its end, by where it is read from."""
    secret: bool = False
    """Carries a credential, by our table."""
    source: str | None = None
    """Where it is described, if KEDA's schema doesn't list it."""


class EventSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What identifies a scaler's event source, and how that becomes a resource."""

    address: tuple[str, ...] = ()
    """Parameters that name the host, the namespace or the account."""
    entity: tuple[str, ...] = ()
    """Parameters that name the queue, topic, table … in it."""
    resource: str | None = None
    """The ARM type, where the address can be an Azure resource."""
    resolves: str = ""
    """How the parameters become a resource, in words."""


class ForJobs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What our own table says of a scaler for event-driven jobs."""

    support: Support
    support_source: str
    """Where that is said."""
    event_source: EventSource = EventSource()
    threshold: str | None = None
    """The parameter with the amount of work that one execution is started for."""
    threshold_default: str | None = None
    """What KEDA takes where it is unset; null: it must be set."""
    activation: str | None = None
    """The parameter below which nothing starts."""
    requires: tuple[str, ...] = ()
    """What a job's rule can't do without; ``a|b`` = one of them."""
    requires_with_identity: tuple[str, ...] = ()
    """What it needs besides, where it signs in by an identity."""
    requires_without_identity: tuple[str, ...] = ()
    """What it needs besides, where it doesn't."""
    requires_if: dict[str, tuple[str, ...]] = {}
    """What it needs besides, where another parameter is given."""
    sources: tuple[str, ...] = ()
    """Where the rest is described."""
    unverified: tuple[str, ...] = ()
    """Statements of ours that no page was found for, in words."""
    notes: tuple[str, ...] = ()


class Scaler(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scaler of the catalogue."""

    deprecated: str | None = None
    """What KEDA says about the whole scaler's end."""
    identity: bool | None = None
    """Whether an Azure identity can authenticate it in KEDA; null = not known."""
    jobs: ForJobs | None = None
    """Null: nobody has looked at it for jobs, so its support is to be verified."""
    parameters: dict[str, Parameter] = {}


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Every scaler by its name."""

    keda: str = ""
    """The KEDA version that the parameters are of."""
    scalers: dict[str, Scaler] = {}

    def get(self, scaler_type: str) -> Scaler | None:
        """Return a scaler by name; KEDA's names are lower case, people's aren't always."""
        return self.scalers.get(scaler_type.strip().lower())
