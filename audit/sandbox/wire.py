"""Answers and refusals as bytes: the error bodies of ARM, Graph and the identity platform."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

JSON = "application/json; charset=utf-8"


class Answer(NamedTuple):
    """One HTTP answer before the headers that every answer has."""

    status: int
    body: bytes
    headers: dict[str, str] | None = None


class Refused(Exception):
    """A request that Azure answers with an error body."""

    def __init__(self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    def answer(self) -> Answer:
        """Return it as ARM words it."""
        return Answer(self.status, error_body(self.code, self.message), self.headers)


class Unwrapped(Refused):
    """The same from the providers that leave out the outer ``error`` (Microsoft.Insights does)."""

    def answer(self) -> Answer:
        """Return it without the wrapper."""
        return Answer(self.status, encode({"code": self.code, "message": self.message}), self.headers)


encode = msgspec.json.encode


def error_body(code: str, message: str) -> bytes:
    """Return ``{"error": {"code", "message"}}``."""
    return encode({"error": {"code": code, "message": message}})


def listing(items: Iterable[bytes], next_link: str | None = None) -> bytes:
    """Return a page of an ARM list from items that are encoded already."""
    tail = b"]}" if next_link is None else b'],"nextLink":' + encode(next_link) + b"}"
    return b'{"value":[' + b",".join(items) + tail


def ok(body: Any) -> Answer:
    """Return 200 with a body that isn't encoded yet."""
    return Answer(200, encode(body))


class Cursor(NamedTuple):
    """Where a list goes on: ``page`` counts from 1, ``offset`` is the first item's."""

    page: int
    offset: int

    def token(self) -> str:
        """Return it as the opaque text that a skip token is."""
        return base64.urlsafe_b64encode(f"p{self.page}.{self.offset}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, token: str) -> Cursor:
        """Return the cursor of a skip token. Raises ValueError for one that we didn't make."""
        try:
            text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(f"not a skip token: {token}") from error
        page, dot, offset = text.removeprefix("p").partition(".")
        if not (text.startswith("p") and dot and page.isdigit() and offset.isdigit()):
            raise ValueError(f"not a skip token: {token}")
        return cls(int(page), int(offset))


FIRST = Cursor(1, 0)
