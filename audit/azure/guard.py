"""The read-only guard and the host guard: what may leave this process, and where to.

It stands before authentication, so a request that it refuses never carries a token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.pipeline.policies import AsyncHTTPPolicy

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

_SEGMENT = r"[A-Za-z0-9._()\-]+"
_GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
READ_ONLY_POSTS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"/providers/Microsoft\.ResourceGraph/resources",
        rf"/subscriptions/{_SEGMENT}(/resourceGroups/{_SEGMENT})?/providers/Microsoft\.CostManagement/query",
        rf"/v1/workspaces/{_SEGMENT}/query",
        r"/v1\.0/directoryObjects/getByIds",
    )
)
"""The questions that Azure wants as a POST: Resource Graph, Cost query, Log Analytics query, Graph getByIds."""

DIRECTORY_GETS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"/v1\.0/groups/{_GUID}",
        rf"/v1\.0/groups/{_GUID}/(transitiveMembers|members)(/microsoft\.graph\.servicePrincipal)?",
        r"/v1\.0/identityGovernance/privilegedAccess/group/(eligibility|assignment)ScheduleInstances",
    )
)
"""What Graph is asked by GET: a group, who is in it, and who may come into it."""

_OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
_PORTS = {"https": 443, "http": 80}

Origin = tuple[str, str, int | None]


class Refused(Exception):
    """A request that jobaudit doesn't send. Nothing left the process."""


class WriteRefused(Refused):
    """The request could change something."""


class HostRefused(Refused):
    """The request leads away from the endpoint that its token belongs to."""


def origin(url: str) -> Origin:
    """Return scheme, host and port, in the form in which two spellings of the same origin are equal."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)


class Guard(AsyncHTTPPolicy[Any, Any]):
    """Lets reads through to one endpoint and raises Refused for everything else.

    ``posts``: the paths that may be asked by POST. ``gets``: those that may be asked by GET; None is all.
    """

    def __init__(
        self,
        endpoint: str,
        posts: tuple[re.Pattern[str], ...] = READ_ONLY_POSTS,
        *,
        gets: tuple[re.Pattern[str], ...] | None = None,
    ) -> None:
        super().__init__()
        self._posts = posts
        self._gets = gets
        self._origin = origin(endpoint)
        self._prefix = endpoint + "/"

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Check, then pass on."""
        http = request.http_request
        self.check(http.method, http.url, http.headers)
        return await self.next.send(request)

    def check(self, method: str, url: str, headers: Any = ()) -> None:
        """Raise HostRefused or WriteRefused unless this is a read on this endpoint."""
        if not url.startswith(self._prefix):
            self._check_origin(url)
        path = urlsplit(url).path
        if method == "GET" and (self._gets is None or any(allowed.fullmatch(path) for allowed in self._gets)):
            return
        if method != "POST" or not any(allowed.fullmatch(path) for allowed in self._posts):
            raise WriteRefused(f"{method} {path} is not among the reads that jobaudit makes; it was not sent")
        if ".." in path.split("/") or any(name in headers for name in _OVERRIDES):
            raise WriteRefused(f"{method} {path} hides another request; it was not sent")

    def _check_origin(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            there = origin(url)
        except ValueError as error:
            raise HostRefused("the address is not a valid URL; the request was not sent") from error
        if there != self._origin or parts.username is not None or parts.password is not None:
            raise HostRefused(
                f"the address leads to {there[0]}://{there[1]}, not to {self._origin[0]}://{self._origin[1]}; "
                "the request was not sent"
            )
