"""Which groups are asked about, as SQL: those that hold access, are spared from a denial, or may open a vault."""

from __future__ import annotations

from audit.model import reach

_PLACE = r"'^(/subscriptions/[^/]+(/resourcegroups/[^/]+(/providers/[^/]+/[^/]+/[^/]+)?)?)?'"
"""The resource that a scope names or lies in, else the group, the subscription, or nothing."""

HOLDING = f"""
    held as (
        select principal_id, principal_type, scope, subscription_id from role_assignments
        union all select principal_id, principal_type, scope, subscription_id from role_eligibility
        union all select principal_id, principal_type, scope, subscription_id from role_activations
        union all select
            each.value ->> 'id', each.value ->> 'type', scope, subscription_id
            from deny_assignments, json_each(deny_assignments.principals) as each
        union all select
            each.value ->> 'id', each.value ->> 'type', scope, subscription_id
            from deny_assignments, json_each(deny_assignments.excluded_principals) as each
        union all select principal_id, null, vault_id, split_part(vault_id, '/', 3) from vault_access_policies
    ), known as (
        select lower(principal_id) as id from principals where type = 'Group'
    ), holding as (
        select distinct lower(held.principal_id) as id,
            regexp_extract(rtrim(lower(held.scope), '/'), {_PLACE}, 1) as place,
            lower(held.subscription_id) as subscription_id
        from held
        where (lower(held.principal_type) = 'group' or lower(held.principal_id) in (select id from known))
            and regexp_full_match(lower(held.principal_id), '[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}')
    )
"""
"""Common table expressions that end with ``holding (id, place, subscription_id)``.

A group and each place where it holds something, as cut off by the resource; an empty place is above the subscription.
A group of another directory (``ForeignGroup``) can't be read from here and isn't among them.
Needs tables role_assignments, role_eligibility, role_activations, deny_assignments, vault_access_policies, principals.
"""

CONCERNED = f"""
    {reach.REACHED}, used as (
        select job_id, job_id as resource_id from jobs where in_scope
        union all select job_id, environment_id from jobs where in_scope
        union all select jobs.job_id, job_identities.identity_id
            from job_identities join jobs using (job_id) where jobs.in_scope
        union all select job_id, resource_id from reached
    ), places as (
        select distinct job_id, unnest([
            lower(resource_id),
            regexp_extract(lower(resource_id), '^/subscriptions/[^/]+/resourcegroups/[^/]+'),
            regexp_extract(lower(resource_id), '^/subscriptions/[^/]+')
        ]) as place
        from used where starts_with(lower(resource_id), '/subscriptions/')
    ), concerned as (
        select distinct holding.id, places.job_id
        from holding join places on places.place = holding.place
        where holding.place <> ''
        union
        select distinct holding.id, jobs.job_id
        from holding join jobs on lower(jobs.subscription_id) = holding.subscription_id
        where holding.place = '' and jobs.in_scope
    )
"""
"""Common table expressions after HOLDING that end with ``concerned (id, job_id)``.

The jobs that a group's members can reach: what a group holds lies at or above the job, or at something that it uses.
Needs tables jobs, job_identities, rule_sources, job_secrets, containers, job_registries and inventory besides.
"""
AFTER = (
    "jobs",
    "inventory",
    "key_vaults",
    "role_assignments",
    "role_eligibility",
    "role_activations",
    "deny_assignments",
    "principals",
)
"""The kinds whose tables both need."""
