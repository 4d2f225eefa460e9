/*---
id: JA-34
title: Event source and vault are closed to the internet, and the job reaches them by a private endpoint
area: network
severity: medium
needs: [jobs, inventory, environments, event_sources, key_vaults, private_endpoints, private_dns, networks]
fails_despite: [inventory, environments, event_sources, key_vaults, private_endpoints, private_dns, networks]
subjects: |
  select job_id, name || aspect as subject
  from (
      select job_id,
             case when relation = 'vault' then 'key vault '
                  when min(resource_type) = 'microsoft.servicebus/namespaces' then 'Service Bus '
                  when min(resource_type) = 'microsoft.eventhub/namespaces' then 'Event Hubs '
                  when min(resource_type) = 'microsoft.storage/storageaccounts' then 'storage account '
                  else coalesce(min(resource_type) || ' ', '') end || split_part(min(resource_id), '/', -1) as name,
             unnest(case when bool_or(resolved) then [': public access', ': private endpoint', ': private DNS']
                         else [''] end) as aspect
      from dependencies
      where relation in ('event_source', 'vault')
      group by job_id, relation, lower(resource_id)
  )
empty: the job waits for no event source and takes no secret from a vault
frameworks:
  mcsb: [NS-2, NS-10]
  iso27001: [A.8.22]
  soc2: [CC6.6]
  nist80053: [SC-7]
  pci: ["1.3.1", "1.4.2"]
  cis: ["8.3.7", "8.3.8"]
rationale: >
  A source or vault that is open to every network needs only a leaked key or token to be emptied. A private endpoint
  helps the job only where its network finds the private address: without the link of the DNS zone it goes over the
  public one, and nobody notices.
remediation: >
  Make a private endpoint in the environment's network (az network private-endpoint create --name NAME
  --resource-group GROUP --subnet SUBNET_ID --private-connection-resource-id RESOURCE_ID --group-id
  namespace|queue|blob|vault --connection-name NAME), link its zone (az network private-dns link vnet create), then
  close the resource: az servicebus namespace update, az eventhubs namespace update, az storage account update
  --public-network-access Disabled, az keyvault update --public-network-access Disabled. Service Bus takes private
  endpoints in the Premium tier only. What need not be private belongs into policy.private_endpoint_exempt.
limits: >
  Whether packets really go that way is not tried, nor routes and security groups between the job and the endpoint.
  Names are followed where the environment's network asks Azure's own DNS; with DNS servers of its own, or names in no
  zone that is read, nothing is concluded. Firewall rules of database servers and caches and the rules of a network
  security perimeter are not read. Trusted services that pass a firewall all the same are named, not judged.
  Registries and what code reaches by itself are not looked at.
parameters:
  private_endpoint_exempt:
    type: list of text
    default: []
    description: Event sources and vaults that need no private endpoint, as resource ids or names, or names with * and ?.
  firewall_prefix_least:
    default: 16
    description: Bits of the widest IPv4 range that a firewall may let in (16 = 65,536 addresses); for IPv6 twice as many.
---*/
with setting as (
    select max(value)::BIGINT as least
    from parameters where control_id = 'JA-34' and name = 'firewall_prefix_least' and job_id is null
),
patterns as (
    select distinct replace(replace(replace(replace(replace(
               entry, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'), '?', '_') as pattern
    from (
        select lower(trim(unnest(from_json(value, '["VARCHAR"]')))) as entry
        from parameters where control_id = 'JA-34' and name = 'private_endpoint_exempt' and job_id is null
    )
    where entry <> ''
),
stands as (
    select job_id, lower(job_id) as job_key, lower(resource_id) as resource_key, min(resource_id) as resource_id,
           min(resource_type) as resource_type, bool_or(resolved) as resolved, min(detail) as detail,
           min(raw_ref) as raw_ref,
           case when relation = 'vault' then 'key vault '
                when min(resource_type) = 'microsoft.servicebus/namespaces' then 'Service Bus '
                when min(resource_type) = 'microsoft.eventhub/namespaces' then 'Event Hubs '
                when min(resource_type) = 'microsoft.storage/storageaccounts' then 'storage account '
                else coalesce(min(resource_type) || ' ', '') end || split_part(min(resource_id), '/', -1) as name,
           exists (from patterns where split_part(lower(min(resource_id)), '/', -1) like pattern escape '\'
                                    or lower(min(resource_id)) like pattern escape '\') as exempt
    from dependencies
    where relation in ('event_source', 'vault')
    group by job_id, relation, lower(resource_id)
),
facts as (
    select lower(resource_id) as resource_key, lower(coalesce(public_access, '')) as public_access,
           lower(coalesce(default_action, '')) as default_action, ip_rules, vnet_rules, bypass, private_endpoints, raw_ref,
           source_type in ('microsoft.servicebus/namespaces', 'microsoft.eventhub/namespaces',
                           'microsoft.storage/storageaccounts') as ruled,
           settings ->> '$.delegatedSubnetResourceId' as delegated
    from event_sources
    union all
    select lower(vault_id), lower(coalesce(public_access, '')), lower(coalesce(default_action, '')), ip_rules, vnet_rules,
           bypass, private_endpoints, raw_ref, true, null
    from key_vaults
),
ranges as (
    select facts.resource_key, replace(left(entry.value ->> '$', 60), '"', '''') as written,
           case when contains(entry.value ->> '$', '/')
                    then coalesce(try_cast(split_part(entry.value ->> '$', '/', 2) as int), 0)
                when contains(entry.value ->> '$', ':') then 128 else 32 end as bits,
           setting.least * case when contains(entry.value ->> '$', ':') then 2 else 1 end as least
    from facts cross join setting cross join json_each(coalesce(facts.ip_rules, '[]')) as entry
),
wide as (
    select resource_key, '"' || string_agg(written, '", "' order by bits, written) || '"' as told
    from ranges where bits < least group by resource_key
),
opened as (
    select stands.*, facts.raw_ref as facts_ref, facts.delegated, facts.private_endpoints,
           case when facts.resource_key is null then 'not_assessed'
                when public_access = 'disabled' then 'pass'
                when public_access not in ('', 'enabled') then 'not_assessed'
                when not ruled then 'not_assessed'
                when default_action <> 'deny' then 'fail'
                when wide.told is not null then 'fail'
                else 'pass' end as verdict,
           case when facts.resource_key is null then 'nothing of it was read'
                when public_access = 'disabled' then 'public access is disabled'
                when public_access = 'securedbyperimeter'
                    then 'a network security perimeter decides, and its rules are not read'
                when public_access not in ('', 'enabled')
                    then 'public access is "' || left(public_access, 40) || '", which isn''t known here'
                when not ruled then 'public access is not disabled, and its firewall rules are not read'
                when default_action <> 'deny' then 'open to every network'
                     || case when default_action = '' then ': no firewall rule is set' else '' end
                when wide.told is not null then 'its firewall lets in wide ranges: ' || left(wide.told, 200)
                else 'its firewall lets in only addresses and ranges: ' || json_array_length(coalesce(ip_rules, '[]'))
                     || ', subnets: ' || json_array_length(coalesce(vnet_rules, '[]'))
                     || case when lower(coalesce(bypass, 'none')) = 'none' then ''
                             else ', and passes "' || left(bypass, 60) || '" all the same' end
           end as why
    from stands
    left join facts on facts.resource_key = stands.resource_key
    left join wide on wide.resource_key = stands.resource_key
),
-- An account has an endpoint for each of its services: the one counts on whose service the job waits.
services as (
    select distinct stands.job_key, stands.resource_key,
           case when stands.resource_type <> 'microsoft.storage/storageaccounts' then 'any'
                else coalesce(case rule.entity_kind when 'queue' then 'queue' when 'container' then 'blob' end, 'any') end
           as service
    from stands
    left join inventory on lower(inventory.resource_id) = stands.resource_key
    left join rule_sources as rule
        on lower(rule.job_id) = stands.job_key and lower(rule.host) = lower(inventory.host)
    where stands.resolved
),
connections as (
    select facts.resource_key, lower(entry.value ->> '$.endpoint_id') as endpoint_key,
           coalesce(entry.value ->> '$.status', 'not told') as status,
           '"' || replace(left(coalesce(split_part(entry.value ->> '$.endpoint_id', '/', -1), ''), 80), '"', '''') || '"'
           as name,
           coalesce(nullif(entry.value -> '$.group_ids', 'null'),
                    (select any_value(group_ids order by connection) from private_endpoints
                     where lower(endpoint_id) = lower(entry.value ->> '$.endpoint_id')
                       and lower(target_id) = facts.resource_key)) as group_ids
    from facts cross join json_each(coalesce(facts.private_endpoints, '[]')) as entry
),
-- fits: true, false, or null where nobody tells which service the endpoint leads to.
offered as (
    select services.*, connections.endpoint_key, connections.name, connections.status,
           lower(connections.status) = 'approved' as approved,
           services.service = 'any'
               or list_contains(from_json(lower(connections.group_ids::VARCHAR), '["VARCHAR"]'), services.service) as fits
    from services join connections on connections.resource_key = services.resource_key
),
served as (
    select services.job_key, services.resource_key, services.service,
           coalesce(bool_or(approved and coalesce(fits, false)), false) as good,
           coalesce(bool_or(approved and fits is null), false) as open,
           string_agg(offered.name, ', ' order by offered.name) filter (where approved and fits) as names,
           string_agg(offered.name || ' is ' || left(offered.status, 40), ', ' order by offered.name)
               filter (where not approved) as waiting
    from services left join offered using (job_key, resource_key, service)
    group by all
),
ended as (
    select job_key, resource_key,
           case when bool_or(not good and not open) then 'fail' when bool_or(not good) then 'not_assessed' else 'pass' end
               as verdict,
           string_agg(case when good then names || case service when 'any' then '' else ' (' || service || ')' end
                           when open then 'which service its private endpoint leads to is not known'
                           else case service when 'any' then 'it has no approved private endpoint'
                                else 'no approved private endpoint leads to its ' || service || ' service' end
                                || coalesce(': ' || waiting, '') end, '; ' order by good, service) as told
    from served group by job_key, resource_key
),
homes as (
    select lower(jobs.job_id) as job_key, here.environment_id is not null as found, here.raw_ref,
           lower(regexp_replace(here.vnet_subnet_id, '(?i)/subnets/[^/]+/?$', '')) as network_key,
           net.vnet_id is not null as network_read, net.dns_servers, net.raw_ref as network_ref,
           '"' || replace(left(coalesce(here.name, ''), 80), '"', '''') || '"' as environment,
           '"' || replace(left(split_part(regexp_replace(here.vnet_subnet_id, '(?i)/subnets/[^/]+/?$', ''), '/', -1), 80),
                          '"', '''') || '"' as network
    from jobs
    left join environments as here on lower(here.environment_id) = lower(jobs.environment_id)
    left join virtual_networks as net
        on lower(net.vnet_id) = lower(regexp_replace(here.vnet_subnet_id, '(?i)/subnets/[^/]+/?$', ''))
),
zones as (
    select offered.job_key, offered.resource_key, offered.service, offered.endpoint_key, offered.name,
           known.endpoint_id is not null as read, lower(zone.id) as zone_key,
           '"' || replace(left(split_part(zone.id, '/', -1), 80), '"', '''') || '"' as zone, known.raw_ref
    from offered
    left join private_endpoints as known
        on lower(known.endpoint_id) = offered.endpoint_key and lower(known.target_id) = offered.resource_key
    left join lateral (select unnest(from_json(known.zone_ids, '["VARCHAR"]')) as id) as zone on true
    where offered.approved and coalesce(offered.fits, true)
),
-- Zones of which not every link could be read: the one that is missed may be among them.
cut as (
    select distinct lower(rtrim(scope, '/')) as zone_key from coverage
    where kind = 'private_dns' and outcome = 'gap' and place is null
),
links as (
    select zones.job_key, zones.resource_key, zones.service, zones.name, zones.zone, zones.read, zones.zone_key,
           count(dns.zone_id) as rows_read, any_value(cut.zone_key) is not null as cut,
           coalesce(bool_or(lower(dns.linked_vnet_id) = homes.network_key
                            and lower(dns.link_state) = 'completed'), false) as linked,
           min(dns.raw_ref) filter (where lower(dns.linked_vnet_id) = homes.network_key) as link_ref,
           min(coalesce(dns.raw_ref, zones.raw_ref)) as any_ref
    from zones
    join homes on homes.job_key = zones.job_key
    left join private_dns as dns on lower(dns.zone_id) = zones.zone_key and lower(dns.endpoint_id) = zones.endpoint_key
    left join cut on cut.zone_key = zones.zone_key
    group by all
),
named as (
    select job_key, resource_key, service, bool_or(linked) as good,
           bool_or(not linked and (not read or zone_key is null or rows_read = 0 or cut)) as open,
           min('the zone ' || zone) filter (where linked) as linked_zone,
           string_agg(distinct case when not read then 'the private endpoint ' || name || ' was not read'
                                    when zone_key is null then 'no zone group keeps the names of ' || name
                                    when rows_read = 0 then 'the links of the zone ' || zone || ' were not read'
                                    when not linked and cut
                                        then 'of the links of the zone ' || zone || ', not all were read'
                                    when not linked then 'the zone ' || zone || ' is not linked to it' end,
                      '; ') as against,
           coalesce(min(link_ref), min(any_ref)) as raw_ref
    from links group by job_key, resource_key, service
),
resolved as (
    select job_key, resource_key,
           case when bool_or(not good and not open) then 'fail' when bool_or(not good) then 'not_assessed' else 'pass' end
               as verdict,
           string_agg(case when good then linked_zone || ' is linked to it' else against end, '; ' order by good, service)
           as told,
           min(raw_ref) as raw_ref
    from named group by job_key, resource_key
)
select job_id, name || ': public access' as subject, verdict, why as reason, coalesce(facts_ref, raw_ref) as raw_ref
from opened where resolved
union all
select opened.job_id, opened.name || ': private endpoint',
       case when facts_ref is null then 'not_assessed' when exempt or delegated is not null then 'not_applicable'
            else ended.verdict end,
       case when facts_ref is null then 'nothing of it was read'
            when exempt then 'policy.private_endpoint_exempt says that it needs none'
            when delegated is not null then 'it stands in a subnet of the owner''s itself'
            when ended.verdict = 'pass' then 'approved: ' || left(ended.told, 300)
            else left(ended.told, 300) end,
       coalesce(facts_ref, raw_ref)
from opened
left join ended on ended.job_key = opened.job_key and ended.resource_key = opened.resource_key
where resolved
union all
select opened.job_id, opened.name || ': private DNS',
       case when facts_ref is null then 'not_assessed'
            when exempt or delegated is not null then 'not_applicable'
            when resolved.verdict is null then 'not_applicable'
            when not homes.found then 'not_assessed'
            when homes.network_key is null then 'fail'
            when not homes.network_read or json_array_length(homes.dns_servers) > 0 then 'not_assessed'
            else resolved.verdict end,
       case when facts_ref is null then 'nothing of it was read'
            when exempt then 'policy.private_endpoint_exempt says that it needs no private endpoint'
            when delegated is not null then 'it stands in a subnet of the owner''s itself'
            when resolved.verdict is null then 'it has no approved private endpoint whose name would have to be found'
            when not homes.found then 'the job''s environment was not found'
            when homes.network_key is null
                then 'the environment ' || homes.environment || ' is in no network of the owner''s: the job asks public DNS'
            when not homes.network_read then 'the network ' || homes.network || ' was not read'
            when json_array_length(homes.dns_servers) > 0
                then 'the network ' || homes.network || ' asks DNS servers of its own, and what they answer is not known'
            else 'the job''s network is ' || homes.network || ': ' || left(resolved.told, 300) end,
       coalesce(case when homes.network_key is null then homes.raw_ref end, resolved.raw_ref, facts_ref, opened.raw_ref)
from opened
join homes on homes.job_key = opened.job_key
left join resolved on resolved.job_key = opened.job_key and resolved.resource_key = opened.resource_key
where opened.resolved
union all
select job_id, name,
       case when detail = 'an address outside Azure Resource Manager' then 'not_applicable' else 'not_assessed' end,
       coalesce(detail, 'the event source is not known'), raw_ref
from stands
where not resolved
