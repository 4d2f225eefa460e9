"""What the images of in-scope jobs stand for now, asked of their registries: digest, size and age."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from audit.model import (
    EvidenceKind,
    GapReason,
    Level,
    NotThere,
    Page,
    ReadFailed,
    Record,
    Scope,
    Window,
    azure_names,
    image,
    reach,
)
from audit.model.wire import Instant, Text, Wire, decoder, moment

if TYPE_CHECKING:
    from audit.azure import Azure


class ImageDigest(Record, frozen=True, kw_only=True):
    """What one image reference stands for at the moment of asking: a tag may stand for something else tomorrow.

    Source: GET {login server}/acr/v1/{repository}/_tags/{tag} and …/_manifests/{digest}.
    """

    table = "image_digests"
    row_key = ("registry_id", "image")

    registry_id: str
    image: str
    """The reference as the job has it."""
    repository: str
    tag: str | None = None
    """The tag that was asked about: ``latest`` where the reference names neither tag nor digest."""
    digest: str | None = None
    """``sha256:…``; null = the registry has no such tag."""
    created_at: datetime | None = None
    """When the manifest came into the registry."""
    updated_at: datetime | None = None
    """When the tag was last moved; of a reference by digest, when the manifest's record was last changed."""
    size_bytes: int | None = None
    """Size of the image in the registry, compressed; null = not told, as for an index of several platforms."""
    note: str | None = None
    """Why something is missing: the registry knows no such tag, or no such manifest. Null = everything was found."""


class _Asked(NamedTuple):
    """An image reference as the registry is asked about it: by ``tag`` or by ``digest``."""

    image: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def tag_path(self) -> str:
        """Path of the tag's record."""
        return f"/acr/v1/{self.repository}/_tags/{self.tag}"


class _Tag(Wire, frozen=True, kw_only=True):
    digest: Text
    created_time: Instant | None = None
    last_update_time: Instant | None = None


class _TagAnswer(Wire, frozen=True, kw_only=True):
    tag: _Tag


class _Manifest(Wire, frozen=True, kw_only=True):
    digest: Text
    image_size: int | None = None
    created_time: Instant | None = None
    last_update_time: Instant | None = None


class _ManifestAnswer(Wire, frozen=True, kw_only=True):
    manifest: _Manifest


class _Item(Wire, frozen=True, kw_only=True):
    """One image as ``combine`` puts it together; unset = the registry said that there is none."""

    image: Text
    tag: _TagAnswer | msgspec.UnsetType = msgspec.UNSET
    manifest: _ManifestAnswer | msgspec.UnsetType = msgspec.UNSET


class _Facts(Wire, frozen=True, kw_only=True):
    login_server: Text


class _Registry(Wire, frozen=True, kw_only=True):
    properties: _Facts


Read = Callable[[], Awaitable[Page]]
_AT_ONCE = 16
_REGISTRY, _TAG, _ITEM = decoder(_Registry), decoder(_TagAnswer), decoder(_Item)


async def fetch(azure: Azure, scope: Scope, window: Window) -> AsyncIterator[Page]:  # noqa: ARG001  the seam is one
    """Yield the registry's page, then the records of the tags and manifests of ``scope.ids``, each once.

    One that the registry doesn't know yields no page; the tokens on the way there yield none either.
    """
    first = await azure.get(scope.id, api_version="2023-07-01", scope=scope)
    yield first
    registry = azure.registry(_login_server(first))
    asked = [_asked(each) for each in scope.ids]
    digests = {(each.repository, each.digest): None for each in asked if each.digest}
    tags = {(each.repository, each.tag): None for each in asked if each.tag and not each.digest}
    async for page in _found([partial(registry.tag, *each, scope=scope) for each in tags]):
        yield page
        if digest := _digest_in(page):
            digests[_repository_of(page), digest] = None
    async for page in _found([partial(registry.manifest, *each, scope=scope) for each in digests]):
        yield page


async def _found(reads: Sequence[Read]) -> AsyncIterator[Page]:
    """Yield the pages of these reads in their order, a few read side by side; of what isn't there, none."""
    for start in range(0, len(reads), _AT_ONCE):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_page(read)) for read in reads[start : start + _AT_ONCE]]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        for task in tasks:
            if page := task.result():
                yield page


async def _page(read: Read) -> Page | None:
    try:
        return await read()
    except NotThere:
        return None  # confirmed by the registry: combine() finds no page for it


def combine(pages: Sequence[Page]) -> Iterator[tuple[bytes, Page]]:
    """Yield each image that was asked for with the records that there are; its row leads to the first of them."""
    by_path = {unquote(urlsplit(page.url).path): page for page in pages}
    for asked in map(_asked, pages[0].scope.ids):
        tag = by_path.get(asked.tag_path) if asked.digest is None else None
        digest = asked.digest or (_digest_in(tag) if tag else None)
        manifest = by_path.get(f"/acr/v1/{asked.repository}/_manifests/{digest}") if digest else None
        item = {"image": asked.image} | {
            name: msgspec.Raw(page.body) for name, page in (("tag", tag), ("manifest", manifest)) if page
        }
        yield msgspec.json.encode(item), tag or manifest or pages[0]


def normalise(item: bytes, page: Page) -> Iterator[ImageDigest]:
    """Yield the row of one image."""
    wire = _ITEM.decode(item)
    asked = _asked(wire.image)
    tag = wire.tag.tag if wire.tag else None
    manifest = wire.manifest.manifest if wire.manifest else None
    note = None
    if asked.digest is None and tag is None:
        note = "the registry has no such tag"
    elif manifest is None:
        note = "the registry has no such manifest"
    yield ImageDigest(
        registry_id=page.scope.id,
        image=asked.image,
        repository=asked.repository,
        tag=asked.tag,
        digest=asked.digest or (tag.digest if tag else None),
        created_at=moment(manifest.created_time if manifest else tag.created_time if tag else None),
        updated_at=moment(tag.last_update_time if tag else manifest.last_update_time if manifest else None),
        size_bytes=(manifest.image_size or None) if manifest else None,
        note=note,
    )


def _login_server(page: Page) -> str:
    try:
        return _REGISTRY.decode(page.body).properties.login_server
    except msgspec.MsgspecError as error:
        raise ReadFailed(GapReason.MALFORMED, f"the registry names no login server: {error}") from error


def _asked(reference: str) -> _Asked:
    parts = image.parse(reference)
    tag = parts.tag or (None if parts.digest else "latest")
    return _Asked(reference, parts.repository, tag, parts.digest)


def _repository_of(page: Page) -> str:
    """Return the repository that a tag's record was asked of."""
    return unquote(urlsplit(page.url).path).removeprefix("/acr/v1/").rpartition("/_tags/")[0]


def _digest_in(page: Page) -> str | None:
    """Return a tag's digest; one that can't be read is what normalise finds, and names."""
    try:
        return _TAG.decode(page.body).tag.digest
    except msgspec.MsgspecError:
        return None


_USED = f"with used as ({reach.named(reach.IMAGES, kind=azure_names.REGISTRY, columns='named.image')})"

KIND = EvidenceKind(
    name="image_digests",
    title="Images in their registries",
    records=(ImageDigest,),
    per=Level.RESOURCE,
    actions=("Microsoft.ContainerRegistry/registries/metadata/read", "Microsoft.ContainerRegistry/registries/read"),
    fetch=fetch,
    normalise=normalise,
    item_path="$",
    combine=combine,
    after=("jobs", "inventory"),
    population=reach.population(_USED, ids="image"),
    affects=reach.affects(_USED),
)
