"""Namespaces, accounts and what is in them, asked as a client of Azure would."""

from __future__ import annotations

import msgspec
import pytest
from tiny_estate import NOW, ROOT, limited, tiny

from audit.model.containerapp import JobResource
from audit.model.endpoint import account_host, host_of
from audit.model.event_source import find
from audit.model.wire import decoder
from audit.sandbox.estate import build, sources
from audit.sandbox.estate.world import World
from audit.sandbox.options import SandboxOptions


@pytest.fixture(scope="module")
def made():
    world = World(7, NOW)
    world.subscription("one", {})
    (body,) = world.estate.subscriptions
    group = world.group(body["subscriptionId"], "rg-a", "westeurope")
    bus = sources.bus(world, group, "sb-a", "westeurope")
    sources.policy(world, sources.queue(world, bus, "orders", active=3, dead=41), "worker", sources.LISTEN)
    sources.queue(world, bus, "orders-old")
    sources.subscription(world, sources.topic(world, bus, "returns"), "warehouse")
    hubs = sources.hubs(world, group, "evh-a", "westeurope")
    sources.hub(world, hubs, "positions", "ingest")
    account = sources.account(world, group, "sta", "westeurope")
    sources.store_queue(world, account, "files", messages=9)
    sources.container(world, account, "feeds")
    return world.estate


def body_of(estate, tail):
    (found,) = [body for key, body in estate.resources.items() if key.endswith(tail)]
    return found


def test_parts_are_typed_as_their_paths_say(made):
    assert body_of(made, "/queues/orders")["type"] == "Microsoft.ServiceBus/namespaces/queues"
    assert body_of(made, "/queues/files")["type"] == "Microsoft.Storage/storageAccounts/queueServices/queues"
    assert body_of(made, "/authorizationrules/worker")["type"] == (
        "Microsoft.ServiceBus/namespaces/queues/authorizationRules"
    )
    assert body_of(made, "/consumergroups/ingest")["type"] == "Microsoft.EventHub/namespaces/eventhubs/consumergroups"
    assert "key" not in msgspec.json.encode(list(made.resources.values())).decode().lower().replace(
        "rootmanagesharedaccesskey", ""
    ).replace("allowsharedkeyaccess", "").replace("$account-encryption-key", "")


@pytest.fixture
def served(made):
    """Add the tiny estate's people, so that somebody may ask."""
    estate = tiny()
    estate.subscriptions, estate.resource_groups, estate.resources = (
        made.subscriptions,
        made.resource_groups,
        made.resources,
    )
    return estate


async def test_namespaces_and_accounts_are_asked_part_by_part(serve, served):
    async with serve(served) as client:
        bus, hubs, account = (body_of(served, tail)["id"] for tail in ("/sb-a", "/evh-a", "/sta"))

        async def ask(path, version="2024-01-01"):
            reply = await client.ask(f"{path}?api-version={version}")
            return reply.status, reply.body

        async def names(path):
            return [each["name"] for each in (await ask(path))[1]["value"]]

        status, queue = await ask(f"{bus}/queues/orders")
        assert (status, queue["properties"]["countDetails"]["deadLetterMessageCount"]) == (200, 41)
        assert await names(f"{bus}/queues/orders/authorizationRules") == ["worker"]
        assert await names(f"{bus}/queues/orders-old/authorizationRules") == []
        assert await names(f"{bus}/authorizationRules") == ["RootManageSharedAccessKey"], "not those of its queues"
        assert (await ask(f"{bus}/networkRuleSets/default"))[1]["properties"]["defaultAction"] == "Allow"
        assert (await ask(f"{bus}/topics/returns/subscriptions/warehouse"))[0] == 200
        assert await names(f"{hubs}/eventhubs/positions/consumergroups") == ["$Default", "ingest"]
        store = f"{account}/queueServices/default/queues/files"
        assert (await ask(store, "2023-05-01"))[1]["properties"]["approximateMessageCount"] == 9
        assert (await ask(f"{account}/blobServices/default/containers/feeds", "2023-05-01"))[0] == 200


@pytest.mark.parametrize(
    ("tail", "version", "status", "code"),
    [
        ("/sb-a/queues/gone", "2024-01-01", 404, "MessagingGatewayNotFoundStatusCode"),
        ("/sb-b/queues/gone", "2024-01-01", 404, "ResourceNotFound"),
        ("/sb-b", "2024-01-01", 404, "ResourceNotFound"),
        ("/sb-b/authorizationRules", "2024-01-01", 404, "ResourceNotFound"),
        ("/sb-a/queues/orders", "1999-01-01", 400, "InvalidResourceType"),
    ],
)
async def test_what_is_not_there_is_refused_in_the_services_words(serve, served, tail, version, status, code):
    async with serve(served) as client:
        place = body_of(served, "/sb-a")["id"].removesuffix("/sb-a")
        reply = await client.ask(f"{place}{tail}?api-version={version}")
        assert (reply.status, reply.body["error"]["code"]) == (status, code)


async def test_every_part_wants_its_own_action(serve, served):
    limited(served, ROOT, {"actions": ["*/read"], "notActions": ["Microsoft.ServiceBus/namespaces/queues/read"]})
    async with serve(served) as client:
        bus = body_of(served, "/sb-a")["id"]
        assert (await client.ask(f"{bus}/queues/orders?api-version=2024-01-01")).status == 403
        assert (await client.ask(f"{bus}?api-version=2024-01-01")).status == 200


async def test_arms_own_index_and_resource_graph_do_not_know_what_is_inside(serve, served):
    async with serve(served) as client:
        group = served.resource_groups[0]["id"]
        listed = await client.ask(f"{group}/resources?api-version=2021-04-01&$top=100")
        found = {each["type"].lower() for each in listed.body["value"]}
        assert all(each.count("/") == 1 for each in found), found
        asked = {"query": "resources | project id, type", "options": {"$top": 100}}
        url = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
        graph = await client.ask(url, method="POST", json=asked)
        assert {each["type"] for each in graph.body["data"]} <= {
            "microsoft.servicebus/namespaces",
            "microsoft.eventhub/namespaces",
            "microsoft.storage/storageaccounts",
        }


@pytest.mark.parametrize("options", [{}, {"jobs": 120, "subscriptions": 3}])
def test_what_the_rules_of_an_estate_name_is_there(options):
    estate = build(SandboxOptions(now=NOW, **options))
    hosts = {}
    for body in estate.resources.values():
        facts = body["properties"]
        ends = facts.get("primaryEndpoints") or {}
        if host := host_of(facts.get("serviceBusEndpoint")) or account_host(ends.get("blob")):
            hosts[host] = body["id"]
    seen = set()
    for body in estate.resources.values():
        if body["type"] != "Microsoft.App/jobs":
            continue
        job = decoder(JobResource).decode(msgspec.json.encode(body))
        trigger = job.properties.configuration.event_trigger_config
        for rule in trigger.scale.rules if trigger else ():
            found = find(rule, {})
            if found.source_type not in {"external", None} and rule.type != "rabbitmq":
                seen.add(found.source_type)
                place = f"{hosts[found.host]}/".lower()
                ends = f"/{found.entity_kind}s/{found.entity}"
                assert any(key.startswith(place) and key.endswith(ends) for key in estate.resources), (rule, found)
    assert seen >= {"microsoft.servicebus/namespaces", "microsoft.storage/storageaccounts"}
