"""What a job is: its configuration, rules, containers, secrets, identities, and where its logs go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.render import job_words
from audit.render.dossier.batch import OF_JOB, About, Facts, of_job
from audit.render.sections import access
from audit.render.text import listing, number

if TYPE_CHECKING:
    from audit.render.rows import Row

SHOWN = 20
"""Templates of one job that its page shows, the latest; the table has all of them."""

_IDENTITIES = f"""
select b.job_key, t.*, coalesce(i.principal_id, t.principal_id) as who, coalesce(i.client_id, t.client_id) as client,
       i.federated_credentials, i.raw_ref as identity_ref, shared.jobs as shared
from job_identities t
left join identities i on lower(i.identity_id) = lower(t.identity_id) and lower(i.job_id) = lower(t.job_id)
left join (
    select lower(identity_id) as key, count(distinct lower(job_id)) as jobs from job_identities group by all
) shared on shared.key = lower(t.identity_id)
{OF_JOB} order by b.position, t.kind, lower(t.identity_id), t.row_id
"""

QUERIES = {
    "config": of_job("jobs", "t.name"),
    "rules": of_job("scale_rules", "t.position"),
    "scalers": of_job("scaler_facts", "t.rule_name"),
    "containers": of_job("containers", "t.init desc, t.position"),
    "secrets": of_job("job_secrets", "lower(t.name)"),
    "pulls": of_job("job_registries", "lower(t.server)"),
    "ran_with": f"""
        select b.job_key, t.template_digest, count(*) as n, min(t.started) as first, max(t.started) as last,
               count(*) filter (where lower(t.status) in ('failed', 'degraded')) as failed,
               arg_max(t.images, (t.started, t.execution_id)) as ran, any_value(k.row_id) as template_id,
               any_value(k.images) as images, any_value(k.raw_ref) as raw_ref
        from execution_history t
        left join execution_templates k
            on lower(k.job_id) = lower(t.job_id) and k.template_digest = t.template_digest
        {OF_JOB} and t.template_digest is not null
        group by b.job_key, t.template_digest
        qualify row_number() over (partition by b.job_key order by last desc nulls last, t.template_digest) <= {SHOWN}
        order by b.job_key, last desc nulls last, t.template_digest
    """,
    "identities": _IDENTITIES,
    "flagged": f"""
        select b.job_key, t.* from job_values t {OF_JOB} and t.secret_like is not null
        order by b.position, t.place, t.owner, t.name, t.row_id
    """,
    "values": f"""
        select b.job_key, t.* from job_values t {OF_JOB} and t.place in ('env', 'command', 'args')
        order by b.position, t.owner, (t.place = 'env'), t.place, t.name, t.row_id
    """,
    "environment": """
        select b.job_key, t.* from environments t
        join report_jobs b on b.environment_key = lower(rtrim(t.environment_id, '/'))
        where b.position between ? and ? order by b.position, t.row_id
    """,
    "settings": """
        select b.job_key, t.*, case lower(rtrim(t.resource_id, '/')) when b.job_key then 'job'
               when b.environment_key then 'environment' else 'subscription' end as about
        from diagnostic_settings t
        join report_jobs b on lower(rtrim(t.resource_id, '/'))
            in (b.job_key, b.environment_key, lower('/subscriptions/' || b.subscription_id))
        where b.position between ? and ?
        order by b.position, about, lower(t.name), t.row_id
    """,
    "roles": access.OF_IDENTITIES,
}


def told(facts: Facts, about: About) -> dict[str, Any]:
    """Return what the page's sections on configuration and access show."""
    names = about.names
    config: Row | None = next(iter(facts["config"]), None)
    scalers = {(row["rule_name"], _twin(row)): row for row in facts["scalers"]}
    for rule in facts["rules"]:
        rule["pairs"] = job_words.pairs(rule["metadata"])
        rule["secrets"] = json.loads(rule["auth"] or "[]")
        rule["facts"] = _scaler(scalers.get((rule["rule_name"], _twin(rule))))
    for row in facts["ran_with"]:
        row["images"] = json.loads(row["images"] or row["ran"] or "[]")
    for row in facts["identities"]:
        row["principal"] = names.principal(row["who"])
        row["trusts"] = json.loads(row["federated_credentials"] or "[]")
    for row in facts["settings"]:
        row["enabled"] = enabled(row["logs"])
    return {
        "config": config,
        "environment": next(iter(facts["environment"]), None),
        "words": job_words.sentences(config, facts["rules"], facts["identities"]) if config else [],
        "roles": [access.told(row, names) for row in facts["roles"]],
        "created": names.caller(config["created_by"], app_id=config["created_by"]) if config else None,
        "modified": names.caller(config["modified_by"], app_id=config["modified_by"]) if config else None,
    }


def _twin(row: Row) -> str:
    """Return what tells two rules of one name apart: the end of their rows' ids."""
    return str(row["row_id"]).partition("-")[2]


def _scaler(row: Row | None) -> Row | None:
    """Return what the scaler catalogue says of a rule; ``remarks``: (tone, words, keys with why), the worst first."""
    if row is None:
        return None
    kept = {name: json.loads(row[name] or "null") for name in ("near_keys", *(each[0] for each in _REMARKS))}
    remarks = []
    for name, mark, words in _REMARKS:
        keys = kept[name]
        if keys:
            why = keys if isinstance(keys, dict) else kept["near_keys"] if name == "unknown_keys" else None
            remarks.append((mark, words, [(key, _why(name, (why or {}).get(key))) for key in sorted(keys)]))
    unchecked = (
        "" if row["unknown_keys"] is not None else "The scaler is not in the catalogue: its keys are not checked."
    )
    amount = row["threshold_written"] or (None if row["threshold"] is None else number(row["threshold"]))
    return row | {"remarks": remarks, "unchecked": unchecked, "amount": amount}


_REMARKS = (
    ("plain_secret_keys", "bad", "secret in plain"),
    ("missing_keys", "bad", "missing"),
    ("unfit_values", "bad", "value not allowed"),
    ("unknown_keys", "warn", "unknown"),
    ("deprecated_keys", "warn", "deprecated"),
    ("maybe_missing_keys", "open", "perhaps missing"),
)
"""Column of scaler_facts, how grave it is, and in words."""


def _why(name: str, said: Any) -> str:
    if said is None:
        return ""
    text = listing(said, "or") if isinstance(said, list) else str(said)
    return {"unknown_keys": f"probably {text}", "unfit_values": f"is {text}"}.get(name, text)


def enabled(logs: str | None) -> list[str]:
    """Return the log categories that a diagnostic setting sends."""
    listed = json.loads(logs or "[]")
    return [
        str(each.get("category") or each.get("categoryGroup") or "unnamed") for each in listed if each.get("enabled")
    ]
