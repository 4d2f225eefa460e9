from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path

import pytest
import samples

from audit import evidence
from audit.errors import UsageError
from audit.evidence import KINDS, actions, kind, record_types
from audit.model import Level, Record, columns
from audit.model.role import least_privilege

FOLDER = Path(evidence.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")

CONTRACT = {
    "jobs": """
        job_id name subscription_id resource_group location environment_id trigger_type in_scope
        provisioning_state running_state replica_timeout_s replica_retry_limit parallelism
        replica_completion_count min_executions max_executions polling_interval_s identity_type
        workload_profile created_by created_at modified_by modified_at
    """,
    "environments": """
        environment_id name location internal vnet_subnet_id public_access zone_redundant log_destination
        workspace_id
    """,
    "environment_quotas": "environment_id name used quota unit",
    "permissions": "scope caller can_read missing",
    "scale_rules": "job_id rule_name scaler_type metadata auth auth_method identity",
    "containers": "job_id container init image registry repository tag digest cpu memory_gib",
    "job_secrets": "job_id name key_vault_url identity",
    "identities": "identity_id kind principal_id client_id job_id federated_credentials",
    "role_assignments": """
        assignment_id scope principal_id principal_type role_definition_id condition created_on created_by
    """,
    "role_definitions": "role_definition_id name type permissions",
    "principals": "principal_id type display_name user_principal_name enabled user_type resolved",
    "activity_log": """
        event_id event_time operation status sub_status caller resource_id resource_group subscription_id
        correlation_id level category
    """,
    "diagnostic_settings": "setting_id resource_id name workspace_id storage_account_id event_hub_rule_id logs metrics",
    "tags": "resource_id key value source",
    "budgets": "budget_id scope name amount time_grain current_spend forecast_spend currency filter notifications",
}


def test_one_file_is_one_kind_of_that_name():
    assert sorted(each.name for each in KINDS) == FILES


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_the_four_words_and_no_other_public_function(name):
    module = importlib.import_module(f"audit.evidence.{name}")
    own = {
        each
        for each, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    public = {each for each in own if not each.startswith("_")}
    assert public <= {"fetch", "normalise", "items", "combine", "kind"}
    assert "fetch" in public
    assert hasattr(module, "KIND") or "kind" in public
    assert kind(name).records
    assert all(record.__module__ == module.__name__ for record in kind(name).records)


@pytest.mark.parametrize("name", FILES)
def test_every_kind_sees_azure_only_through_its_argument(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)}
    imported |= {each.name for node in tree.body if isinstance(node, ast.Import) for each in node.names}
    assert not [
        each for each in imported if each.split(".")[0] == "azure" or each.startswith(("audit.azure", "audit.evidence"))
    ]


def test_a_kind_comes_after_those_it_stands_on():
    seen: set[str] = set()
    for each in KINDS:
        assert set(each.after) <= seen, each.name
        seen.add(each.name)


def test_the_tables_have_the_columns_that_other_peoples_scripts_rely_on():
    have = {record.table: {name for name, _ in columns(record)} for record in record_types()}
    for table, names in CONTRACT.items():
        assert set(names.split()) <= have[table], table


def test_every_table_has_one_record_class_whose_key_is_made_of_its_columns():
    tables = [record.table for record in record_types()]
    assert len(tables) == len(set(tables))
    for record in record_types():
        assert record.row_key
        assert set(record.row_key) <= set(record.__struct_fields__)


@pytest.mark.parametrize("record", record_types(), ids=lambda each: each.__name__)
def test_a_record_is_frozen_keyword_only_and_documented(record: type[Record]):
    assert record.__struct_config__.frozen
    assert inspect.getdoc(record)
    with pytest.raises(TypeError):
        record("positional")


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_the_sql_of_a_kind_runs_on_empty_tables_and_stands_on_what_came_before(each):
    con = samples.tables()
    for sql, shape in ((each.population, {"scope"}), (each.affects, {"scope", "job_id"})):
        if sql is None:
            continue
        relation = con.sql(f"select * from ({sql})")
        assert shape <= set(relation.columns)
        assert relation.fetchall() == []
    if each.population:
        before = {record.table for name in each.after for record in kind(name).records}
        for record in record_types():
            if record.table not in before:
                con.execute(f"drop table {record.table}")
        con.sql(each.population)
    if each.per is Level.RESOURCE:
        assert each.population
        assert each.affects


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(UsageError, match="no evidence kind"):
        kind("unicorns")


def test_the_role_holds_every_action_of_every_kind_once_and_reads_only():
    role = least_privilege(KINDS)
    assert role["Actions"] == sorted(role["Actions"], key=str.lower)
    assert {each.lower() for each in role["Actions"]} == {each.lower() for one in KINDS for each in one.actions}
    assert role["Actions"] == list(actions())
    assert all(each.endswith("/read") and "*" not in each for each in role["Actions"])
    assert not role["DataActions"]


@pytest.mark.parametrize("each", KINDS, ids=lambda each: each.name)
def test_what_reads_nothing_of_azure_says_what_it_needs_of_the_directory(each):
    source = (FOLDER / f"{each.name}.py").read_text(encoding="utf-8")
    assert bool(each.directory) == ("azure.directory_" in source)
    assert bool(each.directory) != bool(each.actions)


def test_what_the_caller_lacks_is_held_against_every_action_of_the_role():
    unit = samples.page(
        {"value": []}, scope=samples.Scope(id="/subscriptions/s", ids=("me",)), url="https://a/permissions"
    )
    (row,) = samples.rows(kind("permissions"), unit)
    assert row.missing.value == list(actions())
