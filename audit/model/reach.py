"""What a job names by host, as SQL: sources of its rules, vaults of its secrets, registries of its images.

And the two questions that a kind asks about it: which resources are its units, and whose verdicts rest on each.
"""

from __future__ import annotations


def host_in(url: str) -> str:
    """Return SQL for the host that the URL in a column names, in lower case; empty where it names none."""
    return f"lower(regexp_extract({url}, '^https?://([^/:?#]+)', 1))"


SOURCES = "select job_id, host from rule_sources"
VAULTS = f"select job_id, {host_in('key_vault_url')} as host from job_secrets"
IMAGES = "select job_id, registry as host, image from containers"
REGISTRIES = f"select job_id, host from ({IMAGES}) union all select job_id, server from job_registries"
"""SELECTs of job_id and host: what jobs name."""


def named(hosts: str, *, kind: str = "", columns: str = "") -> str:
    """Return a SELECT of scope and job_id: the resources that in-scope jobs name by host, in whatever casing.

    ``hosts`` is a SELECT of job_id and host. ``kind`` limits it to resources of that type (lower case); ``columns`` are
    more of ``named`` (the hosts) or ``inventory``. Needs tables jobs and inventory besides those of ``hosts``.
    """
    of_kind = f" and lower(inventory.type) = '{kind}'" if kind else ""
    return f"""
        select inventory.resource_id as scope, jobs.job_id{f", {columns}" if columns else ""}
        from ({hosts}) as named
        join inventory on lower(inventory.host) = lower(named.host){of_kind}
        join jobs using (job_id)
        where jobs.in_scope
    """


REACHED = f"""
    reached as (
        select distinct scope as resource_id, job_id
        from ({named(f"{SOURCES} union all {VAULTS} union all {REGISTRIES}")})
    )
"""
"""A common table expression ``reached (resource_id, job_id)``: which resources the in-scope jobs name.

Needs tables jobs, rule_sources, job_secrets, containers, job_registries and inventory.
"""


def population(used: str, ids: str = "job_id") -> str:
    """Return a kind's ``population``: a unit for each scope, however it is spelled, with what asks for it.

    ``used`` is a WITH that ends with ``used (scope, job_id, …)``, ``ids`` the column whose values, each once, become
    the ids; null is none.
    """
    return f"""{used}
        select min(scope) as scope, list(distinct {ids} order by {ids}) filter (where {ids} is not null) as ids
        from used group by lower(scope) order by lower(scope)
    """


def affects(used: str) -> str:
    """Return a kind's ``affects`` over the same ``used``, its scopes spelled as ``population`` spells them."""
    return f"{used} select distinct min(scope) over (partition by lower(scope)) as scope, job_id from used"
