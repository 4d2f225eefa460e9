"""The simulated estate as its tests read it: jobs, events and holders of roles by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from audit.model import ids
from audit.sandbox.estate import build
from audit.sandbox.options import SandboxOptions

NOW = datetime(2026, 3, 31, 6, tzinfo=UTC)
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def made(**options):
    return build(SandboxOptions(now=NOW, **options))


def jobs(estate, trigger=None):
    found = [body for body in estate.resources.values() if body["type"] == "Microsoft.App/jobs"]
    return [body for body in found if trigger in (None, body["properties"]["configuration"]["triggerType"])]


def job(estate, name):
    (found,) = [body for body in jobs(estate) if body["name"] == name]
    return found


def rules(body):
    return body["properties"]["configuration"]["eventTriggerConfig"]["scale"]["rules"]


def events(estate, **wanted):
    return [
        event
        for log in estate.activity.values()
        for event in log
        if all(
            wanted[key] in (event[key], event[key]["value"] if isinstance(event[key], dict) else None) for key in wanted
        )
    ]


def holders(estate, role, scope=None):
    guids = {guid for guid, body in estate.role_definitions.items() if body["properties"]["roleName"] == role}
    return [
        each["properties"]["principalId"]
        for each in estate.role_assignments
        if ids.name_of(each["properties"]["roleDefinitionId"]) in guids
        and (scope is None or ids.same(scope, each["properties"]["scope"]))
    ]
