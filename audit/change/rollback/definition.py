"""What of a job can be applied: the definition without what Azure sets by itself and without unused blocks."""

from __future__ import annotations

from typing import Any

_OWN = frozenset({"id", "type", "etag", "systemdata"})
_OWN_PROPERTIES = frozenset(
    {"provisioningstate", "runningstate", "runningstatus", "outboundipaddresses", "eventstreamendpoint"}
)
_OWN_RESOURCES = frozenset({"ephemeralstorage"})
"""By the description of Microsoft.App/jobs these are read-only:
https://learn.microsoft.com/azure/templates/microsoft.app/jobs, and the swagger it is made of."""


def applicable(item: dict[str, Any]) -> dict[str, Any]:
    """Return a job as ARM sends it without its id, its read-only members and members that are null.

    Members stay in Azure's order. An identity is kept by its id alone; whatever Azure may add that this version doesn't
    know stays.
    """
    kept = {name: value for name, value in item.items() if name.lower() not in _OWN and value is not None}
    properties, identity = kept.get("properties"), kept.get("identity")
    if isinstance(properties, dict):
        own = {name: value for name, value in properties.items() if name.lower() not in _OWN_PROPERTIES}
        kept["properties"] = {**own, **_template(own)}
    if isinstance(identity, dict):
        kept["identity"] = _identity(identity)
    bare: dict[str, Any] = _bare(kept)
    return bare


def applies(path: str) -> bool:
    """Tell whether a property, by its path, is one that can be applied."""
    first, _, rest = path.lower().partition(".")
    second = rest.partition(".")[0].partition("[")[0]
    if first == "identity":
        return second not in ("principalid", "tenantid")  # those of its users tell which users there are
    if rest.endswith("resources.ephemeralstorage"):
        return False
    return first.partition("[")[0] not in _OWN and not (first == "properties" and second in _OWN_PROPERTIES)


def _template(properties: dict[str, Any]) -> dict[str, Any]:
    template = properties.get("template")
    if not isinstance(template, dict):
        return {}
    lists = {
        name: [_container(each) for each in template[name]]
        for name in ("containers", "initContainers")
        if isinstance(template.get(name), list)
    }
    return {"template": {**template, **lists}}


def _container(container: Any) -> Any:
    resources = container.get("resources") if isinstance(container, dict) else None
    if not isinstance(resources, dict):
        return container
    asked = {name: value for name, value in resources.items() if name.lower() not in _OWN_RESOURCES}
    return {**container, "resources": asked}


def _identity(identity: dict[str, Any]) -> dict[str, Any]:
    users = identity.get("userAssignedIdentities")
    kept = {name: value for name, value in identity.items() if name not in ("principalId", "tenantId")}
    if isinstance(users, dict):
        kept["userAssignedIdentities"] = {name: {} for name in users}
    return kept


def _bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _bare(value) for name, value in node.items() if value is not None}
    return [_bare(value) for value in node] if isinstance(node, list) else node
