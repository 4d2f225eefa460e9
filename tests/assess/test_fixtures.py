"""controls test --fixture: small tables, expected verdicts, and what is told where they differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_control import control, passing

from audit.assess.catalogue import EXAMPLE, FIXTURE
from audit.assess.comparison import Got, compare
from audit.assess.fixture import Expected, job_id
from audit.errors import ConfigError, EngineError
from audit.pipeline.fixturing import try_out


def example(folder: Path) -> Path:
    path = folder / "ACME-01.sql"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def fixture(folder: Path, text: str, name: str = "acme.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_example_is_as_it_expects(tmp_path: Path) -> None:
    tried = try_out(example(tmp_path), fixture(tmp_path, FIXTURE))
    assert tried.control_id == "ACME-01"
    assert tried.comparison == (2, ())


def test_what_differs_is_told_line_by_line(tmp_path: Path) -> None:
    wrong = FIXTURE.replace('verdict = "fail"', 'verdict = "pass"').replace('subject = "orders"', 'subject = "ordes"')
    tried = try_out(example(tmp_path), fixture(tmp_path, wrong))
    assert tried.comparison.right == 0
    assert tried.comparison.wrong == (
        "differs       billing: expected pass, got fail: it runs in North Europe",
        "not expected  orders: got pass: it runs in West Europe",
        'missing       orders, "ordes": expected pass, got no verdict',
    )


def test_a_folder_holds_a_file_for_each_table_and_others_are_derived(tmp_path: Path) -> None:
    """JA-36's population is derived; the tag of the group is found by the job's id."""
    folder = tmp_path / "tagged"
    folder.mkdir()
    fixture(folder, "name,location\norders,\nbilling,West Europe\n", "jobs.csv")
    group = job_id("orders").partition("/providers/")[0]
    tags = [
        {"resource_id": job_id("orders"), "key": "owner", "value": "ana", "source": "job"},
        {"resource_id": group, "key": "tier", "value": "gold", "source": "resource_group"},
    ]
    fixture(folder, str(tags).replace("'", '"'), "tags.json")
    fixture(folder, 'required_tags = ["owner", "tier"]', "policy.toml")
    rows = ["job,subject,verdict,reason", "orders,owner,pass,ana", "orders,tier,pass,its resource group"]
    rows += ["billing,owner,fail,", "billing,tier,pass,"]
    fixture(folder, "\n".join(rows), "expected.csv")
    built_in = Path(__file__).resolve().parents[2] / "config/controls/ownership/JA-36-required-tags.sql"
    assert try_out(built_in, folder).comparison == (4, ())


def test_a_file_that_is_no_table_is_refused_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    fixture(folder, FIXTURE, ".swap")
    fixture(folder, "name\norders\n", "jobs.tsv")
    for place in (folder, folder / "jobs.tsv"):
        with pytest.raises(ConfigError) as error:
            try_out(example(tmp_path), place)
        assert error.value.where.endswith("jobs.tsv")
        assert '".tsv" is none of .csv, .json, .toml' in error.value.message


def test_a_gap_of_the_fixture_is_a_gap(tmp_path: Path) -> None:
    text = FIXTURE.replace('verdict = "pass"', 'verdict = "not_assessed"\nreason = "forbidden"')
    text += '[[job_gaps]]\njob = "orders"\nkind = "jobs"\nscope = "/subscriptions/x"\nreason = "forbidden"\n'
    assert try_out(example(tmp_path), fixture(tmp_path, text)).comparison == (2, ())


def test_json_columns_and_numbers_come_as_they_are(tmp_path: Path) -> None:
    sql = "select job_id, rule_name as subject, 'pass' as verdict, concat(metadata ->> 'queue', position) as reason"
    own = control(tmp_path, f"{sql} from scale_rules", subjects="select job_id, rule_name as subject from scale_rules")
    text = """
    [[jobs]]
    name = "orders"
    [[scale_rules]]
    job = "orders"
    rule_name = "due"
    position = 3
    metadata = { queue = "invoices" }
    [[expected]]
    job = "orders"
    subject = "due"
    verdict = "pass"
    reason = "invoices3"
    """
    assert try_out(own / "T-01.sql", fixture(tmp_path, text)).comparison == (1, ())


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("[[jobs]]\nname='a'", "", "[[expected]]"),
        ("nonsense", "", "expected: "),
        (FIXTURE.replace("location", "locaton", 1), "jobs[0].locaton", '"location"'),
        (FIXTURE.replace("[[jobs]]", "[[job]]", 1), "job[0]", '"jobs"'),
        (FIXTURE + "[[verdicts]]\nsubject='x'", "verdicts[0]", "controls answer"),
        (FIXTURE.replace('"fail"', '"failed"'), "expected[1].verdict", "not_assessed"),
        (FIXTURE.replace("subject", "subjct", 1), "expected[0].subjct", '"subject"'),
        (FIXTURE + '[[expected]]\njob="orders"\nsubject="orders"\nverdict="fail"', "expected[2]", "one verdict"),
        (FIXTURE + "[policy]\nlimit = 3", "policy.limit", ""),
        (FIXTURE + "[run]\nday = 3", "run.day", '"days"'),
        (FIXTURE + "jobs = 3", "", ""),
        (FIXTURE.replace('location = "West Europe"', 'max_executions = "many"'), "jobs[0]", "max_executions BIGINT"),
    ],
)
def test_a_mistake_in_a_fixture_is_refused_by_its_place(tmp_path: Path, text: str, where: str, hint: str) -> None:
    path = fixture(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        try_out(example(tmp_path), path)
    assert caught.value.where.startswith(str(path))
    assert caught.value.where.endswith(where)
    assert hint in caught.value.hint


def test_a_line_of_a_csv_that_is_too_short_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    folder.mkdir()
    fixture(folder, "name,location\norders\n", "jobs.csv")
    with pytest.raises(ConfigError, match="line 2 has another number of cells"):
        try_out(example(tmp_path), folder)


def test_a_control_that_can_not_be_run_names_line_column_and_the_nearest_name(tmp_path: Path) -> None:
    own = control(tmp_path, passing("select job_id, name as subject\n  from job where in_scope"))
    with pytest.raises(EngineError) as caught:
        try_out(own / "T-01.sql", fixture(tmp_path, FIXTURE))
    assert "(T-01.sql, line 15, column 8): the SQL failed" in caught.value.message
    assert 'did you mean "jobs" (row_id, observed_at, raw_ref, job_id, name' in caught.value.message
    assert "the tables are access_answers, " in caught.value.message


def test_a_missing_column_names_those_of_the_tables_that_are_used(tmp_path: Path) -> None:
    own = control(tmp_path, passing().replace("'fine'", "loction"))
    with pytest.raises(EngineError, match='did you mean "location"') as caught:
        try_out(own / "T-01.sql", fixture(tmp_path, FIXTURE))
    assert "jobs has row_id," in caught.value.message
    assert "line 14, column 44" in caught.value.message


def test_sql_that_does_not_parse_names_its_place_before_anything_is_run(tmp_path: Path) -> None:
    own = control(tmp_path, "select job_id,\n       from from jobs")
    with pytest.raises(ConfigError) as caught:
        try_out(own / "T-01.sql", fixture(tmp_path, FIXTURE))
    assert caught.value.where == f"{own / 'T-01.sql'}, line 15, column 13"


def test_an_answer_about_the_whole_estate_has_no_job() -> None:
    expected = Expected(subject="population", verdict="pass")
    assert compare([expected], [Got("", "population", "pass", "fine")]) == (1, ())
    assert compare([expected], []).wrong == (
        'missing       (whole estate), "population": expected pass, got no verdict',
    )
