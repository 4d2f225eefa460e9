"""An evidence kind: what is read, with which permission, at which scopes, and whose verdicts rest on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit.model.page import Page, listed
from audit.model.record import Record
from audit.model.scope import Scope
from audit.model.window import Window


class Level(StrEnum):
    """What one unit of a kind covers."""

    TENANT = "tenant"
    SUBSCRIPTION = "subscription"
    RESOURCE = "resource"


Fetch = Callable[[Any, Scope, Window], AsyncIterator[Page]]
Normalise = Callable[[bytes, Page], Iterator[Record]]


@dataclass(frozen=True, kw_only=True)
class EvidenceKind:
    """One file of audit/evidence in a value.

    ``fetch(azure, scope, window)`` yields raw pages and raises ReadFailed or NotThere.
    ``normalise(item, page)`` is pure and strict: it raises msgspec.ValidationError on a malformed item.
    ``items`` splits a page (default: the array ``value``), and ``item_path`` is where the item numbered ``{index}``
    stands in it, for error messages; ``combine`` replaces it where one row needs several pages
    of the unit, and then yields (item, the page that the row leads to).
    ``actions`` are the Azure actions the reads need: the least-privilege role is made of them. ``directory`` are the
    application permissions of Microsoft Graph that they need instead.
    ``population``: SQL over tables already collected, giving ``scope`` and optionally ``ids`` (a list of text);
    None at tenant and subscription level. ``affects``: SQL giving ``scope`` and ``job_id``: whose verdicts rest on a
    unit; None means every job below the unit's scope (tenant: every job).
    ``filtered``: Azure leaves out, without a word, what the caller may not see in this list, so the caller's own read
    on the whole scope must be shown before the unit counts as collected.
    ``groupwise``: where the run is narrowed to resource groups, one unit per group instead of one per subscription.
    """

    name: str
    title: str
    records: tuple[type[Record], ...]
    per: Level
    actions: tuple[str, ...]
    fetch: Fetch
    normalise: Normalise
    items: Callable[[Page], Iterable[bytes]] = listed
    item_path: str = "$.value[{index}]"
    combine: Callable[[Sequence[Page]], Iterable[tuple[bytes, Page]]] | None = None
    after: tuple[str, ...] = ()
    population: str | None = None
    affects: str | None = None
    filtered: bool = False
    groupwise: bool = False
    directory: tuple[str, ...] = ()
