"""Microsoft.Authorization: role assignments, role definitions, and the caller's own permissions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.model import ids
from audit.sandbox.call import Call, Route, missing
from audit.sandbox.wire import Answer, Refused, encode, ok

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.sandbox.estate.model import Body

_VERSIONS = (
    "2015-07-01",
    "2018-01-01-preview",
    "2018-07-01",
    "2018-09-01-preview",
    "2020-04-01-preview",
    "2020-10-01-preview",
    "2022-04-01",
    "2022-05-01-preview",
)
_READ_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments/read"
_READ_DEFINITIONS = "Microsoft.Authorization/roleDefinitions/read"
_READ_PERMISSIONS = "Microsoft.Authorization/permissions/read"
_READ_DENIALS = "Microsoft.Authorization/denyAssignments/read"
_READ_ELIGIBILITY = "Microsoft.Authorization/roleEligibilityScheduleInstances/read"
_READ_ACTIVE = "Microsoft.Authorization/roleAssignmentScheduleInstances/read"
_PIM = "microsoft.authorization/role{}scheduleinstances"
_PIM_VERSIONS = ("2020-10-01-preview", "2020-10-01", "2022-04-01-preview")
_DENY_VERSIONS = ("2018-07-01-preview", "2022-04-01", "2024-07-01-preview")
_PRINCIPAL = re.compile(r"(?:assignedTo\('([^']+)'\)|principalId\s+eq\s+'([^']+)')", re.IGNORECASE)
_DEFINITION = re.compile(r"(roleName|type)\s+eq\s+'([^']*)'|atScopeAndBelow\(\)", re.IGNORECASE)


def list_assignments(call: Call) -> Answer:
    """Answer the assignments that apply at a scope and, without ``atScope()``, those below it."""
    access, scope = call.world.access, call.scope
    shown = access.visible(call.grant, _READ_ASSIGNMENTS, scope)
    at_scope, principal = _assignment_filter(call.query.get("$filter", ""))

    def found() -> Iterator[bytes]:
        for where, who, body in call.world.assignments:
            below = where.startswith(scope + "/")
            if not (access.contains(where, scope) or (below and not at_scope)):
                continue
            if principal is not None and who != principal:
                continue
            if shown is None or any(access.contains(each, where) for each in shown):
                yield body

    return call.page(call.whole(lambda: list(found())), call.options.page_sizes.role_assignments, spelled="$skipToken")


def _assignment_filter(text: str) -> tuple[bool, str | None]:
    at_scope, principal = False, None
    for clause in filter(None, re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE)):
        match = _PRINCIPAL.fullmatch(clause.strip())
        if match is not None:
            principal = (match[1] or match[2]).lower()
        elif clause.strip().lower() == "atscope()":
            at_scope = True
        else:
            raise Refused(
                400,
                "UnsupportedQuery",
                f"The filter '{text}' is not supported. Supported filters are either 'atScope()' or "
                "'principalId eq '{value}' or assignedTo('{value}')'.",
            )
    return at_scope, principal


def _applying(call: Call, bodies: list[Body], action: str, size: int) -> Answer:
    """Answer what applies at a scope and, without ``atScope()``, what was made below it."""
    access, scope = call.world.access, call.scope
    text = call.query.get("$filter", "")
    if text and text.lower() != "atscope()":
        raise Refused(400, "UnsupportedQuery", f"The filter '{text}' is not supported.")
    shown = access.visible(call.grant, action, scope)

    def found() -> Iterator[bytes]:
        for body in bodies:
            where = ids.key(body["properties"]["scope"])
            below = where.startswith(scope + "/")
            if not (access.contains(where, scope) or (below and not text)):
                continue
            if shown is None or any(access.contains(each, where) for each in shown):
                yield encode(body)

    return call.page(call.whole(lambda: list(found())), size)


def list_denials(call: Call) -> Answer:
    """Answer the deny assignments above, at and below a scope."""
    sizes = call.options.page_sizes
    return _applying(call, call.world.estate.deny_assignments, _READ_DENIALS, sizes.resources)


def list_eligibility(call: Call) -> Answer:
    """Answer the eligibility schedule instances of a scope."""
    sizes = call.options.page_sizes
    return _applying(call, call.world.estate.role_eligibility, _READ_ELIGIBILITY, sizes.role_assignments)


def list_activations(call: Call) -> Answer:
    """Answer the assignment schedule instances of a scope."""
    sizes = call.options.page_sizes
    return _applying(call, call.world.estate.role_activations, _READ_ACTIVE, sizes.role_assignments)


def get_assignment(call: Call) -> Answer:
    """Answer one assignment."""
    call.require(_READ_ASSIGNMENTS, call.scope)
    for each in call.world.estate.role_assignments:
        if each["name"].lower() == call.target.name.lower() and ids.same(each["properties"]["scope"], call.scope):
            return ok(each)
    raise Refused(404, "RoleAssignmentNotFound", f"The role assignment '{call.target.name}' is not found.")


def _require_definitions(call: Call) -> None:
    """Anyone who may read definitions somewhere may read them at the tenant's level."""
    if call.scope == "/" and call.world.access.scopes(call.grant, _READ_DEFINITIONS):
        return
    call.require(_READ_DEFINITIONS, call.scope)


def _seen_from(call: Call, body: Body) -> Body:
    guid = body["name"]
    prefix = call.target.scope if call.scope.startswith("/subscriptions/") else ""
    prefix = "/".join(prefix.split("/")[:3])
    return {**body, "id": f"{prefix}/providers/Microsoft.Authorization/roleDefinitions/{guid}"}


def _is_known(call: Call, body: Body) -> bool:
    if call.scope == "/":
        return True
    contains = call.world.access.contains
    return any(contains(ids.key(each), call.scope) for each in body["properties"]["assignableScopes"])


def get_definition(call: Call) -> Answer:
    """Answer one definition, by the GUID that is the same everywhere; its id is spelled from the scope that asks."""
    _require_definitions(call)
    body = call.world.estate.role_definitions.get(call.target.name.lower())
    if body is None or not _is_known(call, body):
        raise Refused(
            404,
            "RoleDefinitionDoesNotExist",
            f"The specified role definition with ID '{call.target.name.replace('-', '')}' does not exist.",
        )
    return ok(_seen_from(call, body))


def list_definitions(call: Call) -> Answer:
    """Answer the definitions that can be assigned at a scope."""
    _require_definitions(call)
    tests = [_definition_test(clause, call) for clause in _clauses(call)]
    definitions = call.world.estate.role_definitions.values()
    found = [each for each in definitions if _is_known(call, each) and all(test(each) for test in tests)]
    return call.page([encode(_seen_from(call, each)) for each in found], len(found) + 1)


def _clauses(call: Call) -> list[str]:
    text = call.query.get("$filter", "")
    return [each for each in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE) if each]


def _definition_test(clause: str, call: Call) -> Callable[[Body], bool]:
    match = _DEFINITION.fullmatch(clause.strip())
    if match is None:
        raise Refused(400, "UnsupportedQuery", f"The filter '{call.query['$filter']}' is not supported.")
    name, value = match[1], match[2]
    if name is None:
        return lambda _: True
    key = "roleName" if name.lower() == "rolename" else "type"
    return lambda body: str(body["properties"][key]).lower() == value.lower()


def list_permissions(call: Call) -> Answer:
    """Answer the caller's own permission blocks at a scope."""
    at_subscription = call.scope.removeprefix("/subscriptions/") in call.world.subscriptions
    if at_subscription and not call.options.subscription_permissions_route:
        raise Refused(404, "NotFound", f"No HTTP resource was found that matches the request URI '{call.path}'.")
    call.require(_READ_PERMISSIONS, call.scope)
    if not call.world.exists(call.scope):
        raise missing(call)
    blocks = (
        {name: block.get(name) or [] for name in ("actions", "notActions", "dataActions", "notDataActions")}
        for block in call.world.access.blocks(call.grant, call.scope)
    )
    return call.page([encode(each) for each in blocks], 1000)


ROUTES = (
    Route("microsoft.authorization/denyassignments", False, _DENY_VERSIONS, (_READ_DENIALS,), list_denials),
    Route(_PIM.format("eligibility"), False, _PIM_VERSIONS, (_READ_ELIGIBILITY,), list_eligibility),
    Route(_PIM.format("assignment"), False, _PIM_VERSIONS, (_READ_ACTIVE,), list_activations),
    Route("microsoft.authorization/roleassignments", False, _VERSIONS, (_READ_ASSIGNMENTS,), list_assignments),
    Route("microsoft.authorization/roleassignments", True, _VERSIONS, (_READ_ASSIGNMENTS,), get_assignment),
    Route("microsoft.authorization/roledefinitions", False, _VERSIONS, (_READ_DEFINITIONS,), list_definitions),
    Route("microsoft.authorization/roledefinitions", True, _VERSIONS, (_READ_DEFINITIONS,), get_definition),
    Route("microsoft.authorization/permissions", False, _VERSIONS, (_READ_PERMISSIONS,), list_permissions),
)
