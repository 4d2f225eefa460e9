"""What the frameworks ask, as rows: what controls may support, with our labels, and what none of them can show."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from audit.assess.tables import RequirementRow
from audit.model import Json

if TYPE_CHECKING:
    from audit.assess.frameworks import Framework
    from audit.assess.header import Control

_NUMBER = re.compile(r"(\d+)")


def requirements(labels: Mapping[str, Framework], controls: Sequence[Control]) -> Iterator[RequirementRow]:
    """Yield every requirement, framework by framework, in the order of their ids; those that can't be shown last.

    A requirement is listed whether a control supports it or not, and so is one that a control links to and that we
    have no label for.
    """
    linked: dict[str, set[str]] = {key: set() for key in labels}
    for control in controls:
        for key, ids in msgspec.to_builtins(control.header.frameworks).items():
            linked[key] |= set(ids)
    number = count(1)
    for key, framework in labels.items():
        for requirement in sorted(framework.labels.keys() | linked[key], key=natural):
            yield RequirementRow(
                framework=key,
                framework_name=framework.name,
                requirement=requirement,
                label=framework.labels.get(requirement),
                shown=True,
                weak=Json(list(framework.weak.get(requirement, ()))),
                position=next(number),
            )
        for each in framework.not_shown:
            yield RequirementRow(
                framework=key,
                framework_name=framework.name,
                requirement=", ".join(each.requirements),
                label=each.asks,
                shown=False,
                weak=Json([]),
                look=each.look,
                position=next(number),
            )


def natural(requirement: str) -> tuple[tuple[int, str | int], ...]:
    """Return the sort key of an id: its numbers by value, so that A.5.9 stands before A.5.15."""
    parts = _NUMBER.split(requirement)
    return tuple((1, int(part)) if at % 2 else (0, part) for at, part in enumerate(parts))
