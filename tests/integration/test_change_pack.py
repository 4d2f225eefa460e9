"""The change pack from end to end: proposed, approved, made, held against what was approved."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from commanding import jobaudit, refused

TICKET = "INC-0884"


def rows(pack: Path, sql: str) -> list[tuple[object, ...]]:
    """Run a query in which {name} is a table of the pack."""
    asked = re.sub(r"\{(\w+)\}", lambda found: f"read_parquet('{pack}/data/{found[1]}.parquet')", sql)
    with duckdb.connect() as con:
        return con.execute(asked).fetchall()


@pytest.fixture(scope="module")
def run(demo: tuple[Path, object], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of the demo's output: more is rendered and collected into it; with its run."""
    output = tmp_path_factory.mktemp("changed") / "out"
    shutil.copytree(demo[0] / "out", output)
    (only,) = (output / "runs").iterdir()
    return output, only.name


@pytest.fixture(scope="module")
def made(run: tuple[Path, str]) -> Path:
    """The demo's emergency change, told after it was made."""
    output, run_id = run
    told = jobaudit("render", run_id, "--pack", "change", "--ticket", TICKET, "--output", output, cwd=output)
    assert told.returncode == 0, told.stderr
    return Path(told.stdout.strip())


@pytest.fixture(scope="module")
def proposal(run: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output, run_id = run
    folder = tmp_path_factory.mktemp("proposal")
    (folder / "job.yaml").write_text(
        """
        name: imports-catalogue
        properties:
          configuration: {eventTriggerConfig: {scale: {maxExecutions: 400, pollingInterval: 5}}}
          template:
            containers:
            - name: catalogue
              image: docker.io/library/thing:latest
              resources: {cpu: 2, memory: 4Gi}
              env: [{name: PASSWORD, value: "hunter2-Correct-Horse"}]
        """
    )
    (folder / "tests.txt").write_text("all green\n")
    told = jobaudit(
        "render", run_id, "--pack", "change", "--ticket", "CHG-9001", "--proposed", folder / "job.yaml",
        "--attach", folder / "tests.txt", "--output", output, cwd=folder,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return Path(told.stdout.strip())


def test_the_ticket_tells_which_jobs_and_which_time(made: Path) -> None:
    assert made.name.startswith(f"change-{TICKET}-")
    assert rows(made, "select name, because from {change_jobs}") == [("imports-catalogue", "it was changed")]
    ((since, until),) = rows(made, "select since::VARCHAR, until::VARCHAR from {change_request}")
    assert since < until


def test_what_was_set_back_is_no_difference_and_stands_under_who_made_it(made: Path) -> None:
    """Its limit was raised at night and put back half an hour later: nothing of it is left, both writes are shown."""
    assert rows(made, "select property from {change_properties} where area = 'scale'") == []
    page = (made / "index.html").read_text()
    assert page.index('id="change-made"') < page.index("maxExecutions") < page.index('id="change-effects"')


def test_what_failed_meanwhile_is_told_apart(made: Path) -> None:
    told = rows(made, "select phase, executions, failed from {change_effects} order by place")
    assert [phase for phase, *_ in told] == ["before", "during", "after"]
    known = "status in ('Failed', 'Degraded')"
    counted = rows(
        made,
        f"select s.phase, count(h.execution_id), count(*) filter (where {known}) from {{change_effects}} s"
        " left join {execution_history} h on lower(h.job_id) = lower(s.job_id) and h.started >= s.since"
        " and h.started < s.until group by s.phase, s.place order by s.place",
    )
    assert told == counted
    assert {phase: failed for phase, _, failed in told}["during"] == 4


def test_the_way_back_refuses_until_its_inputs_are_filled_in(made: Path) -> None:
    ((file, complete, inputs),) = rows(made, "select file, complete, required_inputs::VARCHAR from {rollbacks}")
    text = (made / "change" / "rollback" / str(file)).read_text()
    assert complete
    assert json.loads(str(inputs))
    with pytest.raises(yaml.constructor.ConstructorError, match="required-input"):
        yaml.safe_load(text)
    filled = yaml.safe_load(re.sub(r'!required-input "[^"]*"', '"given"', text))
    assert filled["properties"]["configuration"]["eventTriggerConfig"]["scale"]["maxExecutions"] == 8
    assert "[redacted:" not in text


def test_a_proposal_is_told_property_by_property_and_judged(proposal: Path) -> None:
    told = dict(rows(proposal, "select property, after from {change_properties} where area in ('scale', 'image')"))
    assert told == {
        "containers/catalogue/image": "docker.io/library/thing:latest",
        "max_executions": "400",
        "polling_interval_s": "5",
    }
    opened = rows(
        proposal, "select control_id, before, after from {change_findings} where state = 'opened' order by all"
    )
    assert ("JA-16", "pass", "fail") in opened
    assert ("JA-19", "pass", "fail") in opened
    assert rows(proposal, "select phase from {change_effects}") == [("recent",)]
    assert rows(proposal, "select name, bytes from {change_attachments}") == [("tests.txt", 10)]
    assert (proposal / "change" / "attached" / "tests.txt").read_text() == "all green\n"
    grown = {risk for (risk,) in rows(proposal, "select risk from {change_risks} where weight = 'warn'")}
    assert {"load at most", "a day at full load", "a replica for an hour", "questions to the event source"} <= grown


def test_no_secret_of_a_proposal_reaches_the_pack(proposal: Path) -> None:
    with_it = [path for path in proposal.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert with_it == []
    ((patch,),) = rows(proposal, "select patch::VARCHAR from {change_proposals}")
    assert "[redacted:" in str(patch)


def test_what_was_approved_and_not_applied_is_told(run: tuple[Path, str], proposal: Path) -> None:
    output, run_id = run
    said = ("--decision", "approved", "--by", "Ana Lind", "--role", "owner", "--ticket", "CHG-9001", "--comment", "ok")
    approved = jobaudit("approve", proposal, *said, cwd=output)
    assert approved.returncode == 0, approved.stderr
    again = jobaudit("demo", "--output", output, cwd=output)
    assert again.returncode == 0, again.stderr
    (later,) = {path.name for path in (output / "runs").iterdir()} - {run_id}
    told = jobaudit(
        "render", later, "--pack", "change", "--ticket", "CHG-9001", "--job", "imports-catalogue", "--format", "html",
        "--output", output, cwd=output,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    pack = Path(told.stdout.strip())
    assert rows(pack, "select planned_pack, planned_state from {change_request}") == [(proposal.name, "approved")]
    outcomes = dict(rows(pack, "select property, outcome from {change_closing}"))
    assert outcomes["max_executions"] == outcomes["containers/catalogue/image"] == "not applied"
    page = (pack / "index.html").read_text()
    assert page.index('id="closing"') < page.index("not applied") < page.index('id="change-made"')
    drift = rows(
        pack,
        "select verdict from {verdicts} where control_id = 'JA-21' and job_id ilike '%/imports-catalogue'"
        " and verdict = 'fail'",
    )
    assert drift, "what was approved is the proposal, and that isn't there"


@pytest.mark.parametrize("which", ["made", "proposal"])
def test_verify_renders_a_change_pack_again(which: str, request: pytest.FixtureRequest) -> None:
    pack = request.getfixturevalue(which)
    told = jobaudit("verify", pack, cwd=pack.parent)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "rendered again and the same" in told.stdout


def test_two_changes_of_a_run_have_packs_of_their_own(made: Path, proposal: Path) -> None:
    assert made.is_dir()
    assert proposal.is_dir()
    assert made != proposal


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--pack", "compliance", "--job", "x"), ("--job", "compliance")),
        (("--pack", "change", "--job", "no-such-job"), ("no-such-job",)),
        (("--pack", "change", "--ticket", "CHG-0"), ("CHG-0", "--job")),
        (("--pack", "change", "--since", "2020-01-01", "--until", "2020-01-02"), ("window",)),
        (("--pack", "change", "--proposed", "gone.yaml"), ("gone.yaml",)),
        (("--pack", "change", "--job", "imports-catalogue", "--attach", "gone.txt"), ("gone.txt",)),
    ],
)
def test_what_cannot_be_asked_is_refused(
    run: tuple[Path, str], options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    output, run_id = run
    before = sorted((output / "packs").iterdir())
    refused(jobaudit("render", run_id, *options, "--output", output, cwd=output), 2, *words)
    assert sorted((output / "packs").iterdir()) == before


def test_a_proposal_that_cannot_be_applied_is_refused_before_anything_is_collected(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("name: a\nproperties: {template: {containers: [{imagee: x}]}}\n")
    told = jobaudit("run", "change", "--proposed", "job.yaml", "--config", "no-such.toml", cwd=tmp_path)
    refused(told, 2, "job.yaml", "imagee")
    assert list(tmp_path.iterdir()) == [tmp_path / "job.yaml"]
