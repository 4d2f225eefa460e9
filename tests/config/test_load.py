"""audit.toml: what is taken, and how a mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import assess
from audit.config import Settings, load, packaged, parse
from audit.errors import ConfigError

GUID = "00000000-0000-0000-0000-000000000000"
SCALER = "[[scalers]]\ntype='{}'\nverified_by='a'\nverified_on=2026-01-01\n"


def test_nothing_set_is_every_default() -> None:
    assert parse("") == Settings()


def test_the_sample_is_valid_and_its_policy_fits_the_controls() -> None:
    settings = load(packaged("config") / "audit.toml")
    assess.check_policy(assess.load([]), settings.policy)
    assert settings.policy


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("[scop]", "scop", "scope"),
        ("[scope]\nsubscription = []", "scope.subscription", "subscriptions"),
        ("[scope]\nsubscriptions = ['x']", "scope.subscriptions[0]", "00000000-"),
        ("[scope]\nsubscriptions = 'x'", "scope.subscriptions", ""),
        ("scope = 3", "scope", "[scope]"),
        ("[window]\ndays = 90", "window.days", ""),
        ("[cloud]\nname = 'publik'", "cloud.name", "usgov"),
        ("[cloud]\nname = 'custom'", "cloud.resource_manager", "https://"),
        ("[cloud]\ngraph = 'https://x.example'", "cloud.graph", "custom"),
        ("[cloud]\nregistries = 'gateway.example:443'", "cloud.registries", "custom"),
        ("[cloud]\nname='custom'\nregistries='https://gateway.example'", "cloud.registries", ":443"),
        ("[cloud]\nname='custom'\nregistries='gateway.example:65536'", "cloud.registries", ""),
        ("[cloud]\nname='custom'\nresource_manager='http://x'", "cloud.resource_manager", "address"),
        ("[credential]\nkind = 'client_secret'", "credential.tenant_id", "environment variable"),
        ("[credential]\nclient_secret = 'x'", "credential.client_secret", "client_secret_env"),
        (f"[scope]\nsubscriptions = ['{GUID}']\nmanagement_groups = ['m']", "scope", "not both"),
        (
            "[[scalers]]\ntype='x'\nverified_by='a'\nverified_on=2026-01-01\n[[scalers]]\ntype='y'\nverifed_by='b'",
            "scalers[1].verifed_by",
            "verified_by",
        ),
        ("[[scalers]]\ntype='x'\nverified_by='a'", "scalers[0]", "add the key"),
        ("[[scalers]]\ntype='x'\nverified_by='a'\nverified_on='2026-02-30'", "scalers[0].verified_on", "2026-11-01"),
        ("[[scalers]]\ntype='x'\nverified_by=' '\nverified_on=2026-01-01", "scalers[0].verified_by", "several lines"),
        ("[scalers]\ntype='x'", "scalers", "[[scalers]]"),
        ("scalers = ['redis']", "scalers[0]", ""),
        (
            SCALER.format("redis") + SCALER.format(" Redis"),
            "scalers[1].type",
            "one of the two",
        ),
        ("[cost]\nprice = 'x'", "cost.price", "prices"),
        ("a = ", "audit.toml", "line"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_to_do(text: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert refused.value.where.startswith("audit.toml")
    assert where in refused.value.where
    assert refused.value.hint
    assert hint in refused.value.hint


def test_a_secret_under_a_wrong_key_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        parse("[credential]\nclient_secret = 'hunter2-hunter2'")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "audit.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert str(path) in refused.value.where
