"""A template's parameters and outputs: ``{name: {type, value}}``, each value by the rules of the name it goes under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.model.marker import MARKER
from audit.store.redaction import values

if TYPE_CHECKING:
    from audit.store.redaction.document import DocumentRedactor

_VALUES = ("value", "defaultValue")
_WRAPPER = frozenset({*_VALUES, "type", "metadata", "reference", "allowedValues", "minLength", "maxLength"})
_SECURE = ("securestring", "secureobject")


def redact(document: DocumentRedactor, parameters: dict[str, Any], depth: int) -> Any:
    """Return the parameters with their secrets hidden; the same object where there is none.

    A parameter named ``env`` holds environment variables, one of a secure type a secret. Other members that happen to
    be called parameters or outputs follow the general rules.
    """
    if not parameters or not all(_wraps(each) for each in parameters.values()):
        return document.value(parameters, depth)
    document.count(parameters)
    new = {}
    for name, each in parameters.items():
        new[str(document.value(name, depth))] = _parameter(document, name, each, depth + 1)
    same = list(new) == list(parameters) and all(new[name] is each for name, each in parameters.items())
    return parameters if same else new


def _wraps(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and value.keys() <= _WRAPPER


def _parameter(document: DocumentRedactor, name: str, wrapper: dict[str, Any], depth: int) -> dict[str, Any]:
    document.count(wrapper)
    secure = str(wrapper.get("type", "")).lower() in _SECURE
    new = {}
    for member, value in wrapper.items():
        redacted = document.named_value(name if member in _VALUES else member, value, depth)
        hidden = isinstance(redacted, str) and (MARKER.fullmatch(redacted) or values.is_reference(redacted))
        if secure and member in _VALUES and value is not None and not hidden:
            redacted = document.hide(value)
        new[member] = redacted
    return wrapper if all(new[member] is value for member, value in wrapper.items()) else new
