"""JA-18: what a scale rule says, held against what its scaler knows and needs."""

from __future__ import annotations

from typing import Any

import pytest
from answered import found
from run_tables import SUB, RunTables, container, job, rule

from audit.evidence.jobs import JobValue
from audit.model import Json

OWNER = job("orders")
BUS = {"namespace": "bus", "queueName": "in", "messageCount": "5"}
EVIL = '"]\x1b[31m$.x/~<b>' + "z" * 3000

RULES: dict[str, tuple[dict[str, Any], str, str]] = {
    "good": ({"metadata": BUS}, "pass", "messageCount, the threshold, is 5"),
    "default": ({"metadata": {"namespace": "bus", "queueName": "in"}}, "fail", "the scaler's default applies: 5"),
    "missing": ({"metadata": {"messageCount": "5"}}, "fail", "missing: queueName or topicName, namespace"),
    "misspelt": ({"metadata": BUS | {"queueNam": "in"}}, "fail", '"queueNam" (did you mean queueName?)'),
    "casing": ({"metadata": BUS | {"messagecount": "9"}}, "fail", "(did you mean messageCount?)"),
    "words": ({"metadata": BUS | {"messageCount": "many"}}, "fail", "is no amount: not a number"),
    "zero": ({"metadata": BUS | {"messageCount": "0"}}, "fail", "is 0: not above 0"),
    "hidden": ({"metadata": BUS | {"messageCount": "[redacted:00ff:sas]"}}, "fail", "is no amount"),
    "by secret": (
        {"metadata": {"namespace": "bus", "queueName": "in"}, "auth": ["messageCount"]}, "pass", "secret of the job",
    ),
    "by variable": ({"metadata": {"namespace": "bus", "queueName": "in", "messageCountFromEnv": "N"}}, "pass", "is 7"),
    "by no variable": (
        {"metadata": {"namespace": "bus", "queueName": "in", "messageCountFromEnv": "M"}}, "fail",
        "the job doesn't set",
    ),
    "rabbit": (
        {"scaler_type": "rabbitmq", "metadata": {"queueName": "q", "host": "h", "queueLength": "5"}}, "fail",
        "deprecated: queueLength (use mode: QueueLength and value instead)",
    ),
    "unfit": (
        {"scaler_type": "azure-queue", "metadata": {"accountName": "a", "queueName": "q", "queueLength": "5",
         "queueLengthStrategy": "visible"}}, "fail", 'queueLengthStrategy = "visible"',
    ),
    "elsewhere": ({"scaler_type": "aws-sqs-queue", "metadata": {"queueURL": "x"}}, "not_assessed", "isn't known here"),
    "elsewhere misspelt": ({"scaler_type": "aws-sqs-queue", "metadata": {"queueUrl": "x"}}, "fail", "queueURL?"),
    "our own": ({"scaler_type": "our-own", "metadata": {"x": "y"}}, "not_assessed", "is in the catalogue"),
    "evil": ({"metadata": BUS | {EVIL: EVIL}}, "fail", "unknown to the scaler"),
    "evil scaler": ({"scaler_type": EVIL, "metadata": {}}, "not_assessed", "is in the catalogue"),
    EVIL: ({"metadata": BUS}, "pass", "is 5"),
}  # fmt: skip


def made(tables: RunTables) -> None:
    variable = JobValue(job_id=OWNER.job_id, place="env", owner="worker", name="N", value="7")
    named = JobValue(
        job_id=OWNER.job_id, place="scaler_metadata", owner="by variable", name="messageCountFromEnv", value="N"
    )
    tables.add(OWNER, container(OWNER), variable, named)
    for name, (fields, _, _) in RULES.items():
        auth = Json([{"secretRef": "s", "triggerParameter": each} for each in fields.get("auth", ())])
        scaler = fields.get("scaler_type", "azure-servicebus")
        given = {"metadata": Json(fields["metadata"]), "auth": auth, "auth_method": "identity", "identity": "system"}
        tables.add(rule(OWNER, name, scaler_type=scaler, **given))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    tables = RunTables(tmp_path_factory.mktemp("rules"))
    made(tables)
    return {subject: answer for (_, subject), answer in found(tables, "JA-18").items()}


@pytest.mark.parametrize("name", RULES)
def test_scaler_metadata(answers: dict[str, tuple[str, str]], name: str) -> None:
    _, verdict, told = RULES[name]
    got, reason = answers[name]
    assert got == verdict, reason
    assert told in reason
    assert len(reason) < 600


def test_the_scalers_default_will_do_where_policy_says_so(tables: RunTables) -> None:
    made(tables)
    tables.with_run(settings={"threshold_may_be_default": True})
    rows = {subject: answer for (_, subject), answer in found(tables, "JA-18").items()}
    assert rows["default"][0] == "pass"
    assert "the scaler's default, 5 (policy.threshold_may_be_default)" in rows["default"][1]
    assert rows["missing"][0] == "fail"


def test_a_gap_of_the_jobs(tables: RunTables) -> None:
    made(tables)
    tables.gap("jobs", f"/subscriptions/{SUB}")
    assert {verdict for verdict, _ in found(tables, "JA-18").values()} == {"not_assessed"}
