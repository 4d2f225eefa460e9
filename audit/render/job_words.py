"""A job in plain words, from its configuration alone; what is not set is said to be the platform's default."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.render.text import listing, plural, seconds

if TYPE_CHECKING:
    from audit.render.rows import Row

DEFAULTS = {"polling_interval_s": 30, "min_executions": 0, "max_executions": 100}
"""What the platform takes where a job sets nothing. https://learn.microsoft.com/azure/container-apps/jobs"""

Metadata = Mapping[str, str]
Watched = tuple[str, str | None, str]
"""What a rule watches, how much of it calls for one execution (None: not set), and in what it is counted."""


def _first(metadata: Metadata, *keys: str) -> str | None:
    """Return the first of some keys that is set, whatever its casing; a reference to a variable counts, as such."""
    lower = {key.lower(): value for key, value in metadata.items()}
    for key in keys:
        if lower.get(key.lower()):
            return str(lower[key.lower()])
        if lower.get(f"{key}FromEnv".lower()):
            return f"(named by variable {lower[f'{key}FromEnv'.lower()]})"
    return None


def _quoted(value: str | None, what: str) -> str:
    if value is None:
        return f"a {what} that the rule doesn't name"
    return f"{what} {value}" if value.startswith("(") else f"{what} “{value}”"


def _servicebus(data: Metadata) -> Watched:
    topic = _first(data, "topicName")
    if topic is not None:
        source = f"{_quoted(_first(data, 'subscriptionName'), 'subscription')} of Service Bus topic “{topic}”"
    else:
        source = f"Service Bus {_quoted(_first(data, 'queueName'), 'queue')}"
    return source + _at(data, "namespace"), _first(data, "messageCount"), "messages"


def _at(data: Metadata, *keys: str) -> str:
    value = _first(data, *keys)
    return f" at {value}" if value else ""


def _plain(
    what: str, unit: str, name: tuple[str, ...], threshold: tuple[str, ...], *at: str
) -> Callable[[Metadata], Watched]:
    def told(data: Metadata) -> Watched:
        lead, _, noun = what.rpartition(" ")
        return f"{lead} {_quoted(_first(data, *name), noun)}".strip() + _at(data, *at), _first(data, *threshold), unit

    return told


_SCALERS: dict[str, Callable[[Metadata], Watched]] = {
    "azure-servicebus": _servicebus,
    "azure-queue": _plain("Storage queue", "messages", ("queueName",), ("queueLength",), "accountName"),
    "azure-blob": _plain("blob container", "blobs", ("blobContainerName",), ("blobCount",), "accountName"),
    "azure-eventhub": _plain(
        "event hub", "unprocessed events", ("eventHubName",), ("unprocessedEventThreshold",), "eventHubNamespace"
    ),
    "kafka": _plain("Kafka topic", "unread messages", ("topic",), ("lagThreshold",), "bootstrapServers"),
    "apache-kafka": _plain("Kafka topic", "unread messages", ("topic",), ("lagThreshold",), "bootstrapServers"),
    "rabbitmq": _plain("RabbitMQ queue", "messages", ("queueName",), ("value", "queueLength")),
    "redis": _plain("Redis list", "entries", ("listName",), ("listLength",), "address"),
    "redis-streams": _plain("Redis stream", "pending entries", ("stream",), ("pendingEntriesCount",), "address"),
    "github-runner": _plain("GitHub owner", "waiting workflow jobs", ("owner",), ("targetWorkflowQueueLength",)),
    "azure-pipelines": _plain(
        "Azure Pipelines pool", "waiting pipeline jobs", ("poolName", "poolID"), ("targetPipelinesQueueLength",)
    ),
}


def source(rule: Row) -> str:
    """Return what one scale rule watches, and how much of it calls for one execution."""
    data = json.loads(rule["metadata"] or "{}")
    data = data if isinstance(data, dict) else {}
    known = _SCALERS.get(rule["scaler_type"].lower())
    if known is None:
        return f"the {rule['scaler_type']} scaler of rule “{rule['rule_name']}” finds work"
    what, threshold, unit = known(data)
    return f"{what} has {unit} ({_per(threshold, unit, rule.get('facts') or {})})"


def _per(threshold: str | None, unit: str, facts: Row) -> str:
    """Return how much work calls for one execution; ``facts``: what the scaler catalogue says of the rule."""
    if threshold:
        return f"one execution for every {threshold} {unit}"
    origin, amount = facts.get("threshold_origin"), facts.get("amount")
    if origin == "scaler default" and amount:
        return f"one execution for every {amount} {unit}, the scaler's own default, not set"
    if origin == "missing":
        return f"the number of {unit} per execution is not set, and the scaler has no default"
    return f"the number of {unit} per execution is not set: the scaler's own default"


def _number(job: Row, name: str) -> tuple[int, str]:
    value = job[name]
    return (int(value), "") if value is not None else (DEFAULTS[name], " (platform default, not set)")


def sentences(job: Row, rules: list[Row], identities: list[Row]) -> list[str]:
    """Return what the job does, how long, and as whom: a sentence each."""
    return [_starts(job, rules), _bounds(job), _acts(identities), *_signs_in(rules)]


def _starts(job: Row, rules: list[Row]) -> str:
    if not rules:
        return "It has no scale rule: nothing starts it by itself."
    most, most_note = _number(job, "max_executions")
    least, least_note = _number(job, "min_executions")
    interval, interval_note = _number(job, "polling_interval_s")
    events = listing([source(rule) for rule in rules], "or")
    floor = (
        f" and at least {least:,} even when there is no work" if least else f", none when there is no work{least_note}"
    )
    return (
        f"Starts up to {plural(most, 'execution')}{most_note} per check when {events}{floor}; "
        f"checked every {seconds(interval)}{interval_note}."
    )


def _bounds(job: Row) -> str:
    replicas = job["parallelism"]
    size = (
        f"{plural(replicas, 'replica')}{' side by side' if replicas > 1 else ''}"
        if replicas is not None
        else "replicas as the platform decides (parallelism is not set)"
    )
    done = job["replica_completion_count"]
    enough = f", done when {plural(done, 'replica')} succeeded" if done is not None else ""
    timeout = (
        f"is stopped after {seconds(job['replica_timeout_s'])}"
        if job["replica_timeout_s"] is not None
        else "has no time limit of its own"
    )
    retries = job["replica_retry_limit"]
    again = (
        "retries are not set"
        if retries is None
        else "is not retried"
        if retries == 0
        else f"is retried up to {plural(retries, 'time')}"
    )
    return f"An execution runs {size}{enough}; a replica {timeout} and {again}."


def _acts(identities: list[Row]) -> str:
    if not identities:
        return "It has no managed identity: whatever it reaches, it reaches with secrets or anonymously."
    told = [
        "its system-assigned identity"
        if row["kind"] == "system"
        else f"user-assigned identity “{ids.name_of(row['identity_id'])}”"
        for row in identities
    ]
    return f"It acts as {listing(told)}."


def _signs_in(rules: list[Row]) -> list[str]:
    told: list[str] = []
    for rule in rules:
        how = {
            "identity": f"signs in as {_identity(rule['identity'])}",
            "secret": "signs in with a secret",
            "none": "states no way to sign in",
        }[rule["auth_method"]]
        told.append(f"Rule “{rule['rule_name']}” {how}.")
    return told


def _identity(identity: str | None) -> str:
    if identity is None or identity.lower() == "system":
        return "the job's system-assigned identity"
    return f"identity “{ids.name_of(identity)}”"


def pairs(value: Any) -> list[tuple[str, str]]:
    """Return a JSON object's members, values as text, in order of their keys."""
    data = json.loads(value) if isinstance(value, str) else value
    if not isinstance(data, dict):
        return []
    return [
        (key, data[key] if isinstance(data[key], str) else json.dumps(data[key], ensure_ascii=False))
        for key in sorted(data)
    ]
