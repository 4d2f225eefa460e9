"""Azure Resource Manager: the order in which it refuses, and the route that answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.sandbox.call import Call, Route, locate, split_target
from audit.sandbox.metadata import described
from audit.sandbox.routes import ROUTES, cost_management
from audit.sandbox.routes.resources import get_resource
from audit.sandbox.wire import Answer, Refused, ok

if TYPE_CHECKING:
    from audit.sandbox.limits import Buckets, QueryUnits, Quota
    from audit.sandbox.options import SandboxOptions
    from audit.sandbox.tokens import Grant, Tokens
    from audit.sandbox.world import World

_ROUTES = {(route.kind, route.named): route for route in ROUTES}
_WELL_FORMED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?", re.IGNORECASE)
_READ_POSTS = frozenset(route.kind for route in ROUTES if route.method == "POST")


def is_read(method: str, path: str) -> bool:
    """Tell whether a request only reads: every GET, and the POSTs that are queries."""
    return method == "GET" or (method == "POST" and locate(path).kind in _READ_POSTS)


class ResourceManager:
    """One cloud's ARM endpoint over a world."""

    def __init__(
        self,
        world: World,
        options: SandboxOptions,
        *,
        tokens: Tokens,
        audience: str,
        buckets: Buckets,
        quota: Quota,
        cost_units: QueryUnits,
        metadata: dict[str, Any],
    ) -> None:
        self.world = world
        self._options = options
        self._tokens = tokens
        self._audience = audience
        self._buckets = buckets
        self._quota = quota
        self._cost_units = cost_units
        self._metadata = metadata

    def answer(
        self, method: str, raw: str, body: bytes, *, authorization: str | None, base: str, headers: dict[str, str]
    ) -> tuple[Answer, Grant | None]:
        """Answer one request, put its rate-limit headers in ``headers``, and say who asked.

        ``raw`` is the path as sent, with its query; ``base`` the scheme, host and port that links are built on.
        """
        grant: Grant | None = None
        try:
            path, query = split_target(raw)
            if path.lower() == "/metadata/endpoints":
                return ok(described(self._metadata, _version(query))), None
            grant = self._tokens.check(authorization, self._audience)
            call = Call(
                method=method,
                path=path.rstrip("/"),
                target=locate(path),
                query=query,
                grant=grant,
                base=base,
                world=self.world,
                options=self._options,
                body=body,
            )
            return self._answer(call, headers), grant
        except Refused as refused:
            return refused.answer(), grant

    def _answer(self, call: Call, headers: dict[str, str]) -> Answer:
        version = _version(call.query)
        subscription = ids.subscription_of(call.path)
        if subscription is not None and subscription.lower() not in self.world.subscriptions:
            raise Refused(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        route = self._route(call, version)
        if route.method == "POST":
            taken = self._cost_units if route.kind == cost_management.KIND else self._quota
            quota, refused = taken.take(call.grant.object_id)
            headers.update(quota)
        else:
            refused = self._buckets.take(subscription or "tenant", call.grant.object_id, headers)
        return refused or route.answer(call)

    def _route(self, call: Call, version: str) -> Route:
        kind = call.target.kind
        route = _ROUTES.get((kind, call.target.named))
        if route is None and call.target.named and kind in self.world.types:
            route = Route(kind, True, (), (), get_resource)
        if route is None:
            namespace, _, rest = kind.partition("/")
            raise Refused(
                404,
                "InvalidResourceType" if "." in namespace else "NotFound",
                f"The resource type '{rest or namespace}' could not be found in the namespace '{namespace}' for api "
                f"version '{version}'. The supported api-versions are ''.",
            )
        if not _WELL_FORMED.fullmatch(version) or (route.versions and version.lower() not in route.versions):
            raise _wrong_version(kind, version, route.versions)
        if route.method != call.method:
            raise Refused(
                405, "MethodNotAllowed", f"The requested resource does not support http method '{call.method}'."
            )
        return route


def _version(query: dict[str, str]) -> str:
    version = query.get("api-version")
    if not version:
        raise Refused(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    return version


def _wrong_version(kind: str, version: str, supported: tuple[str, ...]) -> Refused:
    namespace, _, rest = kind.partition("/")
    versions = ",".join(reversed(supported))
    if "." not in namespace or not _WELL_FORMED.fullmatch(version):
        message = f"The api-version '{version}' is invalid. The supported versions are '{versions}'."
        return Refused(400, "InvalidApiVersionParameter", message)
    message = (
        f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api version '{version}'. "
        f"The supported api-versions are '{versions}'."
    )
    return Refused(400, "InvalidResourceType", message)
