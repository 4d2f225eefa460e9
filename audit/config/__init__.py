"""audit.toml → frozen typed settings. An unknown key, a wrong type or an impossible value is refused by name."""

from audit.config.load import load, parse
from audit.config.packaged import packaged
from audit.config.period import period
from audit.config.settings import (
    ChangesSettings,
    CloudSettings,
    CollectSettings,
    CostSettings,
    CredentialSettings,
    ScopeSettings,
    Settings,
    StoreSettings,
    WindowSettings,
)
from audit.config.stated import Stated, beside

__all__ = [
    "ChangesSettings",
    "CloudSettings",
    "CollectSettings",
    "CostSettings",
    "CredentialSettings",
    "ScopeSettings",
    "Settings",
    "Stated",
    "StoreSettings",
    "WindowSettings",
    "beside",
    "load",
    "packaged",
    "parse",
    "period",
]
