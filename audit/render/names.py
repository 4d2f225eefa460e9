"""Ids into what a person recognises: subscriptions, principals and scopes, with the kinds of things they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from audit.model import ids
from audit.render.rows import fetch

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_GROUPS = "/providers/microsoft.management/managementgroups/"


_OTHERS = """
select * from access_principals
where resolved is not null and type not in ('SharedAccessPolicy', 'AdminUser')
  and lower(principal_id) not in (select lower(principal_id) from principals)
order by row_id
"""
"""Those whom a group's list of members names and the directory wasn't asked about."""


class Who(NamedTuple):
    """A principal as told. ``flags``: words such as ``guest``; ``known``: the directory was asked about it."""

    name: str
    kind: str
    detail: str
    flags: tuple[str, ...]
    known: bool
    raw_ref: str | None


class Where(NamedTuple):
    """A scope as told: what it is (``resource group``), its name, and the subscription it lies in, if it does."""

    kind: str
    name: str
    within: str
    on: bool = False
    """It lies on ``within`` (a role assignment, a lock) rather than in it."""


class Names:
    """The names that a run collected."""

    def __init__(self, con: duckdb.DuckDBPyConnection, run: Run) -> None:
        self._tenant = run.caller.tenant_id.lower() if run.caller else ""
        self._subscriptions = {
            row["subscription_id"].lower(): row["name"]
            for row in fetch(con, "select subscription_id, name from subscriptions order by row_id")
        }
        rows = fetch(con, "select * from principals order by row_id")
        rows += fetch(con, _OTHERS)
        self._principals = {row["principal_id"].lower(): row for row in rows}
        self._logins = {row["user_principal_name"].lower(): row for row in rows if row["user_principal_name"]}
        self._apps = {row["app_id"].lower(): row for row in rows if row["app_id"]}

    def subscription(self, subscription_id: str) -> str:
        """Return a subscription's name, or its id where it has none."""
        return self._subscriptions.get(subscription_id.lower()) or subscription_id

    def principal(self, principal_id: str | None, kind: str | None = None) -> Who:
        """Return who an object id is; ``kind`` is what the assignment says, where the directory doesn't."""
        if not principal_id:
            return Who("unknown", "", "", (), False, None)
        row = self._principals.get(principal_id.lower())
        if row is None:
            return Who(principal_id, _spaced(kind), "name not resolved", (), False, None)
        flags = []
        if not row["resolved"]:
            flags.append("not in the directory")
        if row["user_type"] and row["user_type"].lower() == "guest":
            flags.append("guest")
        if row["enabled"] is False:
            flags.append("disabled")
        name = row["display_name"] or row["user_principal_name"] or principal_id
        detail = row["user_principal_name"] or principal_id
        return Who(
            name, _spaced(row["type"] or kind), detail if detail != name else "", tuple(flags), True, row["raw_ref"]
        )

    def caller(self, caller: str | None, object_id: str | None = None, app_id: str | None = None) -> Who:
        """Return who made a change: the Activity Log names a login, an object id or only an application."""
        for key, known in (
            (object_id, self._principals),
            (caller, self._principals),
            (caller, self._logins),
            (app_id, self._apps),
        ):
            if key and key.lower() in known:
                return self.principal(known[key.lower()]["principal_id"])
        return Who(caller or "not recorded", "", "", (), False, None)

    def scope(self, scope: str) -> Where:
        """Return what an ARM scope is and what it is called."""
        key = ids.key(scope)
        subscription, group = ids.subscription_of(scope), ids.resource_group_of(scope)
        extension = _EXTENSION.match(scope)
        if extension is not None and extension["on"]:
            on = self.scope(extension["on"])
            kind = _KINDS[extension["type"].lower()]
            return Where(kind, "" if kind == "tags" else extension["name"], f"{on.kind} {on.name}", on=True)
        if subscription is None:
            return self._above(scope)
        within = self.subscription(subscription)
        if key == f"/subscriptions/{subscription.lower()}":
            return Where("subscription", within, "")
        if group is not None and key.endswith(f"/resourcegroups/{group.lower()}"):
            return Where("resource group", group, within)
        return Where(_resource_kind(key), ids.name_of(scope), f"{group}, {within}" if group else within)

    def _above(self, scope: str) -> Where:
        key = ids.key(scope)
        if key == "/":
            return Where("tenant", "root", "")
        if not key.startswith(_GROUPS):
            return Where("scope", scope, "")
        name = ids.name_of(scope)
        return Where("management group", "tenant root group" if name.lower() == self._tenant else name, "")


_KINDS = {
    "microsoft.app/jobs": "job",
    "microsoft.app/managedenvironments": "environment",
    "microsoft.managedidentity/userassignedidentities": "identity",
    "microsoft.authorization/roleassignments": "role assignment",
    "microsoft.authorization/roledefinitions": "role definition",
    "microsoft.authorization/locks": "lock",
    "microsoft.insights/diagnosticsettings": "diagnostic setting",
    "microsoft.consumption/budgets": "budget",
    "microsoft.resources/tags": "tags",
}


_WORDS = {
    "actiongroups": "action group",
    "eventhubs": "event hub",
    "metricalerts": "metric alert",
    "namespaces": "namespace",
    "privatednszones": "private DNS zone",
    "privateendpoints": "private endpoint",
    "queues": "queue",
    "registries": "registry",
    "scheduledqueryrules": "log alert",
    "storageaccounts": "storage account",
    "subnets": "subnet",
    "topics": "topic",
    "vaults": "vault",
    "virtualnetworks": "virtual network",
    "workspaces": "workspace",
}
"""The last type of an id, where it is no word by itself."""

_EXTENSION = re.compile(
    r"(?i)^(?P<on>.*)/providers/(?P<type>microsoft\.(?:authorization/(?:roleassignments|roledefinitions|locks)"
    r"|insights/diagnosticsettings|consumption/budgets|resources/tags))/(?P<name>[^/]+)$",
)
"""What lies on a scope rather than in it."""


def _resource_kind(key: str) -> str:
    tail = key.rpartition("/providers/")[2].split("/")
    if len(tail) < 2:  # noqa: PLR2004  a provider and a type
        return "resource"
    last = tail[-2] if len(tail) % 2 and len(tail) > 3 else tail[1]  # noqa: PLR2004  a child's type stands before its name
    return _KINDS.get("/".join(tail[:2])) or _WORDS.get(last, last)


def _spaced(kind: str | None) -> str:
    return {"ServicePrincipal": "service principal", "ForeignGroup": "foreign group"}.get(
        kind or "", (kind or "").lower()
    )
