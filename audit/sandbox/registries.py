"""The container registries' own hosts, told apart by the name that a client asks for: token exchanges and metadata."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

from audit.model import image
from audit.sandbox.estate.moments import zulu
from audit.sandbox.routes.network import METADATA
from audit.sandbox.wire import Answer, Refused, encode, ok

if TYPE_CHECKING:
    from audit.sandbox.arm import ResourceManager
    from audit.sandbox.estate.model import Body
    from audit.sandbox.front import Incoming
    from audit.sandbox.tokens import Grant, Tokens

AUDIENCE = "https://containerregistry.azure.net"
EXCHANGES = ("/oauth2/exchange", "/oauth2/token")
_KIND = "microsoft.containerregistry/registries"
_SCOPE = re.compile(r"repository:([a-z0-9._/-]+):metadata_read")
_RECORD = re.compile(r"/acr/v1/([a-z0-9._/-]+)/_(tags|manifests)/([^/]+)")


class _Image(NamedTuple):
    repository: str
    tag: str | None
    digest: str
    moved: datetime | None = None
    """When the tag was moved to this digest; None: it never was."""


class Registries:
    """Every registry of a world. A registry holds the images that its jobs name, but for those that are gone."""

    def __init__(self, tokens: Tokens, manager: ResourceManager) -> None:
        self._tokens = tokens
        self._manager = manager

    def answer(self, incoming: Incoming) -> tuple[Answer, str]:
        """Answer one request, and say who asked."""
        path = unquote(incoming.raw.partition("?")[0])
        try:
            registry = self._registry(incoming)
            if incoming.method == "POST":
                form = {name: values[-1] for name, values in parse_qs(incoming.body.decode()).items()}
                found, grant = self._exchanged(registry, path, form)
            else:
                found, grant = self._record(registry, path, incoming.headers.get("Authorization"))
        except Refused as refused:
            error = {"code": refused.code, "message": refused.message, "detail": None}
            return Answer(refused.status, encode({"errors": [error]}), refused.headers), ""
        return found, grant.object_id

    def _registry(self, incoming: Incoming) -> Body:
        server = incoming.headers.get("Host", "").partition(":")[0].lower()
        for item in self._manager.world.types.get(_KIND, ()):
            body = self._manager.world.resources[item.key]
            if body["properties"]["loginServer"].lower() == server:
                if body["properties"]["publicNetworkAccess"] == "Disabled":
                    where = f"Refer https://aka.ms/acr/firewall to grant access to {server}."
                    raise Refused(403, "DENIED", f"client with IP '127.0.0.1' is not allowed access. {where}")
                return body
        raise Refused(404, "NOT_FOUND", f"the registry {server} is not known")

    def _exchanged(self, registry: Body, path: str, form: dict[str, str]) -> tuple[Answer, Grant]:
        """Exchange a token of the identity platform, or a refresh token for one to a repository's metadata."""
        server = registry["properties"]["loginServer"].lower()
        if form.get("service") != server:
            raise _unauthorised(server)
        if path == EXCHANGES[0] and form.get("grant_type") == "access_token":
            grant = self._grant(form.get("access_token"), AUDIENCE, server)
            return ok({"refresh_token": self._issued(grant, server)}), grant
        asked = _SCOPE.fullmatch(form.get("scope", ""))
        if path != EXCHANGES[1] or form.get("grant_type") != "refresh_token" or asked is None:
            raise Refused(400, "UNSUPPORTED", "the request is not supported")
        grant = self._grant(form.get("refresh_token"), server, server)
        if not self._manager.world.access.may(grant, METADATA, registry["id"].lower()):
            raise _unauthorised(server)
        return ok({"access_token": self._issued(grant, f"{server}/{asked[1]}")}), grant

    def _grant(self, token: str | None, audience: str, server: str) -> Grant:
        try:
            return self._tokens.check(f"Bearer {token}", audience)
        except Refused as refused:
            raise _unauthorised(server) from refused

    def _issued(self, grant: Grant, audience: str) -> str:
        return self._tokens.issue(object_id=grant.object_id, app_id=grant.app_id, audience=audience)[0]

    def _record(self, registry: Body, path: str, authorization: str | None) -> tuple[Answer, Grant]:
        """Answer the record of a tag or a manifest."""
        server = registry["properties"]["loginServer"].lower()
        asked = _RECORD.fullmatch(path)
        if asked is None:
            raise Refused(404, "NOT_FOUND", "the requested data does not exist")
        repository, what, name = asked.groups()
        grant = self._grant((authorization or "").removeprefix("Bearer "), f"{server}/{repository}", server)
        for held in self._images(server):
            if held.repository == repository and name == (held.tag if what == "tags" else held.digest):
                named = {"registry": server, "imageName": repository}
                record = {"tag": self._tag(held)} if what == "tags" else {"manifest": self._manifest(held)}
                return ok(named | record), grant
        code = "TAG_UNKNOWN" if what == "tags" else "MANIFEST_UNKNOWN"
        raise Refused(404, code, f"the specified {what[:-1]} does not exist")

    def _images(self, server: str) -> list[_Image]:
        return self._manager.world.remembered(("images", server), lambda: list(self._named(server)))

    def _named(self, server: str) -> list[_Image]:
        """Return every image that a job names in a registry, under its tag and its digest."""
        found: dict[tuple[str, str], _Image] = {}
        world = self._manager.world
        for item in world.types.get("microsoft.app/jobs", ()):
            template = world.resources[item.key]["properties"]["template"]
            for container in [*template["containers"], *(template["initContainers"] or ())]:
                parts = image.parse(container["image"])
                if parts.registry.lower() != server or container["image"] in world.estate.images_gone:
                    continue
                tag = parts.tag or (None if parts.digest else "latest")
                digest = parts.digest or f"sha256:{_drawn(server, parts.repository, tag)}"
                digest, moved = world.estate.tags_moved.get(container["image"], (digest, None))
                found[parts.repository, digest] = _Image(parts.repository, tag, digest, moved)
        return list(found.values())

    def _times(self, held: _Image) -> dict[str, Any]:
        came = self._manager.world.estate.now - timedelta(seconds=int(_drawn("age", held.digest)[:6], 16) + 86_400)
        return {"createdTime": zulu(came), "lastUpdateTime": zulu(came)}

    def _tag(self, held: _Image) -> dict[str, Any]:
        times = self._times(held) | ({"lastUpdateTime": zulu(held.moved)} if held.moved else {})
        return {"name": held.tag, "digest": held.digest, **times, "signed": False, **_CHANGEABLE}

    def _manifest(self, held: _Image) -> dict[str, Any]:
        return {
            "digest": held.digest,
            "imageSize": 30_000_000 + int(_drawn("size", held.digest)[:7], 16),
            **self._times(held),
            "architecture": "amd64",
            "os": "linux",
            "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "configMediaType": "application/vnd.docker.container.image.v1+json",
            "tags": [held.tag] if held.tag else [],
            **_CHANGEABLE,
        }


_CHANGEABLE = {
    "changeableAttributes": {"deleteEnabled": True, "writeEnabled": True, "readEnabled": True, "listEnabled": True}
}


def _drawn(*names: str | None) -> str:
    return hashlib.sha256("\x1f".join(map(str, names)).encode()).hexdigest()


def _unauthorised(server: str) -> Refused:
    return Refused(
        401,
        "UNAUTHORIZED",
        "authentication required, visit https://aka.ms/acr/authorization for more information.",
        headers={"WWW-Authenticate": f'Bearer realm="https://{server}/oauth2/token",service="{server}"'},
    )
