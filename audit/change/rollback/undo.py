"""Known changes undone: what a document was, from what it is and from what Azure says each property was before.

Azure gives values as text, so a value becomes again what stands there now, or what that member always is.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from audit.model import json_path
from audit.model.marker import MARKER, unmarked

_NUMBERS = frozenset((
    "cpu", "replicaTimeout", "replicaRetryLimit", "parallelism", "replicaCompletionCount", "minExecutions",
    "maxExecutions", "pollingInterval", "port", "initialDelaySeconds", "periodSeconds", "timeoutSeconds",
    "failureThreshold", "successThreshold", "terminationGracePeriodSeconds",
))  # fmt: skip
_WORDS = frozenset({"args", "command"})
_BLOCKS = frozenset((
    "identity", "userAssignedIdentities", "tags", "properties", "configuration", "secrets", "registries",
    "identitySettings", "eventTriggerConfig", "manualTriggerConfig", "scheduleTriggerConfig", "scale", "rules",
    "metadata", "auth", "template", "containers", "initContainers", "volumes", "volumeMounts", "env", "args",
    "command", "resources", "probes", "httpGet", "tcpSocket", "httpHeaders",
))  # fmt: skip


class Property(NamedTuple):
    """One property of a change: its path, and its values as Azure tells them; None where there was nothing."""

    path: str
    before: str | None
    after: str | None


def undone(document: Any, properties: Iterable[Property]) -> tuple[Any, list[str]]:
    """Return the document as it was before one change, and the paths that couldn't be taken back.

    A property can be taken back where the value after the change is what stands there; the others stay as they are.
    """
    earlier = copy.deepcopy(document)
    unfit: list[str] = []
    set_back: list[tuple[tuple[json_path.Step, ...], Any]] = []
    taken_away: list[tuple[json_path.Step, ...]] = []
    for each in properties:
        way = json_path.steps(each.path, document)
        now = None if way is None else json_path.at(document, way)
        if way is None or not _is(now, each.after):
            unfit.append(each.path)
        elif each.before is None:
            taken_away.append(way)
        else:
            try:
                set_back.append((way, _value(each.before, way, now)))
            except ValueError:
                unfit.append(each.path)
    for way, value in sorted(set_back, key=lambda found: _order(found[0])):
        if not _set(earlier, way, value):
            unfit.append(json_path.written(way))
    for way in sorted(taken_away, key=_order, reverse=True):
        _remove(earlier, way)
    return earlier, sorted(unfit)


def alike(one: Any, other: Any, *, same_key: bool = True) -> bool:
    """Tell whether two values say the same, whichever detector hid what of them.

    Digests under different keys tell nothing: then two hidden values count as the same.
    """
    return bool(_compared(one, same_key) == _compared(other, same_key))


def _compared(value: Any, same_key: bool) -> Any:
    if isinstance(value, str):
        return MARKER.sub(lambda mark: f"[redacted:{mark['digest']}]", value) if same_key else unmarked(value)
    if isinstance(value, dict):
        return {_compared(name, same_key): _compared(each, same_key) for name, each in value.items()}
    return [_compared(each, same_key) for each in value] if isinstance(value, list) else value


def _is(now: Any, told: str | None) -> bool:
    if told is None or now is None:
        return told is None and now is None
    if isinstance(now, str):
        return alike(now, told)
    try:
        return alike(_same_kind(told, now), now)
    except ValueError:
        return False


def _value(told: str, way: tuple[json_path.Step, ...], now: Any) -> Any:
    if now is not None:
        return _same_kind(told, now)
    name, last = next((step for step in reversed(way) if isinstance(step, str)), ""), way[-1]
    if isinstance(last, int):
        return told if name in _WORDS else _parsed(told)
    if any(step in json_path.NAMED_BY_PEOPLE for step in way[:-1]):
        return told
    if last in _NUMBERS:
        return _number(told)
    return _parsed(told) if last in _BLOCKS else told


def _same_kind(told: str, now: Any) -> Any:
    """Return the value that a text tells, of the kind of the one that stands there. Raises ValueError."""
    if isinstance(now, str):
        return told
    if isinstance(now, bool):
        if told.lower() not in ("true", "false"):
            raise ValueError(told)
        return told.lower() == "true"
    return _number(told) if isinstance(now, int | float) else _parsed(told)


def _number(told: str) -> int | float:
    try:
        return int(told)
    except ValueError:
        number = float(told)
    if not math.isfinite(number):
        raise ValueError(told)
    return number


def _parsed(told: str) -> Any:
    """Return the object or the list that a text tells; another text is no value of such a place."""
    try:
        value = msgspec.json.decode(told)
    except msgspec.DecodeError as error:
        raise ValueError(told) from error
    if not isinstance(value, dict | list):
        raise ValueError(told)  # noqa: TRY004  a text that says something else, not a wrong argument
    return value


def _order(way: tuple[json_path.Step, ...]) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (0, step) for step in way]


def _set(node: Any, way: tuple[json_path.Step, ...], value: Any) -> bool:
    for step, following in pairwise(way):
        further = json_path.inside(node, step)
        if further is None:
            further = [] if isinstance(following, int) else {}
            if not _put(node, step, further):
                return False
        node = further
    return _put(node, way[-1], value)


def _put(node: Any, step: json_path.Step, value: Any) -> bool:
    if isinstance(node, dict) and isinstance(step, str):
        node[step] = value
        return True
    if not isinstance(node, list) or not isinstance(step, int) or step > len(node):
        return False
    node[step : step + 1] = [value]
    return True


def _remove(node: Any, way: tuple[json_path.Step, ...]) -> None:
    """Take a value away, and what held nothing else."""
    first, rest = way[0], way[1:]
    further = json_path.inside(node, first)
    if further is None:
        return
    if rest:
        _remove(further, rest)
    if not rest or further in ({}, []):
        del node[first]
