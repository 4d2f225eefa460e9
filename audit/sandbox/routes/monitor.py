"""Microsoft.Insights: the Activity Log, diagnostic settings and action groups."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids
from audit.sandbox.call import Call, Route, missing
from audit.sandbox.routes.resources import body_at
from audit.sandbox.wire import Answer, Unwrapped, encode, listing, ok
from audit.sandbox.world import Item, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.sandbox.estate.model import Body

_RETENTION = timedelta(days=90)
_READ_EVENTS = "Microsoft.Insights/eventtypes/values/read"
_READ_DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings/read"
_READ_ACTION_GROUPS = "Microsoft.Insights/actionGroups/read"
_CLAUSE = re.compile(r"(\w+)\s+(eq|ge|le)\s+(?:datetime)?'?([^']*)'?", re.IGNORECASE)
_ONE_OF = ("resourcegroupname", "resourceuri", "resourceprovider", "correlationid")
_BESIDES = ("eventchannels", "levels", "resourcetype", "status", "caller", "operations", "category")
_ALWAYS_SELECTED = ("caller", "id")


class _Filter(NamedTuple):
    since: datetime
    until: datetime | None
    equal: dict[str, str]


def list_events(call: Call) -> Answer:
    """Answer the events of a subscription, newest first, that ``$filter`` asks for."""
    wanted = _event_filter(call)
    where = _narrowed(call, wanted)
    access = call.world.access
    shown = access.visible(call.grant, _READ_EVENTS, where)
    oldest = call.world.estate.now - _RETENTION
    selected = [each.strip() for each in call.query.get("$select", "").split(",") if each.strip()]

    def found() -> Iterator[bytes]:
        for at, event, body in call.world.events((ids.subscription_of(call.path) or "").lower()):
            if at < oldest or at < wanted.since or (wanted.until is not None and at > wanted.until):
                continue
            if not all(_has(event, name, value) for name, value in wanted.equal.items()):
                continue
            key = ids.key(event.get("resourceId") or where)
            if shown is None or any(access.contains(scope, key) for scope in shown):
                yield _cut(event, selected) if selected else body

    return call.page(call.whole(lambda: list(found())), call.options.page_sizes.activity, spelled="$skipToken")


def _refused(message: str) -> Unwrapped:
    return Unwrapped(400, "BadRequest", message)


def _event_filter(call: Call) -> _Filter:
    text = call.query.get("$filter", "")
    since = until = None
    equal: dict[str, str] = {}
    for clause in filter(None, re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE)):
        match = _CLAUSE.fullmatch(clause.strip())
        name, operator = (match[1].lower(), match[2].lower()) if match else ("", "")
        if match is not None and name == "eventtimestamp" and operator in ("ge", "le"):
            asked = _asked(match[3])
            since, until = (asked, until) if operator == "ge" else (since, asked)
        elif match is not None and operator == "eq" and name in (*_ONE_OF, *_BESIDES):
            equal[name] = match[3]
        else:
            raise _refused(f"The filter clause '{clause.strip()}' is not supported.")
    if since is None:
        raise _refused("The start time (eventTimestamp ge) is required in $filter.")
    if until is not None and until < since:
        raise _refused("The end time is earlier than the start time.")
    if sum(name in _ONE_OF for name in equal) > 1:
        raise _refused("Only one of resourceGroupName, resourceUri, resourceProvider and correlationId is supported.")
    if since < call.world.estate.now - _RETENTION - timedelta(days=1):
        raise _refused("The start time cannot be more than 90 days in the past.")
    return _Filter(since, until, equal)


def _asked(text: str) -> datetime:
    try:
        return moment(text)
    except ValueError as error:
        raise _refused(f"The time '{text}' in $filter is not valid.") from error


def _narrowed(call: Call, wanted: _Filter) -> str:
    if "resourceuri" in wanted.equal:
        return ids.key(wanted.equal["resourceuri"])
    if "resourcegroupname" in wanted.equal:
        return f"{call.scope}/resourcegroups/{wanted.equal['resourcegroupname'].lower()}"
    return call.scope


def _has(event: Body, name: str, value: str) -> bool:
    if name in ("eventchannels", "levels"):
        if name == "eventchannels":
            return True
        return str(event.get("level", "")).lower() in [each.strip().lower() for each in value.split(",")]
    if name == "resourceuri":
        return ids.contains(value, event.get("resourceId") or "/")
    spelled = {
        "resourcegroupname": "resourceGroupName",
        "resourceprovider": "resourceProviderName",
        "correlationid": "correlationId",
        "resourcetype": "resourceType",
        "operations": "operationName",
    }.get(name, name)
    found = event.get(spelled)
    if isinstance(found, dict):
        found = found.get("value")
    return str(found or "").lower() == value.lower()


def _cut(event: Body, selected: list[str]) -> bytes:
    names = {each.lower() for each in (*selected, *_ALWAYS_SELECTED)}
    return encode({name: value for name, value in event.items() if name.lower() in names})


def list_diagnostics(call: Call) -> Answer:
    """Answer the diagnostic settings of a resource or subscription: an existing one without any has an empty list."""
    call.require(_READ_DIAGNOSTICS, call.scope)
    body_at(call, call.scope)
    return Answer(200, listing(encode(each) for each in call.world.estate.diagnostic_settings.get(call.scope, [])))


def get_diagnostic(call: Call) -> Answer:
    """Answer one diagnostic setting."""
    call.require(_READ_DIAGNOSTICS, call.scope)
    body_at(call, call.scope)
    for each in call.world.estate.diagnostic_settings.get(call.scope, []):
        if each["name"].lower() == call.target.name.lower():
            return ok(each)
    raise missing(call)


def _action_groups(call: Call) -> list[Body]:
    subscription = (ids.subscription_of(call.path) or "").lower()
    groups = call.world.estate.action_groups
    return [each for guid, found in groups.items() if guid.lower() == subscription for each in found]


def list_action_groups(call: Call) -> Answer:
    """Answer the action groups of a subscription or resource group."""
    items = [Item(ids.key(each["id"]), encode(each)) for each in _action_groups(call)]
    items = [item for item in items if item.key.startswith(call.parent + "/")]
    return Answer(200, listing(call.readable(items, _READ_ACTION_GROUPS)))


def get_action_group(call: Call) -> Answer:
    """Answer one action group."""
    call.require(_READ_ACTION_GROUPS, call.parent)
    for each in _action_groups(call):
        if ids.same(each["id"], call.parent):
            return ok(each)
    raise missing(call)


_DIAGNOSTIC_VERSIONS = ("2017-05-01-preview", "2021-05-01-preview")
_ACTION_GROUP_VERSIONS = (
    "2019-06-01",
    "2021-09-01",
    "2022-06-01",
    "2023-01-01",
    "2023-09-01-preview",
    "2024-10-01-preview",
)
ROUTES = (
    Route(
        "microsoft.insights/eventtypes/values",
        False,
        ("2014-04-01", "2015-04-01", "2017-03-01-preview"),
        (_READ_EVENTS,),
        list_events,
    ),
    Route("microsoft.insights/diagnosticsettings", False, _DIAGNOSTIC_VERSIONS, (_READ_DIAGNOSTICS,), list_diagnostics),
    Route("microsoft.insights/diagnosticsettings", True, _DIAGNOSTIC_VERSIONS, (_READ_DIAGNOSTICS,), get_diagnostic),
    Route("microsoft.insights/actiongroups", False, _ACTION_GROUP_VERSIONS, (_READ_ACTION_GROUPS,), list_action_groups),
    Route("microsoft.insights/actiongroups", True, _ACTION_GROUP_VERSIONS, (_READ_ACTION_GROUPS,), get_action_group),
)
