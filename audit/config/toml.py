"""A TOML file into frozen types: what isn't known, or isn't of its type, is refused by file, key path and remedy."""

from __future__ import annotations

import difflib
import re
import tomllib
import types
import typing
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from audit.errors import ConfigError

T = TypeVar("T", bound=msgspec.Struct)

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?(?P<path>[^`]+)`)?$", re.DOTALL)
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def read(path: Path, *, hint: str) -> str:
    """Return a file's text. Raises ConfigError; ``hint`` is for a file that isn't there."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("there is no such configuration file", where=str(path), hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration can't be read: {error}", where=str(path)) from error


def convert(text: str, shape: type[T], name: str, *, exact: bool = False) -> T:
    """Turn TOML into ``shape``; ``name`` stands in error messages. ``exact``: numbers with a point become Decimals."""
    try:
        document = tomllib.loads(text, parse_float=_decimal if exact else float)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"not valid TOML: {error}", where=name, hint="mend the line that the message names") from None
    return structured(document, shape, name)


def structured(document: Any, shape: type[T], name: str) -> T:
    """Turn a parsed document into ``shape``. Raises ConfigError with the key's path."""
    _refuse_unknown(document, shape, "", name)
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise _explained(error, shape, name) from None


def wrong(name: str, path: str, message: str, *, hint: str) -> ConfigError:
    """Return the ConfigError of one key; ``path`` as TOML writes it, such as ``jobs[0].tests[1].when``."""
    return ConfigError(message, where=f"{name}: {path}" if path else name, hint=hint)


def _decimal(text: str) -> Any:
    """Return an exact number; ``nan`` and ``inf`` stay floats, which a Decimal's field refuses."""
    found = Decimal(text)
    return found if found.is_finite() else float(text)


def _refuse_unknown(value: Any, hint: Any, path: str, name: str) -> None:
    """Walk a document beside its types, and refuse a key that no type has, or a table that isn't one."""
    struct, many, by_key = _members(hint)
    if struct is None:
        return
    if many:
        if not isinstance(value, list):
            raise wrong(
                name, path, f'"{path}" is {_toml(value)}, an array of tables was expected', hint=f"write [[{path}]]"
            )
        for index, each in enumerate(value):
            _refuse_unknown(each, struct, f"{path}[{index}]", name)
        return
    if not isinstance(value, dict):
        raise wrong(name, path, f'"{path}" is {_toml(value)}, a table was expected', hint=f"write [{path}]")
    if by_key:
        for key, each in value.items():
            _refuse_unknown(each, struct, _below(path, key), name)
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, each in value.items():
        here = _below(path, key)
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            told = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(fields)
            raise wrong(name, here, f'unknown key "{here}"', hint=told)
        _refuse_unknown(each, fields[key].type, here, name)


def _members(hint: Any) -> tuple[Any, bool, bool]:
    """Return the struct inside a type, and whether it is a list of them or a table of them by key."""
    arguments = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        found = [each for each in map(_members, arguments) if each[0] is not None]
        return found[0] if found else (None, False, False)
    if origin is tuple:
        return _plain(arguments[0]), True, False
    if origin is dict:
        return _plain(arguments[1]), False, True
    return _plain(hint), False, False


def _plain(hint: Any) -> Any:
    return hint if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else None


def _below(path: str, key: str) -> str:
    shown = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else '"' + key[:80] + '"'
    return f"{path}.{shown}" if path else shown


def _explained(error: msgspec.ValidationError, shape: type[msgspec.Struct], name: str) -> ConfigError:
    found = _AT.match(str(error))
    what = found["what"] if found else str(error)
    path = ((found["path"] if found else "") or "").removeprefix("$").removeprefix(".")
    hint = "docs/configuration.md lists the keys and their values; the samples in config/ show them"
    if "matching regex" in what:
        what, hint = _pattern(what)
    elif "Invalid enum value" in what and (choices := _choices(shape, path)):
        what, hint = what.replace("Invalid enum value", "unknown value"), "expected one of: " + ", ".join(choices)
    elif "missing required field" in what:
        hint = "add the key: it is the one that can't be left out"
    elif "`date" in what or "RFC3339" in what:
        what, hint = "expected a day", "write it as 2026-11-01, without quotes and without a time"
    return wrong(name, path, f"{path}: {what}" if path else what, hint=hint)


def _pattern(what: str) -> tuple[str, str]:
    if "0-9a-fA-F" in what:
        return "expected a GUID", "write the id as 00000000-0000-0000-0000-000000000000"
    if "https" in what:
        return "expected an https:// address without user name, query or fragment", "check the address"
    if "6553" in what:
        return "expected a host and a port", "write it as gateway.example:443, without https://"
    return "expected a text of one line that isn't blank", "put longer explanations where a text may have several lines"


def _choices(shape: Any, path: str) -> tuple[str, ...]:
    for step in _STEP.finditer(path):
        if step[2] is not None:
            shape = _members(shape)[0]
        elif isinstance(shape, type) and issubclass(shape, msgspec.Struct):
            shape = next((field.type for field in msgspec.structs.fields(shape) if field.encode_name == step[1]), None)
        else:
            shape = _members(shape)[0]
        if shape is None:
            return ()
    return tuple(str(choice) for choice in typing.get_args(shape))


def _toml(value: object) -> str:
    names = {str: "a string", int: "an integer", float: "a float", bool: "a boolean", list: "an array", dict: "a table"}
    return names.get(type(value), type(value).__name__)
