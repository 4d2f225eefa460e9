"""What a name says about its value: ``adminPassword`` holds a secret, ``passwordSecretRef`` names one."""

from __future__ import annotations

import re
from functools import lru_cache

from audit.model.marker import MARKER

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_SECRET_ENDINGS = (
    *_words(
        "password passwords passwd passphrase passcode pwd secret secrets secretvalue credential credentials token "
        "connectionstring connectionstrings connstr sasuri sasurl"
    ),
    *(
        f"{of}key"
        for of in _words(
            "access account admin api app application auth client cosmos encryption function functions host "
            "instrumentation license master primary private redis sas secondary secret service sharedaccess shared "
            "signing storage subscription system"
        )
    ),
)
_SECRET_WORDS = frozenset(
    _words(
        "apikey conn connection connections connstr cred credential credentials creds dsn key keys pass passphrase "
        "passwd password pat pw pwd sas secret secrets signature token"
    )
)
_LOCATING = frozenset(  # the last word says that the value locates or describes a secret, and isn't one
    _words(
        "algorithm audience bits class count days dir directory enabled endpoint env environment expiration expiry "
        "expires field file folder format from header host hostname id identifier ids interval issuer kind length "
        "limit location max method min minutes mode name names namespace path policy port prefix provider ref "
        "reference region required retries rotation scheme scope scopes seconds server size source status store suffix "
        "timeout ttl type types uri url user username vault version"
    )
)
_HARMLESS_KEYS = _words(  # keys that open nothing: of a table, a cache, a message; tokens that only page through a list
    "blobkey cachekey columnkey correlationkey dedupkey dictionarykey foreignkey groupkey hashkey idempotencykey "
    "indexkey lookupkey messagekey objectkey partitionkey publickey rangekey rootkey routingkey rowkey sessionkey "
    "sortkey topickey watchkey cancellationtoken continuationtoken deltatoken nexttoken pagetoken skiptoken synctoken"
)
_OF_DIGESTS = _words(
    "build checksum commit digest etag fingerprint hash id image md5 revision sha thumbprint trace version"
)


@lru_cache(maxsize=8192)
def holds_secret(name: str) -> bool:
    """Tell whether a value under this name is a secret wherever it stands: the name ends in a word for one."""
    if MARKER.search(name):  # what was redacted in a name is no name
        return False
    flat = _flat(name)
    if flat.endswith("sas"):  # a signature, and not Kansas
        return [word.lower() for word in _WORD.findall(name)][-1:] == ["sas"]
    return flat.endswith(_SECRET_ENDINGS) and not flat.endswith(_HARMLESS_KEYS)


@lru_cache(maxsize=8192)
def suggests_secret(name: str) -> bool:
    """Tell whether a setting under this name is taken for a secret: ``REDIS_CONNECTION_PROD``, ``KEY_1``."""
    if holds_secret(name):
        return True
    if MARKER.search(name):
        return False
    words = [word.lower() for word in _WORD.findall(name) if not word.isdigit()]
    if not words or words[-1] in _LOCATING or _flat(name).endswith(_HARMLESS_KEYS):
        return False
    return not _SECRET_WORDS.isdisjoint(words)


@lru_cache(maxsize=8192)
def is_password(name: str) -> bool:
    """Tell whether the name means a password, which may be a number."""
    return _flat(name).endswith(("password", "passwd", "passphrase", "passcode", "pwd"))


@lru_cache(maxsize=8192)
def means_connection(name: str) -> bool:
    """Tell whether the name means a connection, whose value may also be just the connection's name."""
    words = [word.lower() for word in _WORD.findall(name)]
    return not holds_secret(name) and not {"connection", "connections", "conn"}.isdisjoint(words)


@lru_cache(maxsize=8192)
def means_digest(name: str) -> bool:
    """Tell whether the name means a digest or an identifier, which looks random and is none."""
    return not {word.lower() for word in _WORD.findall(name)}.isdisjoint(_OF_DIGESTS)


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
