"""What the code says of itself: docstrings of records and settings, their fields, types and defaults."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from datetime import date
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec

from audit.model import columns

NOTE = "<!-- made by docs/generate.py: change the code's docstrings and run `make docs` -->"
STANDARD = {
    "row_id": "Stable id of the row: the same thing has the same id in every run.",
    "observed_at": "When Azure said it; for derived rows, when the run was made.",
    "raw_ref": "Where the words are kept: raw file, line (from 1), item (from 0) and Azure's request id.",
}


def about(record: object) -> str:
    """Return what a class says of itself, as Markdown."""
    return inspect.cleandoc(record.__doc__ or "").replace("``", "`")


def columns_of(record: type[Any]) -> str:
    """Return the table of a record's columns, without those that every table has."""
    meanings = field_docs(record)
    rows = ["| column | type | meaning |", "|---|---|---|"]
    rows += [
        f"| `{name}` | {kind} | {meanings.get(name, '')} |" for name, kind in columns(record) if name not in STANDARD
    ]
    return "\n".join(rows)


def keys(shape: type[msgspec.Struct]) -> str:
    """Return the table of a setting's keys: type, default, meaning."""
    meanings = field_docs(shape)
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key in msgspec.structs.fields(shape):
        told = "required" if key.required else f"`{toml(_default(key))}`"
        rows.append(f"| `{key.name}` | {_type(key.type)} | {told} | {meanings.get(key.name, '')} |")
    return "\n".join(rows)


def _default(key: Any) -> Any:
    return key.default if key.default is not msgspec.NODEFAULT else key.default_factory()


def meanings_of(shape: type[msgspec.Struct]) -> str:
    """Return a list of fields and their meanings."""
    meanings = field_docs(shape)
    return "\n".join(f"- `{key.name}`: {meanings.get(key.name, '')}" for key in msgspec.structs.fields(shape))


def field_docs(shape: type) -> dict[str, str]:
    """Return the string that stands under each field, by field; those of its base first."""
    found: dict[str, str] = {}
    for base in reversed([each for each in shape.__mro__ if each.__module__.startswith("audit.")]):
        found |= _own_docs(base)
    return found


def _own_docs(shape: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(shape))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, doc in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(doc, ast.Expr)
            and isinstance(doc.value, ast.Constant)
        ):
            text = " ".join(str(doc.value.value).split())
            found[field.target.id] = text.replace("``", "`").replace("|", "\\|")
    return found


def _type(hint: Any) -> str:
    if get_origin(hint) in (tuple, dict):
        several = "array of " if get_origin(hint) is tuple else "table of "
        return several + _type(get_args(hint)[-2 if get_origin(hint) is tuple else -1])
    if isinstance(hint, types.UnionType):
        return _type(get_args(hint)[0])
    if hasattr(hint, "__metadata__"):
        return _type(get_args(hint)[0]) + (" (GUID)" if "0-9a-fA-F" in str(hint) else "")
    if get_args(hint):
        return " \\| ".join(f"`{choice}`" for choice in get_args(hint))
    words = {str: "text", int: "whole number", float: "number", Decimal: "exact number", bool: "boolean", date: "day"}
    return words.get(hint, "table" if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else str(hint))


def toml(value: Any) -> str:
    """Return a value as TOML writes it."""
    if value is None:
        return "unset"
    return "{ }" if isinstance(value, msgspec.Struct) else msgspec.json.encode(value).decode().replace("{}", "{ }")
