"""Privileged Identity Management: how Azure says that a tenant has none, and a list that is read in two ways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

import msgspec

from audit.model.outcome import NotThere, ReadFailed
from audit.model.page import Page, listed

_NO_LICENCE = "aadpremiumlicenserequired"
UNLICENSED = (
    "the tenant has no licence for Privileged Identity Management (AadPremiumLicenseRequired): nobody can activate "
    "anything in it"
)


class Read(Protocol):
    """Reads the pages of a list with these parameters."""

    def __call__(self, *, params: dict[str, str]) -> AsyncIterator[Page]:
        """Yield the pages, or raise ReadFailed or NotThere."""


class _Id(msgspec.Struct):
    id: str


async def if_licensed(pages: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """Yield these pages. Raises NotThere where Azure answers that the tenant has no Entra ID P2 or Governance licence.

    Any other failure stays what it is. https://learn.microsoft.com/entra/id-governance/licensing-fundamentals
    """
    try:
        async for page in pages:
            yield page
    except ReadFailed as error:
        if error.code.lower() != _NO_LICENCE:
            raise
        raise NotThere(error.detail, said=UNLICENSED) from error


async def instances(read: Read) -> AsyncIterator[Page]:
    """Yield the pages of a subscription's schedule instances: the plain list, and then the one of what applies to it.

    That ``atScope()`` gives what is at and above a scope is documented, what the plain list leaves out isn't; together
    they hold what is above, at and below. https://learn.microsoft.com/rest/api/authorization/
    """
    for params in ({}, {"$filter": "atScope()"}):
        async for page in if_licensed(read(params=params)):
            yield page


def each_once(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield every item of these lists with its page, and none that an earlier page had."""
    known: set[str] = set()
    for page in pages:
        for item in listed(page):
            name = _id_of(item)
            if name not in known:
                yield item, page
            if name:
                known.add(name)


def _id_of(item: bytes) -> str:
    try:
        return msgspec.json.decode(item, type=_Id).id.lower()
    except msgspec.ValidationError:
        return ""
