"""Every text that a job's configuration holds in the open, and the secrets that its volumes mount."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from audit.model import marker
from audit.model.containerapp import written
from audit.model.wire import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.model.containerapp import ContainerSpec, Rule, SecretName, Volume


class ConfiguredText(NamedTuple):
    """One text and where it stands; see table job_values for what its fields mean."""

    place: str
    owner: str
    name: str
    value: str | None
    secret_ref: str | None
    secret_like: str | None


def of_rule(rule: Rule) -> Iterator[ConfiguredText]:
    """Yield the metadata values of a scale rule."""
    for name, value in (rule.metadata or {}).items():
        shown = written(value)
        yield ConfiguredText("scaler_metadata", rule.name, name, shown, None, marker.detector(shown))


def of_container(wire: ContainerSpec) -> Iterator[ConfiguredText]:
    """Yield the environment values, command words and arguments of a container."""
    for each in wire.env or ():
        secret = text(each.secret_ref)
        value = text(each.value) if secret else each.value
        yield ConfiguredText("env", wire.name, each.name, value, secret, marker.detector(each.value))
    for place, words in (("command", wire.command), ("args", wire.args)):
        for index, word in enumerate(words or ()):
            yield ConfiguredText(place, wire.name, str(index), word, None, marker.detector(word))


def of_volume(volume: Volume, secrets: Sequence[SecretName]) -> Iterator[ConfiguredText]:
    """Yield the secrets that a volume mounts, each by its file: those that it lists, else all of the job's."""
    if (volume.storage_type or "").lower() != "secret":
        return
    listed = [(text(each.secret_ref), text(each.path)) for each in volume.secrets or ()]
    for secret, path in listed or [(each.name, each.name) for each in secrets]:
        if secret:
            yield ConfiguredText("volume", volume.name, path or secret, None, secret, None)
