"""config/scalers.json and config/prices.toml: what travels with the program, and what a user lays over it."""

from __future__ import annotations

import json
import os
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from audit.config import load, packaged, prices, scalers
from audit.config.stated import beside
from audit.errors import ConfigError
from docs import scaler_catalogue

CURATED = {
    "azure-servicebus", "azure-queue", "azure-blob", "azure-eventhub", "kafka", "apache-kafka", "rabbitmq",
    "github-runner", "azure-pipelines", "redis", "postgresql", "mssql", "cron",
}  # fmt: skip


def test_every_scaler_of_keda_is_there_and_the_dozen_for_jobs_is_described() -> None:
    known = scalers.shipped().scalers
    assert len(known) == 78
    assert {name for name, scaler in known.items() if scaler.jobs} == CURATED
    for name in CURATED:
        jobs = known[name].jobs
        assert jobs is not None
        assert jobs.support_source.startswith("https://"), name
        assert jobs.sources, name
        assert jobs.event_source.resolves, name
        assert jobs.threshold in known[name].parameters, name


def test_the_catalogue_is_what_its_maker_makes_of_our_table() -> None:
    table = tomllib.loads(scaler_catalogue.TABLE.read_text(encoding="utf-8"))
    text = scaler_catalogue.TARGET.read_text(encoding="utf-8")
    keda = scaler_catalogue.keda_part(json.loads(text), table)
    assert scaler_catalogue.written(scaler_catalogue.merged(keda, table)) == text, "run docs/scaler_catalogue.py"


@pytest.mark.skipif("JOBAUDIT_RECORDED" not in os.environ, reason="KEDA's published schema isn't part of the project")
def test_nothing_of_kedas_schema_is_lost() -> None:
    schema = json.loads((Path(os.environ["JOBAUDIT_RECORDED"]) / "keda-scalers-schema.json").read_text())
    known = scalers.shipped().scalers
    for wire in schema["scalers"]:
        scaler = known[wire["type"]]
        assert {each["name"] for each in wire["parameters"]} <= set(scaler.parameters), wire["type"]
        for each in wire["parameters"]:
            parameter = scaler.parameters[each["name"]]
            assert parameter.default == each.get("default", parameter.default)
            assert bool(each.get("metadataVariableReadable")) <= ("metadata" in parameter.read_from)
    assert sum(len(each["parameters"]) for each in schema["scalers"]) == 924


def test_a_table_that_names_an_unknown_parameter_is_refused() -> None:
    keda = {"keda": "x", "scalers": {"q": {"parameters": {"depth": {}}}}}
    with pytest.raises(KeyError, match="dephts"):
        scaler_catalogue.merged(keda, {"identity": {"scalers": []}, "scalers": {"q": {"requires": ["depth|dephts"]}}})


def test_a_users_own_catalogue_replaces_scaler_by_scaler_and_only_what_differs_is_kept(tmp_path: Path) -> None:
    shipped = json.loads((packaged("config") / "scalers.json").read_text())
    own = {"Our-Queue": {"parameters": {"depth": {"required": True}}}, "redis": shipped["scalers"]["redis"]}
    own["Azure-Queue"] = {"parameters": {"queueName": {}}}
    (tmp_path / "mine.json").write_text(json.dumps({"scalers": own}))
    (tmp_path / "audit.toml").write_text('[store]\nscalers = "mine.json"')
    stated = beside(tmp_path / "audit.toml", load(tmp_path / "audit.toml"))
    assert sorted(stated.scalers) == ["azure-queue", "our-queue"]
    laid = scalers.overlaid(stated.scalers)
    assert len(laid.scalers) == 79
    queue = laid.get("OUR-QUEUE")
    assert queue is not None
    assert queue.parameters["depth"].required
    azure = laid.get("azure-queue")
    assert azure is not None
    assert azure.jobs is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "mine.json"),
        ('{"scalers": {"q": {"parametres": {}}}}', "scalers.q.parametres"),
        ('{"scalers": {"q": {"parameters": {"p": {"requird": true}}}}}', "scalers.q.parameters.p.requird"),
        ('{"scalers": {"q": {"parameters": {"p": {"required": "yes"}}}}}', "scalers"),
        ('{"scalers": {"q": {"jobs": {"support": "sure", "support_source": ""}}}}', "support"),
        ('{"scalers": {"q": {}, "Q": {}}}', "scalers.Q"),
        ("[" * 100_000, "mine.json"),
        ("[]", "mine.json"),
    ],
)
def test_a_wrong_catalogue_is_refused_by_its_key(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(ConfigError) as refused:
        scalers.read(tmp_path / "mine.json")
    assert where in refused.value.where
    assert refused.value.hint


def test_the_shipped_prices_are_exact_and_hold_everywhere() -> None:
    shipped = prices.shipped()
    assert shipped.of("West Europe").vcpu_second_active == Decimal("0.000024")
    assert (shipped.grant.vcpu_seconds, shipped.grant.gib_seconds, shipped.grant.requests) == (180_000, 360_000, 2e6)
    assert shipped.source.startswith("https://")
    assert shipped.of(None) == shipped.default


HEAD = 'currency = "EUR"\nas_of = 2026-11-01\nsource = "our agreement"\n'


def test_a_region_differs_only_in_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        HEAD
        + '[default]\nvcpu_second_active = 0.00002\nlog_analytics_gb = "2.5"\n'
        + '[regions."West Europe"]\nvcpu_second_active = 0.000034'
    )
    read = prices.read(path)
    for spelled in ("westeurope", "West Europe", "WESTEUROPE"):
        assert read.of(spelled).vcpu_second_active == Decimal("0.000034")
        assert read.of(spelled).log_analytics_gb == Decimal("2.5")
    assert read.of("North Europe").vcpu_second_active == Decimal("0.00002")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "prices.toml"),
        (HEAD.replace("EUR", "euro"), "currency"),
        (HEAD.replace("2026-11-01", '"soon"'), "as_of"),
        (HEAD + "[default]\nvcpu_second_activ = 1", "default.vcpu_second_activ"),
        (HEAD + "[default]\nvcpu_second_active = -1", "default.vcpu_second_active"),
        (HEAD + "[default]\nvcpu_second_active = nan", "default.vcpu_second_active"),
        (HEAD + "[default]\nvcpu_second_active = inf", "default.vcpu_second_active"),
        (HEAD + '[default]\nvcpu_second_active = "NaN"', "default.vcpu_second_active"),
        (HEAD + "[regions.x]\nfoo = 1", "regions.x.foo"),
        (HEAD + '[regions.northeurope]\n[regions."North Europe"]', "regions.North Europe"),
        (HEAD + "[regions]\nx = 3", "regions.x"),
    ],
)
def test_wrong_prices_are_refused_by_their_key(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        prices.read(path)
    assert where in refused.value.where
    assert refused.value.hint


def test_a_price_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text('[cost]\nprices = "mine.toml"')
    with pytest.raises(ConfigError) as refused:
        beside(tmp_path / "audit.toml", load(tmp_path / "audit.toml"))
    assert "mine.toml" in refused.value.where
