"""Azure as the evidence kinds see it: a few doors that give pages as received, all of them or an error."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.core.async_paging import AsyncItemPaged

from audit.azure import cost, logs, questions, registry
from audit.azure import credential as signing
from audit.azure.clouds import Cloud, cloud_of
from audit.azure.door import Door, must_be_object
from audit.azure.faults import DIGEST_ERRORS, named, place
from audit.azure.guard import DIRECTORY_GETS
from audit.azure.meter import DEFAULT_WAIT, Meter, UnitMeter, unit_meter
from audit.azure.paging import Links
from audit.azure.pipeline import Plumbing
from audit.azure.recorder import Answer, listening
from audit.azure.sdk import Clients
from audit.azure.throttle import Throttle
from audit.azure.transport import open_session
from audit.model.outcome import GapReason, ReadFailed

if TYPE_CHECKING:
    from datetime import datetime

    from audit.config.settings import CloudSettings, CredentialSettings
    from audit.model.page import Page
    from audit.model.run import Caller
    from audit.model.scope import Scope

# Without a handler of its own the SDK's warnings go to stderr; what goes wrong is said once, by the errors here.
logging.getLogger("azure").addHandler(logging.NullHandler())


class Azure(Clients):
    """One cloud, one sign-in, one session. Made by connect().

    The doors raise ReadFailed with a gap reason, or NotThere for a confirmed absence, and nothing else but
    cancellation. The typed clients (``container_apps(subscription_id)`` and so on) come from Clients.
    """

    def __init__(self, cloud: Cloud, caller: Caller, meter: Meter, plumbing: Plumbing, registries: Plumbing) -> None:
        arm = cloud.resource_manager
        super().__init__(plumbing.pipeline(arm, cloud.arm_scope, typed=True), plumbing.credential, arm)
        self.cloud = cloud
        self.caller = caller
        self.meter = meter
        self._arm = Door(plumbing.pipeline(arm, cloud.arm_scope, typed=False), arm)
        self._graph: Door | None = None
        if cloud.graph:
            pipeline = plumbing.pipeline(cloud.graph, cloud.graph_scope, typed=False, gets=DIRECTORY_GETS)
            self._graph = Door(pipeline, cloud.graph)
        self._logs: Door | None = None
        if cloud.logs:
            self._logs = Door(plumbing.pipeline(cloud.logs, cloud.logs_scope, typed=False), cloud.logs)

        self._registries = registries

    @asynccontextmanager
    async def unit(self, *, wait: float = DEFAULT_WAIT) -> AsyncIterator[UnitMeter]:
        """Count what is read inside for one unit, and let it wait ``wait`` seconds altogether for throttling."""
        with unit_meter(wait) as meter:
            yield meter

    async def pages(
        self, path: str, *, api_version: str, scope: Scope, params: Mapping[str, str] | None = None
    ) -> AsyncIterator[Page]:
        """Yield every page of an ARM list. NotThere: the resource group or resource it hangs on doesn't exist."""
        async for answer in self._arm.pages(self._arm.address(path, api_version, params)):
            yield answer.page(scope, api_version)

    async def get(self, path: str, *, api_version: str, scope: Scope, params: Mapping[str, str] | None = None) -> Page:
        """Return one ARM resource. NotThere: Azure says that it doesn't exist."""
        answer = await self._arm.get(self._arm.address(path, api_version, params))
        return answer.page(scope, api_version)

    async def typed(self, operation: AsyncItemPaged[Any] | Awaitable[Any], *, scope: Scope) -> AsyncIterator[Page]:
        """Yield what a typed SDK operation of our clients was answered, as received.

        The operation makes the first request; the pages after it are read by their links, as pages() does.
        An answer that is valid JSON but that the SDK's models can't digest is yielded all the same: normalise says
        which item is wrong, and the others are kept.
        """
        if not isinstance(operation, AsyncItemPaged):
            yield (await _first(operation, one=True)).page(scope)
            return
        links = Links()
        answer = await _first(anext(operation.by_page()), one=False)
        with named(place(answer), one=False):
            link = links.read(answer)
        page = answer.page(scope)
        yield page
        if link:
            async for later in self._arm.pages(links.follow(answer, link), links):
                yield later.page(scope, page.api_version)

    async def resource_graph(self, query: str, *, subscriptions: Sequence[str], scope: Scope) -> AsyncIterator[Page]:
        """Yield every page of a Resource Graph query; ``data`` is an array of objects."""
        async for answer in questions.resource_graph(self._arm, query, subscriptions):
            yield answer.page(scope, questions.RESOURCE_GRAPH_VERSION)

    async def cost_query(self, path: str, body: Any, *, scope: Scope) -> AsyncIterator[Page]:
        """Yield every page of what a scope's resources cost; an answer 204 (nothing was charged) has an empty body."""
        async for answer in cost.query(self._arm, path, body):
            yield answer.page(scope, cost.VERSION)

    async def directory_objects(self, object_ids: Sequence[str], *, scope: Scope) -> AsyncIterator[Page]:
        """Yield what the directory knows about these object ids, up to 1,000 a page; unknown ids are left out."""
        async for answer in questions.directory_objects(self._directory(), object_ids):
            yield answer.page(scope, questions.GRAPH_VERSION)

    async def directory_list(
        self, path: str, *, scope: Scope, params: Mapping[str, str] | None = None, eventual: bool = False
    ) -> AsyncIterator[Page]:
        """Yield every page of a Graph list below ``/v1.0``. NotThere: what the list belongs to doesn't exist.

        Only the paths of guard.DIRECTORY_GETS are sent. ``eventual``: ask for an answer out of Graph's index, which
        some lists need.
        """
        async for answer in questions.directory_list(self._directory(), path, params, eventual=eventual):
            yield answer.page(scope, questions.GRAPH_VERSION)

    async def directory_object(self, path: str, *, scope: Scope, params: Mapping[str, str] | None = None) -> Page:
        """Return one Graph object below ``/v1.0``, by one of the same paths. NotThere: it doesn't exist."""
        door = self._directory()
        answer = await door.get(questions.graph_url(door, path, params))
        return answer.page(scope, questions.GRAPH_VERSION)

    async def log_query(
        self, workspace: str, kql: str, *, since: datetime, until: datetime, scope: Scope
    ) -> AsyncIterator[Page]:
        """Yield what a Log Analytics workspace (its customer id) answers to ``kql``, period by period, whole.

        A workspace without the table that ``kql`` begins with gives one page of status 400: Azure's words for that.
        """
        if self._logs is None:
            raise ReadFailed(GapReason.UNSUPPORTED, "this cloud has no Log Analytics: cloud.logs is empty")
        async for answer in logs.query(self._logs, workspace, kql, since=since, until=until):
            yield answer.page(scope, logs.VERSION)

    def _directory(self) -> Door:
        if self._graph is None:
            raise ReadFailed(GapReason.UNSUPPORTED, "this cloud has no Microsoft Graph: cloud.graph is empty")
        return self._graph

    def registry(self, login_server: str) -> registry.Registry:
        """Return the door to a container registry; ``login_server`` is what ARM names in the registry's own answer.

        Raises ReadFailed(UNSUPPORTED) for what isn't a login server of this cloud.
        """
        endpoint = registry.endpoint_of(login_server, self.cloud.registry_suffix)
        pipeline = self._registries.unauthenticated(endpoint, registry.POSTS)
        return registry.Registry(pipeline, self._registries.credential, endpoint, self.caller.tenant_id)


async def _first(operation: Awaitable[Any], *, one: bool) -> Answer:
    """Run a typed operation and return the answer that it got."""
    with listening() as heard, named("", one=one):
        try:
            await operation
        except DIGEST_ERRORS:
            if not heard:
                raise
    answer = heard[-1]
    with named(place(answer), one=one):
        must_be_object(answer)
    return answer


@asynccontextmanager
async def connect(
    cloud: CloudSettings, credential: CredentialSettings, *, connections: int = 64, backoff: float = 0.5
) -> AsyncIterator[Azure]:
    """Open the session, reach the cloud, sign in, and close everything at the end.

    ``connections``: sockets at once. ``backoff``: seconds before the first retry of a request.
    Raises ConfigError (a CA file, a missing variable), AzureUnreachable, or SignInFailed.
    """
    known, meter = cloud_of(cloud), Meter()
    async with (
        open_session(known, meter, connections=connections) as session,
        open_session(known, meter, connections=connections, leads_to=known.registries) as elsewhere,
    ):
        signer = signing.make(credential, known, session)
        async with signer:
            await _reach(session, known, meter)
            caller = await signing.sign_in(signer, credential, known)
            plumbing = Plumbing(session=session, credential=signer, throttle=Throttle(meter), backoff=backoff)
            yield Azure(known, caller, meter, plumbing, replace(plumbing, session=elsewhere))


async def _reach(session: aiohttp.ClientSession, cloud: Cloud, meter: Meter) -> None:
    """Find out whether ARM's endpoint answers at all, before anything else can fail in its place.

    Any HTTP answer will do. The address is public and asked without a token.
    """
    meter.requests["metadata"] += 1
    url = f"{cloud.resource_manager}/metadata/endpoints?api-version=2022-09-01"
    limit = aiohttp.ClientTimeout(total=60, sock_connect=20)
    try:
        async with session.get(url, allow_redirects=False, timeout=limit) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise signing.unreachable(cloud.resource_manager, error) from error
