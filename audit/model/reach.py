"""What a job names by host, as SQL: sources of its rules, vaults of its secrets, registries of its images."""

from __future__ import annotations

REACHED = """
    reached as (
        select distinct inventory.resource_id, jobs.job_id
        from (
            select job_id, host from rule_sources
            union all
            select job_id, regexp_extract(key_vault_url, '^https?://([^/:?#]+)', 1) from job_secrets
            union all
            select job_id, registry from containers
            union all
            select job_id, server from job_registries
        ) as named
        join inventory on lower(inventory.host) = lower(named.host)
        join jobs using (job_id)
        where jobs.in_scope
    )
"""
"""A common table expression ``reached (resource_id, job_id)``: which resources the in-scope jobs name.

Needs tables jobs, rule_sources, job_secrets, containers, job_registries and inventory.
"""
