"""JA-33, 34 and 35: the environment's network and zones, and the way from a job to its source and its vault."""

from __future__ import annotations

from typing import Any

import pytest
from access_rows import ENVIRONMENT, GROUP, HERE, VAULT, found, place
from cases import Answers, by_case, estate
from run_tables import SUB, RunTables, job, rule

from audit.evidence.environments import Environment
from audit.evidence.event_sources import EventSource
from audit.evidence.jobs import JobSecret, RuleSource
from audit.evidence.key_vaults import KeyVault
from audit.evidence.networks import VirtualNetwork
from audit.evidence.private_dns import PrivateDnsLink
from audit.evidence.private_endpoints import PrivateEndpoint
from audit.model import GapReason, Json, Record

ORDERS = job("orders", environment_id=ENVIRONMENT)
NET = place("Microsoft.Network/virtualNetworks", "net")
HUB = place("Microsoft.Network/virtualNetworks", "hub")
ENDPOINT = place("Microsoft.Network/privateEndpoints", "pe")
EVIL = '"; drop\x1b[31m <b>' + "z" * 3000
NAMES = {"servicebus": "Microsoft.ServiceBus/namespaces", "storage": "Microsoft.Storage/storageAccounts"}


def environment(**fields: Any) -> Environment:
    defaults: dict[str, Any] = {
        "environment_id": ENVIRONMENT.upper(), "name": "env", "subscription_id": SUB, "resource_group": "rg-orders",
        "location": "West Europe",
    }  # fmt: skip
    return Environment(**defaults | fields)


INSIDE = {"vnet_subnet_id": f"{NET}/subnets/jobs", "internal": True, "public_access": "Disabled"}

PLACED: list[tuple[list[Record], tuple[str, str], str]] = [
    ([environment(**INSIDE)], ("pass", "pass"), '"jobs" of "'),
    ([environment(**INSIDE | {"public_access": "disabled", "internal": False})], ("pass", "pass"), "subnet"),
    ([environment(**INSIDE | {"public_access": None})], ("pass", "pass"), "subnet"),
    ([environment(**INSIDE | {"internal": False, "public_access": "Enabled"})], ("pass", "fail"), "subnet"),
    ([environment(**INSIDE | {"internal": False, "public_access": None})], ("pass", "fail"), "subnet"),
    ([environment()], ("fail", "fail"), "no network of the owner's"),
    ([environment(public_access="Disabled")], ("fail", "pass"), "no network of the owner's"),
    ([environment(name=EVIL, public_access=EVIL)], ("fail", "fail"), "no network"),
    ([], ("not_assessed", "not_assessed"), "was not found"),
]


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = estate(tmp_path_factory.mktemp("placed"), [[ORDERS, *rows] for rows, _, _ in PLACED])
    tables.derived().close()
    return tables


@pytest.fixture(scope="module")
def of_placed(placed: RunTables) -> dict[int, Answers]:
    return by_case(placed.assessed("JA-33"))


@pytest.mark.parametrize("case", range(len(PLACED)))
def test_environment_network(of_placed: dict[int, Answers], case: int) -> None:
    _, verdicts, told = PLACED[case]
    rows = of_placed[case]
    assert (rows["virtual network"][0], rows["public access"][0]) == verdicts, rows
    assert told in rows["virtual network"][1]
    assert all(len(reason) < 400 for _, reason in rows.values())


@pytest.mark.parametrize(
    ("asked", "verdict"), [([], "not_applicable"), (["EN?"], "fail"), (["e_v", "%"], "not_applicable")]
)
def test_policy_says_which_environments_are_meant(placed: RunTables, asked: list[str], verdict: str) -> None:
    placed.with_run(settings={"private_environments": asked})
    assert by_case(placed.assessed("JA-33"))[5]["virtual network"][0] == verdict
    placed.with_run(settings={"zone_redundant_environments": asked})
    got = by_case(placed.assessed("JA-35"))[5]["zone redundancy"]
    assert got[0] == ("not_applicable" if verdict == "not_applicable" else "not_assessed")


def test_zone_redundancy(tmp_path: Any) -> None:
    given = [environment(zone_redundant=True), environment(zone_redundant=False), environment(), None]
    tables = estate(tmp_path, [[ORDERS, *([each] if each else [])] for each in given])
    tables.derived().close()
    rows = by_case(tables.assessed("JA-35"))
    verdicts = [rows[case]["zone redundancy"][0] for case in range(4)]
    assert verdicts == ["pass", "fail", "not_assessed", "not_assessed"]
    assert "one zone of West Europe" in rows[1]["zone redundancy"][1]
    tables.with_run(settings={"regions_without_zones": ["WestEurope"]})
    rows = by_case(tables.assessed("JA-35"))
    assert [rows[case]["zone redundancy"][0] for case in (0, 1, 2)] == ["pass", "not_applicable", "not_applicable"]


@pytest.mark.parametrize("control", ["JA-33", "JA-35"])
@pytest.mark.parametrize(("kind", "scope"), [("jobs", HERE), ("environments", ENVIRONMENT)])
def test_a_gap_of_the_environment(tables: RunTables, control: str, kind: str, scope: str) -> None:
    tables.add(ORDERS, environment(**INSIDE, zone_redundant=True))
    tables.gap(kind, scope, GapReason.THROTTLED)
    assert {row["verdict"] for row in tables.verdicts(control)} == {"not_assessed"}


def watched(kind: str = "servicebus", entity: str = "queue", **fields: Any) -> list[Record]:
    """Return a source that the job waits for; ``fields`` are those of its row, and without any there is none."""
    host = f"src-{SUB}.{kind}.example"
    resource = place(NAMES.get(kind, kind), "src")
    rows: list[Record] = [
        rule(ORDERS),
        RuleSource(
            job_id=ORDERS.job_id, rule_name="queue", scaler_type="azure-servicebus", host=host,
            source_type=NAMES.get(kind, kind).lower(), entity_kind=entity, entity="in",
        ),
        found(resource, host),
    ]  # fmt: skip
    if fields:
        rows.append(EventSource(resource_id=resource, source_type=NAMES.get(kind, kind).lower(), name="src", **fields))
    return rows


def vault(**fields: Any) -> list[Record]:
    host = f"kv-{SUB}.vault.example"
    return [
        JobSecret(job_id=ORDERS.job_id, name="p", key_vault_url=f"https://{host}/secrets/p"), found(VAULT, host),
        KeyVault(vault_id=VAULT.upper(), name="kv", host=host, **fields),
    ]  # fmt: skip


def firewall(*ranges: str, **fields: Any) -> dict[str, Any]:
    return {
        "public_access": "Enabled", "default_action": "Deny", "ip_rules": Json(list(ranges)), "vnet_rules": Json([]),
        "bypass": "None",
    } | fields  # fmt: skip


OPEN: list[tuple[list[Record], str, str]] = [
    (watched(public_access="Disabled"), "pass", "public access is disabled"),
    (watched(public_access="Enabled", default_action="Allow"), "fail", "open to every network"),
    (watched(public_access=None), "fail", "no firewall rule is set"),
    (watched(public_access="SecuredByPerimeter"), "not_assessed", "perimeter"),
    (watched(public_access="Sometimes" + EVIL), "not_assessed", "isn't known here"),
    (watched(**firewall("203.0.113.7", "10.0.0.0/16", "2001:db8::/32")), "pass", "addresses and ranges: 3"),
    (watched(**firewall("203.0.113.7", "0.0.0.0/0")), "fail", '"0.0.0.0/0"'),
    (watched(**firewall("10.0.0.0/8")), "fail", "wide ranges"),
    (watched(**firewall("::/0")), "fail", "wide ranges"),
    (watched(**firewall("10.0.0.0/many")), "fail", "wide ranges"),
    (watched(**firewall(bypass="AzureServices")), "pass", "AzureServices"),
    (watched("Microsoft.Sql/servers", public_access="Enabled"), "not_assessed", "firewall rules are not read"),
    (watched("Microsoft.Sql/servers", public_access="Disabled"), "pass", "disabled"),
    (watched(), "not_assessed", "nothing of it was read"),
    (vault(public_access="Disabled"), "pass", "disabled"),
    (vault(public_access="Enabled"), "fail", "no firewall rule is set"),
    (vault(**firewall("203.0.113.7")), "pass", "addresses and ranges: 1"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = estate(tmp_path_factory.mktemp("open"), [[ORDERS, *rows] for rows, _, _ in OPEN])
    tables.derived().close()
    return tables


@pytest.fixture(scope="module")
def of_opened(opened: RunTables) -> dict[int, Answers]:
    return by_case(opened.assessed("JA-34"))


@pytest.mark.parametrize("case", range(len(OPEN)))
def test_public_access(of_opened: dict[int, Answers], case: int) -> None:
    _, verdict, told = OPEN[case]
    rows = of_opened[case]
    ((got, reason),) = [answer for subject, answer in rows.items() if subject.endswith("public access")]
    assert got == verdict, reason
    assert told in reason
    assert len(reason) < 400
    assert len(rows) == 3


def test_how_wide_a_range_may_be_is_policy(opened: RunTables) -> None:
    opened.with_run(settings={"firewall_prefix_least": 8})
    rows = by_case(opened.assessed("JA-34"))
    assert rows[7]["Service Bus src: public access"][0] == "pass"
    assert rows[6]["Service Bus src: public access"][0] == "fail"


def ends(status: str = "Approved", groups: list[str] | None = None) -> Json:
    return Json([{"endpoint_id": ENDPOINT.upper(), "connection_id": "c", "status": status, "group_ids": groups}])


def endpoint(kind: str = "servicebus", *groups: str, zones: tuple[str, ...] = ("zone",)) -> PrivateEndpoint:
    return PrivateEndpoint(
        endpoint_id=ENDPOINT, name="pe", connection="c", target_id=place(NAMES[kind], "SRC"), manual=False,
        group_ids=Json(list(groups or ("namespace",))), status="Approved", subnet_id=f"{HUB}/subnets/pe",
        zone_ids=Json([zone(each) for each in zones]),
    )  # fmt: skip


def zone(name: str) -> str:
    return place("Microsoft.Network/privateDnsZones", name)


def link(network: str | None = NET, state: str | None = "Completed", name: str = "zone") -> PrivateDnsLink:
    return PrivateDnsLink(
        zone_id=zone(name).upper(), zone=name, endpoint_id=ENDPOINT, link_id="l" if network else None,
        linked_vnet_id=network.lower() if network else None, link_state=state if network else None,
    )  # fmt: skip


def network(*servers: str) -> VirtualNetwork:
    return VirtualNetwork(vnet_id=NET.upper(), name="net", dns_servers=Json(list(servers)), peered_vnet_ids=Json([]))


IN = environment(**INSIDE)
BUS = watched(public_access="Disabled", private_endpoints=ends())
QUEUE = watched("storage", public_access="Disabled", private_endpoints=ends())
WHOLE: list[Record] = [IN, *BUS, endpoint(), link(), network()]

PATHS: list[tuple[list[Record], tuple[str, str], str]] = [
    (WHOLE, ("pass", "pass"), '"zone" is linked'),
    ([IN, *watched(public_access="Disabled")], ("fail", "not_applicable"), "no approved private endpoint"),
    ([IN, *watched(public_access="Disabled", private_endpoints=ends("Pending"))], ("fail", "not_applicable"), "Pend"),
    ([IN, *BUS, network()], ("pass", "not_assessed"), "was not read"),
    ([IN, *BUS, endpoint(), network()], ("pass", "not_assessed"), "links of the zone"),
    ([IN, *BUS, endpoint(zones=()), network()], ("pass", "not_assessed"), "no zone group"),
    ([IN, *BUS, endpoint(), link(HUB), network()], ("pass", "fail"), "is not linked to it"),
    ([IN, *BUS, endpoint(), link(None), network()], ("pass", "fail"), "is not linked to it"),
    ([IN, *BUS, endpoint(), link(state="InProgress"), network()], ("pass", "fail"), "is not linked to it"),
    ([IN, *BUS, endpoint(), link(HUB), link(NET), network()], ("pass", "pass"), "is linked"),
    ([IN, *BUS, endpoint(zones=("a", "b")), link(HUB, name="a"), network()], ("pass", "not_assessed"), "were not read"),
    ([IN, *BUS, endpoint(), link(), network("10.0.0.4")], ("pass", "not_assessed"), "DNS servers of its own"),
    ([IN, *BUS, endpoint(), link()], ("pass", "not_assessed"), "was not read"),
    ([environment(), *BUS, endpoint(), link(), network()], ("pass", "fail"), "no network of the owner's"),
    ([*BUS, endpoint(), link(), network()], ("pass", "not_assessed"), "environment was not found"),
    ([IN, *QUEUE, endpoint("storage", "queue"), link(), network()], ("pass", "pass"), "is linked"),
    ([IN, *QUEUE, endpoint("storage", "blob"), link(), network()], ("fail", "not_applicable"), "no approved"),
    ([IN, *QUEUE, link(), network()], ("not_assessed", "not_assessed"), "was not read"),
    ([IN, *watched("storage", "container", public_access="Disabled", private_endpoints=ends(groups=["BLOB"])),
      endpoint("storage", "blob"), link(), network()], ("pass", "pass"), "is linked"),
    ([IN, *watched(public_access="Disabled", settings=Json({"delegatedSubnetResourceId": f"{NET}/subnets/db"}))],
     ("not_applicable", "not_applicable"), "subnet of the owner's itself"),
    ([IN, *watched()], ("not_assessed", "not_assessed"), "nothing of it was read"),
]  # fmt: skip


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> RunTables:
    tables = estate(tmp_path_factory.mktemp("paths"), [[ORDERS, *rows] for rows, _, _ in PATHS])
    tables.derived().close()
    return tables


@pytest.fixture(scope="module")
def of_reached(reached: RunTables) -> dict[int, Answers]:
    return by_case(reached.assessed("JA-34"))


# In the one large estate a missing row is no gap of the unit, so what the SELECT itself concludes from it is seen.
@pytest.mark.parametrize("case", range(len(PATHS)))
def test_private_path(of_reached: dict[int, Answers], case: int) -> None:
    _, verdicts, told = PATHS[case]
    rows = {subject.partition(": ")[2]: answer for subject, answer in of_reached[case].items()}
    assert (rows["private endpoint"][0], rows["private DNS"][0]) == verdicts, rows
    assert told in rows["private DNS"][1] or told in rows["private endpoint"][1]


def test_what_needs_no_private_endpoint_is_policy(reached: RunTables) -> None:
    reached.with_run(settings={"private_endpoint_exempt": ["S?C"]})
    rows = by_case(reached.assessed("JA-34"))
    assert rows[1]["Service Bus src: private endpoint"][0] == "not_applicable"
    assert rows[1]["Service Bus src: public access"][0] == "pass"


def test_sources_outside_azure_hidden_ones_and_none(tables: RunTables) -> None:
    def named(kind: str | None, host: str | None, why: str | None = None) -> list[Record]:
        return [
            ORDERS,
            RuleSource(
                job_id=ORDERS.job_id, rule_name="q", scaler_type="rabbitmq", source_type=kind, host=host,
                entity_kind="queue", unresolved=why,
            ),
        ]  # fmt: skip

    tables.add(*named("external", "mq.example"), job("idle"))
    tables.add(job("hidden"))
    tables.add(JobSecret(job_id=job("hidden").job_id, name="s", key_vault_url="https://far.vault.azure.net/secrets/s"))
    rows = {(row["job_id"].rsplit("/", 1)[-1], row["subject"]): row for row in tables.verdicts("JA-34")}
    assert rows["orders", "mq.example"]["verdict"] == "not_applicable"
    assert rows["idle", "idle"]["verdict"] == "not_applicable"
    assert rows["hidden", "key vault far.vault.azure.net"]["verdict"] == "not_assessed"


GAPS = [
    ("event_sources", place(NAMES["servicebus"], "src")),
    ("environments", ENVIRONMENT.upper()),
    ("private_endpoints", ENDPOINT.upper()),
    ("private_dns", zone("zone")),
    ("networks", NET),
    ("inventory", "/"),
]


@pytest.mark.parametrize(("kind", "scope"), GAPS)
def test_a_gap_on_the_way_passes_nothing_and_fails_nothing_new(tables: RunTables, kind: str, scope: str) -> None:
    """The gap's rows are missing, as a collection leaves it; a failure that stands must be one without the gap too."""
    gone = {
        "event_sources": "event_sources", "environments": "environments", "private_endpoints": "private_endpoints",
        "private_dns": "private_dns", "networks": "virtual_networks", "inventory": "inventory",
    }[kind]  # fmt: skip
    tables.add(ORDERS, *(each for each in WHOLE if each.table != gone))
    tables.gap(kind, scope)
    assert {row["verdict"] for row in tables.verdicts("JA-34")} == {"not_assessed"}


@pytest.mark.parametrize(("cut", "verdict"), [(True, "not_assessed"), (False, "fail")])
def test_a_link_that_could_not_be_decoded_may_be_the_one_that_is_missed(
    tables: RunTables, cut: bool, verdict: str
) -> None:
    tables.add(ORDERS, IN, *BUS, endpoint(), link(HUB), network())
    if cut:
        tables.gap("private_dns", zone("zone"), GapReason.MALFORMED, "1 of 2 items is malformed")
    rows = {row["subject"]: row["verdict"] for row in tables.verdicts("JA-34")}
    assert rows["Service Bus src: private DNS"] == verdict


def test_a_failure_that_was_read_stands_beside_a_gap(tables: RunTables) -> None:
    tables.add(ORDERS, IN, *watched(public_access="Enabled", default_action="Allow"), *vault(public_access="Disabled"))
    tables.rows = [each for each in tables.rows if each.table != "key_vaults"]
    tables.gap("key_vaults", VAULT)
    rows = {row["subject"]: (row["verdict"], row["reason"]) for row in tables.verdicts("JA-34")}
    verdict, reason = rows["Service Bus src: public access"]
    assert verdict == "fail"
    assert "other evidence is missing: key_vaults at" in reason
    assert rows["key vault kv: public access"][0] == "not_assessed"
    assert GROUP in reason
