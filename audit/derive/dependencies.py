"""``dependencies``: what a job stands on, as a tree: each row leads from ``via`` to ``resource_id`` by a relation.

A name that leads to no resource the caller can see is kept as the address that it is, ``resolved`` false and ``detail``
saying why. That is never the same as "there is none".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.derive.rows import row_id
from audit.model.reach import host_in

if TYPE_CHECKING:
    import duckdb

_TABLE = """
create or replace table dependencies (
    row_id VARCHAR, observed_at TIMESTAMPTZ, raw_ref VARCHAR,
    job_id VARCHAR, resource_id VARCHAR, resource_type VARCHAR, relation VARCHAR, via VARCHAR, found_by VARCHAR,
    resolved BOOLEAN, detail VARCHAR
)
"""

_INSERT = f"""
insert into dependencies by name
select {row_id("dependencies", "job_id", "resource_id", "relation", "via", "found_by")} as row_id, *
from (
    select distinct on (lower(job_id), lower(resource_id), relation, lower(coalesce(via, '')), found_by)
           observed_at, raw_ref, job_id, resource_id, {{type}} as resource_type, relation, via, found_by, resolved,
           detail
    from ({{found}})
    where resource_id is not null and job_id in (select job_id from jobs where in_scope)
    order by lower(job_id), lower(resource_id), relation, lower(coalesce(via, '')), found_by, resolved desc, detail
)
"""

# The type of an ARM id in lower case: provider and every second segment after it.
_TYPE = r"""
case when resource_id ilike '/subscriptions/%/providers/%' then
    lower(regexp_extract(resource_id, '(?i)^.*/providers/([^/]+/[^/]+)', 1)
          || case when relation in ('subnet', 'entity') then coalesce('/' || nullif(regexp_extract(resource_id,
             '(?i)^.*/providers/[^/]+/[^/]+/[^/]+/([^/]+)', 1), ''), '') else '' end)
end
"""

_ENVIRONMENT = """
select j.job_id, coalesce(e.environment_id, j.environment_id) as resource_id, 'environment' as relation,
       j.job_id as via, 'properties.environmentId' as found_by, e.environment_id is not null as resolved,
       case when e.environment_id is null then 'not read, or it does not exist any more' end as detail,
       coalesce(e.observed_at, j.observed_at) as observed_at, coalesce(e.raw_ref, j.raw_ref) as raw_ref
from jobs j left join environments e on lower(e.environment_id) = lower(j.environment_id)
"""

_WORKSPACE = """
with sent as (
    select environment_id, workspace_id as customer_id, null::VARCHAR as workspace_id, observed_at, raw_ref,
           'properties.appLogsConfiguration' as found_by
    from environments where workspace_id is not null
    union all
    select resource_id, null, workspace_id, observed_at, raw_ref, 'diagnostic setting ' || name
    from diagnostic_settings where workspace_id is not null
)
select j.job_id, coalesce(w.workspace_id, i.resource_id, sent.workspace_id, sent.customer_id) as resource_id,
       'workspace' as relation, j.environment_id as via, sent.found_by,
       w.workspace_id is not null or i.resource_id is not null as resolved,
       case when w.workspace_id is null and i.resource_id is null
            then 'no workspace that the caller can see has this ' ||
                 case when sent.customer_id is null then 'id' else 'customer id' end end as detail,
       coalesce(w.observed_at, i.observed_at, sent.observed_at) as observed_at,
       coalesce(w.raw_ref, i.raw_ref, sent.raw_ref) as raw_ref
from jobs j
join sent on lower(sent.environment_id) = lower(j.environment_id)
left join inventory i on lower(i.type) = 'microsoft.operationalinsights/workspaces'
    and (lower(i.customer_id) = lower(sent.customer_id) or lower(i.resource_id) = lower(sent.workspace_id))
left join workspaces w on lower(w.customer_id) = lower(sent.customer_id)
    or lower(w.workspace_id) = lower(sent.workspace_id)
"""

_SUBNET = """
select j.job_id, coalesce(s.subnet_id, e.vnet_subnet_id) as resource_id, 'subnet' as relation,
       j.environment_id as via, 'properties.vnetConfiguration' as found_by, s.subnet_id is not null as resolved,
       case when s.subnet_id is null then 'the subnet was not read' end as detail,
       coalesce(s.observed_at, e.observed_at) as observed_at, coalesce(s.raw_ref, e.raw_ref) as raw_ref
from jobs j
join environments e on lower(e.environment_id) = lower(j.environment_id)
left join subnets s on lower(s.subnet_id) = lower(e.vnet_subnet_id)
where e.vnet_subnet_id is not null
"""

_IDENTITY = """
select g.job_id, g.identity_id as resource_id, 'identity' as relation, g.job_id as via, 'identity' as found_by,
       i.identity_id is not null as resolved,
       case when i.identity_id is null then 'the identity was not read, or it does not exist any more' end as detail,
       coalesce(i.observed_at, g.observed_at) as observed_at, coalesce(i.raw_ref, g.raw_ref) as raw_ref
from job_identities g
left join identities i on lower(i.identity_id) = lower(g.identity_id) and lower(i.job_id) = lower(g.job_id)
"""

_REACHES = """
select i.job_id, a.scope as resource_id, 'reaches' as relation, i.identity_id as via,
       'role ' || coalesce(min(d.name), a.role_definition_id) as found_by, true as resolved,
       coalesce(min(d.name), a.role_definition_id) as detail,
       min(a.observed_at) as observed_at, min(a.raw_ref) as raw_ref
from identities i
join role_assignments a on lower(a.principal_id) = lower(i.principal_id)
left join role_definitions d
    on split_part(lower(d.role_definition_id), '/roledefinitions/', 2)
     = split_part(lower(a.role_definition_id), '/roledefinitions/', 2)
group by i.job_id, i.identity_id, a.scope, a.role_definition_id
"""

_EVENT_SOURCE = """
select r.job_id, coalesce(i.resource_id, r.host, r.scaler_type) as resource_id, 'event_source' as relation,
       r.job_id as via,
       'rule ' || r.rule_name || coalesce(': ' || r.found_by, '') as found_by, i.resource_id is not null as resolved,
       case when i.resource_id is not null then null
            when r.unresolved is not null then r.unresolved
            when r.source_type = 'external' then 'an address outside Azure Resource Manager'
            else 'no resource that the caller can see has this address' end as detail,
       coalesce(i.observed_at, r.observed_at) as observed_at, coalesce(i.raw_ref, r.raw_ref) as raw_ref
from rule_sources r
left join inventory i on lower(i.host) = lower(r.host)
where r.scaler_type not in ('cron', 'cpu', 'memory')
"""

_ENTITY = """
select r.job_id, coalesce(e.entity_id, i.resource_id || '/' || r.entity_kind || '/' || r.entity) as resource_id,
       'entity' as relation, i.resource_id as via, 'rule ' || r.rule_name as found_by,
       e.entity_id is not null and coalesce(lower(e.status), '') <> 'missing' as resolved,
       case when lower(e.status) = 'missing' then 'the ' || r.entity_kind || ' does not exist in the event source'
            when e.entity_id is null then 'the ' || r.entity_kind || ' was not read' end as detail,
       coalesce(e.observed_at, r.observed_at) as observed_at, coalesce(e.raw_ref, r.raw_ref) as raw_ref
from rule_sources r
join inventory i on lower(i.host) = lower(r.host)
left join event_source_entities e
    on lower(e.resource_id) = lower(i.resource_id) and e.entity_kind = r.entity_kind
   and lower(e.name) = lower(r.entity) and lower(coalesce(e.parent, '')) = lower(coalesce(r.parent_entity, ''))
where r.entity is not null
"""

_VAULT = f"""
select s.job_id, coalesce(i.resource_id, s.host) as resource_id, 'vault' as relation, s.job_id as via,
       'secret ' || string_agg(s.name, ', ' order by s.name) as found_by, i.resource_id is not null as resolved,
       case when i.resource_id is null then 'no vault that the caller can see has this address' end as detail,
       min(coalesce(i.observed_at, s.observed_at)) as observed_at, min(coalesce(i.raw_ref, s.raw_ref)) as raw_ref
from (select *, {host_in("key_vault_url")} as host from job_secrets
      where key_vault_url is not null) s
left join inventory i on lower(i.host) = s.host
group by s.job_id, i.resource_id, s.host
"""

_REGISTRY = """
select c.job_id, coalesce(i.resource_id, lower(c.registry)) as resource_id, 'registry' as relation, c.job_id as via,
       'image of ' || string_agg(c.container, ', ' order by c.container) as found_by,
       i.resource_id is not null as resolved,
       case when i.resource_id is null then 'no registry that the caller can see has this address' end as detail,
       min(coalesce(i.observed_at, c.observed_at)) as observed_at, min(coalesce(i.raw_ref, c.raw_ref)) as raw_ref
from containers c
left join inventory i on lower(i.host) = lower(c.registry)
where c.registry is not null
group by c.job_id, i.resource_id, lower(c.registry)
"""

# What stands on the rows above: the private endpoints of sources, vaults and registries, and their names in DNS.
_ENDPOINT = """
select d.job_id, p.endpoint_id as resource_id, 'private_endpoint' as relation, d.resource_id as via,
       'privateLinkServiceConnections' as found_by, true as resolved, p.status as detail, p.observed_at, p.raw_ref
from dependencies d
join private_endpoints p on lower(p.target_id) = lower(d.resource_id)
where d.relation in ('event_source', 'vault', 'registry')
"""

_ZONE = """
select d.job_id, z.zone_id as resource_id, 'dns_zone' as relation, d.resource_id as via,
       'privateDnsZoneGroups' as found_by, true as resolved,
       case when count(z.linked_vnet_id) = 0 then 'linked to no virtual network'
            else 'linked to ' || array_to_string(list_sort(list(distinct split_part(z.linked_vnet_id, '/', -1))
                 filter (where z.linked_vnet_id is not null)), ', ') end as detail,
       min(z.observed_at) as observed_at, min(z.raw_ref) as raw_ref
from dependencies d
join private_dns z on lower(z.endpoint_id) = lower(d.resource_id)
where d.relation = 'private_endpoint'
group by d.job_id, z.zone_id, d.resource_id
"""

_DIRECT = (_ENVIRONMENT, _WORKSPACE, _SUBNET, _IDENTITY, _REACHES, _EVENT_SOURCE, _ENTITY, _VAULT, _REGISTRY)


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Create ``dependencies`` of the in-scope jobs.

    Relations: ``environment``, ``workspace``, ``subnet``, ``identity``, ``reaches`` (a scope at which an identity holds
    a role, which ``detail`` names), ``event_source``, ``entity`` (a queue, topic, event hub, container of it),
    ``vault``, ``registry``, ``private_endpoint``, ``dns_zone``. ``via`` is the resource that the row hangs on.
    """
    con.execute(_TABLE)
    for found in (*_DIRECT, _ENDPOINT, _ZONE):
        con.execute(_INSERT.format(found=found, type=_TYPE))
