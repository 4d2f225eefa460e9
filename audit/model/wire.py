"""How Azure spells things in JSON, and strict decoding that forgives exactly that much.

Unknown fields are ignored, a block that isn't used may be null, a time may lack its zone (it is UTC) and may have
seven fractional digits. Everything else that is not as declared raises msgspec.ValidationError with its JSON path.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from audit.model.record import Json

T = TypeVar("T")

Text = Annotated[str, msgspec.Meta(min_length=1)]
"""A string that a row rests on: present and not empty."""


ArmId = Annotated[str, msgspec.Meta(pattern="^/[^/]")]
"""An ARM id: it starts with a slash and goes on."""

ResourceId = Annotated[str, msgspec.Meta(pattern="(?i)^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]")]
"""The id of a resource that lives in a resource group, in whatever casing."""


class Instant:
    """A wire time as an aware UTC datetime in ``at``; fractions beyond microseconds are cut, never rounded up."""

    __slots__ = ("at",)

    def __init__(self, at: datetime) -> None:
        self.at = at


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The base of what is decoded from Azure's JSON: camelCase on the wire, unknown fields ignored."""


class Named(Wire, frozen=True, kw_only=True):
    """Azure's ``{value, localizedValue}``: only the value is stable."""

    value: str | None = None


def decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    """Return a strict decoder for one item. Its ``decode`` raises msgspec.ValidationError with the JSON path."""
    return msgspec.json.Decoder(shape, dec_hook=_decode)


def moment(value: Instant | None) -> datetime | None:
    """Return the datetime of an optional wire time."""
    return value.at if value is not None else None


def kept(value: Any) -> Json | None:
    """Return what Azure sent as a JSON column, or None where it sent nothing."""
    return None if value is None else Json(value)


def text(value: str | None) -> str | None:
    """Return a string that says something, or None: Azure sends ``""`` where it has nothing to say."""
    return value or None


def spelled(value: str | None, words: tuple[str, ...]) -> str | None:
    """Return the word of ``words`` that ``value`` is in other casing, or the value as Azure spelled it."""
    return next((word for word in words if value is not None and word.lower() == value.lower()), value)


def _decode(shape: type, value: Any) -> Any:
    if shape is not Instant:
        raise NotImplementedError(f"no wire form is known for {shape}")
    if not isinstance(value, str) or "T" not in value.upper():
        raise ValueError(f"Expected a time such as 2026-11-01T06:00:00Z, got {value!r}")
    at = datetime.fromisoformat(value)
    return Instant(at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC))
