"""Quotas of environments over the SDK: what was granted, and what runs now counted against it."""

from __future__ import annotations

import pytest
from azure.mgmt.appcontainers.aio import ContainerAppsAPIClient

from audit.sandbox import SandboxOptions, estate


@pytest.fixture
def story():
    return estate.build(SandboxOptions())


async def test_an_environments_quotas_count_what_runs_now(serve, story):
    environments = [each for each in story.resources.values() if each["type"] == "Microsoft.App/managedEnvironments"]
    story.quotas[environments[1]["id"].lower()] = {"ManagedEnvironmentConsumptionCores": 500}
    told = {}
    async with serve(story) as client:
        for each in environments:
            subscription, group = each["id"].split("/")[2:5:2]
            async with ContainerAppsAPIClient(subscription_id=subscription, **client.sdk) as apps:
                found = apps.managed_environment_usages.list(group, each["name"])
                told[each["id"].lower()] = {one.name.value: (one.current_value, one.limit) async for one in found}
        reply = await client.ask(environments[0]["id"] + "x/usages?api-version=2025-07-01")
        assert (reply.status, reply.body["error"]["code"]) == (404, "ResourceNotFound")
    running = dict.fromkeys(told, 0.0)
    for key, body in story.resources.items():
        for execution in story.executions.get(key, []):
            if execution["properties"]["status"] == "Running":
                (container,) = execution["properties"]["template"]["containers"]
                running[body["properties"]["environmentId"].lower()] += container["resources"]["cpu"]
    assert sum(running.values()) > 0
    for environment, cores in running.items():
        most = 500 if environment == environments[1]["id"].lower() else 100
        assert told[environment]["ManagedEnvironmentConsumptionCores"] == (cores, most)
        assert told[environment]["ManagedEnvironmentMemoryOptimizedCores"] == (0, 50)
