"""What an update makes of a definition: a JSON merge patch (RFC 7396), prepared as the container-app CLI prepares it.

``az containerapp job update --yaml`` sends a PATCH: objects are merged, lists replaced whole, and what isn't named
stays. Before that the CLI leaves out every null (``clean_null_values``: "the PATCH API will delete those"), so that a
null in the file takes nothing away; ``eventTriggerConfig.scale`` alone it sends as it was written, where the file says
``triggerType: Event``. Of an identity it sends the type alone; what the file says of user-assigned ones is merged here
all the same, because who approves the file means them to be given. An ARM template is a PUT: it replaces the whole.

Source: azure-cli, command_modules/containerapp/containerapp_job_decorator.py, ``set_up_update_containerapp_job_yaml``,
and _utils.py beside it.
"""

from __future__ import annotations

from typing import Any

from audit.change.document import below

_SCALE = "properties.configuration.eventTriggerConfig.scale"
_TRIGGERS = {"event": "eventTriggerConfig", "manual": "manualTriggerConfig", "schedule": "scheduleTriggerConfig"}
_AZURES_OWN = ("provisioningState", "runningState", "runningStatus", "outboundIpAddresses", "eventStreamEndpoint")


def merge(target: Any, patch: Any) -> Any:
    """Return ``target`` after a JSON merge patch; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def sent(members: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what the CLI sends of a file's members, and the places whose null it leaves out."""
    left: list[str] = []
    properties = members.get("properties") or {}
    configuration = properties.get("configuration") or {}
    event = str(configuration.get("triggerType") or "").lower() == "event"
    return _sent(members, "", left, kept=_SCALE if event else ""), left


def _sent(value: Any, place: str, left: list[str], *, kept: str) -> Any:
    if isinstance(value, dict):
        if place == kept and kept:
            return value
        found = {}
        for key, each in value.items():
            here = below(place, key)
            if each is None:
                left += [here] * ("[" not in here)  # a list is replaced whole, with or without the null
            else:
                found[key] = _sent(each, here, left, kept=kept)
        return found
    if isinstance(value, list):
        return [
            _sent(each, f"{place}[{index}]", left, kept=kept) for index, each in enumerate(value) if each is not None
        ]
    return value


def updated(current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return a job's definition after an update with a patch as :func:`sent` returns it."""
    return _settled(merge(current, patch), current, patch)


def replaced(current: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return a job's definition after a template replaced it: what the template doesn't name is gone."""
    found: dict[str, Any] = {key: current[key] for key in ("id", "name", "type", "systemData") if key in current}
    found |= {key: value for key, value in members.items() if value is not None}
    before, properties = current.get("properties") or {}, found.get("properties") or {}
    found["properties"] = {**{key: before[key] for key in _AZURES_OWN if key in before}, **properties}
    identity, had = found.get("identity"), current.get("identity") or {}
    if isinstance(identity, dict) and isinstance(had, dict):
        users = had.get("userAssignedIdentities") or {}
        kept = {key: users.get(key) or each for key, each in (identity.get("userAssignedIdentities") or {}).items()}
        found["identity"] = {**{key: had[key] for key in ("principalId", "tenantId") if key in had}, **identity}
        if kept:
            found["identity"]["userAssignedIdentities"] = kept
    return _settled(found, current, members)


def _settled(found: dict[str, Any], current: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the definition without what Azure drops by itself: identities that the type rules out, other triggers."""
    identity, had = found.get("identity"), current.get("identity")
    kind = str(identity.get("type") or "").lower() if isinstance(identity, dict) else ""
    before_it = str(had.get("type") or "").lower() if isinstance(had, dict) else ""
    if isinstance(identity, dict) and isinstance(patch.get("identity"), dict) and kind != before_it:
        gone = {"userAssignedIdentities"} if "userassigned" not in kind else set()
        gone |= {"principalId", "tenantId"} if "systemassigned" not in kind else set()
        found = {**found, "identity": {key: each for key, each in identity.items() if key not in gone}}
    settings, before = _configuration(found), _configuration(current)
    trigger = str(settings.get("triggerType") or "").lower()
    if trigger in _TRIGGERS and trigger != str(before.get("triggerType") or "").lower():
        others = {name for word, name in _TRIGGERS.items() if word != trigger} - set(_configuration(patch))
        settings = {key: each for key, each in settings.items() if key not in others}
        found = {**found, "properties": {**found["properties"], "configuration": settings}}
    return found


def _configuration(of: dict[str, Any]) -> dict[str, Any]:
    properties = of.get("properties")
    found = properties.get("configuration") if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}
