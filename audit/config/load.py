"""Reading audit.toml: parse, refuse what isn't known, convert, check what types can't say."""

from __future__ import annotations

from pathlib import Path

from audit.config import toml
from audit.config.settings import Settings
from audit.errors import ConfigError


def load(path: Path) -> Settings:
    """Read an audit.toml. Raises ConfigError that names the file, the key, what was expected and what to do."""
    hint = "give --config the path of an audit.toml; the sample in the package's config/ folder is a start"
    return parse(toml.read(path, hint=hint), str(path))


def parse(text: str, name: str = "audit.toml") -> Settings:
    """Turn the text of an audit.toml into settings; ``name`` stands in error messages."""
    settings = toml.convert(text, Settings, name)
    _check(settings, name)
    _check_scalers(settings, name)
    return settings


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
        for key in (*endpoints, "audience", "registries", "vaults"):
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


def _check_scalers(settings: Settings, name: str) -> None:
    """Refuse a scaler that is listed twice: one of the two statements would be lost."""
    seen: dict[str, int] = {}
    for index, each in enumerate(settings.scalers):
        first = seen.setdefault(each.type.strip().lower(), index)
        if first != index:
            raise toml.wrong(
                name,
                f"scalers[{index}].type",
                f'the scaler "{each.type}" is listed twice, first as scalers[{first}]',
                hint="keep one of the two",
            )
