"""The members of a job as Azure takes them: what a definition may hold, and of which type.

Source: the model ``Job`` of azure-mgmt-appcontainers (API 2025-07-01), and what ``az containerapp job show`` adds.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from audit.change.document import below, refused


class Plain(NamedTuple):
    """A value without members; ``word`` says what was expected."""

    word: str
    kinds: tuple[type, ...]


class Members(NamedTuple):
    """An object whose members have these names and no others."""

    names: Mapping[str, Any]


class Named(NamedTuple):
    """An object whose members people name."""

    of: Any


class Many(NamedTuple):
    """A list."""

    of: Any


Shape = Plain | Members | Named | Many

TEXT = Plain("a text", (str,))
WHOLE = Plain("a whole number", (int,))
CORES = Plain("a number", (int, float, str))
SCALAR = Plain("a text", (str, int, float, bool))
ANYTHING = Plain("anything", (str, int, float, bool, list, dict))
_NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?")

_ENV = Many(Members({"name": TEXT, "value": TEXT, "secretRef": TEXT}))
_PROBE = Members(
    {
        "type": TEXT,
        "httpGet": Members(
            {
                "host": TEXT,
                "path": TEXT,
                "port": WHOLE,
                "scheme": TEXT,
                "httpHeaders": Many(Members({"name": TEXT, "value": TEXT})),
            }
        ),
        "tcpSocket": Members({"host": TEXT, "port": WHOLE}),
        **dict.fromkeys(
            (
                "failureThreshold",
                "initialDelaySeconds",
                "periodSeconds",
                "successThreshold",
                "terminationGracePeriodSeconds",
                "timeoutSeconds",
            ),
            WHOLE,
        ),
    }
)
_CONTAINER = Members(
    {
        "name": TEXT,
        "image": TEXT,
        "command": Many(TEXT),
        "args": Many(TEXT),
        "env": _ENV,
        "resources": Members({"cpu": CORES, "memory": TEXT, "ephemeralStorage": TEXT}),
        "volumeMounts": Many(Members({"volumeName": TEXT, "mountPath": TEXT, "subPath": TEXT})),
        "probes": Many(_PROBE),
    }
)
_TEMPLATE = Members(
    {
        "containers": Many(_CONTAINER),
        "initContainers": Many(_CONTAINER),
        "volumes": Many(
            Members(
                {
                    "name": TEXT,
                    "storageType": TEXT,
                    "storageName": TEXT,
                    "mountOptions": TEXT,
                    "secrets": Many(Members({"secretRef": TEXT, "path": TEXT})),
                }
            )
        ),
    }
)
_RULE = Members(
    {
        "name": TEXT,
        "type": TEXT,
        "metadata": Named(SCALAR),
        "auth": Many(Members({"secretRef": TEXT, "triggerParameter": TEXT})),
        "identity": TEXT,
    }
)
_TRIGGER = {"parallelism": WHOLE, "replicaCompletionCount": WHOLE}
_SCALE = Members({"minExecutions": WHOLE, "maxExecutions": WHOLE, "pollingInterval": WHOLE, "rules": Many(_RULE)})
_CONFIGURATION = Members(
    {
        "triggerType": TEXT,
        "replicaTimeout": WHOLE,
        "replicaRetryLimit": WHOLE,
        "eventTriggerConfig": Members({**_TRIGGER, "scale": _SCALE}),
        "manualTriggerConfig": Members(_TRIGGER),
        "scheduleTriggerConfig": Members({**_TRIGGER, "cronExpression": TEXT}),
        "secrets": Many(Members({"name": TEXT, "value": TEXT, "keyVaultUrl": TEXT, "identity": TEXT})),
        "registries": Many(Members(dict.fromkeys(("server", "username", "passwordSecretRef", "identity"), TEXT))),
        "identitySettings": Many(Members({"identity": TEXT, "lifecycle": TEXT})),
        "dapr": ANYTHING,
    }
)
PROPERTIES = {
    "environmentId": TEXT,
    "workloadProfileName": TEXT,
    "configuration": _CONFIGURATION,
    "template": _TEMPLATE,
    "provisioningState": TEXT,
    "runningState": TEXT,
    "runningStatus": TEXT,
    "outboundIpAddresses": Many(TEXT),
    "eventStreamEndpoint": TEXT,
}
"""Members of ``properties``; the CLI takes them at the top as well."""
JOB = Members(
    {
        "id": TEXT,
        "name": TEXT,
        "type": TEXT,
        "resourceGroup": TEXT,
        "location": TEXT,
        "tags": Named(TEXT),
        "identity": Members(
            {
                "type": TEXT,
                "principalId": TEXT,
                "tenantId": TEXT,
                "userAssignedIdentities": Named(Members({"principalId": TEXT, "clientId": TEXT})),
            }
        ),
        "systemData": ANYTHING,
        "etag": TEXT,
        "properties": Members(PROPERTIES),
    }
)
TEMPLATE_ONLY = ("apiVersion", "dependsOn", "comments")
"""What a resource of an ARM template holds beside a job's members."""


def check(value: Any, shape: Shape, place: str, path: str) -> None:
    """Refuse what isn't of a shape: an unknown member by its name and the near one, a wrong type by what was expected.

    A null is taken anywhere. Raises ConfigError.
    """
    if value is None:
        return
    if isinstance(shape, Plain):
        _plain(value, shape, place, path)
    elif isinstance(shape, Many):
        if not isinstance(value, list):
            raise _other(value, "a list", place, path)
        for index, each in enumerate(value):
            check(each, shape.of, f"{place}[{index}]", path)
    elif not isinstance(value, dict):
        raise _other(value, "an object of names and values", place, path)
    elif isinstance(shape, Named):
        for key, each in value.items():
            check(each, shape.of, below(place, key), path)
    else:
        _members(value, shape, place, path)


def _members(value: dict[str, Any], shape: Members, place: str, path: str) -> None:
    for key, each in value.items():
        here = below(place, key)
        if key not in shape.names:
            folded = {name.lower(): name for name in shape.names}
            near = [folded[one] for one in difflib.get_close_matches(key.lower(), folded, n=1)]
            hint = f'did you mean "{near[0]}"?' if near else "known here: " + ", ".join(shape.names)
            raise refused(path, here, f"a job has no member {here}", hint=hint)
        check(each, shape.names[key], here, path)


def _plain(value: Any, shape: Plain, place: str, path: str) -> None:
    fits = type(value) in shape.kinds
    if shape is CORES and isinstance(value, str):
        fits = _NUMBER.fullmatch(value) is not None
    if not fits:
        raise _other(value, shape.word, place, path)


def _other(value: Any, expected: str, place: str, path: str) -> Exception:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "a truth value", list: "a list"}
    found = words.get(type(value), "an object")
    quote = expected == TEXT.word and not isinstance(value, list | dict)
    hint = "put it in quotes" if quote else f"write {expected}"
    return refused(path, place, f"{place or 'the document'} is {found}, {expected} was expected", hint=hint)
