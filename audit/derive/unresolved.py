"""Rows in ``coverage`` for what jobs name and nobody here can see: a vault, registry, source or workspace by address.

Resource Graph leaves out, without a word, what the caller can't read. A name that leads to no resource was therefore
never read; where that stayed unsaid, the kinds that describe such resources would look whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.evidence import KINDS
from audit.model.reach import host_in

if TYPE_CHECKING:
    import duckdb

    from audit.model import Run

_AROUND = ("private_endpoints", "private_dns", "networks")
_RESTING = {
    "vault": ("key_vaults", *_AROUND),
    "registry": ("registries", *_AROUND),
    "image": ("image_digests",),
    "event source": ("event_sources", *_AROUND),
    "measured event source": ("metrics",),
    "workspace": ("workspaces",),
}
"""What is named, and the kinds that would have read it or what stands around it."""

# Registries elsewhere (Docker Hub, say) are no resources of Azure's, so nothing is missing of them.
_ACR = r"[.]azurecr[.](io|us|cn)$"

_NAMED = f"""
create or replace temp table unresolved_names as
with named as (
    select 'vault' as what, {host_in("key_vault_url")} as address, job_id, observed_at,
           raw_ref
    from job_secrets where key_vault_url is not null
    union all
    select unnest(['registry', 'image']), registry, job_id, observed_at, raw_ref from containers
    where regexp_matches(lower(registry), '{_ACR}')
    union all
    select 'registry', server, job_id, observed_at, raw_ref from job_registries
    where regexp_matches(lower(server), '{_ACR}')
    union all
    select 'event source', host, job_id, observed_at, raw_ref from rule_sources where source_type <> 'external'
    union all
    select 'measured event source', host, job_id, observed_at, raw_ref from rule_sources
    where source_type in ('microsoft.servicebus/namespaces', 'microsoft.eventhub/namespaces')
       or source_type = 'microsoft.storage/storageaccounts' and entity_kind = 'queue'
    union all
    select 'workspace', e.workspace_id, j.job_id, e.observed_at, e.raw_ref
    from environments e join jobs j on lower(j.environment_id) = lower(e.environment_id)
)
select named.what, lower(named.address) as address, named.job_id, min(named.observed_at) as observed_at,
       min(named.raw_ref) as raw_ref
from named
where named.address <> '' and named.job_id in (select job_id from jobs where in_scope)
  and lower(named.address) not in (
      select lower(host) from inventory where host is not null
      union all select lower(customer_id) from inventory where customer_id is not null)
  and exists (select 1 from coverage where kind = 'inventory' and place is null
              and (outcome = 'collected' or "rows" > 0))
group by all
"""

_DETAIL = "no resource that the caller can see has this address, which a job names: it may be hidden, or not there"

_KINDS = """
create or replace temp table unresolved as
select rests.kind, names.address as scope, names.job_id, $detail as detail, names.observed_at, names.raw_ref
from unresolved_names as names
join (select unnest($what::VARCHAR[]) as what, unnest($kinds::VARCHAR[]) as kind) as rests using (what)
"""

_ID = row_id("unresolved", "kind", "scope")

_INSERT = f"""
insert into coverage by name
select {_ID} as row_id, min(observed_at) as observed_at, min(raw_ref) as raw_ref, kind, scope, 'gap' as outcome,
       'partial_visibility' as reason, min(detail) as detail, 0 as pages, 0 as "rows", 0 as requests,
       $at::TIMESTAMPTZ as started, $at::TIMESTAMPTZ as finished
from unresolved
group by kind, scope
order by kind, scope
"""


def forget(con: duckdb.DuckDBPyConnection) -> None:
    """Take out of ``coverage`` what ``create`` added; before ``unread``, for which these names are no unread units."""
    con.execute(f"delete from coverage where row_id = {_ID}")


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Complete ``coverage``, and make the temporary table ``unresolved``: kind, scope (the address), job_id, detail.

    Where the inventory itself is a gap without rows, that gap says it. Needs ``forget`` where it was called before.
    """
    con.execute(_NAMED)
    asked = {kind.name for kind in KINDS} & set(run.kinds)
    pairs = [(what, kind) for what, kinds in _RESTING.items() for kind in kinds if kind in asked]
    given = {"what": [what for what, _ in pairs], "kinds": [kind for _, kind in pairs]}
    con.execute(_KINDS, given | {"detail": _DETAIL})
    con.execute(_INSERT, {"at": run.finished or run.started})
    con.execute("drop table unresolved_names")


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary table."""
    con.execute("drop table unresolved")
