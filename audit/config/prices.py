"""The price list: config/prices.toml as it travels with the program, or a user's own."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from audit.config import toml
from audit.config.packaged import packaged
from audit.model.prices import Grant, Prices, Rates, region


def shipped() -> Prices:
    """Return the price list that travels with the program."""
    return read(packaged("config") / "prices.toml")


def read(path: Path) -> Prices:
    """Read a price list. Raises ConfigError naming the file, the key, what was expected and what to do."""
    name = str(path)
    text = toml.read(path, hint="cost.prices names a file relative to audit.toml's folder")
    prices = toml.convert(text, Prices, name, exact=True)
    if not re.fullmatch(r"[A-Z]{3}", prices.currency):
        raise toml.wrong(name, "currency", "currency: expected three capital letters", hint='for example "EUR"')
    amounts: dict[str, Rates | Grant] = {"grant": prices.grant, "default": prices.default}
    amounts |= {f"regions.{key}": rates for key, rates in prices.regions.items()}
    for key, rates in amounts.items():
        _refuse_negative(name, key, rates)
    return msgspec.structs.replace(prices, regions=_normal(prices, name))


def _refuse_negative(name: str, key: str, rates: Rates | Grant) -> None:
    for field, value in msgspec.structs.asdict(rates).items():
        if value is not None and not (value.is_finite() and value >= 0):
            path = f"{key}.{field}"
            raise toml.wrong(name, path, f"{path} is {value}", hint="give an amount of 0 or more")


def _normal(prices: Prices, name: str) -> dict[str, Rates]:
    """Return the regions by their names as Azure's tools write them; one that is there twice is refused."""
    found: dict[str, Rates] = {}
    for key, rates in prices.regions.items():
        if region(key) in found:
            path = f"regions.{key}"
            raise toml.wrong(name, path, f'the region "{key}" is there twice', hint="keep one of the two")
        found[region(key)] = rates
    return found
