"""Vaults, registries, images, private endpoints, DNS zones and networks: what their rows say."""

from __future__ import annotations

from typing import Any

import pytest
import samples
from reach_samples import (
    DIGEST,
    ENDPOINT,
    ENDPOINT_ID,
    LINK,
    NETWORK,
    NETWORK_ID,
    OTHER,
    REGISTRY,
    REGISTRY_ID,
    SUBNET_ID,
    VAULT,
    VAULT_ID,
    ZONE_GROUP,
    ZONE_ID,
)
from samples import changed, page

from audit.evidence import image_digests, key_vaults, networks, private_dns, private_endpoints, registries
from audit.model import Scope


class TestVaults:
    """Table key_vaults and table vault_access_policies."""

    def test_a_vault_tells_who_decides_and_from_where_it_is_reached(self):
        vault, policy = samples.rows(key_vaults.KIND, page(VAULT, scope=VAULT_ID))
        assert (vault.host, vault.rbac, vault.public_access) == ("kv-orders.vault.azure.net", False, "Enabled")
        assert (vault.default_action, vault.bypass) == ("Deny", "AzureServices")
        assert vault.ip_rules.value == ["203.0.113.7/32"]
        assert vault.vnet_rules.value == [SUBNET_ID.lower()]
        (connection,) = vault.private_endpoints.value
        assert (connection["endpoint_id"], connection["status"]) == (ENDPOINT_ID, "Approved")
        assert (policy.principal_id, policy.secrets.value) == (samples.PRINCIPAL, ["Get", "list"])

    def test_what_a_vault_does_not_say_is_null_not_a_default(self):
        bare = {"id": VAULT_ID, "name": "kv-orders", "properties": {"vaultUri": "https://kv-orders.vault.azure.net/"}}
        (vault,) = samples.rows(key_vaults.KIND, page(bare, scope=VAULT_ID))
        unknown = (vault.rbac, vault.public_access, vault.default_action, vault.ip_rules, vault.soft_delete)
        assert unknown == (None,) * 5
        assert (vault.purge_protection, vault.soft_delete_days, vault.private_endpoints) == (None,) * 3

    def test_two_policies_of_one_principal_are_two_rows(self):
        policies = VAULT["properties"]["accessPolicies"]
        through = {**policies[0], "applicationId": "dddddddd-0000-4000-8000-000000000001"}
        wire = changed(VAULT, ("properties", "accessPolicies"), [*policies, through])
        _, one, two = samples.rows(key_vaults.KIND, page(wire, scope=VAULT_ID))
        assert one.row_id != two.row_id

    def test_a_policy_for_nobody_is_malformed(self):
        wire = changed(VAULT, ("properties", "accessPolicies", 0, "objectId"), "")
        (bad,) = samples.broken(key_vaults.KIND, page(wire, scope=VAULT_ID))
        assert "accessPolicies[0].objectId" in bad.detail


class TestRegistries:
    """Table registries."""

    def test_a_registry_tells_who_may_sign_in(self):
        (row,) = samples.rows(registries.KIND, page(REGISTRY, scope=REGISTRY_ID))
        assert (row.host, row.sku, row.admin_user) == ("acrorders.azurecr.io", "Premium", True)
        assert (row.zone_redundant, row.anonymous_pull, row.default_action) == (False, False, "Allow")
        assert (row.ip_rules.value, row.private_endpoints.value) == ([], [])
        assert row.policies.value["retentionPolicy"]["days"] == 7

    def test_what_a_registry_does_not_say_is_null(self):
        bare = {"id": REGISTRY_ID, "name": "acrOrders", "properties": {"loginServer": "acrorders.azurecr.io"}}
        (row,) = samples.rows(registries.KIND, page(bare, scope=REGISTRY_ID))
        unknown = (row.admin_user, row.anonymous_pull, row.public_access, row.zone_redundant, row.ip_rules)
        assert unknown == (None,) * 5


def tag_page(repository: str, tag: str, digest: str) -> Any:
    body = {"tag": {"name": tag, "digest": digest, "createdTime": "2026-01-01T00:00:00Z",
                    "lastUpdateTime": "2026-10-02T10:00:00.1234567Z"}}  # fmt: skip
    return {"body": body, "url": f"https://acrorders.azurecr.io/acr/v1/{repository}/_tags/{tag}"}


def manifest_page(repository: str, digest: str, **more: Any) -> Any:
    body = {"manifest": {"digest": digest, "createdTime": "2026-01-01T00:00:00Z", "imageSize": 12345, **more}}
    return {"body": body, "url": f"https://acrorders.azurecr.io/acr/v1/{repository}/_manifests/{digest}"}


def images(*references: str, pages: tuple[Any, ...]) -> list[Any]:
    scope = Scope(id=REGISTRY_ID, ids=references)
    first = page(REGISTRY, scope=scope, url=f"https://arm.test{REGISTRY_ID}?api-version=2023-07-01")
    others = [page(each["body"], scope=scope, url=each["url"], line=line) for line, each in enumerate(pages, 2)]
    return samples.rows(image_digests.KIND, first, *others)


class TestImages:
    """Table image_digests."""

    def test_a_tag_stands_for_a_digest_with_size_and_times(self):
        reference = "acrorders.azurecr.io/orders/fulfil:3.2"
        pages = (tag_page("orders/fulfil", "3.2", DIGEST), manifest_page("orders/fulfil", DIGEST))
        (row,) = images(reference, pages=pages)
        assert (row.repository, row.tag, row.digest, row.size_bytes) == ("orders/fulfil", "3.2", DIGEST, 12345)
        assert (row.created_at.year, row.updated_at.month, row.note) == (2026, 10, None)

    def test_no_tag_is_latest_and_a_digest_needs_no_tag(self):
        pages = (
            tag_page("orders", "latest", DIGEST),
            manifest_page("orders", DIGEST),
            manifest_page("orders", OTHER, imageSize=0),
        )
        latest, pinned = images("acrOrders.azurecr.io/orders", f"acrOrders.azurecr.io/orders@{OTHER}", pages=pages)
        assert (latest.tag, latest.digest) == ("latest", DIGEST)
        assert (pinned.tag, pinned.digest, pinned.size_bytes, pinned.note) == (None, OTHER, None, None)

    def test_what_the_registry_does_not_hold_says_so(self):
        pages = (tag_page("orders", "2", DIGEST),)
        references = ("a.azurecr.io/orders:1", "a.azurecr.io/orders:2", f"a.azurecr.io/orders@{OTHER}")
        no_tag, no_manifest, purged = images(*references, pages=pages)
        assert (no_tag.digest, no_tag.note) == (None, "the registry has no such tag")
        assert (no_manifest.digest, no_manifest.note) == (DIGEST, "the registry has no such manifest")
        assert (purged.digest, purged.note) == (OTHER, "the registry has no such manifest")

    def test_two_references_to_one_manifest_share_its_record(self):
        pages = (tag_page("orders", "2", DIGEST), tag_page("orders", "3", DIGEST), manifest_page("orders", DIGEST))
        rows = images("a.azurecr.io/orders:2", "a.azurecr.io/orders:3", pages=pages)
        assert [row.size_bytes for row in rows] == [12345, 12345]


class TestEndpoints:
    """Table private_endpoints and table private_dns."""

    def test_an_endpoint_tells_its_target_its_names_and_who_keeps_them(self):
        groups = page({"value": [ZONE_GROUP]}, scope=ENDPOINT_ID, line=2)
        (row,) = samples.rows(private_endpoints.KIND, page(ENDPOINT, scope=ENDPOINT_ID), groups)
        assert (row.target_id, row.status, row.manual, row.subnet_id) == (VAULT_ID, "Approved", False, SUBNET_ID)
        assert row.fqdns.value == ["kv-orders.privatelink.vaultcore.azure.net", "kv-orders.vault.azure.net"]
        assert (row.addresses.value, row.zone_ids.value) == (["10.1.0.5"], [ZONE_ID])

    def test_an_endpoint_without_a_zone_group_has_no_zone_and_a_manual_one_says_so(self):
        connection = changed(
            ENDPOINT["properties"]["privateLinkServiceConnections"][0],
            ("properties", "privateLinkServiceConnectionState", "status"),
            "Pending",
        )
        wire = changed(ENDPOINT, ("properties", "privateLinkServiceConnections"), [])
        wire = changed(wire, ("properties", "manualPrivateLinkServiceConnections"), [connection])
        groups = page({"value": []}, scope=ENDPOINT_ID, line=2)
        (row,) = samples.rows(private_endpoints.KIND, page(wire, scope=ENDPOINT_ID), groups)
        assert (row.status, row.manual, row.zone_ids.value) == ("Pending", True, [])

    def test_a_zone_has_a_row_for_each_link_and_endpoint(self):
        scope = Scope(id=ZONE_ID, ids=(ENDPOINT_ID, ENDPOINT_ID + "-2"))
        pages = (
            page({"value": [LINK], "nextLink": "https://arm.test/2"}, scope=scope),
            page({"value": [changed(LINK, ("id",), LINK["id"] + "-2")]}, scope=scope, line=2),
        )
        rows = samples.rows(private_dns.KIND, *pages)
        assert len({row.row_id for row in rows}) == 4
        assert {row.zone for row in rows} == {"privatelink.vaultcore.azure.net"}
        assert {row.linked_vnet_id for row in rows} == {NETWORK_ID}

    def test_a_zone_without_a_link_has_a_row_that_says_so(self):
        scope = Scope(id=ZONE_ID, ids=(ENDPOINT_ID,))
        (row,) = samples.rows(private_dns.KIND, page({"value": []}, scope=scope), page({"value": []}, scope=scope))
        assert (row.endpoint_id, row.linked_vnet_id, row.link_id, row.link_state) == (ENDPOINT_ID, None, None, None)

    def test_a_link_to_nowhere_is_malformed(self):
        scope = Scope(id=ZONE_ID, ids=(ENDPOINT_ID,))
        bad = changed(LINK, ("properties", "virtualNetwork"), {})
        (found,) = samples.broken(private_dns.KIND, page({"value": [LINK, bad]}, scope=scope))
        assert "virtualNetwork" in found.detail


def test_a_network_tells_its_dns_servers_and_its_subnets():
    network, jobs, endpoints = samples.rows(networks.KIND, page(NETWORK, scope=NETWORK_ID))
    assert (network.dns_servers.value, network.peered_vnet_ids.value) == (["10.0.0.4"], ["/subscriptions/x/hub"])
    assert (jobs.vnet_id, jobs.nsg_id, jobs.nat_gateway_id) == (
        NETWORK_ID,
        "/subscriptions/x/nsg",
        "/subscriptions/x/nat",
    )
    assert jobs.delegations.value == ["Microsoft.App/environments"]
    assert jobs.service_endpoints.value == ["Microsoft.KeyVault"]
    assert endpoints.address_prefixes.value == ["10.1.0.0/24", "fd00::/64"]
    assert (endpoints.nsg_id, endpoints.delegations.value, endpoints.default_outbound) == (None, [], None)


def test_a_network_without_servers_of_its_own_asks_azures():
    wire = changed(NETWORK, ("properties", "dhcpOptions"), ...)
    network, *_ = samples.rows(networks.KIND, page(wire, scope=NETWORK_ID))
    assert network.dns_servers.value == []


JOB = {"subscription_id": "s", "resource_group": "g", "secrets_count": 0, "in_scope": True, "trigger_type": "Event"}


@pytest.fixture
def world():
    """One job that names a vault and a registry in other casing, and one that is out of scope."""
    from audit.evidence.environments import Environment
    from audit.evidence.inventory import InventoryItem
    from audit.evidence.jobs import Container, Job, JobSecret

    place = {"location": "westeurope", "subscription_id": "s", "resource_group": "g"}
    return samples.tables(
        Job(job_id=samples.JOB_ID, name="a", environment_id=samples.ENVIRONMENT_ID.upper(), **JOB),
        Job(job_id=samples.JOB_ID + "-2", name="b", **{**JOB, "in_scope": False}),
        Environment(
            environment_id=samples.ENVIRONMENT_ID, name="e", vnet_subnet_id=f"{NETWORK_ID}/subnets/snet-jobs", **place
        ),
        JobSecret(job_id=samples.JOB_ID, name="x", key_vault_url="https://KV-Orders.vault.azure.net/secrets/x"),
        JobSecret(job_id=samples.JOB_ID, name="y", key_vault_url="https://unseen.vault.azure.net/secrets/y"),
        Container(
            job_id=samples.JOB_ID,
            container="c",
            image="acrOrders.azurecr.io/a:1",
            registry="acrOrders.azurecr.io",
            position=0,
            init=False,
        ),
        InventoryItem(
            resource_id=VAULT_ID, name="v", type="microsoft.keyvault/vaults", host="kv-orders.vault.azure.net", **place
        ),
        InventoryItem(
            resource_id=REGISTRY_ID,
            name="r",
            type="microsoft.containerregistry/registries",
            host="acrorders.azurecr.io",
            **place,
        ),
        *samples.rows(key_vaults.KIND, page(VAULT, scope=VAULT_ID)),
        *samples.rows(registries.KIND, page(REGISTRY, scope=REGISTRY_ID)),
        *samples.rows(
            private_endpoints.KIND, page(ENDPOINT, scope=ENDPOINT_ID), page({"value": [ZONE_GROUP]}, scope=ENDPOINT_ID)
        ),
    )


@pytest.mark.parametrize(
    ("kind", "scope", "asked"),
    [
        (key_vaults.KIND, VAULT_ID, [samples.JOB_ID]),
        (registries.KIND, REGISTRY_ID, [samples.JOB_ID]),
        (image_digests.KIND, REGISTRY_ID, ["acrOrders.azurecr.io/a:1"]),
        (private_endpoints.KIND, ENDPOINT_ID, [samples.JOB_ID]),
        (private_dns.KIND, ZONE_ID, [ENDPOINT_ID]),
        (networks.KIND, NETWORK_ID, [samples.JOB_ID]),
    ],
    ids=lambda each: getattr(each, "name", None),
)
def test_what_the_jobs_name_is_asked_about_once_and_counts_for_those_jobs(world, kind, scope, asked):
    assert world.sql(kind.population).fetchall() == [(scope, asked)]
    assert set(world.sql(kind.affects).fetchall()) == {(scope, samples.JOB_ID)}
