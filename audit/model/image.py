"""Container image references, read as Docker reads them."""

from __future__ import annotations

from typing import NamedTuple

DOCKER_HUB = "docker.io"


class Image(NamedTuple):
    """A reference in its parts. ``tag`` and ``digest`` are None where the reference names none."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None


def parse(reference: str) -> Image:
    """Split an image reference. Source: https://github.com/distribution/reference (its grammar and normalisation).

    The first component is a registry if it holds a dot or a colon, has an upper-case letter, or is ``localhost``;
    otherwise the image is Docker Hub's, and a single name there lies below ``library/``.
    """
    rest, _, digest = reference.strip().partition("@")
    name, tag = _tagged(rest)
    first, slash, below = name.partition("/")
    registry, repository = (first, below) if slash and _is_host(first) else (DOCKER_HUB, name)
    if registry.lower() in (DOCKER_HUB, "index.docker.io"):
        registry = DOCKER_HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Image(registry, repository, tag, digest or None)


def _tagged(rest: str) -> tuple[str, str | None]:
    """Split off the tag: what follows a colon in the last path component (elsewhere a colon is a port's)."""
    head, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{head}{slash}{name}", tag or None


def _is_host(component: str) -> bool:
    return "." in component or ":" in component or component == "localhost" or component != component.lower()
