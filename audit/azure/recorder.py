"""Keeps each answer as received, so that typed SDK operations give raw pages too."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from azure.core.pipeline.policies import AsyncHTTPPolicy, ContentDecodePolicy

from audit.model.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from azure.core.pipeline import PipelineRequest, PipelineResponse

    from audit.model.scope import Scope

OK = 200
_BOM = b"\xef\xbb\xbf"
_KEY = "jobaudit.answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer: the request, the status, and the body once decompressed."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    received_at: datetime
    body: bytes
    request_body: bytes | None

    @property
    def request_id(self) -> str:
        """The id by which Azure's own logs know this request (ARM and Graph name it differently)."""
        return self.headers.get("x-ms-request-id") or self.headers.get("request-id") or ""

    def page(self, scope: Scope, api_version: str = "") -> Page:
        """Return the answer as a page of a unit."""
        return Page(
            scope=scope,
            method=self.method,
            url=self.url,
            api_version=api_version or _api_version(self.url),
            status=self.status,
            request_id=self.request_id,
            correlation_id=self.headers.get("x-ms-correlation-request-id") or "",
            received_at=self.received_at,
            body=self.body,
            request_body=self.request_body,
        )


class NotOk(Exception):
    """The answer's status isn't 200. Raised before the SDK sees it, so that one place decides what it means."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


_heard: ContextVar[list[Answer] | None] = ContextVar("jobaudit_heard", default=None)


@contextmanager
def listening() -> Iterator[list[Answer]]:
    """Collect the answers to every request that is made inside, also by an SDK client, in order."""
    answers: list[Answer] = []
    token = _heard.set(answers)
    try:
        yield answers
    finally:
        _heard.reset(token)


class Recorder(AsyncHTTPPolicy[Any, Any]):
    """Outermost policy: sees the final answer only, not the attempts before it.

    With ``decode`` the JSON is decoded for typed clients, which expect to find it beside the answer. Raises
    UnicodeDecodeError where the body isn't UTF-8, and with ``decode`` msgspec.DecodeError where it isn't JSON.
    """

    def __init__(self, *, decode: bool) -> None:
        super().__init__()
        self._decode = decode

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Pass on, keep the answer, raise NotOk unless it is a 200."""
        response = await self.next.send(request)
        http, sent = response.http_response, request.http_request
        content = getattr(sent, "content", None)
        answer = Answer(
            method=sent.method,
            url=sent.url,
            status=http.status_code,
            headers=http.headers,
            received_at=datetime.now(UTC),
            body=http.body().removeprefix(_BOM),
            request_body=content.encode() if isinstance(content, str) else content,
        )
        if answer.status != OK:
            raise NotOk(answer)
        answer.body.decode()  # JSON is UTF-8; msgspec skips what it isn't asked for without looking
        heard = _heard.get()
        if heard is not None:
            heard.append(answer)
        if self._decode:
            response.context[ContentDecodePolicy.CONTEXT_NAME] = msgspec.json.decode(answer.body)
        response.context[_KEY] = answer
        return response


def answer_of(response: PipelineResponse[Any, Any]) -> Answer:
    """Return the answer that the recorder kept with a pipeline's response."""
    answer: Answer = response.context[_KEY]
    return answer


def _api_version(url: str) -> str:
    for name, values in parse_qs(urlsplit(url).query).items():
        if name.lower() == "api-version":
            return values[0]
    return ""
