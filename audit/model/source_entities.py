"""What the answers about queues, topics, event hubs, containers and their policies say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from audit.model import duration, ids
from audit.model.record import Json
from audit.model.source_routes import path_of
from audit.model.wire import Instant, ResourceId, Text, Wire, moment, text
from audit.model.wire import decoder as decoding

if TYPE_CHECKING:
    from audit.model.scope import Scope
    from audit.model.source_answers import Entity, Policy

MISSING = "missing"


class _Counts(Wire, frozen=True, kw_only=True):
    active_message_count: int | None = None
    dead_letter_message_count: int | None = None


class _Retention(Wire, frozen=True, kw_only=True):
    retention_time_in_hours: int | None = None


class _Facts(Wire, frozen=True, kw_only=True):
    status: str | None = None
    lock_duration: str | None = None
    max_delivery_count: int | None = None
    dead_lettering_on_message_expiration: bool | None = None
    default_message_time_to_live: str | None = None
    requires_session: bool | None = None
    requires_duplicate_detection: bool | None = None
    partition_count: int | None = None
    retention_description: _Retention | None = None
    message_retention_in_days: int | None = None
    count_details: _Counts | None = None
    approximate_message_count: int | None = None
    size_in_bytes: int | None = None
    created_at: Instant | None = None


class _Entity(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    properties: _Facts


class _PolicyFacts(Wire, frozen=True, kw_only=True):
    rights: list[str]


class _Policy(Wire, frozen=True, kw_only=True):
    id: ResourceId
    name: Text
    properties: _PolicyFacts


class _Loose(msgspec.Struct):
    properties: dict[str, Any] = {}


_ENTITY, _POLICY, _LOOSE = decoding(_Entity), decoding(_Policy), msgspec.json.Decoder(_Loose)
_COLUMNS = frozenset(
    msgspec.structs.fields(_Facts)[at].encode_name for at in range(len(msgspec.structs.fields(_Facts)))
)


def entity(part: Entity, scope: Scope) -> dict[str, Any]:
    """Return the columns of table event_source_entities; an entity that isn't there has status ``missing``.

    Raises msgspec.ValidationError or ValueError for what isn't as Azure describes it.
    """
    kind, *names = part.asked.split("/")
    if part.missing:
        place = f"{scope.id}/{path_of(scope.id, kind, names)}"
        parent = names[0] if len(names) > 1 else None
        return {"entity_id": place, "resource_id": scope.id, "entity_kind": kind, "name": names[-1], "parent": parent,
                "status": MISSING}  # fmt: skip
    wire = _ENTITY.decode(part.body)
    facts = wire.properties
    counts, kept = facts.count_details or _Counts(), facts.retention_description or _Retention()
    days = facts.message_retention_in_days
    hours = kept.retention_time_in_hours
    others = {name: each for name, each in _LOOSE.decode(part.body).properties.items() if name not in _COLUMNS}
    return {
        "entity_id": wire.id,
        "resource_id": scope.id,
        "entity_kind": kind,
        "name": wire.name,
        "parent": ids.segment(wire.id, "topics" if kind == "subscription" else "eventhubs") if len(names) > 1 else None,
        "status": text(facts.status),
        "lock_duration_s": _seconds(facts.lock_duration),
        "max_delivery_count": facts.max_delivery_count,
        "dead_letter_on_expiration": facts.dead_lettering_on_message_expiration,
        "default_ttl_s": _seconds(facts.default_message_time_to_live),
        "requires_session": facts.requires_session,
        "duplicate_detection": facts.requires_duplicate_detection,
        "partition_count": facts.partition_count,
        "retention_hours": hours if hours is not None else days * 24 if days is not None else None,
        "active_messages": (
            counts.active_message_count if facts.approximate_message_count is None else facts.approximate_message_count
        ),
        "dead_letters": counts.dead_letter_message_count,
        "size_bytes": facts.size_in_bytes,
        "created_at": moment(facts.created_at),
        "settings": Json(others) if others else None,
    }


def policy(part: Policy, scope: Scope) -> dict[str, Any]:
    """Return the columns of table event_source_policies."""
    wire = _POLICY.decode(part.body)
    rights = wire.properties.rights
    held = {each.lower() for each in rights}
    owner = wire.id[: wire.id.lower().rfind("/authorizationrules/")]
    return {
        "policy_id": wire.id,
        "resource_id": scope.id,
        "entity_id": None if ids.same(owner, scope.id) else owner,
        "name": wire.name,
        "rights": Json(rights),
        "can_manage": "manage" in held,
        "can_listen": "listen" in held,
        "can_send": "send" in held,
    }


def _seconds(value: str | None) -> int | None:
    return duration.seconds(value) if value else None
