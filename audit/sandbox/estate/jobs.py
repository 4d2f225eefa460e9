"""Container Apps jobs as ARM answers them: unused blocks null, secrets by name only, times without a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.world import DISPLAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body


def job_id(group: str, name: str) -> str:
    """Return the id of a job in a resource group."""
    return f"{group}/providers/Microsoft.App/jobs/{name}"


def job(
    *,
    group: str,
    name: str,
    location: str,
    environment: str,
    trigger: Body,
    containers: Sequence[Body],
    identity: Body,
    tags: dict[str, str] | None = None,
    init: Sequence[Body] | None = None,
    secrets: Sequence[Body] | None = None,
    registries: Sequence[Body] | None = None,
    identity_settings: Sequence[Body] | None = None,
    timeout: int = 1800,
    retries: int = 1,
    profile: str = "Consumption",
) -> Body:
    """Return a job; ``trigger`` is one of the three below. ``systemData`` is set by whoever deploys it."""
    place = job_id(group, name)
    return {
        "id": place,
        "name": name,
        "type": "Microsoft.App/jobs",
        "location": DISPLAY[location],
        **({"tags": tags} if tags is not None else {}),
        "systemData": {},
        "properties": {
            "provisioningState": "Succeeded",
            "runningState": "Ready",
            "environmentId": environment,
            "workloadProfileName": profile,
            "configuration": {
                "secrets": list(secrets) if secrets else None,
                "triggerType": trigger["triggerType"],
                "replicaTimeout": timeout,
                "replicaRetryLimit": retries,
                "manualTriggerConfig": trigger.get("manualTriggerConfig"),
                "scheduleTriggerConfig": trigger.get("scheduleTriggerConfig"),
                "eventTriggerConfig": trigger.get("eventTriggerConfig"),
                "registries": list(registries) if registries else None,
                "dapr": None,
                "identitySettings": list(identity_settings) if identity_settings else [],
            },
            "template": {
                "containers": list(containers),
                "initContainers": list(init) if init else None,
                "volumes": None,
            },
            "eventStreamEndpoint": (
                f"https://{location}.azurecontainerapps.dev{group}/containerApps/{name}/eventstream"
            ),
        },
        "identity": identity,
    }


def on_event(
    *rules: Body,
    low: int | None = 0,
    high: int | None = 10,
    polling: int | None = 30,
    parallelism: int = 1,
) -> Body:
    """Return the trigger of an event job. None leaves a bound to the platform: it stands there as null."""
    scale = {"minExecutions": low, "maxExecutions": high, "pollingInterval": polling, "rules": list(rules)}
    config = {"replicaCompletionCount": 1, "parallelism": parallelism, "scale": scale}
    return {"triggerType": "Event", "eventTriggerConfig": config}


def on_schedule(cron: str) -> Body:
    """Return the trigger of a scheduled job."""
    config = {"replicaCompletionCount": 1, "cronExpression": cron, "parallelism": 1}
    return {"triggerType": "Schedule", "scheduleTriggerConfig": config}


def by_hand() -> Body:
    """Return the trigger of a job that somebody starts."""
    return {"triggerType": "Manual", "manualTriggerConfig": {"replicaCompletionCount": 1, "parallelism": 1}}


def rule(name: str, scaler: str, metadata: dict[str, str], *, identity: str | None = None, **auth: str) -> Body:
    """Return a scale rule. ``auth``: trigger parameter → the job's secret; else ``identity``: an id or ``system``."""
    body: Body = {"name": name, "type": scaler, "metadata": metadata}
    body["auth"] = [{"secretRef": secret, "triggerParameter": parameter} for parameter, secret in auth.items()] or None
    if identity:
        body["identity"] = identity
    return body


def container(
    name: str,
    image: str,
    *env: Body,
    command: Sequence[str] | None = None,
    args: Sequence[str] | None = None,
    cpu: float = 0.5,
    memory: str = "1Gi",
) -> Body:
    """Return a container of a job's template."""
    body: Body = {"image": image, "name": name}
    if command:
        body["command"] = list(command)
    if args:
        body["args"] = list(args)
    if env:
        body["env"] = list(env)
    body["resources"] = {"cpu": cpu, "memory": memory}
    return body


def value(name: str, text: str) -> Body:
    """Return an environment variable whose value stands in the configuration."""
    return {"name": name, "value": text}


def from_secret(name: str, secret: str) -> Body:
    """Return an environment variable that takes one of the job's secrets; ARM adds an empty value."""
    return {"name": name, "value": "", "secretRef": secret}


def kept(name: str) -> Body:
    """Return a secret that the job keeps itself; ARM never answers its value."""
    return {"name": name}


def in_vault(name: str, vault: str, secret: str, identity: str = "system") -> Body:
    """Return a secret that the job takes from a Key Vault by an identity."""
    return {"name": name, "keyVaultUrl": f"https://{vault}.vault.azure.net/secrets/{secret}", "identity": identity}


def pulled_by(server: str, identity: str) -> Body:
    """Return a registry that is reached by identity."""
    return {"server": server, "username": "", "passwordSecretRef": "", "identity": identity}


def pulled_as(server: str, username: str, password: str) -> Body:
    """Return a registry that is reached as a named user, with the password in one of the job's secrets."""
    return {"server": server, "username": username, "passwordSecretRef": password, "identity": ""}
