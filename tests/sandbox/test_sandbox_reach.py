"""What jobs reach: vaults, registries and their own hosts, private endpoints, DNS zones and networks."""

from __future__ import annotations

import pytest

from audit.sandbox import SandboxOptions, estate
from audit.sandbox.registries import AUDIENCE

VERSION = "?api-version=2023-07-01"


@pytest.fixture(scope="module")
def story():
    return estate.build(SandboxOptions())


@pytest.fixture
async def norvane(serve, story):
    async with serve(story) as client:
        yield client


def named(story, name: str) -> dict:
    (body,) = [each for each in story.resources.values() if each["name"] == name]
    return body


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("kv-team-sandbox", "2023-07-01"),
        ("norvane", "2023-07-01"),
        ("vnet-norvane-prod", "2024-05-01"),
        ("pe-sb-norvane-prod", "2024-05-01"),
    ],
)
async def test_one_of_each_is_answered_as_it_is_and_not_by_another_version(norvane, story, name, version):
    body = named(story, name)
    reply = await norvane.ask(f"{body['id']}?api-version={version}")
    assert (reply.status, reply.body) == (200, body)
    assert (await norvane.ask(f"{body['id']}?api-version=2010-01-01")).status == 400
    assert (await norvane.ask(f"{body['id']}-gone?api-version={version}")).status == 404


async def test_a_zones_links_come_in_pages_and_an_endpoints_groups_name_the_zone(norvane, story):
    zone = named(story, "privatelink.servicebus.windows.net")["id"]
    first = await norvane.ask(f"{zone}/virtualNetworkLinks?api-version=2024-06-01")
    assert len(first.body["value"]) == 1
    assert first.body["nextLink"]
    groups = await norvane.ask(
        f"{named(story, 'pe-sb-norvane-prod')['id']}/privateDnsZoneGroups?api-version=2024-05-01"
    )
    (group,) = groups.body["value"]
    (config,) = group["properties"]["privateDnsZoneConfigs"]
    assert config["properties"]["privateDnsZoneId"] == zone
    assert (await norvane.ask(f"{zone}.gone/virtualNetworkLinks?api-version=2024-06-01")).status == 404


def test_every_endpoint_is_known_to_its_target_and_lies_in_a_subnet_that_there_is(story):
    endpoints = [each for each in story.resources.values() if each["type"] == "Microsoft.Network/privateEndpoints"]
    networks = [each for each in story.resources.values() if each["type"] == "Microsoft.Network/virtualNetworks"]
    subnets = {subnet["id"] for network in networks for subnet in network["properties"]["subnets"]}
    assert len(endpoints) >= 4
    for endpoint in endpoints:
        (link,) = endpoint["properties"]["privateLinkServiceConnections"]
        target = story.resources[link["properties"]["privateLinkServiceId"].lower()]
        known = [
            each["properties"]["privateEndpoint"]["id"] for each in target["properties"]["privateEndpointConnections"]
        ]
        assert endpoint["id"] in known
        assert endpoint["properties"]["subnet"]["id"] in subnets
        assert endpoint["name"] == f"pe-{target['name']}"
    homes = [each for each in story.resources.values() if each["type"] == "Microsoft.App/managedEnvironments"]
    infrastructure = [each["properties"]["vnetConfiguration"] for each in homes]
    assert {each["infrastructureSubnetId"] for each in infrastructure if each} <= subnets


def test_the_registrys_zone_is_not_asked_by_the_network_of_the_jobs(story):
    links = [each for each in story.resources.values() if each["type"].endswith("/virtualNetworkLinks")]
    asked = {(each["id"].split("/")[8], each["properties"]["virtualNetwork"]["id"].split("/")[-1]) for each in links}
    assert ("privatelink.servicebus.windows.net", "vnet-norvane-prod") in asked
    assert ("privatelink.azurecr.io", "vnet-norvane-hub") in asked
    assert ("privatelink.azurecr.io", "vnet-norvane-prod") not in asked


def test_a_generated_estate_has_what_its_jobs_name():
    made = estate.build(SandboxOptions(jobs=60, subscriptions=2))
    kinds = [each["type"] for each in made.resources.values()]
    assert kinds.count("Microsoft.KeyVault/vaults") == 3
    assert kinds.count("Microsoft.ContainerRegistry/registries") == 1
    assert kinds.count("Microsoft.Network/virtualNetworks") == 2
    subnets = {
        subnet["id"]
        for each in made.resources.values()
        if each["type"] == "Microsoft.Network/virtualNetworks"
        for subnet in each["properties"]["subnets"]
    }
    for each in made.resources.values():
        if each["type"] == "Microsoft.App/managedEnvironments":
            assert each["properties"]["vnetConfiguration"]["infrastructureSubnetId"] in subnets


class Registry:
    """A login server as a stock client would reach it: by its own name."""

    def __init__(self, client, server: str) -> None:
        self.client = client
        self.server = server

    async def ask(self, path: str, *, token: str = "", form: dict | None = None):
        base = f"https://{self.client.sandbox.endpoints.registries}"
        return await self.client.ask(
            path,
            base=base,
            token=token,
            method="POST" if form else "GET",
            headers={"Host": self.server},
            server_hostname=self.server,
            **({"data": form} if form else {}),
        )

    async def refresh(self, token: str | None = None):
        token = await self.client.sign_in(AUDIENCE) if token is None else token
        form = {"grant_type": "access_token", "service": self.server, "access_token": token}
        return await self.ask("/oauth2/exchange", form=form)

    async def access(self, refresh: str, scope: str):
        form = {"grant_type": "refresh_token", "service": self.server, "scope": scope, "refresh_token": refresh}
        return await self.ask("/oauth2/token", form=form)


@pytest.fixture
async def registry(norvane):
    return Registry(norvane, "norvane.azurecr.io")


async def test_a_registry_tells_what_a_tag_stands_for(registry):
    refresh = (await registry.refresh()).body["refresh_token"]
    token = (await registry.access(refresh, "repository:billing/dunning:metadata_read")).body["access_token"]
    tag = await registry.ask("/acr/v1/billing/dunning/_tags/3.2", token=token)
    assert tag.body["imageName"] == "billing/dunning"
    digest = tag.body["tag"]["digest"]
    manifest = (await registry.ask(f"/acr/v1/billing/dunning/_manifests/{digest}", token=token)).body["manifest"]
    assert manifest["tags"] == ["3.2"]
    assert manifest["imageSize"] > 0
    missing = await registry.ask("/acr/v1/billing/dunning/_tags/9", token=token)
    assert (missing.status, missing.body["errors"][0]["code"]) == (404, "TAG_UNKNOWN")
    assert registry.client.sandbox.violations == []


async def test_a_registry_takes_no_other_token(registry, norvane):
    for token in ("", "made-up", await norvane.sign_in()):
        reply = await registry.refresh(token)
        assert (reply.status, reply.body["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    refresh = (await registry.refresh()).body["refresh_token"]
    other = (await registry.access(refresh, "repository:orders/fulfil:metadata_read")).body["access_token"]
    for token in ("", refresh, other):
        reply = await registry.ask("/acr/v1/billing/dunning/_tags/3.2", token=token)
        assert reply.status == 401


async def test_without_the_right_there_is_no_token_to_a_repository(serve, story):
    role = {"Actions": ["Microsoft.ContainerRegistry/registries/read"]}
    made = estate.build(SandboxOptions(caller_role=role))
    async with serve(made) as client:
        registry = Registry(client, "norvane.azurecr.io")
        refresh = (await registry.refresh()).body["refresh_token"]
        reply = await registry.access(refresh, "repository:billing/dunning:metadata_read")
        assert reply.status == 401


async def test_a_registry_that_is_private_only_lets_nobody_in(serve, story):
    made = estate.build(SandboxOptions())
    named(made, "norvane")["properties"]["publicNetworkAccess"] = "Disabled"
    async with serve(made) as client:
        reply = await Registry(client, "norvane.azurecr.io").refresh()
        assert (reply.status, reply.body["errors"][0]["code"]) == (403, "DENIED")


async def test_a_push_is_a_violation(registry):
    reply = await registry.ask("/v2/billing/dunning/blobs/uploads/", form={"x": "y"})
    assert reply.status == 403
    assert [each.host for each in registry.client.sandbox.violations] == ["registries"]
