"""Reading audit.toml: parse, refuse what isn't known, convert, check what types can't say."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

import msgspec

from audit.config.settings import Settings
from audit.errors import ConfigError

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?(?P<path>[^`]+)`)?$", re.DOTALL)


def load(path: Path) -> Settings:
    """Read an audit.toml. Raises ConfigError that names the file, the key, what was expected and what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            "there is no such configuration file",
            where=str(path),
            hint="give --config the path of an audit.toml; the sample in the package's config/ folder is a start",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration can't be read: {error}", where=str(path)) from error
    return parse(text, str(path))


def parse(text: str, name: str = "audit.toml") -> Settings:
    """Turn the text of an audit.toml into settings; ``name`` stands in error messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not valid TOML: {error}", where=name, hint="mend the line that the message names") from None
    _refuse_unknown(document, Settings, (), name)
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise _explained(error, name) from None
    _check(settings, name)
    return settings


def _refuse_unknown(table: dict[str, Any], schema: type[msgspec.Struct], path: tuple[str, ...], name: str) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(schema)}
    for key, value in table.items():
        here = ".".join((*path, key))
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1)
            hint = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(fields)
            raise ConfigError(f'unknown key "{here}"', where=f"{name}: {here}", hint=hint)
        kind = fields[key].type
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if not isinstance(value, dict):
                raise ConfigError(
                    f'"{here}" is {_toml(value)}, a table was expected',
                    where=f"{name}: {here}",
                    hint=f"write [{here}]",
                )
            _refuse_unknown(value, kind, (*path, key), name)


def _explained(error: msgspec.ValidationError, name: str) -> ConfigError:
    found = _AT.match(str(error))
    what = found["what"] if found else str(error)
    path = ((found["path"] if found else "") or "").removeprefix("$").removeprefix(".")
    hint = "see the sample audit.toml for the keys and their values"
    if "matching regex" in what and "0-9a-fA-F" in what:
        what, hint = "expected a GUID", "write the id as 00000000-0000-0000-0000-000000000000"
    elif "Invalid enum value" in what and (choices := _choices(path)):
        what, hint = what.replace("Invalid enum value", "unknown value"), "expected one of: " + ", ".join(choices)
    elif "matching regex" in what:
        what, hint = "expected an https:// address without user name, query or fragment", "check the address"
    return ConfigError(f"{path}: {what}", where=f"{name}: {path}", hint=hint)


def _choices(path: str) -> tuple[str, ...]:
    schema: Any = Settings
    for part in path.split("."):
        schema = next((field.type for field in msgspec.structs.fields(schema) if field.name == part), None)
        if schema is None:
            return ()
    return tuple(str(choice) for choice in typing.get_args(schema))


def _check(settings: Settings, name: str) -> None:
    cloud = settings.cloud
    endpoints = ("resource_manager", "authority", "graph", "logs")
    if cloud.name == "custom":
        for key in endpoints[:3]:
            if not getattr(cloud, key):
                raise ConfigError(
                    f'cloud.{key} is missing, and cloud.name = "custom" needs it',
                    where=f"{name}: cloud.{key}",
                    hint="give the endpoint's https:// address",
                )
    else:
        for key in (*endpoints, "audience"):
            if getattr(cloud, key):
                raise ConfigError(
                    f'cloud.{key} is set, but cloud.name = "{cloud.name}" has its own endpoints',
                    where=f"{name}: cloud.{key}",
                    hint='remove the key, or set cloud.name = "custom"',
                )
    if settings.scope.subscriptions and settings.scope.management_groups:
        raise ConfigError(
            "scope.subscriptions and scope.management_groups are both set",
            where=f"{name}: scope",
            hint="name the subscriptions or the management groups above them, not both",
        )
    if settings.credential.kind == "client_secret":
        for key in ("tenant_id", "client_id"):
            if not getattr(settings.credential, key):
                raise ConfigError(
                    f'credential.{key} is missing, and credential.kind = "client_secret" needs it',
                    where=f"{name}: credential.{key}",
                    hint="the secret itself stays in the environment variable that client_secret_env names",
                )


def _toml(value: object) -> str:
    names = {str: "a string", int: "an integer", float: "a float", bool: "a boolean", list: "an array"}
    return names.get(type(value), type(value).__name__)
