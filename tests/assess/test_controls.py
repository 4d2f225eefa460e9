"""Each built-in control on small estates: what passes, what fails, what is not applicable, what is not assessed."""

from __future__ import annotations

from datetime import date

import pytest
from access_rows import whole
from answered import found, tag, verdicts
from run_tables import SUB, RunTables, container, job, rule, system_identity
from work_rows import at_work

from audit.assess import load
from audit.evidence import KINDS
from audit.evidence.identities import Identity
from audit.evidence.jobs import Job, JobIdentity, JobRegistry, JobSecret, JobValue
from audit.model import Json
from audit.model.stated import JobEntry, Register, ScalerSupport, VerifiedScaler

SETTINGS = {
    "approved_principals": ["ana"], "standing_principals": ["ana"], "cost_per_execution_most": {"EUR": "0.05"},
}  # fmt: skip
RECORDS = {"JA-07", "JA-21", "JA-41"}
"""Controls that rest on records of reviews and approvals, of which there are none here."""
USER = f"/subscriptions/{SUB}/resourceGroups/rg-id/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-orders"


def rests_on(kind: str) -> set[str]:
    """Return the kind and those whose scopes its rows name: without it, nobody knows what to ask them about."""
    found = {kind}
    while more := {each.name for each in KINDS if each.population and found & set(each.after)} - found:
        found |= more
    return found


# One of a subscription, of a resource and of the tenant each; every kind is taken away in test_catalogue_whole.
@pytest.mark.parametrize("kind", ["budgets", "environments", "inventory"])
def test_a_gap_in_any_needed_kind_is_not_assessed(tables: RunTables, kind: str) -> None:
    whole(tables)
    tables.add(*at_work())
    tables.with_run(kinds=tuple(each for each in tables.run.kinds if each != kind), settings=SETTINGS)
    rows = tables.verdicts()
    for control in load():
        own = [row for row in rows if row["control_id"] == control.id]
        assert own
        if kind in control.header.needs:
            own = [row for row in own if row["subject"] not in control.header.spares.get(kind, ())]
            assert own
            standing = {"fail"} if kind in control.header.fails_despite else set()
            assert "not_assessed" in {row["verdict"] for row in own} <= {"not_assessed"} | standing, control.id
            assert all(kind in row["reason"] for row in own)
        elif rests_on(kind).isdisjoint(control.header.needs) and control.id not in RECORDS:
            assert "not_assessed" not in {row["verdict"] for row in own}, control.id


def test_without_a_gap_every_control_concludes(tables: RunTables) -> None:
    whole(tables)
    tables.add(*at_work())
    tables.with_run(settings=SETTINGS)
    open_ones = {row["control_id"] for row in tables.verdicts() if row["verdict"] == "not_assessed"}
    assert open_ones <= RECORDS


def test_a_job_without_subjects_is_not_applicable(tables: RunTables) -> None:
    tables.add(job("bare"))
    unasked = [row for row in tables.verdicts() if row["verdict"] == "not_applicable"]
    rows = {row["control_id"]: row for row in unasked if row["subject"] == "bare"}
    told = {
        "JA-10": "no scale rule", "JA-11": "no image", "JA-12": "no secret", "JA-13": "no container",
        "JA-14": "no identity", "JA-15": "no event source",
        "JA-16": "no container", "JA-17": "no scale rule", "JA-18": "no scale rule", "JA-34": "no event source",
        "JA-32": "no scale rule", "JA-44": "no scale rule", "JA-46": "no execution ran",
        "JA-22": "no write", "JA-23": "no write", "JA-24": "no write", "JA-25": "no emergency change",
        "JA-40": "no exception",
    }  # fmt: skip
    assert rows.keys() == told.keys()
    for control, words in told.items():
        assert rows[control]["subject"] == "bare"
        assert words in rows[control]["reason"]


def test_managed_identity(tables: RunTables) -> None:
    system, user, gone, none, silent = (
        job("system"), job("user"), job("gone"), job("none", identity_type="None"), job("silent", identity_type=None)
    )  # fmt: skip
    tables.add(system, user, gone, none, silent, system_identity(system))
    tables.add(JobIdentity(job_id=user.job_id, identity_id=USER.upper(), kind="user"))
    tables.add(JobIdentity(job_id=gone.job_id, identity_id=USER + "-old", kind="user"))
    tables.add(Identity(identity_id=system.job_id.lower(), kind="system", job_id=system.job_id))
    tables.add(Identity(identity_id=USER, kind="user", job_id=user.job_id))
    rows = found(tables, "JA-09")
    assert verdicts(rows) == {
        ("system", "system"): "pass",
        ("user", "user"): "pass",
        ("gone", "gone"): "fail",
        ("none", "none"): "fail",
        ("silent", "silent"): "fail",
    }
    assert "id-orders-old" in rows["gone", "gone"][1]
    assert "no longer exists" in rows["gone", "gone"][1]
    assert "identity type None" in rows["none", "none"][1]


def test_scale_rule_identity(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner, system_identity(owner))
    secret = Json([{"secretRef": "sb-connection", "triggerParameter": "connection"}])
    from_env = Json({"connectionFromEnv": "QUEUE", "queueName": "q"})
    tables.add(
        rule(owner, "good", auth_method="identity", identity="System"),
        rule(owner, "other", auth_method="identity", identity=USER),
        rule(owner, "both", auth_method="identity", identity="system", auth=secret),
        rule(owner, "secret", auth_method="secret", auth=secret),
        rule(owner, "env", scaler_type="azure-queue", metadata=from_env),
        rule(owner, "plain", metadata=Json({"connection": "[redacted:00ff:connection-string]"})),
        rule(owner, "nothing"),
        rule(owner, "cron", scaler_type="cron", metadata=Json({"start": "0 6 * * *"})),
        rule(owner, "redis", scaler_type="redis", auth_method="secret", auth=secret),
        JobValue(
            job_id=owner.job_id, place="scaler_metadata", owner="plain", name="connection",
            value="[redacted:00ff:connection-string]", secret_like="connection-string",
        ),
    )  # fmt: skip
    rows = {subject: answer for (_, subject), answer in found(tables, "JA-10").items()}
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "good": "pass", "other": "fail", "both": "fail", "secret": "fail", "env": "fail", "plain": "fail",
        "nothing": "fail", "cron": "not_applicable", "redis": "fail",
    }  # fmt: skip
    assert "which the job does not have" in rows["other"][1]
    assert "sb-connection" in rows["secret"][1]
    assert "connectionFromEnv" in rows["env"][1]
    assert "metadata: connection" in rows["plain"][1]
    assert "not known to accept an identity" in rows["redis"][1]
    assert "not known" not in rows["secret"][1]


def test_registry_identity(tables: RunTables) -> None:
    owner, public, bare = job("orders"), job("public"), job("bare")
    tables.add(owner, public, bare, JobIdentity(job_id=owner.job_id, identity_id=USER, kind="user"))
    acr = "contoso.azurecr.io"
    tables.add(
        container(owner, "a", registry=acr),
        container(owner, "b", registry=acr.upper()),
        JobRegistry(job_id=owner.job_id, server=acr, identity=USER.lower()),
        JobRegistry(job_id=owner.job_id, server="old.azurecr.io", username="old", password_secret_ref="pull"),
        JobRegistry(job_id=owner.job_id, server="third.azurecr.io", identity="system"),
        JobRegistry(job_id=owner.job_id, server="empty.azurecr.io"),
        container(public, registry="mcr.microsoft.com"),
        container(public, "hub", registry=None),
        container(bare, registry="private.azurecr.cn"),
    )
    rows = found(tables, "JA-11")
    assert verdicts(rows) == {
        ("orders", acr): "pass",
        ("orders", "old.azurecr.io"): "fail",
        ("orders", "third.azurecr.io"): "fail",
        ("orders", "empty.azurecr.io"): "fail",
        ("public", "mcr.microsoft.com"): "not_applicable",
        ("public", "docker.io"): "not_applicable",
        ("bare", "private.azurecr.cn"): "fail",
    }
    assert "user old" in rows["orders", "old.azurecr.io"][1]
    assert "no image comes from it" in rows["orders", "old.azurecr.io"][1]
    assert "does not have" in rows["orders", "third.azurecr.io"][1]
    assert "public" in rows["public", "mcr.microsoft.com"][1]
    assert "no entry" in rows["bare", "private.azurecr.cn"][1]


def _secrets(tables: RunTables) -> dict[str, tuple[str, str]]:
    owner = job("orders")
    places = {
        "plain": None,
        "good": "https://KV-orders.vault.azure.net/secrets/x",
        "else": "https://kv-else.vault.azure.net/secrets/x",
        "odd": "kv-orders",
    }
    tables.add(owner)
    for name, url in places.items():
        tables.add(JobSecret(job_id=owner.job_id, name=name, key_vault_url=url, identity="system"))
    return {subject: answer for (_, subject), answer in found(tables, "JA-12").items()}


def test_secrets_without_a_baseline_pass_and_say_so(tables: RunTables) -> None:
    rows = _secrets(tables)
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "plain": "fail", "good": "pass", "else": "pass", "odd": "fail",
    }  # fmt: skip
    assert "no baseline" in rows["good"][1]
    assert "kept in the job itself" in rows["plain"][1]


@pytest.mark.parametrize("approved", ["KV-Orders", "kv-orders.vault.azure.net"])
def test_secrets_against_approved_vaults(tables: RunTables, approved: str) -> None:
    tables.with_run(settings={"approved_vaults": [approved]})
    rows = _secrets(tables)
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "plain": "fail", "good": "pass", "else": "fail", "odd": "fail",
    }  # fmt: skip


def test_plain_secrets(tables: RunTables) -> None:
    owner = job("orders")

    def value(place: str, of: str, name: str, text: str | None, like: str | None = None) -> JobValue:
        return JobValue(job_id=owner.job_id, place=place, owner=of, name=name, value=text, secret_like=like)

    tables.add(
        owner, container(owner, "clean"), container(owner, "dirty"), container(owner, "setup", init=True),
        rule(owner, "queue"), rule(owner, "dirty"),
        value("env", "clean", "MODE", "[redacted:00ff]"),
        value("env", "clean", "PASSWORD", None),
        value("env", "dirty", "PASSWORD", "[redacted:00aa:secret-name]", "secret-name"),
        value("args", "dirty", "2", "--key=[redacted:00aa:sas] --x"),
        value("command", "setup", "1", "x", "jwt"),
        value("scaler_metadata", "queue", "connection", "[redacted:00bb:connection-string]", "connection-string"),
        value("scaler_metadata", "dirty", "queueName", "orders"),
    )  # fmt: skip
    rows = {subject: answer for (_, subject), answer in found(tables, "JA-13").items()}
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "container clean": "pass", "container dirty": "fail", "init container setup": "fail",
        "scale rule queue": "fail", "scale rule dirty": "pass",
    }  # fmt: skip
    assert "environment variable PASSWORD (secret-name)" in rows["container dirty"][1]
    assert "args[2] (sas)" in rows["container dirty"][1]
    assert "metadata connection (connection-string)" in rows["scale rule queue"][1]
    assert not any("redacted" in reason for _, reason in rows.values())


def test_a_container_without_any_value_passes_nothing(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner, container(owner, "bare"))
    assert verdicts(found(tables, "JA-13")) == {("orders", "container bare"): "not_applicable"}


def _images(tables: RunTables) -> dict[str, tuple[str, str]]:
    owner = job("orders")
    tables.add(
        owner,
        container(owner, "pinned"),
        container(owner, "latest", image="contoso.azurecr.io/worker:latest", tag="latest", digest=None),
        container(owner, "none", image="contoso.azurecr.io/worker", digest=None),
        container(owner, "else", registry="contoso.azurecr.io.evil.example"),
        container(owner, "setup", init=True, registry="mcr.microsoft.com", repository="k8se/quickstart-jobs"),
    )
    return {subject: answer for (_, subject), answer in found(tables, "JA-16").items()}


def test_images_without_a_baseline_of_registries(tables: RunTables) -> None:
    rows = _images(tables)
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "container pinned": "pass", "container latest": "fail", "container none": "fail", "container else": "pass",
        "init container setup": "pass",
    }  # fmt: skip
    assert "the tag latest can be moved" in rows["container latest"][1]
    assert "takes latest" in rows["container none"][1]
    assert "no baseline" in rows["container pinned"][1]


def test_images_against_approved_registries(tables: RunTables) -> None:
    tables.with_run(settings={"approved_registries": ["Contoso.azurecr.io", "mcr.microsoft.com/k8s/"]})
    rows = _images(tables)
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "container pinned": "pass", "container latest": "fail", "container none": "fail", "container else": "fail",
        "init container setup": "fail",
    }  # fmt: skip


def test_scaler_documented(tables: RunTables) -> None:
    owner = job("orders")
    names = ("Azure-ServiceBus", "redis", "postgresql", "mssql", "our-own")
    tables.add(owner, *(rule(owner, name, scaler_type=name) for name in names))
    day = date(2026, 10, 1)
    tried = ScalerSupport(verified_by="Ben", verified_on=day)
    entry = JobEntry(name="bill*", stated_by="Ben", stated_on=day, scaler_support=tried)
    other = job("bills")
    tables.add(other, rule(other, "mssql", scaler_type="mssql"))
    tables.with_run(
        scalers_verified=(VerifiedScaler(type="Redis", verified_by="Ana", verified_on=day),),
        register=Register(file="jobs.toml", sha256="", entries=(entry,)),
    )
    assert found(tables, "JA-17")["bills", "mssql"][0] == "pass"
    answers = found(tables, "JA-17").items()
    rows = {subject: answer for (name, subject), answer in answers if name == "orders"}
    assert {subject: verdict for subject, (verdict, _) in rows.items()} == {
        "Azure-ServiceBus": "pass", "redis": "pass", "postgresql": "fail", "mssql": "fail", "our-own": "fail",
    }  # fmt: skip
    assert "verified by Ana on 2026-10-01" in rows["redis"][1]
    assert rows["mssql"][1].startswith("verify support:")
    assert "known to KEDA" in rows["our-own"][1]


def test_scaling_baseline(tables: RunTables) -> None:
    tables.add(
        job("unset"),
        job("wild", polling_interval_s=1, min_executions=5, max_executions=1000, parallelism=50),
        job("crossed", min_executions=5, max_executions=2),
        job("other", trigger_type="Manual", in_scope=False),
    )
    tables.with_run(settings={"min_executions_most": 5})
    rows = found(tables, "JA-19")
    by_job = {
        name: {subject: verdict for (own, subject), (verdict, _) in rows.items() if own == name} for name, _ in rows
    }
    settings = ("maximum executions", "minimum executions", "parallelism", "polling interval")
    assert by_job == {
        "unset": dict.fromkeys(settings, "pass"),
        "wild": dict(zip(settings, ("fail", "pass", "fail", "fail"), strict=True)),
        "crossed": dict(zip(settings, ("fail", "pass", "pass", "pass"), strict=True)),
    }
    defaults = {subject: reason.split(";")[0] for (name, subject), (_, reason) in rows.items() if name == "unset"}
    assert defaults == {
        "polling interval": "unset, so the platform's default applies: 30 s",
        "minimum executions": "unset, so the platform's default applies: 0",
        "maximum executions": "unset, so the platform's default applies: 100",
        "parallelism": "unset, so the platform's default applies: 1",
    }
    assert "below the job's own minimum" in rows["crossed", "maximum executions"][1]


def test_required_tags(tables: RunTables) -> None:
    owner, empty, foreign = job("orders"), job("empty"), job("foreign", group="rg-orders-2")
    group = f"/subscriptions/{SUB}/resourcegroups/RG-ORDERS"
    tables.add(
        owner, empty, foreign,
        tag(owner.job_id.lower(), "OWNER", "ana"),
        tag(owner.job_id, "Env", "prod"),
        tag(group, "cost-centre", "4711", "resource_group"),
        tag(group, "owner", "somebody else", "resource_group"),
        tag(f"/subscriptions/{SUB}", "runbook", "https://wiki.contoso.example/orders", "subscription"),
        tag(empty.job_id, "owner", " "),
        tag(empty.job_id, "environment", "TBD"),
    )  # fmt: skip
    rows = found(tables, "JA-36")
    assert verdicts(rows) == {
        ("orders", "owner"): "pass",
        ("orders", "environment"): "pass",
        ("orders", "cost-centre"): "pass",
        ("orders", "runbook"): "pass",
        ("empty", "owner"): "fail",
        ("empty", "environment"): "fail",
        ("empty", "cost-centre"): "pass",
        ("empty", "runbook"): "pass",
        ("foreign", "owner"): "fail",
        ("foreign", "environment"): "fail",
        ("foreign", "cost-centre"): "fail",
        ("foreign", "runbook"): "pass",
    }
    assert rows["orders", "owner"][1] == 'the tag OWNER on the job is "ana"'
    assert "its resource group" in rows["orders", "cost-centre"][1]
    assert "its subscription" in rows["orders", "runbook"][1]
    assert "says nothing" in rows["empty", "owner"][1]


def test_required_tags_against_patterns(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner, tag(owner.job_id, "runbook", "ask Ana"), tag(owner.job_id, "owner", "ana@contoso.example"))
    tables.with_run(
        settings={
            "required_tags": ["owner", "runbook"],
            "tag_patterns": {"Runbook": "https://.+", "owner": ".+@contoso.example"},
        }
    )
    rows = found(tables, "JA-36")
    assert verdicts(rows) == {("orders", "owner"): "pass", ("orders", "runbook"): "fail"}
    assert "https://.+" in rows["orders", "runbook"][1]


def test_no_required_tag_is_an_empty_population(tables: RunTables) -> None:
    tables.add(job("orders"))
    tables.with_run(settings={"required_tags": []})
    assert found(tables, "JA-36") == {
        ("orders", "orders"): ("not_applicable", "no tag is required (policy.required_tags is empty)")
    }


def test_ids_in_any_casing_give_the_same_verdicts(tables: RunTables) -> None:
    owner = job("orders")
    shouted = Job(**{name: getattr(owner, name) for name in owner.__struct_fields__} | {"job_id": owner.job_id.upper()})
    tables.add(shouted, rule(owner), container(owner), system_identity(owner), tag(owner.job_id, "owner", "ana"))
    rows = tables.verdicts()
    assert {row["job_id"] for row in rows} == {owner.job_id.upper()}
    assert ("JA-36", "owner", "pass") in {(row["control_id"], row["subject"], row["verdict"]) for row in rows}
