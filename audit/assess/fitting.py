"""Which overrides of [policy] fit which job: the nearest tag of a key decides, one that wasn't read nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.assess.estate import Estate
    from audit.assess.locked import Locked
    from audit.assess.policy import Override

_HERE = "audit/assess/fitting.py"
_TAGS = """
select lower(rtrim(resource_id, '/')) as resource_key, source, lower("key") as tag, lower(value) as value
from tags order by resource_key, source, tag, "key", row_id
"""
_COLUMNS = ("resource_key", "source", "tag", "value")


class Fitting(NamedTuple):
    """By job key: the overrides that fit it, in order; and those of which nobody knows, for a tag wasn't read."""

    of: dict[str, tuple[int, ...]]
    unsettled: dict[str, tuple[int, ...]]


def read(locked: Locked, estate: Estate, overrides: Sequence[Override]) -> Fitting:
    """Hold every job's tags against the overrides."""
    fit: dict[str, tuple[int, ...]] = {}
    unsettled: dict[str, tuple[int, ...]] = {}
    wanted = {key.lower() for override in overrides for key in override.tags}
    tags: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for resource, source, tag, value in locked.select(_TAGS, where=_HERE, required=_COLUMNS) if wanted else ():
        if tag in wanted:
            tags[resource, source].setdefault(tag, value)
    for key, job in estate.jobs.items() if wanted else ():
        if job.deleted:
            continue
        own, above = tags.get((key, "job"), {}), _above(tags, key)
        whole = not estate.lacks(("tags",), key)
        told = {each.place: _fits(each, own, above, whole=whole) for each in overrides}
        fit[key] = tuple(index for index, each in told.items() if each)
        unsettled[key] = tuple(index for index, each in told.items() if each is None)
    return Fitting(fit, {key: found for key, found in unsettled.items() if found})


def _above(tags: dict[tuple[str, str], dict[str, str]], key: str) -> dict[str, str]:
    parts = key.split("/")
    return tags.get(("/".join(parts[:3]), "subscription"), {}) | tags.get(("/".join(parts[:5]), "resource_group"), {})


def _fits(override: Override, own: dict[str, str], above: dict[str, str], *, whole: bool) -> bool | None:
    """Tell whether a job carries all the tags; None where a tag that may be nearer wasn't read."""
    answers: list[bool | None] = []
    for name, value in override.tags.items():
        tag = name.lower()
        if tag in own:
            answers.append(own[tag] == value.lower())
        else:
            answers.append(above.get(tag) == value.lower() if whole else None)
    if False in answers:
        return False
    return None if None in answers else True
