"""What Azure rewrites by itself is no difference; everything else is."""

from __future__ import annotations

import re

import pytest

from audit.change.alike import DEFAULTS, RULES, alike, key

ID = "/subscriptions/S/resourceGroups/G/providers/Microsoft.App/managedEnvironments/E"


@pytest.mark.parametrize(
    ("prop", "left", "right"),
    [
        ("location", "West Europe", "westeurope"),
        ("environment_id", ID, ID.lower() + "/"),
        ("rules/a/identity", ID, ID.replace("resourceGroups", "resourcegroups")),
        ("rules/a/identity", "System", "system"),
        ("identity_type", "SystemAssigned,UserAssigned", "SystemAssigned, UserAssigned"),
        ("trigger_type", "event", "Event"),
        ("containers/a/cpu", "1", "1.0"),
        ("max_executions", "10", "10.0"),
        ("secrets/a/key_vault_url", "https://KV.vault.azure.net/secrets/a/", "https://kv.vault.azure.net/secrets/a"),
        ("rules/a/metadata", '{"b":"1","a":5}', '{"a":"5","b":"1"}'),
        ("rules/a/auth", '[{"secretRef":"a"},{"secretRef":"b"}]', '[{"secretRef":"b"},{"secretRef":"a"}]'),
        ("values/env/a/EMPTY/value", "", None),
        ("polling_interval_s", None, "30"),
        ("workload_profile", "Consumption", None),
        (f"identities/{ID}/lifecycle", None, "All"),
    ],
)
def test_the_same(prop: str, left: str | None, right: str | None) -> None:
    assert alike(prop, left, right)
    assert alike(prop, right, left)


@pytest.mark.parametrize(
    ("prop", "left", "right"),
    [
        ("location", "westeurope", "northeurope"),
        ("values/env/a/VERSION/value", "1", "1.0"),
        ("values/env/a/NAME/value", "x", "X"),
        ("values/args/a/0/value", "a", "A"),
        ("containers/a/image", "r/i:1", "R/i:1"),
        ("containers/a/cpu", "1", "1.25"),
        ("max_executions", None, "10"),
        ("replica_timeout_s", None, "0"),
        ("rules/a/metadata", '{"a":"5"}', '{"a":"6"}'),
        ("rules/a/metadata", "[1", "[2"),
        ("rules/a/auth", '[{"secretRef":"a"}]', '[{"secretRef":"a"},{"secretRef":"a"}]'),
        ("secrets/a/key_vault_url", "https://kv.vault.azure.net/secrets/a", "https://kv.vault.azure.net/secrets/A"),
        ("secrets/a/key_vault_url", "nonsense", "nonsense/"),
    ],
)
def test_not_the_same(prop: str, left: str | None, right: str | None) -> None:
    assert not alike(prop, left, right)
    assert not alike(prop, right, left)


def test_a_path_of_ids_has_no_case_and_a_path_of_names_has() -> None:
    assert key(f"identities/{ID}/kind") == key(f"identities/{ID.upper()}/KIND".replace("/KIND", "/kind"))
    assert key("registries/A.azurecr.io/identity") == "registries/a.azurecr.io/identity"
    assert key("values/env/a/PATH/value") != key("values/env/a/Path/value")


def test_every_rule_gives_its_reason_and_defaults_are_folded() -> None:
    assert all(rule.why for rule in RULES)
    for prop, value in DEFAULTS.items():
        (rule,) = [each for each in RULES if re.fullmatch(each.pattern, prop)]
        assert rule.folded(value) == value
