"""Microsoft.ManagedIdentity: user-assigned identities, their federated credentials, and system-assigned ones."""

from __future__ import annotations

from audit.sandbox.call import Call, Route, missing
from audit.sandbox.routes.resources import get_resource, group_of
from audit.sandbox.wire import Answer, Refused, encode, ok

_VERSIONS = ("2018-11-30", "2022-01-31-preview", "2023-01-31", "2023-07-31-preview", "2024-11-30", "2025-01-31-preview")
_READ = "Microsoft.ManagedIdentity/userAssignedIdentities/read"
_READ_FEDERATED = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read"
_READ_SYSTEM = "Microsoft.ManagedIdentity/identities/read"


def list_user_assigned(call: Call) -> Answer:
    """Answer the user-assigned identities of a subscription or resource group."""
    bodies = call.readable(call.world.of_type(call.target.kind, call.parent), _READ)
    return call.page(bodies, call.options.page_sizes.identities)


def list_federated(call: Call) -> Answer:
    """Answer the federated credentials of one identity."""
    call.require(_READ_FEDERATED, call.parent)
    if call.parent not in call.world.resources:
        group_of(call)
        raise missing(call)
    credentials = call.world.estate.federated_credentials.get(call.parent, [])
    return call.page([encode(each) for each in credentials], call.options.page_sizes.identities)


def get_system(call: Call) -> Answer:
    """Answer the system-assigned identity of a resource."""
    call.require(_READ_SYSTEM, call.scope)
    found = call.world.estate.system_identities.get(call.scope)
    if found is None:
        raise Refused(
            404, "ResourceNotFound", f"The resource '{call.target.scope}' has no system-assigned managed identity."
        )
    return ok(found)


ROUTES = (
    Route("microsoft.managedidentity/userassignedidentities", False, _VERSIONS, (_READ,), list_user_assigned),
    Route("microsoft.managedidentity/userassignedidentities", True, _VERSIONS, (_READ,), get_resource),
    Route(
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
        False,
        _VERSIONS[1:],
        (_READ_FEDERATED,),
        list_federated,
    ),
    Route("microsoft.managedidentity/identities", True, _VERSIONS, (_READ_SYSTEM,), get_system),
)
