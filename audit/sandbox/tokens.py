"""Access tokens: shaped as JWTs, remembered by the server, refused in ARM's own words."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import UTC, datetime
from typing import Any, NamedTuple

from audit.sandbox.wire import Refused, encode


class Grant(NamedTuple):
    """What a token stands for. ``expires`` is a Unix time."""

    object_id: str
    app_id: str
    audience: str
    expires: int


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(encode(value)).decode().rstrip("=")


class Tokens:
    """Every token that this sandbox issued. The signature is noise: the server knows its tokens by heart."""

    def __init__(self, *, tenant_id: str, issuer: str, seed: int, lifetime: int = 3600) -> None:
        self.tenant_id = tenant_id
        self.issuer = issuer
        self.lifetime = lifetime
        self._seed = seed
        self._issued: dict[str, Grant] = {}

    def issue(
        self, *, object_id: str, app_id: str, audience: str, managed: str | None = None, roles: tuple[str, ...] = ()
    ) -> tuple[str, Grant]:
        """Return a new token for an application; ``managed`` is the resource id of a managed identity."""
        now = int(time.time())
        grant = Grant(object_id, app_id, audience, now + self.lifetime)
        number = len(self._issued)
        unique = hashlib.blake2b(f"{self._seed}/{number}".encode(), digest_size=16).digest()
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"{self.issuer}/{self.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": grant.expires,
            "appid": app_id,
            "appidacr": "2" if managed else "1",
            "idp": f"{self.issuer}/{self.tenant_id}/",
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": self.tenant_id,
            "uti": base64.urlsafe_b64encode(unique).decode().rstrip("="),
            "ver": "1.0",
        }
        if managed:
            claims["xms_mirid"] = managed
        if roles:
            claims["roles"] = list(roles)
        signature = base64.urlsafe_b64encode(hashlib.blake2b(unique, digest_size=32).digest()).decode().rstrip("=")
        token = f"{_segment({'typ': 'JWT', 'alg': 'RS256', 'kid': 'sandbox'})}.{_segment(claims)}.{signature}"
        self._issued[token] = grant
        return token, grant

    def expire(self) -> None:
        """Make every token issued so far an expired one."""
        for token, grant in self._issued.items():
            self._issued[token] = grant._replace(expires=int(time.time()) - 1)

    def forget(self) -> None:
        """Make every token issued so far an unknown one."""
        self._issued.clear()

    def known(self, authorization: str | None) -> Grant | None:
        """Return what a header's token stands for, expired or not, or None."""
        return self._issued.get((authorization or "").removeprefix("Bearer "))

    def check(self, authorization: str | None, audience: str) -> Grant:
        """Return the caller. Raises Refused (401) where ARM would."""
        challenge = {
            "WWW-Authenticate": f'Bearer authorization_uri="{self.issuer}/{self.tenant_id}", error="invalid_token"'
        }
        if not authorization:
            raise Refused(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.",
                headers=challenge,
            )
        grant = self._issued.get(authorization[7:]) if authorization[:7].lower() == "bearer " else None
        if grant is None:
            raise Refused(401, "InvalidAuthenticationToken", "The access token is invalid.", headers=challenge)
        now = time.time()
        if grant.expires <= now:
            raise Refused(
                401,
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{_shown(grant.expires)}' is earlier than current UTC time "
                f"'{_shown(now)}'.",
                headers=challenge,
            )
        if grant.audience.rstrip("/") != audience.rstrip("/"):
            raise Refused(
                401,
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource '{grant.audience}'. It should "
                f"exactly match with one of the allowed audiences '{audience}'.",
                headers=challenge,
            )
        return grant


def _shown(moment: float) -> str:
    return f"{datetime.fromtimestamp(int(moment), UTC):%m/%d/%Y %I:%M:%S %p}"
