"""One scale rule held against its scaler: pure, and content with whatever stands in the metadata."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.model import marker
from audit.model.containerapp import written
from audit.model.scale_amount import amount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from audit.model.scaler import ForJobs, Scaler

FROM_ENV = "FromEnv"


class Variable(NamedTuple):
    """An environment variable of the job: its value as stored, or the secret that it takes."""

    value: str | None
    secret_ref: str | None


class Threshold(NamedTuple):
    """An amount as it is in force."""

    key: str | None = None
    value: float | None = None
    written: str | None = None
    origin: str | None = None
    note: str | None = None


class Given:
    """What a rule gives its scaler: metadata, trigger parameters of ``auth``, and the variables that keys name."""

    def __init__(
        self, metadata: Mapping[str, Any], parameters: Iterable[str], variables: Mapping[str, Variable]
    ) -> None:
        self.metadata = {key: written(value) for key, value in metadata.items()}
        self._parameters = frozenset(parameters)
        self._variables = variables

    def has(self, name: str) -> bool:
        """Tell whether a parameter is given, in whichever way; a blank text gives nothing."""
        return (
            bool((self.metadata.get(name) or "").strip())
            or bool((self.metadata.get(name + FROM_ENV) or "").strip())
            or name in self._parameters
        )

    def has_one_of(self, group: str) -> bool:
        """Tell whether one of ``a|b`` is given."""
        return any(self.has(name) for name in group.split("|"))

    def named_by(self, key: str) -> Variable | None:
        """Return the environment variable that a ``…FromEnv`` key names, if the job has it."""
        return self._variables.get(self.metadata.get(key) or "") if key.endswith(FROM_ENV) else None

    def unknown(self, scaler: Scaler) -> list[str]:
        """Return the metadata keys that the scaler doesn't have; ``xFromEnv`` is known where x is."""
        known = scaler.parameters
        return [key for key in self.metadata if key not in known and key.removesuffix(FROM_ENV) not in known]

    def near(self, unknown: Iterable[str], scaler: Scaler) -> dict[str, str]:
        """Return what unknown keys were probably meant to be: another casing first, then another letter."""
        lower = {name.lower(): name for name in scaler.parameters}
        found = {}
        for key in unknown:
            stem = key[: -len(FROM_ENV)] if key.lower().endswith(FROM_ENV.lower()) else key
            close = difflib.get_close_matches(stem.lower()[:80], lower, n=1, cutoff=0.75)
            if close:
                found[key] = lower[close[0]] + (FROM_ENV if stem != key else "")
        return found

    def deprecated(self, scaler: Scaler) -> dict[str, str]:
        """Return what KEDA says about keys in use whose end it has announced."""
        found = {}
        for key in self.metadata:
            name = key.removesuffix(FROM_ENV)
            parameter = scaler.parameters.get(key) or scaler.parameters.get(name)
            place = "metadata" if key in scaler.parameters else "env"
            if parameter and place in parameter.deprecated:
                found[key] = parameter.deprecated[place]
        return found

    def missing(self, jobs: ForJobs, *, identity: bool) -> list[str]:
        """Return what the rule can't do without by our table, and isn't given; ``a|b`` where one would do."""
        wanted = [*jobs.requires, *(jobs.requires_with_identity if identity else jobs.requires_without_identity)]
        for name, more in jobs.requires_if.items():
            if self.has(name):
                wanted += more
        return [group for group in dict.fromkeys(wanted) if not self.has_one_of(group)]

    def doubtful(self, scaler: Scaler) -> list[str]:
        """Return what KEDA's schema calls required and isn't given."""
        return [name for name, parameter in scaler.parameters.items() if parameter.required and not self.has(name)]

    def plain_secrets(self, scaler: Scaler | None) -> list[str]:
        """Return the keys with a secret in plain: a detector spoke, or our table calls the parameter secret."""
        return [key for key, value in self.metadata.items() if self._is_plain_secret(key, value, scaler)]

    def _is_plain_secret(self, key: str, value: str | None, scaler: Scaler | None) -> bool:
        if marker.detector(value):
            return True
        parameter = scaler.parameters.get(key.removesuffix(FROM_ENV)) if scaler else None
        secret = parameter is not None and parameter.secret
        if secret and not key.endswith(FROM_ENV) and marker.hidden(value):
            return True
        variable = self.named_by(key)
        if variable is None or variable.secret_ref:
            return False
        return bool(marker.detector(variable.value)) or (secret and marker.hidden(variable.value))

    def unfit(self, scaler: Scaler) -> dict[str, str]:
        """Return values that KEDA doesn't allow for their key."""
        found = {}
        for key, value in self.metadata.items():
            parameter = scaler.parameters.get(key)
            if (
                parameter
                and parameter.allowed
                and value
                and not marker.hidden(value)
                and value not in parameter.allowed
            ):
                found[key] = value
        return found

    def threshold(self, jobs: ForJobs) -> Threshold:
        """Return the amount of work that one execution is started for."""
        return self._amount(jobs.threshold, jobs.threshold_default)

    def activation(self, jobs: ForJobs, scaler: Scaler) -> Threshold:
        """Return the amount up to which nothing starts."""
        parameter = scaler.parameters.get(jobs.activation or "")
        return self._amount(jobs.activation, parameter.default if parameter else None)

    def _amount(self, key: str | None, default: str | None) -> Threshold:
        if key is None:
            return Threshold()
        if not self.has(key):
            value, _ = amount(default) if default is not None else (None, None)
            return Threshold(key, value, None, "missing" if default is None else "scaler default")
        text, note = self._text(key)
        if text is None:
            return Threshold(key, None, text, "set", note)
        value, against = amount(text)
        return Threshold(key, value, text, "set", "; ".join(each for each in (against, note) if each) or None)

    def _text(self, key: str) -> tuple[str | None, str | None]:
        """Return a parameter's text and where it comes from: from ``auth``, else metadata, else a variable."""
        if key in self._parameters:
            return None, "comes from a secret of the job"
        text = self.metadata.get(key)
        if text and text.strip():
            return (None, "hidden: it looks like a secret") if marker.hidden(text) else (text, None)
        name = self.metadata.get(key + FROM_ENV) or ""
        variable = self._variables.get(name)
        if variable is None:
            return None, f"comes from the environment variable {name}, which the job doesn't set"
        if variable.secret_ref or variable.value is None or marker.hidden(variable.value):
            return None, f"comes from the environment variable {name}, whose value is not shown"
        return variable.value, f"comes from the environment variable {name}"
