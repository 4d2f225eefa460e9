"""From what went wrong to a gap reason: every status and every exception that can surface has its word here.

Details name the request without its query (it may hold signatures or tokens), Azure's error code and message, and
Azure's request id. Headers and bodies are never quoted.
"""

from __future__ import annotations

import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import msgspec
from azure.core import exceptions as core

from audit.azure.guard import HostRefused, WriteRefused
from audit.azure.recorder import NotOk
from audit.model.outcome import GapReason, NotThere, ReadFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.azure.recorder import Answer

REASONS: dict[type[BaseException], GapReason] = {
    # azure.core: the most derived class that is listed counts
    core.AzureError: GapReason.UNAVAILABLE,
    core.ServiceRequestError: GapReason.UNAVAILABLE,
    core.ServiceResponseError: GapReason.UNAVAILABLE,
    core.ServiceRequestTimeoutError: GapReason.UNAVAILABLE,
    core.ServiceResponseTimeoutError: GapReason.UNAVAILABLE,
    core.HttpResponseError: GapReason.UNAVAILABLE,
    core.DecodeError: GapReason.MALFORMED,
    core.IncompleteReadError: GapReason.UNAVAILABLE,
    core.ResourceExistsError: GapReason.UNAVAILABLE,
    core.ResourceNotFoundError: GapReason.UNAVAILABLE,
    core.ClientAuthenticationError: GapReason.FORBIDDEN,
    core.ResourceModifiedError: GapReason.UNAVAILABLE,
    core.ResourceNotModifiedError: GapReason.UNAVAILABLE,
    core.TooManyRedirectsError: GapReason.UNAVAILABLE,
    core.ODataV4Error: GapReason.UNAVAILABLE,
    core.StreamConsumedError: GapReason.UNAVAILABLE,
    core.StreamClosedError: GapReason.UNAVAILABLE,
    core.ResponseNotReadError: GapReason.UNAVAILABLE,
    core.SerializationError: GapReason.UNSUPPORTED,
    core.DeserializationError: GapReason.MALFORMED,
    # below the SDK
    aiohttp.ClientError: GapReason.UNAVAILABLE,
    TimeoutError: GapReason.UNAVAILABLE,
    OSError: GapReason.UNAVAILABLE,  # ssl.SSLError and socket.gaierror are OSErrors
    zlib.error: GapReason.MALFORMED,
    msgspec.MsgspecError: GapReason.MALFORMED,
    UnicodeError: GapReason.MALFORMED,
    RecursionError: GapReason.MALFORMED,
    # our own
    HostRefused: GapReason.TRUNCATED,
    WriteRefused: GapReason.UNSUPPORTED,
}
FAILURES: tuple[type[BaseException], ...] = (*REASONS, NotOk)
"""What becomes ReadFailed or NotThere; anything else is a defect of ours and surfaces as one."""

DIGEST_ERRORS: tuple[type[Exception], ...] = (
    core.DeserializationError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
)
"""What a typed SDK client raises when it can't digest an answer that is valid JSON."""

_STATUS = {
    400: GapReason.UNSUPPORTED,
    401: GapReason.FORBIDDEN,
    403: GapReason.FORBIDDEN,
    405: GapReason.UNSUPPORTED,
    410: GapReason.UNSUPPORTED,
    422: GapReason.UNSUPPORTED,
    429: GapReason.THROTTLED,
    501: GapReason.UNSUPPORTED,
}
_NOT_VISIBLE = frozenset({"subscriptionnotfound", "invalidsubscriptionid", "invalidauthenticationtokentenant"})
"""Codes that ARM gives for a subscription that doesn't exist and for one that the caller may not know of alike."""
_NOT_OFFERED = frozenset(
    {
        "invalidresourcetype",
        "invalidresourcenamespace",
        "noregisteredproviderfound",
        "missingsubscriptionregistration",
        "missingregistrationfortype",
        "invalidapiversionparameter",
        "unsupportedapiversion",
        "nosupportedapiversion",
        "featurenotregistered",
    }
)
_LONGEST = 400
_QUERY = re.compile(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]*")
_SECRETS = re.compile(
    r"(?i)\b(sig|signature|sharedaccesskey|accountkey|password|client_secret|(?:access_)?token)=[^\s&;,]+"
)
_BEARER = re.compile(r"(?i)\bbearer\s+\S+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")


class _Error(msgspec.Struct):
    code: object = ""
    message: object = ""


class _ErrorDocument(msgspec.Struct):
    error: _Error | None = None
    code: object = ""
    message: object = ""
    errors: object = None
    """A registry's: a list of the same."""


def read_failed(error: BaseException, what: str = "") -> ReadFailed:
    """Return the ReadFailed for an exception out of FAILURES; ``what`` names the request."""
    reason = next((REASONS[kind] for kind in type(error).__mro__ if kind in REASONS), GapReason.UNAVAILABLE)
    if isinstance(error, core.HttpResponseError) and isinstance(error.status_code, int) and error.status_code != 200:  # noqa: PLR2004  HTTP
        reason = _STATUS.get(error.status_code, reason)
    return ReadFailed(reason, _joined(what, f"{type(error).__name__}: {clean(str(error))}"))


def refusal(answer: Answer, *, one: bool) -> ReadFailed | NotThere:
    """Return what a status other than 200 means.

    A 404 is a confirmed absence only where Azure's own error document says so, and only of the ``one`` resource that
    was asked for or of the parent of a list below a resource group. A list over a whole subscription that isn't there
    has not been shown to be empty.
    """
    code, message = _document(answer.body)
    known = code.lower()
    said = f"{answer.status} {code}".rstrip() + (f": {message}" if message else "")
    id_ = f" (request {answer.request_id})" if answer.request_id else ""
    detail = _joined(place(answer), said + id_)
    if 300 <= answer.status < 400:  # noqa: PLR2004  HTTP
        there = urlsplit(answer.headers.get("Location") or "").hostname
        return ReadFailed(GapReason.UNAVAILABLE, f"{detail}: a redirect to {there or 'nowhere'} was not followed")
    if known in _NOT_VISIBLE:
        return ReadFailed(GapReason.FORBIDDEN, detail)
    if known in _NOT_OFFERED:
        return ReadFailed(GapReason.UNSUPPORTED, detail)
    if answer.status == 404:  # noqa: PLR2004  HTTP
        return _not_found(answer, code, detail, one=one)
    return ReadFailed(_STATUS.get(answer.status, GapReason.UNAVAILABLE), detail, code=code)


def _not_found(answer: Answer, code: str, detail: str, *, one: bool) -> ReadFailed | NotThere:
    if not code:
        return ReadFailed(GapReason.UNAVAILABLE, f"{detail}: not an answer of Azure's, so nothing is confirmed")
    if one or "/resourcegroups/" in answer.url.lower():
        return NotThere(detail)
    return ReadFailed(GapReason.UNSUPPORTED, detail)


def place(answer: Answer) -> str:
    """Name a request in an error message: method, host and path, without the query."""
    return f"{answer.method} {answer.url.partition('?')[0]}"


def clean(text: str) -> str:
    """Return one line of at most 400 characters without query strings, signatures, keys and tokens."""
    text = "".join(char if char.isprintable() else " " for char in text)
    text = _QUERY.sub(r"\1", text)
    text = _BEARER.sub("[token]", text)
    text = _SECRETS.sub(r"\1=[hidden]", text)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


@contextmanager
def named(what: str, *, one: bool) -> Iterator[None]:
    """Turn every failure inside into ReadFailed or NotThere. ``what`` names the request; ``one``: see refusal()."""
    try:
        yield
    except NotOk as error:
        raise refusal(error.answer, one=one) from error
    except FAILURES as error:
        raise read_failed(error, what) from error


def _document(body: bytes) -> tuple[str, str]:
    try:
        document = msgspec.json.decode(body, type=_ErrorDocument)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "", ""
    found = document.error or _listed(document.errors) or document
    code = found.code if isinstance(found.code, str) else ""
    message = found.message if isinstance(found.message, str) else ""
    if not message and isinstance(found.message, dict):  # Activity Log: {"lang": …, "value": …}
        message = str(found.message.get("value", ""))
    return clean(code), clean(message)


def _listed(errors: object) -> _Error | None:
    """Return the first error of a registry's list."""
    first = errors[0] if isinstance(errors, list) and errors else None
    return _Error(first.get("code", ""), first.get("message", "")) if isinstance(first, dict) else None


def _joined(what: str, detail: str) -> str:
    return f"{what}: {detail}" if what else detail
