"""What the container-app CLI can't take back with a file, and how it is done instead.

``az containerapp job update --yaml`` sends the file as a JSON merge patch: objects are merged, lists replaced. Before
that it leaves out every null and every empty object, and every empty text in a list; of an identity it sends the type
alone. Only the block ``scale`` of an event trigger goes as the file has it, nulls included, and an empty list is sent.
A secret of the file without a value gets the one that the job has under that name.

Source: azure-cli 2.91.0, command_modules/containerapp, ``update_containerappjob_yaml`` with ``clean_null_values``,
``process_loaded_yaml`` and ``_populate_secret_values``; Jobs - Update is a merge patch by its own description:
https://learn.microsoft.com/rest/api/containerapps/jobs/update.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from audit.model import az, ids, json_path

_SCALE = ("properties", "configuration", "eventTriggerConfig", "scale")
_API_VERSION = "2025-07-01"


class ByHand(NamedTuple):
    """Something that the file can't bring back. ``command`` does it, where there is one."""

    path: str
    why: str
    command: str | None = None


def taking_away(earlier: dict[str, Any], now: dict[str, Any], job_id: str) -> tuple[dict[str, Any], list[ByHand]]:
    """Return the earlier definition as the file must hold it, and what is left to be done by hand.

    Of what the job has now and hadn't then, a list becomes an empty one and a setting of ``scale`` an explicit null.
    """
    by_hand: list[ByHand] = [*_identities(earlier.get("identity") or {}, now.get("identity") or {}, job_id)]
    shown = {name: value for name, value in now.items() if name != "identity"}
    written: dict[str, Any] = _merged(earlier, shown, (), by_hand, job_id)
    by_hand += [
        ByHand(path, "an empty text in a list, which the CLI leaves out: apply this list with another tool")
        for path in _empty_texts(written, "")
    ]
    return written, by_hand


def _merged(earlier: Any, now: Any, way: tuple[json_path.Step, ...], by_hand: list[ByHand], job_id: str) -> Any:
    if not isinstance(earlier, dict) or not isinstance(now, dict):
        return earlier
    written = {name: _merged(value, now.get(name), (*way, name), by_hand, job_id) for name, value in earlier.items()}
    for name, value in now.items():
        if name in earlier:
            continue
        if way == _SCALE:
            written[name] = None
        elif isinstance(value, list):
            written[name] = []
        else:
            added = (*way, name)
            why = "was not set then and is now; the CLI leaves out a null"
            by_hand.append(ByHand(json_path.written(added), why, _patch(job_id, added)))
    return written


def _patch(job_id: str, way: tuple[json_path.Step, ...]) -> str:
    body: Any = None
    for step in reversed(way):
        body = {step: body}
    url = shlex.quote(f"{job_id}?api-version={_API_VERSION}")
    return f"az rest --method patch --url {url} --body {shlex.quote(json.dumps(body))}"


def _identities(earlier: dict[str, Any], now: dict[str, Any], job_id: str) -> Iterator[ByHand]:
    path = "identity"
    one, other = _system(earlier), _system(now)
    if one != other:
        why = f"the system-assigned identity was {'on' if one else 'off'} then"
        yield ByHand(path, why, _identity(job_id, one, "--system-assigned"))
    had = {ids.key(name): name for name in earlier.get("userAssignedIdentities") or {}}
    has = {ids.key(name): name for name in now.get("userAssignedIdentities") or {}}
    within = json_path.member(path, "userAssignedIdentities")
    for key in sorted(had.keys() ^ has.keys()):
        given = key in had
        name = had[key] if given else has[key]
        why = "the job had this identity then" if given else "the job did not have this identity then"
        command = _identity(job_id, given, f"--user-assigned {shlex.quote(name)}")
        yield ByHand(json_path.member(within, name), why, command)


def _system(identity: dict[str, Any]) -> bool:
    return "systemassigned" in str(identity.get("type") or "").lower()


def _identity(job_id: str, given: bool, which: str) -> str:
    return f"az containerapp job identity {'assign' if given else 'remove'} {az.job(job_id)} {which}"


def _empty_texts(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _empty_texts(value, json_path.member(path, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            here = json_path.element(path, index)
            if value == "":
                yield here
            yield from _empty_texts(value, here)
