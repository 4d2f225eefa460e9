"""What a job talks to: its event source and that one's settings, its vaults and registries, and the way there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render.dossier.batch import About, Facts, of_job

if TYPE_CHECKING:
    from audit.render.rows import Row

_STANDS_ON = """
    join dependencies d on lower(d.resource_id) = lower(t.{key}) and d.relation = '{relation}'
    join report_jobs b on b.job_key = lower(d.job_id)
    where b.position between ? and ?
"""


def _of(table: str, key: str, relation: str, order: str) -> str:
    return (
        f"select distinct b.job_key, t.*, d.found_by from {table} t {_STANDS_ON.format(key=key, relation=relation)} "
        f"order by b.job_key, {order}, t.row_id, d.found_by"
    )


QUERIES = {
    "rule_sources": of_job("rule_sources", "t.rule_name"),
    "event_sources": _of("event_sources", "resource_id", "event_source", "lower(t.name)"),
    "entities": _of("event_source_entities", "entity_id", "entity", "lower(t.name)"),
    "policies": """
        select distinct b.job_key, t.*
        from event_source_policies t
        join report_sources s on s.resource_key = lower(t.resource_id)
            and (t.entity_id is null or lower(t.entity_id) = lower(t.resource_id)
                 or lower(regexp_extract(t.entity_id, '[^/]+$')) = s.dimension_key)
        join report_jobs b using (job_key) where b.position between ? and ?
        order by b.job_key, lower(t.name), t.row_id
    """,
    "vaults": _of("key_vaults", "vault_id", "vault", "lower(t.name)"),
    "image_registries": _of("registries", "registry_id", "registry", "lower(t.name)"),
    "endpoints": _of("private_endpoints", "endpoint_id", "private_endpoint", "lower(t.endpoint_id)"),
    "zones": """
        select distinct b.job_key, t.* from private_dns t
        join dependencies d on lower(d.resource_id) = lower(t.zone_id) and lower(d.via) = lower(t.endpoint_id)
            and d.relation = 'dns_zone'
        join report_jobs b on b.job_key = lower(d.job_id) where b.position between ? and ?
        order by b.job_key, lower(t.zone), t.row_id
    """,
}


def told(facts: Facts, _about: About) -> dict[str, Any]:
    """Return event sources, vaults, registries and the private way to them."""
    for row in (*facts["event_sources"], *facts["vaults"], *facts["image_registries"]):
        row["addresses"] = _listed(row["ip_rules"])
        row["endpoints"] = len(_listed(row["private_endpoints"]))
        row["reach"], row["reach_tone"] = _reach(row)
    for row in facts["event_sources"]:
        row["subnets"] = len(_listed(row["vnet_rules"]))
    for row in facts["policies"]:
        row["rights"] = [str(each) for each in _listed(row["rights"])]
    for row in facts["endpoints"]:
        row["groups"] = [str(each) for each in _listed(row["group_ids"])]
        row["names"] = [str(each) for each in _listed(row["fqdns"])]
    return {
        name: facts[name]
        for name in (
            "rule_sources",
            "event_sources",
            "entities",
            "policies",
            "vaults",
            "image_registries",
            "endpoints",
            "zones",
        )
    }


def _listed(value: Any) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) else value
    return found if isinstance(found, list) else []


def _reach(row: Row) -> tuple[str, str]:
    """Return from where it can be reached, and how that is marked."""
    public = (row["public_access"] or "").lower()
    if public == "disabled":
        return "private endpoints only", "good"
    if public == "securedbyperimeter":
        return "within its network perimeter", "good"
    if (row["default_action"] or "").lower() == "deny":
        return "selected networks", "good"
    if not public and row["default_action"] is None:
        return "not stated", "none"
    return "every network", "warn"
