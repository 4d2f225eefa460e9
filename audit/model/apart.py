"""Things of one name in one job, told apart: Azure may list such, and a row needs a name of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from audit.model.containerapp import ContainerSpec, Rule, SecretName, Volume

Named = TypeVar("Named", ContainerSpec, Rule, SecretName, Volume)


def apart(things: Iterable[Named]) -> list[Named]:
    """Return the things in their order, the second of one name (in any casing) called ``name (2)``, and so on.

    A name that another of them bears already is passed over.
    """
    given = list(things)
    taken = {each.name.lower() for each in given}
    seen: set[str] = set()
    told: list[Named] = []
    for each in given:
        name, number = each.name, 1
        while name.lower() in seen or (number > 1 and name.lower() in taken):
            number += 1
            name = f"{each.name} ({number})"
        seen.add(name.lower())
        told.append(each if number == 1 else msgspec.structs.replace(each, name=name))
    return told
