"""Things that Azure lists: environments, vaults, tags, roles, each with its settings as columns of a table.

One statement compares a table of them, column by column; which tables, and where a side would have read a thing that
it lacks, is told here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from audit.diff import found
from audit.diff.volatile import ignored
from audit.store.tables import identifier, literal

if TYPE_CHECKING:
    import duckdb

_OWN_SUBSCRIPTION = "'/subscriptions/' || subscription_id"


class Things(msgspec.Struct, frozen=True, kw_only=True):
    """A table of things. ``key``: the columns that name one, shown as they are."""

    table: str
    key: tuple[str, ...]
    evidence: str = ""
    """The evidence kind whose units show it; empty = the run states it, and both sides have all of it."""
    anchor: str = "null"
    """SQL: the id at which, or above which, a unit would show it."""
    job: str = "null"
    """SQL: the job that it belongs to."""
    area: str = "configuration"
    on_request: bool = False
    """A run reads it only where something names it: that it isn't there tells nothing."""


THINGS = (
    Things(table="environments", key=("environment_id",), evidence="environments", anchor="environment_id"),
    Things(
        table="environment_quotas",
        key=("environment_id", "name"),
        evidence="environment_quotas",
        anchor="environment_id",
    ),
    Things(
        table="diagnostic_settings",
        key=("resource_id", "setting_id"),
        evidence="diagnostic_settings",
        anchor="resource_id",
        job="if(resource_id ilike '%/providers/Microsoft.App/jobs/%', resource_id, null)",
    ),
    Things(
        table="tags",
        key=("resource_id", "key", "source"),
        evidence="tags",
        anchor=_OWN_SUBSCRIPTION,
        job="if(source = 'job', resource_id, null)",
    ),
    Things(
        table="identities",
        key=("identity_id", "job_id"),
        evidence="identities",
        anchor="identity_id",
        job="job_id",
        on_request=True,
    ),
    Things(table="event_sources", key=("resource_id",), evidence="event_sources", anchor="resource_id"),
    Things(
        table="event_source_entities",
        key=("entity_id",),
        evidence="event_sources",
        anchor="resource_id",
        on_request=True,
    ),
    Things(table="key_vaults", key=("vault_id",), evidence="key_vaults", anchor="vault_id"),
    Things(table="registries", key=("registry_id",), evidence="registries", anchor="registry_id"),
    Things(
        table="image_digests",
        key=("image", "registry_id"),
        evidence="image_digests",
        anchor="registry_id",
        on_request=True,
    ),
    Things(table="workspaces", key=("workspace_id",), evidence="workspaces", anchor="workspace_id"),
    Things(
        table="private_endpoints", key=("endpoint_id", "connection"), evidence="private_endpoints", anchor="endpoint_id"
    ),
    Things(
        table="private_dns",
        key=("zone_id", "endpoint_id", "link_id"),
        evidence="private_dns",
        anchor="zone_id",
        on_request=True,
    ),
    Things(table="virtual_networks", key=("vnet_id",), evidence="networks", anchor="vnet_id"),
    Things(table="subnets", key=("subnet_id",), evidence="networks", anchor="vnet_id"),
    Things(table="locks", key=("lock_id",), evidence="locks", anchor=_OWN_SUBSCRIPTION),
    Things(
        table="policy_exemptions",
        key=("exemption_id", "subscription_id"),
        evidence="policy_exemptions",
        anchor=_OWN_SUBSCRIPTION,
    ),
    Things(table="budgets", key=("budget_id",), evidence="budgets", anchor="scope"),
    Things(table="alerts", key=("alert_id",), evidence="alerts", anchor=_OWN_SUBSCRIPTION),
    Things(table="action_groups", key=("action_group_id",), evidence="action_groups", anchor=_OWN_SUBSCRIPTION),
    Things(
        table="management_groups",
        key=("subscription_id", "group_id"),
        evidence="management_groups",
        anchor=_OWN_SUBSCRIPTION,
    ),
    Things(
        table="deny_assignments",
        key=("assignment_id", "subscription_id"),
        evidence="deny_assignments",
        anchor=_OWN_SUBSCRIPTION,
        area="access",
    ),
    Things(
        table="role_definitions",
        key=("role_guid",),
        evidence="role_definitions",
        anchor="role_guid",
        area="access",
        on_request=True,
    ),
    Things(table="exceptions", key=("id",), job="job_id", area="baselines"),
)
"""Vaults' and event sources' policies, and registries' shared users, are entitlements: access tells of them."""


def there(con: duckdb.DuckDBPyConnection, side: str, table: str) -> bool:
    """Tell whether a side has a table."""
    asked = "select 1 from duckdb_tables() where database_name = $side and table_name = $table"
    return con.execute(asked, {"side": side, "table": table}).fetchone() is not None


Columns = Mapping[str, Mapping[str, str]]


def columns(con: duckdb.DuckDBPyConnection) -> Columns:
    """Return the type of each column of each table that both sides have, in order."""
    told = con.execute(
        "select a.table_name, a.column_name, a.data_type from duckdb_columns() a join duckdb_columns() b"
        " using (table_name, column_name) where a.database_name = 'new' and b.database_name = 'old'"
        " order by a.table_name, a.column_index"
    )
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in told.fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def find(con: duckdb.DuckDBPyConnection, things: Things, shared: Columns) -> None:
    """Add the things of one table that stand on one side, and each property in which both sides differ."""
    there = shared.get(things.table, {})
    own = {name: kind for name, kind in there.items() if name not in things.key and name not in ignored(things.table)}
    if there:
        found.add(con, _select(things, own))


def compared(own: Mapping[str, str]) -> str:
    """Return the SQL list of what each of these columns says on both sides, the rows being ``a`` and ``b``."""
    return ", ".join(
        f"{{'property': {literal(name)}, 'before': {_text('a', name, kind)}, 'after': {_text('b', name, kind)},"
        f" 'is_json': {str(kind == 'JSON').lower()}}}"
        for name, kind in own.items()
    )


def _text(side: str, name: str, kind: str) -> str:
    """Return the SQL of a value as text; an exact number without the zeros that its column adds."""
    text = f"{side}.{identifier(name)}::VARCHAR"
    return f"rtrim(rtrim({text}, '0'), '.')" if kind.startswith("DECIMAL") else text


def _select(things: Things, own: Mapping[str, str]) -> str:
    keys = ", ".join(f"coalesce({identifier(name)}::VARCHAR, '')" for name in things.key)
    folded = ", ".join(f"coalesce(lower(rtrim({identifier(name)}::VARCHAR, '/')), '')" for name in things.key)
    values = ", ".join(identifier(name) for name in own)
    side = (
        f"select [{keys}] as key, concat_ws(chr(31), {folded}) as joined, {things.job} as job_id,"
        f" {things.anchor} as anchor, raw_ref{', ' + values if values else ''},"
        f" row_number() over (partition by concat_ws(chr(31), {folded}) order by row_id) as nth"
        f" from {{side}}.{identifier(things.table)}"
    )
    differing = (
        f"""
        select b.key, b.job_id, each.property, 'changed' as kind, each.before, each.after, each.is_json,
               a.raw_ref as old_ref, b.raw_ref as new_ref, null as anchor
        from a join b using (joined, nth), unnest([{compared(own)}]) as told (each)
        where folded(each.before) is distinct from folded(each.after)
        union all"""
        if own
        else ""
    )
    return f"""
    with a as ({side.format(side="old")}), b as ({side.format(side="new")}), told as ({differing}
        select a.key, a.job_id, null, 'removed', null, null, false, a.raw_ref, null, a.anchor
        from a anti join b using (joined, nth)
        union all
        select b.key, b.job_id, null, 'added', null, null, false, null, b.raw_ref, b.anchor
        from b anti join a using (joined, nth)
    )
    select {literal(things.area)} as area, {literal(things.table)} as table_name, told.*,
           {literal(things.evidence)} as evidence, {str(things.on_request).lower()} as on_request
    from told
    """
