"""[policy]: profiles, overrides by tag, and that the value in force for a job is the one that it is judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from answered import tag
from own_control import JOBS, control
from run_tables import SUB, RunTables, job, job_id

from audit.assess import check_policy, load
from audit.assess.header import Header
from audit.assess.parameters import baselines
from audit.assess.policy import FRAME, read
from audit.assess.profiles import shipped
from audit.errors import ConfigError

LIMIT = """parameters:
  limit: {default: 3, description: A limit.}
  owners_most: {default: 3, description: Owners.}"""
TOLD = (
    "select job_id, subject, 'pass' as verdict, (select string_agg(name || ' ' || value, ', ' order by name) "
    f"from parameters where control_id = 'T-01' and job_id is null) as reason from ({JOBS})"
)
PROD = {"tags": {"environment": "prod"}, "limit": 7}
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-orders"


def judged(tables: RunTables, folder: Path, **policy: Any) -> dict[str, str]:
    """Return what each job was judged by, and that the table of parameters tells the same."""
    tables.with_run(settings=policy)
    rows = tables.verdicts("T-01", own=control(folder, TOLD, more=LIMIT))
    return {row["subject"]: row["reason"] for row in rows}


def test_a_job_is_judged_by_the_override_that_fits_its_tags(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), job("billing"), tag(job_id("orders"), "Environment", "PROD"))
    found = judged(tables, tmp_path, limit=5, overrides=[PROD])
    assert found == {"orders": "limit 7, owners_most 3", "billing": "limit 5, owners_most 3"}
    rows = tables.query("select job_id, value, origin from parameters where name = 'limit' order by job_id nulls first")
    assert [tuple(row.values()) for row in rows] == [
        (None, "5", "audit.toml: policy.limit"),
        (job_id("orders"), "7", 'audit.toml: policy.overrides[0] (environment = "prod")'),
    ]


def test_the_nearest_tag_decides(tables: RunTables, tmp_path: Path) -> None:
    tables.add(
        job("own"), job("group"), job("else", group="rg-else"),
        tag(job_id("own"), "environment", "test"), tag(GROUP, "environment", "prod", "resource_group"),
        tag(f"/subscriptions/{SUB}", "environment", "dev", "subscription"),
    )  # fmt: skip
    overrides = [PROD, {"tags": {"environment": "dev"}, "limit": 9}]
    found = judged(tables, tmp_path, overrides=overrides)
    assert {name: each.split(",")[0] for name, each in found.items()} == {
        "own": "limit 3", "group": "limit 7", "else": "limit 9",
    }  # fmt: skip


def test_of_two_overrides_the_later_wins_and_says_so(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), tag(job_id("orders"), "environment", "prod"), tag(job_id("orders"), "tier", "gold"))
    gold = {"tags": {"tier": "gold"}, "limit": 11}
    assert judged(tables, tmp_path, overrides=[PROD, gold])["orders"].startswith("limit 11,")
    (row,) = tables.query("select origin from parameters where name = 'limit' and job_id is not null")
    later, earlier = 'policy.overrides[1] (tier = "gold")', 'policy.overrides[0] (environment = "prod")'
    assert row["origin"] == f"audit.toml: {later}; the later wins over {earlier}"


def test_an_override_asks_for_all_its_tags(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), tag(job_id("orders"), "environment", "prod"))
    both = {"tags": {"environment": "prod", "tier": "gold"}, "limit": 7}
    assert judged(tables, tmp_path, overrides=[both])["orders"].startswith("limit 3,")


def test_a_profile_holds_below_the_keys_of_ones_own_and_an_overrides_above_them(
    tables: RunTables, tmp_path: Path
) -> None:
    tables.add(job("orders"), job("billing"), tag(job_id("orders"), "environment", "prod"))
    assert judged(tables, tmp_path, profile="strict")["orders"] == "limit 3, owners_most 2"
    (row,) = tables.query("select origin from parameters where name = 'owners_most'")
    assert row["origin"] == "profile strict"
    tables.database.unlink()
    prod = {"tags": {"environment": "prod"}, "profile": "strict"}
    found = judged(tables, tmp_path, owners_most=9, overrides=[prod])
    assert found == {"orders": "limit 3, owners_most 2", "billing": "limit 3, owners_most 9"}
    (row,) = tables.query("select origin from parameters where name = 'owners_most' and job_id is not null")
    assert row["origin"] == 'audit.toml: policy.overrides[0] (environment = "prod"), profile strict'


def test_where_tags_were_not_read_nobody_knows_which_baseline_holds(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), job("billing"), tag(job_id("billing"), "environment", "prod"))
    tables.gap("tags", f"/subscriptions/{SUB}")
    tables.with_run(settings={"overrides": [PROD]})
    own = control(tmp_path, TOLD, more=LIMIT)
    control(tmp_path, TOLD.replace("T-01", "T-02"), name="T-02", more="")
    rows = {(row["control_id"], row["subject"]): row for row in tables.verdicts("T-01", "T-02", own=own)}
    assert rows["T-01", "orders"]["verdict"] == "not_assessed"
    assert rows["T-01", "orders"]["reason"].startswith(
        "which baseline holds goes by tags, and evidence is missing: tags at"
    )
    assert rows["T-01", "billing"]["reason"].startswith("limit 7,"), "its own tag is the nearest there can be"
    assert rows["T-02", "orders"]["reason"] != rows["T-01", "orders"]["reason"], "no override touches T-02"
    (row,) = tables.query("select failure from controls where control_id = 'T-01'")
    assert row["failure"] is None


def test_a_built_in_control_judges_each_job_by_its_own_baseline(tables: RunTables) -> None:
    tables.add(
        job("orders", max_executions=60), job("billing", max_executions=60),
        tag(job_id("orders"), "environment", "prod"),
    )  # fmt: skip
    tables.with_run(settings={"overrides": [{"tags": {"environment": "prod"}, "max_executions_most": 50}]})
    rows = [row for row in tables.verdicts("JA-19") if row["subject"] == "maximum executions"]
    assert {row["job_id"].rsplit("/", 1)[-1]: row["verdict"] for row in rows} == {"orders": "fail", "billing": "pass"}


def test_a_population_that_rests_on_a_baseline_is_each_jobs_own(tables: RunTables) -> None:
    tables.add(job("orders"), job("billing"), tag(job_id("orders"), "environment", "prod"))
    override = {"tags": {"environment": "prod"}, "required_tags": ["owner", "tier"]}
    tables.with_run(settings={"required_tags": ["owner"], "overrides": [override]})
    rows = {(row["job_id"].rsplit("/", 1)[-1], row["subject"]) for row in tables.verdicts("JA-36")}
    assert rows == {("orders", "owner"), ("orders", "tier"), ("billing", "owner")}


@pytest.mark.parametrize(
    ("policy", "where", "hint"),
    [
        ({"profile": "strct"}, "policy.profile", 'did you mean "strict"?'),
        ({"profile": 3}, "policy.profile", ""),
        ({"profil": "strict"}, "policy.profil", 'did you mean "profile"?'),
        ({"overrides": [{"limit": 3}]}, "policy.overrides[0].tags", "tags = {"),
        ({"overrides": [{"tags": {}, "owners_most": 3}]}, "policy.overrides[0].tags", "tags = {"),
        ({"overrides": [{"tags": {"a": 3}, "owners_most": 3}]}, "policy.overrides[0].tags", "a table of texts"),
        ({"overrides": [{"tags": {"a": "b"}}]}, "policy.overrides[0]", "give it a baseline"),
        ({"overrides": [{"tags": {"a": "b"}, "profile": "base"}]}, "policy.overrides[0].profile", "baseline"),
        ({"overrides": [{"tags": {"a": "b"}, "profile": ""}]}, "policy.overrides[0].profile", "known here"),
        ({"overrides": [{"tags": {"a": "b"}, "owner_most": 3}]}, "policy.overrides[0].owner_most", '"owners_most"'),
        (
            {"overrides": [{"tags": {"a": "b"}, "owners_most": "x"}]},
            "policy.overrides[0].owners_most",
            "Most principals",
        ),
        (
            {"overrides": [{"tags": {"a": "b"}, "exception_days_most": {"low": 3}}]},
            "policy.overrides[0].exception_days_most",
            "whole estate",
        ),
        ({"overrides": {"tags": {}}}, "policy.overrides", ""),
        ({"exception_days_most": {"lo": 3}}, "policy.exception_days_most.lo", '"low"'),
        ({"exception_days_most": {"low": 0}}, "policy.exception_days_most.low", ""),
    ],
)
def test_a_mistake_in_policy_is_refused_by_its_place(policy: dict[str, Any], where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_policy(load(), policy)
    assert caught.value.where == f"audit.toml: {where}"
    assert hint in caught.value.hint


def test_the_shipped_profiles_set_only_what_controls_have_and_strict_never_loosens() -> None:
    controls = load()
    check_policy(controls, {})
    known = {name for each in controls for name in each.header.parameters} | set(FRAME)
    assert set(shipped()) == {"baseline", "strict"}
    for profile in shipped().values():
        assert profile.about
        assert set(profile.policy) <= known
    assert shipped()["baseline"].policy == {}, "its baselines are the controls' own defaults"
    base, strict = read({}), read({"profile": "strict"})
    for each in controls:
        for (name, loose), tight in zip(baselines(each, base).items(), baselines(each, strict).values(), strict=True):
            if not isinstance(loose.value, int):
                assert tight == loose, "what is no bound is the estate's own"
                continue
            if "_most" in name or name in {"emergency_review_hours", "stale_after_days"}:
                assert tight.value <= loose.value, name
            if "_least" in name:
                assert tight.value >= loose.value, name
    for severity in ("critical", "high", "medium", "low"):
        assert getattr(strict.exception_days, severity) < getattr(base.exception_days, severity)


def test_days_that_are_left_out_keep_the_profiles() -> None:
    days = read({"profile": "strict", "exception_days_most": {"low": 10}}).exception_days
    assert (days.low, days.critical) == (10, shipped()["strict"].policy["exception_days_most"]["critical"])


def test_no_baseline_is_called_like_a_key_of_policy_itself() -> None:
    taken = {name for each in load() for name in each.header.parameters} & {*FRAME, "tags"}
    assert not taken
    assert "parameters" in Header.__struct_fields__
