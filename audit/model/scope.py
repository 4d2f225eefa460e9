"""Where a unit reads: an ARM scope, and the ids that belong to the question."""

from __future__ import annotations

import hashlib

import msgspec

from audit.model import ids


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """An ARM scope (``/`` is the tenant), and ``ids`` where the question names several things at once.

    ``ids`` holds, for example, the principals that one Graph call resolves, or the jobs that use an identity.
    """

    id: str
    ids: tuple[str, ...] = ()

    @property
    def subscription_id(self) -> str:
        """The subscription's GUID; empty at tenant or management-group scope."""
        return ids.subscription_of(self.id) or ""

    @property
    def resource_group(self) -> str:
        """The resource group's name as spelled; empty above resource-group scope."""
        return ids.resource_group_of(self.id) or ""

    @property
    def unit(self) -> str:
        """The unit's file name: the first 32 hex digits of SHA-256 over the lower-case scope."""
        return hashlib.sha256(self.id.lower().encode()).hexdigest()[:32]
