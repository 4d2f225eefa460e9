"""Who collects: the claims of the access token, read once; the token itself is never kept."""

from __future__ import annotations

import base64
import binascii

import msgspec

from audit.model.run import Caller


class _Claims(msgspec.Struct):
    """https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference."""

    oid: str = ""
    tid: str = ""
    idtyp: str = ""
    appid: str = ""
    azp: str = ""
    scp: str = ""
    upn: str = ""
    unique_name: str = ""
    preferred_username: str = ""
    name: str = ""
    app_displayname: str = ""


def caller_of(token: str) -> Caller:
    """Return the caller that a token speaks of; every field is empty where the token can't be read.

    The signature isn't checked: Azure does that with each request, and nothing is granted on these claims here.
    """
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=_Claims)
    except (IndexError, binascii.Error, ValueError, msgspec.MsgspecError):
        return Caller(object_id="", tenant_id="", kind="unknown")
    person = claims.upn or claims.unique_name or claims.preferred_username
    kind = claims.idtyp if claims.idtyp in ("app", "user") else "user" if claims.scp or person else "app"
    return Caller(
        object_id=claims.oid,
        tenant_id=claims.tid,
        kind=kind,
        app_id=claims.appid or claims.azp,
        name=person or claims.app_displayname or claims.name,
    )
