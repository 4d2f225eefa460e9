"""What a value says about itself: harmless, a reference to something, or random as only a secret is."""

from __future__ import annotations

import math
import re
from collections import Counter

_HARMLESS = re.compile(
    r"""
      true|false|yes|no|on|off|enabled?|disabled?|none|null|auto|default
    | -?\d{1,6}(?:\.\d{1,6})?
    | trace|debug|info|information|warn|warning|error|critical|fatal|verbose
    | (?:https?://)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,18}(?::\d{1,5})?/?
    | (?:https?://)?localhost(?::\d{1,5})?/?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PLAIN_ENOUGH = re.compile(
    r"""
      auto|default|trace|debug|info|information|warn|warning|error|critical|fatal|verbose
    | -?\d{1,3}
    | (?:https?://)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){2,}[a-z]{2,18}(?::\d{1,5})?/?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_SWITCH = re.compile(r"true|false|yes|no|on|off|enabled?|disabled?|none|null|required|optional", re.IGNORECASE)
_VARIABLE = r"\$\([\w.-]{1,64}\)|\$\{[\w.:-]{1,64}\}|\$[A-Z_][A-Z0-9_]{0,63}|%[A-Z_][A-Z0-9_]{0,63}%"
_REFERENCE = re.compile(
    rf"""
      {_VARIABLE}
    | \{{\{{[\w\ .|-]*\}}\}} | <[a-z][a-z\ _-]*> | \*+      # placeholders of templates and of documentation
    | secretref:[\w.-]+
    | @Microsoft\.KeyVault\([^()]*\)
    | https://[\w-]+\.vault\.[\w.-]+(?:/(?:secrets|keys|certificates)/[\w/-]+)?/?
    | \[(?:parameters|variables|concat|reference|resourceId|listKeys|format)\(.*\)\]   # an ARM expression
    | /subscriptions/[\w/.() -]+
    """,
    re.VERBOSE | re.DOTALL,
)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z_-]*\d{0,3}")
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_RANDOM_TEXT = re.compile(r"[A-Za-z0-9+/_\-=.~!@#$^*]{20,}")
_RANDOM_HEX = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_CLASSES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
_ENTROPY = 3.9  # bits a character: of 20 random characters of base64, 999 in 1,000 have more
_HEX_ENTROPY = 3.0  # detect-secrets' limit for hexadecimal
_LONGEST_WORD = 12

_WORD = r"(?:[a-z]{1,24}|[A-Z]{1,24}|(?:[A-Z][a-z]{1,24}){1,3}|[a-z]{1,24}(?:[A-Z][a-z]{1,24}){1,2}|v?\d{1,4})\d{0,4}"
_PLAIN = re.compile(rf"(?=.{{1,64}}\Z){_WORD}(?:[-_.:/]{_WORD}){{0,7}}")
_PATH = re.compile(r"(?=.{2,200}\Z)(?:/[\w.@+-]{1,64})+/?")


def is_harmless(value: str) -> bool:
    """Tell whether a value is plainly no secret: a switch, a small number, a log level, a host."""
    return _HARMLESS.fullmatch(value) is not None


def is_switch(value: str) -> bool:
    """Tell whether a value only turns something on or off, whatever it is called."""
    return _SWITCH.fullmatch(value) is not None


def is_never_secret(value: str) -> bool:
    """Tell whether a value is no secret whatever it is called: a switch, a level, a few digits, a host in a domain."""
    return is_switch(value) or _PLAIN_ENOUGH.fullmatch(value) is not None


def is_variable(value: str) -> bool:
    """Tell whether a value is the name of a variable of Kubernetes or of a shell."""
    return re.fullmatch(_VARIABLE, value) is not None


def is_reference(value: str) -> bool:
    """Tell whether a value says where the secret is, and isn't it."""
    return not value or is_switch(value) or _REFERENCE.fullmatch(value) is not None


def is_identifier(value: str) -> bool:
    """Tell whether a value is a plain name."""
    return _IDENTIFIER.fullmatch(value) is not None


def is_random(value: str) -> bool:
    """Tell whether a value is one word of high entropy: a key that no known format describes."""
    if _GUID.fullmatch(value):
        return False
    if _RANDOM_HEX.fullmatch(value):
        return _entropy(value) > _HEX_ENTROPY
    if not _RANDOM_TEXT.fullmatch(value) or not all(found.search(value) for found in _CLASSES):
        return False
    longest = max(len(part) for part in re.split(r"[/.\-_]", value))
    return longest > _LONGEST_WORD and _entropy(value) > _ENTROPY


def is_plain(value: str) -> bool:
    """Tell whether a command's word is one that people read: a program, a sub-command, a module, a path."""
    if _PLAIN.fullmatch(value):
        return True
    return _PATH.fullmatch(value) is not None and not any(is_random(part) for part in value.split("/"))


def _entropy(value: str) -> float:
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())
