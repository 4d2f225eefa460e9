"""The data plane of Key Vault, told apart by the name that a client asks for: a vault's keys, and signing with them.

https://learn.microsoft.com/rest/api/keyvault/keys/get-key/get-key and /sign/sign
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from audit.sandbox.wire import Answer, Refused, encode, ok

if TYPE_CHECKING:
    from audit.sandbox.front import Incoming
    from audit.sandbox.tokens import Tokens

AUDIENCE = "https://vault.azure.net"
SUFFIX = ".vault.azure.net"
VAULT = f"kv-jobaudit{SUFFIX}"
READ = "Microsoft.KeyVault/vaults/keys/read"
SIGN = "Microsoft.KeyVault/vaults/keys/sign/action"
_PATH = re.compile(r"/keys/(?P<name>[0-9A-Za-z-]+)(/(?P<version>[0-9a-f]{32}))?(?P<sign>/sign)?/?")
_VERSION = "5ea1" * 8


class _Curve(NamedTuple):
    name: str
    curve: ec.EllipticCurve
    size: int


_P256, _P384 = _Curve("P-256", ec.SECP256R1(), 32), _Curve("P-384", ec.SECP384R1(), 48)


class KeyVault:
    """One vault with two keys: ``seal`` on P-256, ``other`` on P-384. ``actions``: what the collector may do there."""

    def __init__(self, tokens: Tokens, actions: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._actions = frozenset(actions)
        self._keys = {name: (kind, ec.generate_private_key(kind.curve)) for name, kind in _NAMED.items()}

    def answer(self, incoming: Incoming) -> tuple[Answer, str]:
        """Answer one request, and say who asked."""
        caller = ""
        try:
            caller = self._caller(incoming)
            return self._answered(incoming, caller), caller
        except Refused as refused:
            error = {"error": {"code": refused.code, "message": refused.message}}
            return Answer(refused.status, encode(error), refused.headers), caller

    def _caller(self, incoming: Incoming) -> str:
        """Return who asks; without a token for a vault the answer says where there is one."""
        grant = self._tokens.known(incoming.headers.get("Authorization"))
        if grant is None or grant.audience.rstrip("/") != AUDIENCE:
            authority = f"{self._tokens.issuer}/{self._tokens.tenant_id}"
            challenge = {"WWW-Authenticate": f'Bearer authorization="{authority}", resource="{AUDIENCE}"'}
            message = "AKV10000: Request is missing a Bearer or PoP token."
            raise Refused(401, "Unauthorized", message, headers=challenge)
        return grant.object_id

    def _answered(self, incoming: Incoming, caller: str) -> Answer:
        host = incoming.headers.get("Host", "").partition(":")[0].lower()
        asked = _PATH.fullmatch(unquote(incoming.raw.partition("?")[0]))
        if host != VAULT or asked is None:
            raise Refused(404, "NotFound", f"there is no such resource in {host}")
        action = SIGN if asked["sign"] else READ
        if action not in self._actions:
            what = f"Action: '{action}'. Resource: '{asked['name']}'. Assignment: (not found)"
            message = f"Caller is not authorized to perform action on resource. Caller: oid={caller}. {what}"
            raise Refused(403, "Forbidden", message)
        if asked["name"] not in self._keys or asked["version"] not in (None, _VERSION):
            message = f"A key with (name/id) {asked['name']} was not found in this key vault."
            raise Refused(404, "KeyNotFound", message)
        if bool(asked["sign"]) is not (incoming.method == "POST"):
            raise Refused(405, "MethodNotAllowed", "the method is not allowed")
        return self._sign(asked["name"], incoming.body) if asked["sign"] else self._key(asked["name"])

    def _key(self, name: str) -> Answer:
        kind, key = self._keys[name]
        at = key.public_key().public_numbers()
        told = {
            "kid": _kid(name),
            "kty": "EC",
            "key_ops": ["sign", "verify"],
            "crv": kind.name,
            "x": _text(at.x.to_bytes(kind.size, "big")),
            "y": _text(at.y.to_bytes(kind.size, "big")),
        }
        return ok({"key": told, "attributes": {"enabled": True, "recoveryLevel": "Recoverable+Purgeable"}})

    def _sign(self, name: str, body: bytes) -> Answer:
        kind, key = self._keys[name]
        asked: dict[str, Any] = msgspec.json.decode(body or b"{}")
        digest = base64.urlsafe_b64decode(asked.get("value", "") + "==")
        if kind is not _P256 or asked.get("alg") != "ES256" or len(digest) != kind.size:
            raise Refused(400, "BadParameter", "Property 'alg' or 'value' is not supported by this key")
        made = decode_dss_signature(key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        return ok({"kid": _kid(name), "value": _text(b"".join(half.to_bytes(kind.size, "big") for half in made))})


_NAMED = {"seal": _P256, "other": _P384}


def _kid(name: str) -> str:
    return f"https://{VAULT}/keys/{name}/{_VERSION}"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
