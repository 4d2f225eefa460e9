"""What Azure and people say is text to the controls of identity, images, scaling and tags: any text, of any length."""

from __future__ import annotations

import re
from datetime import date

import pytest
from answered import found, tag
from run_tables import RunTables, container, job, rule

from audit.assess import answers
from audit.evidence.identities import Identity
from audit.evidence.jobs import JobIdentity, JobRegistry, JobSecret, JobValue
from audit.model import Json
from audit.model.stated import VerifiedScaler

EVIL = "'; drop table jobs; --\"=cmd()<b>\x1b[31m\u202e\n" + "z" * 3000
SHORT = EVIL[:48]
BOUND = 1500
"""Characters of a reason; a page shows it in a cell."""


def answered(tables: RunTables, control: str) -> dict[str, tuple[str, str]]:
    """Return verdict and reason by subject; each reason is bounded text on one line."""
    rows = {subject: answer for (_, subject), answer in found(tables, control).items()}
    for verdict, reason in rows.values():
        assert len(reason) < BOUND
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", reason), verdict
    assert tables.query("select count(*) as jobs from jobs") == [{"jobs": 1}]
    return rows


def test_a_reason_is_one_line_that_ends() -> None:
    assert answers.bounded("\u2028a\x1b[31m\r\n\u0000b\u200cc\u0085") == "a [31m b\u200cc"
    assert answers.bounded(" \n\x00") == ""
    whole = "x" * answers.LONGEST_REASON
    assert answers.bounded(whole) == whole
    assert answers.bounded(whole + "yz") == f"{whole}… (2 characters more)"


def test_identities(tables: RunTables) -> None:
    owner = job("orders", identity_type=EVIL)
    gone = f"/subscriptions/s/userAssignedIdentities/{EVIL}"
    tables.add(owner, JobIdentity(job_id=owner.job_id, identity_id=gone, kind="user"))
    assert answered(tables, "JA-09")["orders"][0] == "fail"
    tables.add(Identity(identity_id=gone.upper(), kind="user", job_id=owner.job_id))
    verdict, reason = answered(tables, "JA-09")["orders"]
    assert verdict == "pass"
    assert "drop table jobs" in reason


def test_scale_rules(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(
        owner,
        rule(owner, SHORT, scaler_type=EVIL, auth_method="identity", identity=f"/x/{EVIL}", auth=Json(EVIL)),
        rule(owner, "secret", auth_method="secret", auth=Json([{"secretRef": EVIL}, {"secretRef": None}, {}])),
        rule(owner, "metadata", metadata=Json({EVIL + "FromEnv": EVIL, "'": None})),
        rule(owner, "odd", metadata=Json([1, EVIL]), auth=Json({"a": EVIL})),
        JobValue(
            job_id=owner.job_id, place="scaler_metadata", owner="metadata", name=EVIL, value=EVIL, secret_like="x"
        ),
    )
    assert {verdict for verdict, _ in answered(tables, "JA-10").values()} == {"fail"}


def test_registries(tables: RunTables) -> None:
    owner = job("orders")
    entry = {"job_id": owner.job_id}
    tables.add(
        owner,
        JobRegistry(**entry, server=SHORT + ".azurecr.io", username=EVIL, password_secret_ref=EVIL),
        JobRegistry(**entry, server="two.azurecr.io", identity=f"/x/{EVIL}"),
        JobRegistry(**entry, server=SHORT, identity="", username=""),
        container(owner, registry=SHORT.upper(), image=EVIL),
    )
    rows = answered(tables, "JA-11")
    assert rows[(SHORT + ".azurecr.io").lower()][0] == "fail"
    assert rows["two.azurecr.io"][0] == "fail"
    assert rows[SHORT.lower()][0] == "not_applicable"


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        (EVIL, "fail"),
        (f"https://good.vault.azure.net@{SHORT}/x", "fail"),
        (f"https://{SHORT}.vault.azure.net/", "fail"),
        (f"https://good.vault.azure.net.evil.example/{EVIL}", "fail"),
        (f"https://evil.example/?https://good.vault.azure.net/{EVIL}", "fail"),
        (f"https://GOOD.vault.azure.net/secrets/{EVIL}", "pass"),
    ],
)
def test_secrets(tables: RunTables, url: str, verdict: str) -> None:
    owner = job("orders")
    tables.with_run(settings={"approved_vaults": ["good.vault.azure.net"]})
    tables.add(owner, JobSecret(job_id=owner.job_id, name=SHORT, key_vault_url=url, identity=EVIL))
    assert answered(tables, "JA-12")[SHORT][0] == verdict


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        ({"registry": EVIL, "repository": EVIL, "tag": EVIL, "digest": None}, "fail"),
        ({"registry": "contoso.azurecr.io.evil.example", "repository": SHORT}, "fail"),
        ({"registry": f"evil.example/contoso.azurecr.io{SHORT}"}, "fail"),
        ({"registry": "contoso.azurecr.io", "repository": "teamsters/x"}, "fail"),
        ({"registry": "CONTOSO.azurecr.io", "repository": "Team/" + EVIL}, "pass"),
    ],
)
def test_images(tables: RunTables, image: dict[str, str | None], verdict: str) -> None:
    owner = job("orders")
    tables.with_run(settings={"approved_registries": ["contoso.azurecr.io/team/"]})
    tables.add(owner, container(owner, SHORT, image=EVIL, **image))
    assert answered(tables, "JA-16")[f"container {SHORT}"][0] == verdict


def test_scalers(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner, rule(owner, SHORT, scaler_type=EVIL), rule(owner, "verified", scaler_type=SHORT))
    tables.with_run(scalers_verified=(VerifiedScaler(type=SHORT, verified_by=EVIL, verified_on=date(2026, 10, 1)),))
    rows = answered(tables, "JA-17")
    assert rows[SHORT][0] == "fail"
    assert rows["verified"][0] == "pass"


@pytest.mark.parametrize("edge", [-1, 0, 2**31, 2**62])
def test_scaling(tables: RunTables, edge: int) -> None:
    tables.add(
        job(
            "orders",
            polling_interval_s=edge,
            min_executions=edge,
            max_executions=edge,
            parallelism=edge,
            trigger_type=EVIL,
        )
    )
    verdicts = {subject: verdict for subject, (verdict, _) in answered(tables, "JA-19").items()}
    allowed = {"minimum executions", "maximum executions"} if edge == 0 else set()
    assert {subject for subject, verdict in verdicts.items() if verdict == "pass"} == allowed


def test_tags(tables: RunTables) -> None:
    owner = job("orders")
    tables.add(owner, tag(owner.job_id, "owner", EVIL), tag(owner.job_id, "Cost-Centre", "\u00a0 \n"))
    tables.add(tag(owner.job_id, "environment", "(" + "a" * 4000 + ")!"), tag(owner.job_id, EVIL, EVIL))
    tables.with_run(settings={"required_tags": ["owner", "cost-centre", "environment", SHORT],
                              "tag_patterns": {"environment": "(a+)+b"}})  # fmt: skip
    rows = answered(tables, "JA-36")
    assert rows["owner"][0] == "pass"
    assert rows["cost-centre"][0] == "fail"
    assert rows["environment"][0] == "fail"
    assert rows[SHORT][0] == "fail"
