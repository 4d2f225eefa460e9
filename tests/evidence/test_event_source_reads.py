"""Which requests a unit of event sources sends, and which units the jobs make."""

from __future__ import annotations

import pytest
import samples
from samples import GROUP_ID, changed, page

from audit.evidence import event_sources, kind
from audit.evidence.inventory import InventoryItem
from audit.model import GapReason, NotThere, ReadFailed, Scope, source_routes

BUS = f"{GROUP_ID}/providers/Microsoft.ServiceBus/namespaces/sb-orders"
HUBS = f"{GROUP_ID}/providers/Microsoft.EventHub/namespaces/evh-orders"
STORE = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/storders"


class Scripted:
    """Azure as far as a fetch sees it: answers by path, or an error."""

    def __init__(self, **wrong):
        self.asked = []
        self.wrong = wrong

    async def get(self, path, *, api_version, scope):
        assert api_version
        self.asked.append(path.removeprefix(scope.id))
        for tail, error in self.wrong.items():
            if path.endswith(tail):
                raise error
        return page({"id": path, "name": "x"}, scope=scope, url=f"https://arm.test{path}")

    async def pages(self, path, *, api_version, scope):
        assert api_version
        self.asked.append(path.removeprefix(scope.id))
        for tail, error in self.wrong.items():
            if path.endswith(tail):
                raise error
        yield page({"value": []}, scope=scope, url=f"https://arm.test{path}")


async def fetched(azure, place, *entities):
    return [each async for each in event_sources.KIND.fetch(azure, Scope(id=place, ids=entities), None)]


async def test_only_what_jobs_name_is_read_and_never_a_key():
    azure = Scripted()
    await fetched(azure, BUS, "queue/orders", "subscription/returns/warehouse", "topic/returns")
    assert azure.asked == [
        "",
        "/networkRuleSets/default",
        "/authorizationRules",
        "/queues/orders",
        "/queues/orders/authorizationRules",
        "/topics/returns/subscriptions/warehouse",
        "/topics/returns",
        "/topics/returns/authorizationRules",
    ]


async def test_a_missing_queue_ends_nothing_but_its_own_reads():
    azure = Scripted(**{"/queues/gone": NotThere("gone")})
    pages = await fetched(azure, BUS, "queue/gone", "queue/orders")
    assert "/queues/gone/authorizationRules" not in azure.asked
    assert "/queues/orders/authorizationRules" in azure.asked
    assert len(pages) == 5


@pytest.mark.parametrize("tail", ["/sb-orders", "/sb-orders/authorizationRules", "/queues/orders/authorizationRules"])
async def test_what_must_be_there_is_never_taken_for_missing(tail):
    with pytest.raises(NotThere):
        await fetched(Scripted(**{tail: NotThere("gone")}), BUS, "queue/orders")


async def test_network_rules_that_a_tier_does_not_offer_are_unknown_and_a_refusal_is_a_failure():
    offered = Scripted(**{"/default": ReadFailed(GapReason.UNSUPPORTED, "not in Basic")})
    assert len(await fetched(offered, BUS)) == 2
    with pytest.raises(ReadFailed):
        await fetched(Scripted(**{"/default": ReadFailed(GapReason.FORBIDDEN, "no")}), BUS)


async def test_a_resource_of_a_type_that_has_no_requests_of_its_own_is_a_gap():
    with pytest.raises(ReadFailed) as error:
        await fetched(Scripted(), f"{GROUP_ID}/providers/Microsoft.KeyVault/vaults/kv")
    assert error.value.reason is GapReason.UNSUPPORTED


def test_every_request_is_covered_by_an_action_of_the_role():
    entities = ("queue/a", "topic/a", "subscription/a/b", "eventhub/a", "container/a")
    actions = {each.lower() for each in event_sources.KIND.actions}
    for place, of in ((BUS, entities[:3]), (HUBS, entities[3:4]), (STORE, (entities[0], entities[4]))):
        for each in source_routes.reads(Scope(id=place, ids=of)):
            parts = each.path.rpartition("/providers/")[2].split("/")
            sort = "/".join([parts[0], *parts[1::2]])
            assert f"{sort}/read".lower() in actions, each.path


def planned(*rules):
    """Return the units that the rules of one job make, with an inventory of one namespace and one account."""
    facts = {"subscription_id": samples.SUBSCRIPTION, "resource_group": "rg-orders"}
    known = [
        InventoryItem(resource_id=place, name=place.rsplit("/", 1)[1], type=sort, host=host, **facts)
        for place, sort, host in (
            (BUS, "microsoft.servicebus/namespaces", "sb-orders.servicebus.windows.net"),
            (HUBS, "microsoft.eventhub/namespaces", "evh-orders.servicebus.windows.net"),
            (STORE, "microsoft.storage/storageaccounts", "storders.core.windows.net"),
        )
    ]
    where = ("properties", "configuration", "eventTriggerConfig", "scale", "rules")
    job = changed(samples.JOB, where, [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)])
    con = samples.tables(*known, *samples.rows(kind("jobs"), page({"value": [job]})))
    units = con.sql(event_sources.KIND.population).fetchall()
    return units, con.sql(event_sources.KIND.affects).fetchall()


def test_a_unit_is_a_resource_and_carries_what_jobs_name_in_it():
    bus = {"namespace": "SB-Orders", "queueName": "orders"}
    topic = {"namespace": "sb-orders", "topicName": "a/b", "subscriptionName": "warehouse"}
    units, affects = planned(
        {"type": "azure-servicebus", "metadata": bus, "identity": "system"},
        {"type": "azure-servicebus", "metadata": bus, "identity": "system"},
        {"type": "azure-servicebus", "metadata": topic, "identity": "system"},
        {"type": "azure-queue", "metadata": {"accountName": "storders", "queueName": "files"}},
        {"type": "azure-queue", "metadata": {"accountName": "stelsewhere", "queueName": "files"}},
        {"type": "kafka", "metadata": {"bootstrapServers": "evh-orders.servicebus.windows.net:9093", "topic": "p",
                                       "consumerGroup": "of kafka alone"}},
    )  # fmt: skip
    assert dict(units) == {
        HUBS: ["eventhub/p"],
        BUS: ["queue/orders", "subscription/a~b/warehouse", "topic/a~b"],
        STORE: ["queue/files"],
    }
    assert {scope for scope, _ in affects} == {HUBS, BUS, STORE}
    assert {job for _, job in affects} == {samples.JOB_ID}


def test_a_resource_whose_entity_nobody_can_tell_is_read_all_the_same():
    units, _ = planned({"type": "azure-servicebus", "metadata": {"namespace": "sb-orders"}})
    ((scope, entities),) = units
    assert scope == BUS
    assert not entities
