"""Microsoft.Resources: subscriptions, resource groups, the resources list, tags, and any one resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.sandbox.call import Call, Route, missing
from audit.sandbox.wire import Answer, Refused, encode, listing, ok
from audit.sandbox.world import Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.sandbox.estate.model import Body

_SUBSCRIPTION_VERSIONS = ("2016-06-01", "2019-11-01", "2020-01-01", "2021-01-01", "2022-12-01")
_VERSIONS = (
    "2020-06-01",
    "2020-10-01",
    "2021-04-01",
    "2022-09-01",
    "2024-03-01",
    "2024-07-01",
    "2024-11-01",
    "2025-04-01",
)
_READ_SUBSCRIPTION = "Microsoft.Resources/subscriptions/read"
_READ_GROUP = "Microsoft.Resources/subscriptions/resourceGroups/read"
_READ_RESOURCES = "Microsoft.Resources/subscriptions/resources/read"
_READ_TAGS = "Microsoft.Resources/tags/read"
_CLAUSE = re.compile(
    r"(resourceType|resourceGroup|name|location|tagName|tagValue)\s+(eq|ne)\s+'((?:[^']|'')*)'", re.IGNORECASE
)


def list_subscriptions(call: Call) -> Answer:
    """Answer the subscriptions in which the caller holds any role."""
    access = call.world.access
    shown = [
        encode(body)
        for guid, body in call.world.subscriptions.items()
        if access.is_known_below(call.grant, f"/subscriptions/{guid}")
    ]
    count = b',"count":{"type":"Total","value":%d}}' % len(shown)
    return Answer(200, listing(shown)[:-1] + count)


def get_subscription(call: Call) -> Answer:
    """Answer one subscription."""
    call.require(_READ_SUBSCRIPTION, call.parent)
    return ok(call.world.subscriptions[call.target.name.lower()])


def list_tenants(call: Call) -> Answer:
    """Answer the caller's tenant."""
    tenant = call.world.estate.tenant_id
    return ok({"value": [{"id": f"/tenants/{tenant}", "tenantId": tenant, "tenantCategory": "Home"}]})


def list_groups(call: Call) -> Answer:
    """Answer the resource groups that the caller may see."""
    prefix = call.parent + "/"
    wanted = _tag_filter(call)
    items = [
        Item(key, encode(body)) for key, body in call.world.groups.items() if key.startswith(prefix) and wanted(body)
    ]
    return call.page(call.readable(items, _READ_GROUP), call.options.page_sizes.resources)


def get_group(call: Call) -> Answer:
    """Answer one resource group."""
    call.require(_READ_GROUP, call.parent)
    return ok(group_of(call))


def group_of(call: Call) -> Body:
    """Return the body of the resource group that a call lies in. Raises Refused (404)."""
    name = ids.resource_group_of(call.path) or ""
    subscription = ids.subscription_of(call.path) or ""
    body = call.world.groups.get(f"/subscriptions/{subscription}/resourcegroups/{name}".lower())
    if body is None:
        raise Refused(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    return body


def list_resources(call: Call) -> Answer:
    """Answer resources without their properties, from ARM's own index.

    It shouts the resource group's name and squeezes the location, as ARM does.
    A resource shows when the caller may read that resource itself.
    """
    matches = _resource_filter(call.query.get("$filter", ""))
    prefix = call.parent + "/"
    access = call.world.access

    def found() -> Iterator[bytes]:
        for key, body in call.world.resources.items():
            if key.startswith(prefix) and call.world.is_indexed(body) and matches(body):
                action = f"{body['type']}/read"
                if access.may(call.grant, action, key) and access.may(call.grant, _READ_RESOURCES, key):
                    yield encode(_indexed(body))

    bodies = call.whole(lambda: list(found()))
    if not bodies:
        access.visible(call.grant, _READ_RESOURCES, call.parent)
    size = min(int(call.query.get("$top") or call.options.page_sizes.resources), call.options.page_sizes.resources)
    return call.page(bodies, size)


def _indexed(body: Body) -> Body:
    group = ids.resource_group_of(body["id"]) or ""
    shouted = re.sub(r"/resourceGroups/[^/]+", f"/resourceGroups/{group.upper()}", body["id"], flags=re.IGNORECASE)
    entry: Body = {"id": shouted, "name": body["name"], "type": body["type"]}
    entry["location"] = body.get("location", "").replace(" ", "").lower()
    for name in ("kind", "sku", "identity", "tags", "managedBy"):
        if body.get(name) is not None:
            entry[name] = body[name]
    return entry


def _resource_filter(text: str) -> Any:
    clauses = [part for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if part]
    wanted = []
    for clause in clauses:
        match = _CLAUSE.fullmatch(clause.strip())
        if match is None:
            raise Refused(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
        wanted.append((match[1].lower(), match[2].lower() == "eq", match[3].replace("''", "'")))
    tags = {name: value for name, _, value in wanted if name.startswith("tag")}

    def matches(body: Body) -> bool:
        facts = {
            "resourcetype": body["type"],
            "resourcegroup": ids.resource_group_of(body["id"]) or "",
            "name": body["name"],
            "location": body.get("location", "").replace(" ", ""),
        }
        plain = all((facts[name].lower() == value.lower()) is equal for name, equal, value in wanted if name in facts)
        if not tags:
            return plain
        have = {key.lower(): value for key, value in (body.get("tags") or {}).items()}
        name = tags.get("tagname", "").lower()
        return plain and name in have and tags.get("tagvalue", have[name]) == have[name]

    return matches


def _tag_filter(call: Call) -> Any:
    text = call.query.get("$filter", "")
    if text and not text.lower().startswith("tagname"):
        raise Refused(400, "InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string.")
    resource_filter = _resource_filter(text)
    return lambda body: resource_filter({"type": "", **body})


def get_tags(call: Call) -> Answer:
    """Answer the tags at a subscription, resource group or resource."""
    call.require(_READ_TAGS, call.scope)
    body = body_at(call, call.scope)
    return ok(
        {
            "id": f"{call.target.scope}/providers/Microsoft.Resources/tags/default",
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": {"tags": body.get("tags") or {}},
        }
    )


def body_at(call: Call, key: str) -> Body:
    """Return the body of whatever has this key. Raises Refused (404) when there is nothing."""
    world = call.world
    found = world.resources.get(key) or world.groups.get(key)
    found = found or world.subscriptions.get(key.removeprefix("/subscriptions/"))
    if found is None:
        group_of(call)
        raise missing(call)
    return found


def get_resource(call: Call) -> Answer:
    """Answer one resource of any type that the estate has."""
    kind = call.target.kind
    known = call.world.types.get(kind)
    namespace = call.world.resources[known[0].key]["type"] if known else kind
    call.require(f"{namespace}/read", call.parent)
    body = call.world.bodies.get(call.parent)
    if body is None:
        group_of(call)
        raise missing(call)
    return Answer(200, body)


ROUTES = (
    Route("tenants", False, _SUBSCRIPTION_VERSIONS, (), list_tenants),
    Route("subscriptions", False, _SUBSCRIPTION_VERSIONS, (_READ_SUBSCRIPTION,), list_subscriptions),
    Route("subscriptions", True, _SUBSCRIPTION_VERSIONS, (_READ_SUBSCRIPTION,), get_subscription),
    Route("subscriptions/resourcegroups", False, _VERSIONS, (_READ_GROUP,), list_groups),
    Route("subscriptions/resourcegroups", True, _VERSIONS, (_READ_GROUP,), get_group),
    Route("subscriptions/resources", False, _VERSIONS, (_READ_RESOURCES,), list_resources),
    Route("subscriptions/resourcegroups/resources", False, _VERSIONS, (_READ_RESOURCES,), list_resources),
    Route("microsoft.resources/tags", True, _VERSIONS, (_READ_TAGS,), get_tags),
)
