"""The words in which a published JSON file is declared: its types are its schema."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec

Text = str | None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the file."""


class Window(Shape, frozen=True, kw_only=True):
    """A time in UTC: ``since`` included, ``until`` excluded."""

    since: datetime
    until: datetime


def schema(shape: type[Shape], name: str, version: str) -> bytes:
    """Return the JSON Schema (2020-12) of a file whose whole is ``shape``; ``name`` is its word in id and title."""
    made: dict[str, Any] = msgspec.json.schema(shape)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:jobaudit:{name}:{version}",
        "title": f"jobaudit {name} {version}",
    }
    return json.dumps(head | made, indent=1, ensure_ascii=True).encode() + b"\n"
