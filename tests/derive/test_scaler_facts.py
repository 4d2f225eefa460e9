"""Each scale rule against the catalogue: what is set, defaulted, missing, unknown, plain; and hostile metadata."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import duckdb
import pytest
from run_tables import RunTables, container, job, rule

from audit.derive import scaler_facts
from audit.derive.rule_check import Given
from audit.evidence.jobs import JobValue
from audit.model import Json
from audit.model.scaler import ForJobs, Parameter, Scaler
from audit.model.stated import JobEntry, Register, ScalerSupport, VerifiedScaler

MARK = "[redacted:0123456789abcdef:connection-string]"
HIDDEN = "[redacted:0123456789abcdef]"
DAY = date(2026, 10, 1)


def fact(tables: RunTables, scaler: str, metadata: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    owner = job("orders", polling_interval_s=fields.pop("polling", None))
    auth = fields.pop("auth", None)
    env = fields.pop("env", {})
    tables.add(
        owner,
        container(owner),
        rule(
            owner,
            scaler_type=scaler,
            metadata=None if metadata is None else Json(metadata),
            auth=Json([{"secretRef": "s", "triggerParameter": name} for name in auth]) if auth else None,
            **fields,
        ),
    )
    for key, value in (metadata or {}).items():
        text = value if isinstance(value, str) else json.dumps(value)
        tables.add(JobValue(job_id=owner.job_id, place="scaler_metadata", owner="queue", name=key, value=text))
    for name, value in env.items():
        tables.add(JobValue(job_id=owner.job_id, place="env", owner="worker", name=name, value=value))
    return facts(tables)[0]


def facts(tables: RunTables) -> list[dict[str, Any]]:
    con = with_population(tables)
    scaler_facts.create(con, tables.run)
    found = con.execute("select * from scaler_facts order by rule_name, row_id")
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        for name in [name for name in row if name.endswith(("_keys", "_values"))]:
            row[name] = None if row[name] is None else json.loads(row[name])
    return rows


def with_population(tables: RunTables) -> duckdb.DuckDBPyConnection:
    """Just what the derivation reads: making every derived table takes a second."""
    con = tables.store()
    con.execute("create or replace table population as select job_id, name, resource_group from jobs where in_scope")
    return con


def test_it_is_made_with_the_other_derived_tables(tables: RunTables) -> None:
    fact(tables, "azure-queue", {})
    assert tables.derived().execute("select count(*) from scaler_facts").fetchone() == (1,)


def test_a_good_rule_has_everything_and_nothing_against_it(tables: RunTables) -> None:
    metadata = {"namespace": "sb-x", "queueName": "q", "messageCount": "12", "cloud": "AzurePublicCloud"}
    row = fact(tables, "azure-servicebus", metadata, identity="system", polling=15)
    assert (row["support"], row["identity_possible"]) == ("documented", True)
    assert row["support_source"].startswith("https://learn.microsoft.com/")
    assert (row["threshold_key"], row["threshold"], row["threshold_origin"]) == ("messageCount", 12.0, "set")
    assert (row["activation_threshold"], row["threshold_note"]) == (0.0, None)
    assert (row["polling_interval_s"], row["polling_origin"]) == (15, "set")
    assert row["unknown_keys"] == row["missing_keys"] == row["plain_secret_keys"] == row["maybe_missing_keys"] == []
    assert row["near_keys"] == row["deprecated_keys"] == row["unfit_values"] == {}
    assert row["raw_ref"].startswith("raw/scale_rules/")


def test_what_is_unset_is_the_scalers_or_the_platforms_default_and_says_so(tables: RunTables) -> None:
    row = fact(tables, "azure-queue", {"queueName": "q", "accountName": "st"}, identity="system")
    assert (row["threshold"], row["threshold_origin"], row["threshold_written"]) == (5.0, "scaler default", None)
    assert (row["polling_interval_s"], row["polling_origin"]) == (30, "platform default")


def test_a_threshold_without_a_default_is_missing(tables: RunTables) -> None:
    row = fact(tables, "mssql", {"query": "select 1", "host": "h"}, auth=["password"])
    assert (row["threshold"], row["threshold_origin"]) == (None, "missing")
    assert row["missing_keys"] == ["targetValue", "database", "username"]


@pytest.mark.parametrize(
    ("scaler", "metadata", "given", "missing"),
    [
        ("azure-queue", {"queueName": "q"}, {"identity": "system"}, ["accountName"]),
        ("azure-queue", {"queueName": "q"}, {"auth": ["connection"]}, []),
        ("azure-queue", {"queueName": "q", "connectionFromEnv": "C"}, {}, []),
        ("azure-queue", {"queueName": "q", "connectionFromEnv": " "}, {}, ["connection"]),
        ("azure-queue", {}, {}, ["queueName", "connection"]),
        ("azure-servicebus", {"namespace": "n"}, {"identity": "system"}, ["queueName|topicName"]),
        ("azure-servicebus", {"namespace": "n", "topicName": "t"}, {"identity": "system"}, ["subscriptionName"]),
        (
            "azure-eventhub",
            {"eventHubNamespace": "n"},
            {"identity": "x"},
            ["eventHubName", "storageAccountName|storageConnection"],
        ),
        (
            "github-runner",
            {"owner": "o", "runnerScope": "org"},
            {"auth": ["appKey"]},
            ["applicationID", "installationID"],
        ),
        ("github-runner", {"ownerFromEnv": "O", "runnerScopeFromEnv": "S"}, {"auth": ["personalAccessToken"]}, []),
        ("redis", {"host": "h", "listName": "l"}, {}, ["port"]),
        ("kafka", {}, {}, ["bootstrapServers", "consumerGroup"]),
    ],
)  # fmt: skip
def test_what_a_jobs_rule_cannot_do_without(tables: RunTables, scaler, metadata, given, missing) -> None:
    row = fact(tables, scaler, metadata, **given)
    assert row["missing_keys"] == missing
    assert row["unknown_keys"] == []


def test_unknown_keys_are_named_with_what_was_probably_meant(tables: RunTables) -> None:
    metadata = {
        "queuename": "q",
        "messageCounts": "5",
        "frobnicate": "1",
        "ConnectionFromEnv": "X",
        "namespaceFromEnv": "N",
    }
    row = fact(tables, "azure-servicebus", metadata, identity="system")
    assert row["unknown_keys"] == ["queuename", "messageCounts", "frobnicate", "ConnectionFromEnv"]
    assert row["near_keys"] == {
        "queuename": "queueName", "messageCounts": "messageCount", "ConnectionFromEnv": "connectionFromEnv",
    }  # fmt: skip
    assert row["missing_keys"] == ["queueName|topicName"]


def test_deprecated_keys_and_scalers_say_what_keda_says(tables: RunTables) -> None:
    row = fact(tables, "rabbitmq", {"queueName": "q", "queueLength": "5", "hostFromEnv": "H"})
    assert "mode: QueueLength" in row["deprecated_keys"]["queueLength"]
    assert row["missing_keys"] == []
    other = job("other")
    tables.add(other, rule(other, "zz", scaler_type="gcp-pubsub", metadata=Json({"value": "1"})))
    assert "deprecated" in facts(tables)[1]["scaler_deprecated"]


@pytest.mark.parametrize(
    ("metadata", "env", "plain"),
    [
        ({"connection": f"Endpoint=sb://x/;SharedAccessKey={MARK}"}, {}, ["connection"]),
        ({"connection": HIDDEN}, {}, ["connection"]),
        ({"queueName": HIDDEN}, {}, []),
        ({"queueName": MARK}, {}, ["queueName"]),
        ({"connectionFromEnv": "C"}, {"C": MARK}, ["connectionFromEnv"]),
        ({"connectionFromEnv": "C"}, {"C": HIDDEN}, ["connectionFromEnv"]),
        ({"connectionFromEnv": "C"}, {"D": MARK}, []),
        ({"connectionFromEnv": "C"}, {}, []),
        ({"whatever": MARK}, {}, ["whatever"]),
    ],
)
def test_secrets_in_plain_are_seen_by_their_marks(tables: RunTables, metadata, env, plain) -> None:
    assert fact(tables, "azure-servicebus", metadata, env=env)["plain_secret_keys"] == plain


def test_a_variable_that_takes_a_secret_is_not_plain(tables: RunTables) -> None:
    owner = job("orders")
    named = JobValue(job_id=owner.job_id, place="env", owner="worker", name="C", secret_ref="kept")
    tables.add(named)
    assert fact(tables, "azure-servicebus", {"connectionFromEnv": "C"})["plain_secret_keys"] == []


@pytest.mark.parametrize(
    ("written", "value", "note"),
    [
        ("7.5", 7.5, None),
        (" 5 ", 5.0, None),
        (5, 5.0, None),
        ("five", None, "not a number"),
        ("5 messages", None, "not a number"),
        ("0", 0.0, "not above 0"),
        ("-3", -3.0, "not above 0"),
        ("99999999999999", 99999999999999.0, "absurdly large"),
        ("1e999", None, "too large for a number"),
        ("nan", None, "not a number"),
        ("Infinity", None, "not a number"),
        ("9" * 5000, None, "not a number"),
        ("٣", None, "not a number"),
        ("5;drop table jobs", None, "not a number"),
        (HIDDEN, None, "hidden: it looks like a secret"),
        (["5"], None, "not a number"),
        ({"a": {"b": None}}, None, "not a number"),
        (True, None, "not a number"),
    ],
)
def test_a_threshold_that_is_no_sensible_number_is_told_and_breaks_nothing(tables, written, value, note) -> None:
    row = fact(tables, "azure-servicebus", {"queueName": "q", "messageCount": written}, identity="system")
    assert (row["threshold"], row["threshold_origin"], row["threshold_note"]) == (value, "set", note)


@pytest.mark.parametrize(
    ("env", "value", "note"),
    [
        ({"N": "9"}, 9.0, "comes from the environment variable N"),
        ({"N": HIDDEN}, None, "whose value is not shown"),
        ({}, None, "which the job doesn't set"),
    ],
)
def test_a_threshold_may_come_from_a_variable(tables: RunTables, env, value, note) -> None:
    metadata = {"owner": "o", "runnerScope": "org", "targetWorkflowQueueLengthFromEnv": "N"}
    row = fact(tables, "github-runner", metadata, auth=["personalAccessToken"], env=env)
    assert (row["threshold"], row["threshold_origin"]) == (value, "set")
    assert note in row["threshold_note"]


def test_a_blank_threshold_is_unset(tables: RunTables) -> None:
    row = fact(tables, "azure-servicebus", {"messageCount": " "})
    assert (row["threshold"], row["threshold_origin"]) == (5.0, "scaler default")


def test_a_scaler_that_nobody_looked_at_is_to_be_verified_and_only_doubted(tables: RunTables) -> None:
    row = fact(tables, "Prometheus", {"serverAddress": "http://x", "thresold": "5"})
    assert (row["support"], row["threshold_origin"], row["missing_keys"]) == ("verify", None, None)
    assert row["scaler_type"] == "Prometheus"
    assert "query" in row["maybe_missing_keys"]
    assert row["near_keys"] == {"thresold": "threshold"}


def test_an_unknown_scaler_is_unknown_and_nothing_is_said_of_its_keys(tables: RunTables) -> None:
    row = fact(tables, "no-such-thing", {"anything": MARK})
    assert (row["support"], row["support_source"], row["unknown_keys"]) == ("unknown", None, None)
    assert (row["missing_keys"], row["identity_possible"], row["plain_secret_keys"]) == (None, None, ["anything"])


def test_casing_and_blanks_of_a_scalers_name_do_not_matter(tables: RunTables) -> None:
    assert fact(tables, " AZURE-ServiceBus ", {"queueName": "q"})["support"] == "documented"


def test_values_that_keda_does_not_allow_are_named(tables: RunTables) -> None:
    row = fact(tables, "azure-queue", {"queueName": "q", "queueLengthStrategy": "visible"}, auth=["connection"])
    assert row["unfit_values"] == {"queueLengthStrategy": "visible"}


HOSTILE = {
    "": "", "FromEnv": "FromEnv", "queueNameFromEnvFromEnv": "x", "'; drop table jobs; --": "1",
    "a" * 5000: "b" * 50_000,
    "\u202e\x00\x1f": "\x00", "queueName": None, "messageCount": [[[[]]]], "connection": {"a": 1}, "$x": "$rows",
    "[redacted:zz]": "[redacted:", "namespace": 1e308, "toString": "constructor",
}  # fmt: skip


@pytest.mark.parametrize("scaler", ["azure-servicebus", "prometheus", "no-such", "\x00", "'; select 1", "x" * 9000])
@pytest.mark.parametrize("metadata", [HOSTILE, None, {}])
def test_hostile_metadata_breaks_nothing(tables: RunTables, scaler: str, metadata: dict[str, Any] | None) -> None:
    row = fact(tables, scaler, metadata, auth=["", "connection", "x" * 1000])
    assert row["scaler_type"] == scaler
    assert row["polling_interval_s"] == 30


def test_two_rules_of_one_name_are_two_rows(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner)
    for number, count in enumerate(("1", "2")):
        tables.add(rule(owner, "same", metadata=Json({"messageCount": count}), position=number))
    con = with_population(tables)
    con.execute("update scale_rules set row_id = row_id || '-2' where position = 1")
    scaler_facts.create(con, tables.run)
    assert con.execute("select count(*), count(distinct row_id), sum(threshold) from scaler_facts").fetchone() == (
        2,
        2,
        3,
    )


def test_who_verified_a_scaler_is_told_for_the_job_before_the_estate(tables: RunTables) -> None:
    entry = JobEntry(
        name="orders", stated_by="Ana", stated_on=DAY,
        scaler_support=ScalerSupport(verified_by="Ana", verified_on=DAY, verified_for="queues"),
    )  # fmt: skip
    said = VerifiedScaler(type="Azure-ServiceBus", verified_by="Ben", verified_on=DAY)
    tables.with_run(scalers_verified=(said,), register=Register(file="jobs.toml", sha256="", entries=(entry,)))
    row = fact(tables, "azure-servicebus", {})
    assert (row["verified_by"], row["verified_on"], row["verified_for"]) == ("Ana", DAY, "queues")
    assert row["verified_source"] == "jobs.toml: jobs[0] (name = orders)"
    tables.with_run(register=None)
    row = facts(tables)[0]
    assert (row["verified_by"], row["verified_for"], row["verified_source"]) == ("Ben", None, "audit.toml: scalers")


def test_a_runs_own_catalogue_wins(tables: RunTables) -> None:
    jobs = ForJobs(support="documented", support_source="our wiki", threshold="depth", requires=("depth",))
    tables.with_run(scalers={"our-queue": Scaler(jobs=jobs, parameters={"depth": Parameter(read_from=("metadata",))})})
    row = fact(tables, "our-queue", {"dept": "3"})
    assert (row["support"], row["support_source"], row["missing_keys"]) == ("documented", "our wiki", ["depth"])
    assert row["near_keys"] == {"dept": "depth"}


def test_auth_prevails_over_metadata() -> None:
    jobs = ForJobs(support="verify", support_source="", threshold="depth")
    threshold = Given({"depth": "3"}, ["depth"], {}).threshold(jobs)
    assert (threshold.value, threshold.origin, threshold.note) == (None, "set", "comes from a secret of the job")
