"""Role definitions: the built-in ones that the estate uses, the company's own, and the one that the collector holds."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body

_LISTS = ("actions", "notActions", "dataActions", "notDataActions")


@cache
def _built_in() -> dict[str, Body]:
    rows = json.loads(files(__package__).joinpath("roles.json").read_text(encoding="utf-8"))
    return {row["roleName"]: row for row in rows}


def guid_of(role: str) -> str:
    """Return the GUID of a built-in role by its name; it is the same in every tenant."""
    return str(_built_in()[role]["guid"])


def built_in() -> dict[str, Body]:
    """Return the wire body of every built-in role that the estate knows, by GUID."""
    return {
        row["guid"]: definition(
            guid=row["guid"],
            name=name,
            kind="BuiltInRole",
            description=f"Built-in role {name}.",
            permissions=row["permissions"],
            scopes=["/"],
            created="2021-06-01T00:00:00.0000000Z",
        )
        for name, row in _built_in().items()
    }


def definition(
    *,
    guid: str,
    name: str,
    kind: str,
    description: str,
    permissions: list[Body],
    scopes: list[str],
    created: str,
    created_by: str | None = None,
) -> Body:
    """Return a role definition as ARM answers at tenant level (api-version 2022-04-01)."""
    return {
        "properties": {
            "roleName": name,
            "type": kind,
            "description": description,
            "assignableScopes": list(scopes),
            "permissions": [
                {**{key: list(block.get(key) or []) for key in _LISTS}, **_condition(block)} for block in permissions
            ],
            "createdOn": created,
            "updatedOn": created,
            "createdBy": created_by,
            "updatedBy": created_by,
        },
        "id": f"/providers/Microsoft.Authorization/roleDefinitions/{guid}",
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": guid,
    }


def _condition(block: Body) -> Body:
    return {key: block[key] for key in ("condition", "conditionVersion") if block.get(key)}


def described(role: dict[str, Any]) -> tuple[str, str, list[Body]]:
    """Return (name, description, permission blocks) of a role definition file.

    Takes the body that ARM accepts (``properties.roleName``, ``properties.permissions``), its bare properties, and the
    file that the ``az role definition`` commands take (``Name``, ``Actions``, …), whatever the casing of the keys.
    """
    inner = {key.lower(): value for key, value in role.get("properties", role).items()}
    name = inner.get("rolename") or inner.get("name") or "jobaudit collector"
    if "permissions" in inner:
        blocks = [{key: _of(block, key) for key in _LISTS} for block in inner["permissions"]]
    else:
        blocks = [{key: _of(inner, key) for key in _LISTS}]
    return str(name), str(inner.get("description") or ""), blocks


def _of(block: dict[str, Any], key: str) -> list[str]:
    found = next((value for name, value in block.items() if name.lower() == key.lower()), None)
    return list(found or [])
