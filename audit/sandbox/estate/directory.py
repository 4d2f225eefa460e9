"""The directory: people, groups, applications and managed identities, as Microsoft Graph describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.world import Actor, World

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body

DOMAIN = "norvane.example"
_OID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT = "http://schemas.microsoft.com/identity/claims/tenantid"
_NAME = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_UPN = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"


def person(world: World, key: str, name: str, *, title: str = "", guest_of: str = "", enabled: bool = True) -> Actor:
    """Add a user (``guest_of``: the domain that a guest comes from) and return who they are."""
    local = key.replace(" ", ".")
    principal = f"{local}@{DOMAIN}" if not guest_of else f"{local}_{guest_of}#EXT#@norvane.onmicrosoft.com"
    mail = f"{local}@{guest_of or DOMAIN}"
    object_id = world.chance.guid("user", key)
    given, _, family = name.partition(" ")
    world.estate.directory[object_id] = {
        "@odata.type": "#microsoft.graph.user",
        "id": object_id,
        "businessPhones": [],
        "displayName": name,
        "givenName": given or None,
        "jobTitle": title or None,
        "mail": mail,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family or None,
        "userPrincipalName": principal,
        "accountEnabled": enabled,
        "userType": "Guest" if guest_of else "Member",
    }
    actor = Actor(
        object_id=object_id,
        kind="User",
        name=name,
        caller=mail if guest_of else principal,
        author=mail if guest_of else principal,
        address=f"203.0.113.{10 + world.chance.number(200, 'address', key)}",
        claims=_user_claims(world, object_id, name, mail, principal),
    )
    world.actors[key] = actor
    return actor


def group(world: World, key: str, name: str, description: str = "") -> Actor:
    """Add a security group."""
    object_id = world.chance.guid("group", key)
    world.estate.directory[object_id] = {
        "@odata.type": "#microsoft.graph.group",
        "id": object_id,
        "description": description or None,
        "displayName": name,
        "groupTypes": [],
        "mail": None,
        "mailEnabled": False,
        "mailNickname": key,
        "securityEnabled": True,
        "visibility": None,
    }
    actor = Actor(object_id=object_id, kind="Group", name=name, caller=object_id, author=object_id)
    world.actors[key] = actor
    return actor


def application(world: World, key: str, name: str, *, kind: str = "Application", of: str = "") -> Actor:
    """Add a service principal; ``kind`` ManagedIdentity for one of Azure's own, ``of`` the resource it belongs to."""
    object_id, app_id = world.chance.guid("service principal", key), world.chance.guid("application", key)
    body: Body = {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "id": object_id,
        "accountEnabled": True,
        "alternativeNames": [f"isExplicit={'userAssigned' in of}", of] if of else [],
        "appDisplayName": None if kind == "ManagedIdentity" else name,
        "appId": app_id,
        "appOwnerOrganizationId": None if kind == "ManagedIdentity" else world.estate.tenant_id,
        "displayName": name,
        "servicePrincipalNames": [app_id],
        "servicePrincipalType": kind,
        "tags": [],
    }
    world.estate.directory[object_id] = body
    actor = Actor(
        object_id=object_id,
        kind="ServicePrincipal",
        name=name,
        caller=object_id,
        author=app_id,
        author_type="Application" if kind == "Application" else "ManagedIdentity",
        address=f"20.86.{world.chance.number(250, 'net', key)}.{world.chance.number(250, 'host', key)}",
        claims=_application_claims(world, object_id, app_id),
    )
    world.actors[key] = actor
    return actor


def departed(world: World, key: str) -> Actor:
    """Return someone who was deleted from the directory; what they were granted is still there."""
    object_id = world.chance.guid("user", key)
    actor = Actor(object_id=object_id, kind="User", name="", caller=f"{key}@{DOMAIN}", author=f"{key}@{DOMAIN}")
    world.actors[key] = actor
    return actor


def _token(world: World) -> Body:
    tenant = world.estate.tenant_id
    return {
        "aud": "https://management.core.windows.net/",
        "iss": f"https://sts.windows.net/{tenant}/",
        _TENANT: tenant,
        "ver": "1.0",
        "xms_tcdt": "1487062851",
    }


def _user_claims(world: World, object_id: str, name: str, mail: str, principal: str) -> Body:
    return {
        **_token(world),
        "http://schemas.microsoft.com/claims/authnclassreference": "1",
        "http://schemas.microsoft.com/claims/authnmethodsreferences": "pwd,mfa",
        "appid": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "appidacr": "2",
        "acrs": "p1",
        "groups": ",".join(world.chance.guid("claimed group", object_id, n) for n in range(3)),
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname": name.partition(" ")[0],
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname": name.partition(" ")[2],
        "ipaddr": f"198.51.100.{world.chance.number(250, 'home', object_id)}",
        "name": name,
        _OID: object_id,
        "puid": world.chance.digits(16, "puid", object_id).upper(),
        "onprem_sid": f"S-1-5-21-{world.chance.number(10**9, 'sid', object_id)}-1001",
        "http://schemas.microsoft.com/identity/claims/scope": "user_impersonation",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": world.chance.digits(43, "nid", mail),
        _NAME: principal,
        _UPN: principal,
        "wids": "b79fbf4d-3ef9-4689-8143-76b194e85509",
    }


def _application_claims(world: World, object_id: str, app_id: str) -> Body:
    return {
        **_token(world),
        "appid": app_id,
        "appidacr": "2",
        "idtyp": "app",
        _OID: object_id,
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": object_id,
        "rh": f"1.{world.chance.digits(40, 'rh', object_id)}",
    }
