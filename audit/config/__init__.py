"""audit.toml → frozen typed settings. An unknown key, a wrong type or an impossible value is refused by name."""

from audit.config.load import load, parse
from audit.config.packaged import packaged
from audit.config.period import period
from audit.config.settings import (
    CloudSettings,
    CollectSettings,
    CredentialSettings,
    ScopeSettings,
    Settings,
    StoreSettings,
    WindowSettings,
)

__all__ = [
    "CloudSettings",
    "CollectSettings",
    "CredentialSettings",
    "ScopeSettings",
    "Settings",
    "StoreSettings",
    "WindowSettings",
    "load",
    "packaged",
    "parse",
    "period",
]
