"""Fake secrets with the shape of real ones, made at run time from the seed, and a list of all that were planted."""

from __future__ import annotations

import base64
import json
import string
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.sandbox.estate.chance import Chance


class Planted:
    """Makes a fake secret and remembers it: ``values`` is what must never be seen in an output."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._made: dict[tuple[str, ...], str] = {}

    @property
    def values(self) -> tuple[str, ...]:
        """Every secret planted so far, each once, in the order of planting."""
        return tuple(dict.fromkeys(self._made.values()))

    def storage_account(self, account: str, generation: str = "") -> str:
        """Return a storage connection string; its AccountKey is planted. ``generation``: a key of another time."""
        key = self._key("AccountKey", account + generation, size=64, mark="+ASt", at=76)
        return f"DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix=core.windows.net"

    def service_bus(self, namespace: str, policy: str = "RootManageSharedAccessKey") -> str:
        """Return a Service Bus connection string; its SharedAccessKey is planted."""
        key = self._key("SharedAccessKey", namespace, size=32, mark="+ASb", at=33)
        return f"Endpoint=sb://{namespace}.servicebus.windows.net/;SharedAccessKeyName={policy};SharedAccessKey={key}"

    def blob_sas(self, account: str, path: str) -> str:
        """Return a blob address with a shared access signature; the signature is planted as it stands there."""
        signature = self._once("sas", account, path, make=lambda: quote(self._base64(32, "sas", account, path), ""))
        question = "sv=2024-11-04&ss=b&srt=co&sp=rl&st=2026-01-01T00%3A00%3A00Z&se=2029-01-01T00%3A00%3A00Z&spr=https"
        return f"https://{account}.blob.core.windows.net/{path}?{question}&sig={signature}"

    def callback(self, workflow: str) -> str:
        """Return the address that triggers a workflow; whoever has its signature can call it."""
        signature = self._once("callback", workflow, make=lambda: self._letters(43, "callback", workflow))
        return (
            f"https://prod-12.westeurope.logic.azure.com:443/workflows/{self._chance.digits(32, workflow)}/triggers/"
            f"manual/paths/invoke?api-version=2016-10-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={signature}"
        )

    def password(self, name: str) -> str:
        """Return a password as people and generators choose them."""
        return self._once("password", name, make=lambda: self._letters(18, "password", name) + "!7q")

    def broker(self, host: str, user: str, *generation: str) -> str:
        """Return an AMQP address with a password inside. ``generation``: a password of another time."""
        names = ("broker", host, user, *generation)
        secret = self._once(*names, make=lambda: self._letters(22, *names))
        return f"amqps://{user}:{secret}@{host}:5671/customs"

    def github_token(self, name: str) -> str:
        """Return a classic personal access token."""
        return self._once("github", name, make=lambda: "_".join(("ghp", self._letters(36, "github", name))))

    def bearer(self, name: str) -> str:
        """Return a signed JSON Web Token (of a signature that nobody made)."""

        def make() -> str:
            header = _base64url(json.dumps({"typ": "JWT", "alg": "RS256", "kid": self._chance.digits(20, name)}))
            body = _base64url(json.dumps({"iss": "https://idp.norvane.example/", "sub": name, "aud": "norvane"}))
            return f"{header}.{body}.{_base64url(self._chance.draw(name, 1) * 4)}"

        return self._once("bearer", name, make=make)

    def _key(self, kind: str, name: str, *, size: int, mark: str, at: int) -> str:
        """Return a key of ``size`` bytes with the mark that Azure's own keys carry at a fixed place."""

        def make() -> str:
            text = self._base64(size, kind, name)
            return text[:at] + mark + text[at + len(mark) :]

        return self._once(kind, name, make=make)

    def _base64(self, size: int, *names: str) -> str:
        return base64.b64encode(self._chance.stream(*names).randbytes(size)).decode()

    def _letters(self, length: int, *names: str) -> str:
        return "".join(self._chance.stream(*names).choices(string.ascii_letters + string.digits, k=length))

    def _once(self, *names: str, make: Callable[[], str]) -> str:
        if names not in self._made:
            self._made[names] = make()
        return self._made[names]


def _base64url(value: str | bytes) -> str:
    raw = value.encode() if isinstance(value, str) else value
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
