"""What is held fast, what is let pass, and what was deployed: locks, policy exemptions, deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.model import ids
from audit.sandbox.call import Call, Route
from audit.sandbox.routes.resources import body_at, group_of
from audit.sandbox.wire import encode
from audit.sandbox.world import Item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.sandbox.estate.model import Body
    from audit.sandbox.wire import Answer

_LOCK_VERSIONS = ("2016-09-01", "2017-04-01", "2020-05-01")
_EXEMPTION_VERSIONS = ("2020-07-01-preview", "2022-07-01-preview", "2024-12-01-preview")
_DEPLOYMENT_VERSIONS = ("2020-06-01", "2020-10-01", "2021-04-01", "2022-09-01", "2024-03-01", "2025-04-01")
_READ_LOCKS = "Microsoft.Authorization/locks/read"
_READ_EXEMPTIONS = "Microsoft.Authorization/policyExemptions/read"
_READ_DEPLOYMENTS = "Microsoft.Resources/deployments/read"
_PROVIDERS = "/providers/microsoft.authorization/"


def list_locks(call: Call) -> Answer:
    """Answer the locks at a scope and below it."""
    return _below(call, call.world.estate.locks, _READ_LOCKS)


def list_exemptions(call: Call) -> Answer:
    """Answer the exemptions at a scope and below it."""
    return _below(call, call.world.estate.policy_exemptions, _READ_EXEMPTIONS)


def list_deployments(call: Call) -> Answer:
    """Answer the deployments of a resource group, the newest first."""
    call.require(_READ_DEPLOYMENTS, call.parent)
    group_of(call)
    bodies = call.world.estate.deployments.get(call.parent, [])
    newest = sorted(bodies, key=lambda each: str(each["properties"]["timestamp"]), reverse=True)
    return call.page([encode(each) for each in newest], call.options.page_sizes.resources)


def _below(call: Call, listed: Mapping[str, list[Body]], action: str) -> Answer:
    body_at(call, call.parent)
    guid = (ids.subscription_of(call.path) or "").lower()
    bodies = next((each for key, each in listed.items() if key.lower() == guid), [])
    items = []
    for body in bodies:
        scope = ids.key(body["id"]).rpartition(_PROVIDERS)[0]
        if scope == call.parent or scope.startswith(call.parent + "/"):
            items.append(Item(scope, encode(body)))
    return call.page(call.readable(items, action), call.options.page_sizes.resources)


ROUTES = (
    Route("microsoft.authorization/locks", False, _LOCK_VERSIONS, (_READ_LOCKS,), list_locks),
    Route("microsoft.authorization/policyexemptions", False, _EXEMPTION_VERSIONS, (_READ_EXEMPTIONS,), list_exemptions),
    Route("microsoft.resources/deployments", False, _DEPLOYMENT_VERSIONS, (_READ_DEPLOYMENTS,), list_deployments),
)
