"""Secrets that show by what stands before them: ``Password=…``, ``?sig=…``, ``--token …``, ``//user:…@``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from audit.model.marker import MARKER
from audit.store.redaction import names, values

Hide = Callable[[str, str], str]
"""(secret, detector) to marker."""

_ASSIGNED = re.compile(r"(?P<key>[A-Za-z_$][\w.$-]{0,80}(?: [A-Za-z]{1,40}){0,2})\s{0,2}=(?!=)\s{0,2}")
_QUOTED_PAIR = re.compile(
    r"""(?P<before>(?P<q>\\{0,8}["'])(?P<key>[\w.$ -]{1,60})(?P=q)\s{0,4}[:=]\s{0,4}(?P<v>\\{0,8}["']))"""
    r"""(?P<value>.{0,8192}?)(?P<after>(?P=v))""",
    re.DOTALL,
)
_HEADER = re.compile(
    r"(?P<before>\b(?P<key>[A-Za-z][\w-]{0,60}?(?:[Pp]assword|[Pp]asswd|PASSWORD|[Pp]assphrase|[Pp]wd|-[Kk]ey|-[Tt]oken)"
    r"|[Pp]assword|[Pp]asswd|PASSWORD|[Pp]assphrase|[Pp]wd|PWD)\s*:\s*)(?P<value>[^\s,;\"']+)"
)
_FLAG = re.compile(r"(?P<before>(?<!\S)--(?P<key>[A-Za-z][\w-]{0,60})\s+)(?P<value>(?!-)\"[^\"]*\"|'[^']*'|[^\s\"']+)")
_USERINFO = re.compile(
    r"(?P<before>://[^\s/:@\"'<>]{0,256}:)(?P<value>(?!\d{1,5}(?:[/?#]|$))[^\s\"'<>]{1,1024})(?P<after>@)(?=[A-Za-z0-9\[])"
)
_USER_TOKEN = re.compile(r"(?P<before>://)(?P<value>[\w.~+=-]{16,1024})(?P<after>@)(?=[A-Za-z0-9\[])")
_ORACLE = re.compile(r"(?P<before>jdbc:oracle:\w+:[^/\s@]+/)(?P<value>[^\s\"']+)(?P<after>@)", re.IGNORECASE)

_IN_ADDRESS = re.compile(r"[^&#\s\"'<>]*")
_TO_SEMICOLON = re.compile(r"[^;\r\n]*")
_TO_NEXT = re.compile(r"(?:[^;\s]|\s+(?!-|[A-Za-z_][\w.-]*\s?=))*")
_KEYS_OF_ADDRESSES = {"sig": "sas", "code": "function-key"}
_DETECTORS = {
    "accountkey": "azure-storage-key",
    "sharedaccesskey": "shared-access-key",
    "instrumentationkey": "instrumentation-key",
}
_LEAST_CODE = 16


def hide(text: str, replace: Hide) -> str:
    """Return the text with every secret hidden that a name, a flag or an address introduces."""
    if "://" in text or "jdbc:" in text:
        text = _each(_USERINFO, text, lambda _key, value: replace(value, "url-password"))
        text = _each(_USER_TOKEN, text, lambda _key, value: replace(value, "url-token"))
        text = _each(_ORACLE, text, lambda _key, value: replace(value, "url-password"))
    if '"' in text or "'" in text:
        text = _each(_QUOTED_PAIR, text, lambda key, value: _named(key, value, replace))
    if "=" in text:
        text = "".join(_assigned(text, replace))
    if ":" in text:
        text = _each(_HEADER, text, lambda key, value: _named(key, value, replace))
    if "--" in text:
        text = _each(_FLAG, text, lambda key, value: _named(key, value, replace))
    return text


def detector(key: str) -> str:
    """Return the detector's name for a secret under a key."""
    flat = re.sub(r"[^a-z]", "", key.lower())
    if names.is_password(key):
        return "password"
    return next((name for ending, name in _DETECTORS.items() if flat.endswith(ending)), "secret-name")


def _each(pattern: re.Pattern[str], text: str, decide: Callable[[str, str], str]) -> str:
    def one(match: re.Match[str]) -> str:
        groups = match.groupdict()
        return groups["before"] + decide(groups.get("key") or "", groups["value"]) + (groups.get("after") or "")

    return pattern.sub(one, text)


def _named(key: str, value: str, replace: Hide) -> str:
    if not names.holds_secret(key) or _shown(value):
        return value
    return replace(value, detector(key))


def _shown(value: str) -> bool:
    """Tell whether a value need not be hidden: it is a marker already, or says where the secret is."""
    bare = value.strip().strip("\"'")
    return MARKER.fullmatch(bare) is not None or values.is_reference(bare)


def _assigned(text: str, replace: Hide) -> Iterator[str]:
    at = 0
    while (match := _ASSIGNED.search(text, at)) is not None:
        start, end = match.end(), match.end()
        name = match["key"].strip()
        found = _KEYS_OF_ADDRESSES.get(name.lower()) or (detector(name) if names.holds_secret(name) else "")
        if found:
            start, end = _span(text, match)
            value = text[start:end]
            if _shown(value) or (name.lower() == "code" and len(value) < _LEAST_CODE):
                found = ""
        yield text[at:start]
        if found:
            yield replace(text[start:end], found)
        else:
            yield text[start:end]
        at = end
    yield text[at:]


def _span(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return where an assigned value begins and ends: by its quotes, in an address, or in a connection string."""
    start = match.end()
    opening = re.compile(r"\\*[\"']").match(text, start)
    if opening is not None:
        closing = text.find(opening[0], opening.end())
        while closing >= 0 and text.startswith(opening[0], closing + len(opening[0])):  # a doubled quote is one inside
            closing = text.find(opening[0], closing + 2 * len(opening[0]))
        return opening.end(), closing if closing >= 0 else len(text)
    before = text[match.start() - 1 : match.start()]
    if before in ("?", "&") or text.endswith("&amp;", 0, match.start()):
        return start, _end(_IN_ADDRESS, text, start)
    whole = before in (";", "") and ";" in text
    end = _end(_TO_SEMICOLON if whole else _TO_NEXT, text, start)
    for quote in "\"'":  # a quote that was opened before ends here
        if text.count(quote, 0, start) % 2 and (closing := text.find(quote, start, end)) >= 0:
            end = closing
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start
