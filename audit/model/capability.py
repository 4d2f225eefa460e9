"""What someone could be able to do to a job or to what it stands on, and the ways to it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Words = Annotated[str, Meta(pattern=r"^[^\r\n]*\S[^\r\n]*$")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*$")]

On = Literal[
    "job",
    "resource_group",
    "subscription",
    "environment",
    "workspace",
    "identity",
    "event_source",
    "entity",
    "vault",
    "registry",
]
"""A resource of the job's closure. ``resource_group`` and ``subscription`` are the job's own; ``entity`` is the queue,
topic or container that a scale rule watches, or the whole event source where it names none."""

When = Literal["identity", "local_auth", "rbac", "access_policies", "admin_user"]
"""A fact that a way depends on: the job has an identity; the event source takes keys (it isn't known to refuse them);
the vault decides by roles; the vault decides by its own access policies; the registry's admin user is on."""

Holder = Literal["shared_access_policy", "access_policy", "admin_user"]
"""Who holds a capability without any role: whoever has the key of a shared-access policy, a principal that an access
policy of the vault names, whoever has the password of the registry's admin user."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One action that must be allowed on one resource."""

    on: On
    """Where the action must be allowed."""
    action: str = ""
    """An action of the control plane."""
    data_action: str = ""
    """An action of the data plane; exactly one of the two is given."""
    type: str = ""
    """Only where the resource is of this type, such as ``microsoft.servicebus/namespaces``.

    With ``/*`` at its end: of any type below. Empty = of any."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to a capability: every need of it at once, or a holder that needs no role."""

    words: Words
    """What the holder does, after "can": such as "change what the job runs"."""
    needs: tuple[Need, ...] = ()
    """All of them together. The first one's resource is what the row is about."""
    holder: Holder | None = None
    """Instead of needs."""
    rights: tuple[str, ...] = ()
    """With a holder: any of these rights of the policy is enough; empty = any policy."""
    when: When | None = None
    """Only where this is so."""


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """What someone could do."""

    title: Words
    """As a heading."""
    privileged: bool = False
    """To keep it takes a reason in a review."""
    ways: tuple[Way, ...]
    """Any one is enough."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """A file of capabilities."""

    capabilities: dict[Name, Capability]
    """By name."""
