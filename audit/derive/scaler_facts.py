"""``scaler_facts``: each scale rule held against the scaler catalogue: what is set, defaulted, missing or unknown."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.config import scalers as catalogues
from audit.derive import insert
from audit.derive.rule_check import Given, Threshold, Variable
from audit.derive.stating import Stating
from audit.model import Json, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import duckdb

    from audit.model import Run
    from audit.model.scaler import Scaler
    from audit.model.stated import ScalerSupport

PLATFORM_POLLING_S = 30
"""Seconds between two looks at the event source, where a job leaves it out (Microsoft.App/jobs, jobScale)."""
_SCHEMA = "KEDA's scaler schema has it; our table (docs/scalers.md) says nothing of it for jobs"


class ScalerFact(Record, frozen=True, kw_only=True):
    """One scale rule held against the scaler catalogue (config/scalers.json, docs/scalers.md).

    Metadata keys are case-sensitive, as in KEDA; scaler names are not. A parameter counts as given where the metadata
    has it or its ``…FromEnv`` key, or where ``auth`` names it as a trigger parameter.
    """

    table = "scaler_facts"
    row_key = ("job_id", "rule_name")

    job_id: str
    rule_name: str
    scaler_type: str
    """As the rule spells it."""
    support: str
    """For event-driven jobs: ``documented`` by the platform, ``keda-backed`` (KEDA describes it for Azure, nothing
    names it for jobs: verify), ``verify`` (KEDA has it), ``unknown`` (not in the catalogue)."""
    support_source: str | None = None
    """Where that is said; null where nothing says anything."""
    verified_by: str | None = None
    """Who stated that the scaler was tried with jobs: jobs.toml for this job, else audit.toml [[scalers]]."""
    verified_on: date | None = None
    verified_for: str | None = None
    verified_source: str | None = None
    """Which file and entry states it."""
    threshold_key: str | None = None
    """The parameter with the amount of work that one execution is started for; null = our table doesn't tell."""
    threshold: float | None = None
    """The amount in force; null where it isn't known or isn't a number."""
    threshold_written: str | None = None
    """As the job has it, redacted as stored."""
    threshold_origin: str | None = None
    """``set``, ``scaler default`` or ``missing`` (it has no default); null = our table doesn't tell."""
    threshold_note: str | None = None
    """What stands against the amount, or where it comes from; null = nothing."""
    activation_key: str | None = None
    activation_threshold: float | None = None
    """Nothing starts up to this amount; null = unset without a default, or not a number."""
    polling_interval_s: int
    """Seconds between two looks at the event source, as in force."""
    polling_origin: str
    """``set`` or ``platform default``."""
    unknown_keys: Json | None = None
    """Metadata keys that neither KEDA's schema nor our table has; null for an unknown scaler."""
    near_keys: Json
    """What an unknown key was probably meant to be, by key."""
    deprecated_keys: Json
    """What KEDA says about keys that the rule uses, by key."""
    scaler_deprecated: str | None = None
    """What KEDA says about the whole scaler's end."""
    missing_keys: Json | None = None
    """What a job's rule can't do without by our table, and isn't given; null where our table has no word on it."""
    maybe_missing_keys: Json
    """What KEDA's schema calls required and isn't given, where our table has no word on it: a doubt, no finding."""
    plain_secret_keys: Json
    """Metadata keys that carry a secret in plain, themselves or through the environment variable they name."""
    unfit_values: Json
    """Values that KEDA doesn't allow for a key, as stored, by key."""
    identity_possible: bool | None = None
    """Whether KEDA lets an Azure identity authenticate this scaler; null = not known."""


_RULES = """
select rule.row_id, rule.observed_at, rule.raw_ref, rule.job_id, rule.rule_name, rule.scaler_type,
       rule.metadata::VARCHAR, rule.auth::VARCHAR, rule.identity, job.polling_interval_s
from scale_rules as rule
left join (select lower(job_id) as job_key, min(polling_interval_s) as polling_interval_s from jobs group by all) as job
    on job.job_key = lower(rule.job_id)
order by rule.row_id
"""

# KEDA resolves ...FromEnv from the first container: its variables come last here, and so win.
_VARIABLES = """
select lower(env.job_id), env.name, env.value, env.secret_ref
from job_values as env
left join containers on lower(containers.job_id) = lower(env.job_id) and containers.container = env.owner
where env.place = 'env' and (lower(env.job_id), env.name) in (
    select (lower(job_id), value) from job_values
    where place = 'scaler_metadata' and suffix(name, 'FromEnv') and value is not null
)
order by lower(env.job_id), containers.init, containers.position desc nulls first, env.row_id desc
"""


class _Rule(NamedTuple):
    """A row of scale_rules with what its job says."""

    row_id: str
    observed_at: datetime
    raw_ref: str
    job_id: str
    rule_name: str
    scaler_type: str
    metadata: str | None
    auth: str | None
    identity: str | None
    polling: int | None


class _Support(NamedTuple):
    """Somebody's word that the scaler was tried, and where it stands."""

    said: ScalerSupport | None = None
    source: str | None = None


def create(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Create ``scaler_facts``: one row per row of scale_rules. Nothing in a job's metadata makes it fail."""
    catalogue = catalogues.overlaid(run.scalers)
    stating = Stating(con, run)
    verified = {each.type.strip().lower(): each for each in run.scalers_verified}
    variables: dict[str, dict[str, Variable]] = defaultdict(dict)
    for job_key, name, value, secret_ref in con.execute(_VARIABLES).fetchall():
        variables[job_key][name] = Variable(value, secret_ref)

    def made() -> Iterator[insert.Made]:
        for row in con.execute(_RULES).fetchall():
            rule = _Rule(*row)
            support = _support(rule, stating, verified)
            scaler = catalogue.get(rule.scaler_type)
            fact = _fact(rule, scaler, variables.get(rule.job_id.lower(), {}), support)
            twin = rule.row_id.partition("-")[2]  # two rules of one name
            yield insert.Made(fact, rule.observed_at, rule.raw_ref, f"{fact.row_id}-{twin}" if twin else "")

    insert.create(con, ScalerFact, made())


def _support(rule: _Rule, stating: Stating, verified: Mapping[str, ScalerSupport]) -> _Support:
    for word in stating.of(rule.job_id):
        if word.entry.scaler_support and stating.register:
            return _Support(word.entry.scaler_support, word.source(stating.register.file))
    said = verified.get(rule.scaler_type.strip().lower())
    return _Support(said, "audit.toml: scalers") if said else _Support()


def _fact(rule: _Rule, scaler: Scaler | None, variables: Mapping[str, Variable], support: _Support) -> ScalerFact:
    given = Given(_object(rule.metadata), _parameters(rule.auth), variables)
    jobs = scaler.jobs if scaler else None
    unknown = given.unknown(scaler) if scaler else None
    threshold = given.threshold(jobs) if jobs else Threshold()
    activation = given.activation(jobs, scaler) if jobs and scaler else Threshold()
    return ScalerFact(
        job_id=rule.job_id,
        rule_name=rule.rule_name,
        scaler_type=rule.scaler_type,
        support=jobs.support if jobs else "verify" if scaler else "unknown",
        support_source=jobs.support_source if jobs else _SCHEMA if scaler else None,
        verified_by=support.said.verified_by if support.said else None,
        verified_on=support.said.verified_on if support.said else None,
        verified_for=(support.said.verified_for or None) if support.said else None,
        verified_source=support.source,
        threshold_key=threshold.key,
        threshold=threshold.value,
        threshold_written=threshold.written,
        threshold_origin=threshold.origin,
        threshold_note=threshold.note,
        activation_key=activation.key,
        activation_threshold=activation.value,
        polling_interval_s=PLATFORM_POLLING_S if rule.polling is None else rule.polling,
        polling_origin="platform default" if rule.polling is None else "set",
        unknown_keys=None if unknown is None else Json(unknown),
        near_keys=Json(given.near(unknown or (), scaler) if scaler else {}),
        deprecated_keys=Json(given.deprecated(scaler) if scaler else {}),
        scaler_deprecated=scaler.deprecated if scaler else None,
        missing_keys=Json(given.missing(jobs, identity=bool(rule.identity))) if jobs else None,
        maybe_missing_keys=Json(given.doubtful(scaler) if scaler and not jobs else []),
        plain_secret_keys=Json(given.plain_secrets(scaler)),
        unfit_values=Json(given.unfit(scaler) if scaler else {}),
        identity_possible=scaler.identity if scaler else None,
    )


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _parameters(text: str | None) -> list[str]:
    """Return the trigger parameters that ``auth`` answers by a secret."""
    found = json.loads(text) if text else []
    named = (
        (each.get("triggerParameter") for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
    )
    return [name for name in named if isinstance(name, str)]
