"""Faults that the server can be told to have: what goes wrong, where, and how often."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from audit.errors import UsageError
from audit.sandbox.wire import Answer, error_body

if TYPE_CHECKING:
    from collections.abc import Iterable


class Effect(StrEnum):
    """What a fault does besides delaying."""

    ANSWER = "answer"
    """Answer with ``status``, ``headers`` and ``body`` instead of the real answer."""
    EDIT = "edit"
    """Answer truly, with ``edits`` applied to the JSON."""
    BAD_JSON = "bad_json"
    """Answer truly, but with the JSON cut in half (the headers fit the shorter body)."""
    DISCONNECT = "disconnect"
    """Close the connection without an answer."""
    FOREIGN_LINK = "foreign_link"
    """The next link leads to the second TLS host, which notes whether a bearer token arrives there."""
    LOOP_LINK = "loop_link"
    """The next link leads to the page that carries it."""
    SLOW = "slow"
    """Answer truly, after ``latency_ms``."""


class Edit(msgspec.Struct, frozen=True):
    """Set one place of an answer: ``path`` is made of keys and indexes, ``value`` any JSON.

    A place that isn't there stays so.
    """

    path: tuple[str | int, ...]
    value: Any


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that goes wrong.

    ``path`` and ``method`` are regular expressions searched without regard to case; ``path`` is held against the
    decoded path with its query. ``page`` is the page of a list, from 1 (None: every answer). The first ``skip``
    requests that match are let through, then ``times`` of them fail (None: all). ``code`` and ``message`` make an error
    body as ARM does, unless ``body`` gives the bytes. ``latency_ms`` comes before any effect.
    """

    path: str = ""
    method: str = ""
    page: int | None = None
    skip: int = 0
    times: int | None = None
    effect: Effect = Effect.ANSWER
    status: int = 500
    code: str = "InternalServerError"
    message: str = "Encountered internal server error."
    headers: dict[str, str] = {}
    body: bytes | None = None
    edits: tuple[Edit, ...] = ()
    latency_ms: float = 0.0

    def answer(self) -> Answer:
        """Return the answer of an ``ANSWER`` fault."""
        body = error_body(self.code, self.message) if self.body is None else self.body
        return Answer(status=self.status, body=body, headers=dict(self.headers))


def _forbidden(path: str) -> Fault:
    return Fault(
        path=path,
        status=403,
        code="AuthorizationFailed",
        message="The client does not have authorization to perform this action over the scope, or the scope is "
        "invalid. If access was recently granted, please refresh your credentials.",
    )


def _too_many(path: str, *, wait_s: int = 1, skip: int = 0, times: int | None = None) -> Fault:
    return Fault(
        path=path,
        skip=skip,
        times=times,
        status=429,
        code="TooManyRequests",
        message="The request is being throttled as the limit has been reached. "
        f"Please try again after '{wait_s}' seconds.",
        headers={"Retry-After": str(wait_s)},
    )


_JOBS = r"/providers/microsoft\.app/jobs(\?|$)"
_MALFORMED = Edit(("value", 1, "properties", "configuration", "replicaTimeout"), {"seconds": 1800})

PRESETS: dict[str, tuple[Fault, ...]] = {
    "throttle": (
        _too_many(_JOBS, times=2),
        _too_many(r"/diagnosticsettings\?", skip=3, times=4),
    ),
    "throttle-storm": (_too_many(r"^/subscriptions/", wait_s=20),),
    "outage": (
        Fault(
            path=r"/providers/microsoft\.insights/",
            status=503,
            code="ServiceUnavailable",
            message="The service is temporarily unavailable. Please try again.",
        ),
    ),
    "forbidden-diagnostics": (_forbidden(r"/diagnosticsettings(\?|/|$)"),),
    "forbidden-roles": (_forbidden(r"/roleassignments(\?|/|$)"),),
    "forbidden-directory": (
        Fault(
            path=r"^/v1\.0/",
            status=403,
            code="Authorization_RequestDenied",
            message="Insufficient privileges to complete the operation.",
        ),
    ),
    "forbidden-groups": (
        Fault(
            path=r"^/v1\.0/(groups|identitygovernance)/",
            status=403,
            code="Authorization_RequestDenied",
            message="Insufficient privileges to complete the operation.",
        ),
    ),
    "unlicensed": (
        Fault(
            path=r"/role(eligibility|assignment)scheduleinstances|^/v1\.0/identitygovernance/",
            status=400,
            code="AadPremiumLicenseRequired",
            message="The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        ),
    ),
    "malformed-job": (Fault(path=_JOBS, page=1, effect=Effect.EDIT, edits=(_MALFORMED,)),),
    "page-two-500": (Fault(path=_JOBS, page=2),),
    "bad-json": (Fault(path=_JOBS, page=1, effect=Effect.BAD_JSON),),
    "disconnect": (Fault(path=_JOBS, page=2, effect=Effect.DISCONNECT),),
    "foreign-link": (Fault(path=_JOBS, page=1, effect=Effect.FOREIGN_LINK),),
    "loop-link": (Fault(path=_JOBS, page=1, effect=Effect.LOOP_LINK),),
    "slow": (Fault(path=r"^/", effect=Effect.SLOW, latency_ms=400),),
}
"""What ``--faults`` knows by name."""


class _Armed:
    """A fault and how often it has matched."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self._path = re.compile(fault.path, re.IGNORECASE)
        self._method = re.compile(fault.method, re.IGNORECASE)

    def strikes(self, method: str, target: str, page: int) -> bool:
        fault = self.fault
        if fault.page is not None and fault.page != page:
            return False
        if not self._method.search(method) or not self._path.search(target):
            return False
        self.seen += 1
        last = None if fault.times is None else fault.skip + fault.times
        return self.seen > fault.skip and (last is None or self.seen <= last)


class Faults:
    """The faults of one sandbox; they may be added and cleared while it serves."""

    def __init__(self, faults: Iterable[Fault | str] = ()) -> None:
        self._armed: list[_Armed] = []
        for fault in faults:
            self.add(fault)

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(self, fault: Fault | str) -> None:
        """Arm a fault, or all faults of a preset. Raises UsageError for a name that isn't a preset's."""
        if isinstance(fault, Fault):
            self._armed.append(_Armed(fault))
            return
        if fault not in PRESETS:
            raise UsageError(f"there is no fault called {fault!r}", hint=f"choose from: {', '.join(PRESETS)}")
        self._armed.extend(_Armed(each) for each in PRESETS[fault])

    def clear(self) -> None:
        """Let everything work again."""
        self._armed.clear()

    def strike(self, method: str, target: str, page: int) -> list[Fault]:
        """Return the faults that this request meets, in the order in which they were added."""
        return [armed.fault for armed in self._armed if armed.strikes(method, target, page)]


def edited(body: bytes, edits: Iterable[Edit]) -> bytes:
    """Return a JSON answer with edits applied."""
    document = msgspec.json.decode(body)
    for edit in edits:
        _set(document, edit.path, edit.value)
    return msgspec.json.encode(document)


def _set(node: Any, path: tuple[str | int, ...], value: Any) -> None:
    for step in path[:-1]:
        try:
            node = node[step]
        except (LookupError, TypeError):
            return
    last = path[-1]
    if isinstance(node, dict):
        node[last] = value
        return
    if isinstance(node, list) and isinstance(last, int) and last < len(node):
        node[last] = value
