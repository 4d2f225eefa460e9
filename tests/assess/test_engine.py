"""The engine's contract: one answer for each subject, evidence before verdicts, an empty population never passes."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_control import JOBS, control, passing
from run_tables import NOW, OTHER, SUB, RunTables, container, event, job, job_id, rule

from audit.assess import assess, load
from audit.errors import ConfigError
from audit.evidence.jobs import RuleSource
from audit.model import GapReason


def answers(tables: RunTables, own: Path, name: str = "T-01") -> list[tuple[str, str, str]]:
    return [(row["subject"], row["verdict"], row["reason"]) for row in tables.verdicts(name, own=own)]


def test_a_row_for_each_subject_with_the_controls_severity(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), job("billing"), job("nightly", in_scope=False))
    own = control(tmp_path, passing())
    rows = tables.verdicts("T-01", own=own)
    assert [(row["subject"], row["verdict"], row["severity"], row["waived"], row["waiver_id"]) for row in rows] == [
        ("billing", "pass", "high", False, None),
        ("orders", "pass", "high", False, None),
    ]
    assert all(row["raw_ref"].startswith("raw/jobs/") and row["observed_at"] == NOW for row in rows)
    assert len({row["row_id"] for row in rows}) == 2


def test_a_control_may_lead_to_the_subjects_own_row(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    own = control(tmp_path, passing().replace("'fine' as reason", "'fine' as reason, 'raw/tags/x' as raw_ref"))
    assert [row["raw_ref"] for row in tables.verdicts("T-01", own=own)] == ["raw/tags/x"]


def test_jobs_out_of_scope_are_passed_over(tables: RunTables, tmp_path: Path) -> None:
    everything = "select job_id, name as subject from jobs"
    tables.add(job("orders"), job("nightly", in_scope=False))
    own = control(tmp_path, passing(everything), subjects=everything)
    assert answers(tables, own) == [("orders", "pass", "fine")]


@pytest.mark.parametrize("said", ["pass", "fail", "not_applicable"])
def test_a_gap_overrides_whatever_the_sql_says(tables: RunTables, tmp_path: Path, said: str) -> None:
    tables.subscriptions = [SUB, OTHER]
    tables.add(job("orders"), job("billing", subscription=OTHER))
    tables.gap("tags", f"/subscriptions/{SUB}", GapReason.PARTIAL_VISIBILITY, "rows may be left out")
    own = control(tmp_path, passing().replace("'pass'", f"'{said}'"), needs="jobs, tags")
    rows = {subject: (verdict, reason) for subject, verdict, reason in answers(tables, own)}
    assert rows["billing"] == (said, "fine")
    assert rows["orders"][0] == "not_assessed"
    for word in ("tags", f"/subscriptions/{SUB}", "partial_visibility", "rows may be left out"):
        assert word in rows["orders"][1]


@pytest.mark.parametrize("said", ["pass", "fail", "not_applicable"])
def test_only_a_failure_that_what_was_read_shows_outlasts_a_gap(tables: RunTables, tmp_path: Path, said: str) -> None:
    tables.add(job("orders"))
    tables.gap("tags", f"/subscriptions/{SUB}")
    sql = passing().replace("'pass'", f"'{said}'")
    own = control(tmp_path, sql, needs="jobs, tags, budgets", more="fails_despite: [tags]")
    ((_, verdict, reason),) = answers(tables, own)
    assert verdict == ("fail" if said == "fail" else "not_assessed")
    assert reason.startswith("fine; other evidence is missing: tags at" if said == "fail" else "evidence is missing")
    tables.gap("budgets", f"/subscriptions/{SUB}")
    assert answers(tables, own)[0][1] == "not_assessed"


def test_a_gap_leaves_alone_what_does_not_rest_on_it(tables: RunTables, tmp_path: Path) -> None:
    two = "select job_id, unnest(['its name', 'its owner']) as subject from jobs"
    tables.add(job("orders"))
    own = control(tmp_path, passing(two), subjects=two, needs="jobs, tags", more="spares: {tags: [its name]}")
    tables.gap("tags", f"/subscriptions/{SUB}")
    assert [row[:2] for row in answers(tables, own)] == [("its name", "pass"), ("its owner", "not_assessed")]
    tables.gap("jobs", f"/subscriptions/{SUB}")
    assert {row[1] for row in answers(tables, own)} == {"not_assessed"}


def test_a_gap_in_a_kind_that_is_not_needed_changes_nothing(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.gap("tags", f"/subscriptions/{SUB}")
    assert answers(tables, control(tmp_path, passing())) == [("orders", "pass", "fine")]


def test_a_kind_left_out_of_the_run_is_not_assessed(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.with_run(kinds=("subscriptions", "permissions", "jobs"))
    ((_, verdict, reason),) = answers(tables, control(tmp_path, passing(), needs="jobs, budgets"))
    assert verdict == "not_assessed"
    assert "not collected in this run" in reason


def test_a_long_list_of_gaps_says_how_many_more(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.with_run(kinds=("subscriptions", "jobs"))
    ((_, _, reason),) = answers(
        tables, control(tmp_path, passing(), needs="tags, budgets, identities, principals, environments")
    )
    assert "and 2 more" in reason


RULES = "select job_id, rule_name as subject from scale_rules"


def test_a_job_without_subjects_is_not_applicable_and_says_why(tables: RunTables, tmp_path: Path) -> None:
    owner = job("orders")
    tables.add(owner, rule(owner), job("billing"))
    own = control(tmp_path, passing(RULES), subjects=RULES)
    assert answers(tables, own) == [("billing", "not_applicable", "there is no thing"), ("queue", "pass", "fine")]


def test_a_job_without_subjects_and_with_a_gap_is_not_assessed(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.gap("jobs", f"/subscriptions/{SUB}", GapReason.PARTIAL_VISIBILITY)
    ((subject, verdict, _),) = answers(tables, control(tmp_path, passing(RULES), subjects=RULES))
    assert (subject, verdict) == ("orders", "not_assessed")


def test_a_deleted_job_is_not_assessed_and_says_when(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"), event(job_id("imports"), "Microsoft.App/jobs/delete"))
    rows = answers(tables, control(tmp_path, passing()))
    assert rows == [
        (
            "imports",
            "not_assessed",
            "deleted at 2026-10-29 06:00:00 UTC by ana@contoso.example; its configuration was not collected",
        ),
        ("orders", "pass", "fine"),
    ]


def test_no_job_at_all_never_passes(tables: RunTables) -> None:
    rows = tables.verdicts()
    assert {row["control_id"] for row in rows} == {each.id for each in load()}
    assert {(row["job_id"], row["subject"], row["verdict"]) for row in rows} == {(None, "population", "not_assessed")}
    assert all("no event-driven job is in scope" in row["reason"] and row["raw_ref"] for row in rows)


def test_no_job_because_none_could_be_listed_says_so(tables: RunTables) -> None:
    tables.gap("jobs", f"/subscriptions/{SUB}")
    for row in tables.verdicts():
        assert row["verdict"] == "not_assessed"
        assert f"could not be listed at /subscriptions/{SUB}: forbidden" in row["reason"]


def test_the_table_of_controls_tells_what_was_run_and_over_what(tables: RunTables, tmp_path: Path) -> None:
    owner = job("orders")
    tables.add(owner, rule(owner), job("billing"), event(job_id("imports"), "Microsoft.App/jobs/delete"))
    own = control(tmp_path, passing(RULES), subjects=RULES)
    tables.verdicts(own=own)
    rows = {row["control_id"]: row for row in tables.query("select * from controls")}
    assert rows["T-01"]["source"] == "own"
    assert rows["JA-09"]["source"] == "built-in"
    assert rows["T-01"]["subjects_total"] == 1
    assert rows["T-01"]["population_note"] == ("subjects: 1, in 1 of 2 jobs; deleted in the window and not assessed: 1")
    assert rows["T-01"]["sql"] == (own / "T-01.sql").read_text(encoding="utf-8")
    assert rows["JA-09"]["raw_ref"] == "controls/identity/JA-09-managed-identity.sql"


def test_an_empty_population_says_so(tables: RunTables, tmp_path: Path) -> None:
    tables.add(job("orders"))
    tables.verdicts(own=control(tmp_path, passing(RULES), subjects=RULES))
    (row,) = tables.query("select population_note from controls where control_id = 'T-01'")
    assert "the population is empty: there is no thing" in row["population_note"]


def test_parameters_tell_their_origin(tables: RunTables, tmp_path: Path) -> None:
    more = """parameters:
  limit: {default: 3, description: A limit.}
  names: {default: [a], description: Names.}"""
    sql = (
        "select job_id, subject, 'pass' as verdict, (select value || ' from ' || origin from parameters "
        f"where control_id = 'T-01' and name = 'limit' and job_id is null) as reason from ({JOBS})"
    )
    tables.add(job("orders"))
    own = control(tmp_path, sql, more=more)
    assert answers(tables, own) == [("orders", "pass", "3 from default of the control")]
    tables.with_run(settings={"limit": 7})
    tables.database.unlink()
    assert answers(tables, own) == [("orders", "pass", "7 from audit.toml: policy.limit")]
    rows = tables.query("select name, value, job_id from parameters where control_id = 'T-01' order by name")
    assert [tuple(row.values()) for row in rows] == [("limit", "7", None), ("names", '["a"]', None)]


def test_the_same_tables_give_the_same_verdicts(tables: RunTables) -> None:
    owners = [job(f"job-{number}") for number in range(40)]
    for owner in owners:
        tables.add(owner, rule(owner), container(owner), container(owner, "side"))
    first = tables.verdicts()
    assess(tables.database, tables.run, load())
    assert tables.query("select * from verdicts") == tables.query(
        "select * from verdicts order by control_id, lower(job_id), subject"
    )
    assert tables.query("select * from verdicts order by control_id, job_id, subject") == first


def test_unknown_policy_stops_before_anything_is_run(tables: RunTables) -> None:
    tables.add(job("orders"))
    tables.with_run(settings={"required_tag": ["owner"]})
    with pytest.raises(ConfigError, match="required_tag") as caught:
        tables.verdicts()
    assert caught.value.hint == 'did you mean "required_tags"?'


def test_a_control_about_an_event_source_whose_address_is_in_a_secret_never_passes(
    tables: RunTables, tmp_path: Path
) -> None:
    """The row that the SELECT would judge by isn't there, so whatever it says of its absence is no evidence."""
    hidden, seen = job("orders"), job("billing")
    tables.add(hidden, seen, rule(hidden), rule(seen))
    tables.add(
        RuleSource(
            job_id=hidden.job_id, rule_name="queue", scaler_type="azure-servicebus", entity_kind="queue",
            source_type="microsoft.servicebus/namespaces",
            unresolved="it stands in the secret connection, whose value Azure never returns",
        )
    )  # fmt: skip
    rows = {
        subject: (verdict, reason)
        for subject, verdict, reason in answers(tables, control(tmp_path, passing(), needs="jobs, event_sources"))
    }
    assert rows["billing"] == ("pass", "fine")
    assert rows["orders"][0] == "not_assessed"
    assert "can't be seen: it stands in the secret connection" in rows["orders"][1]


@pytest.mark.parametrize("end", [";", " ;\n", "; -- the end; of it\n", ";;/* ; */"])
def test_a_control_may_end_with_a_semicolon(tables: RunTables, tmp_path: Path, end: str) -> None:
    tables.add(job("orders"))
    ((_, verdict, _),) = answers(tables, control(tmp_path, passing() + end, subjects=JOBS + ";"))
    assert verdict == "pass"
