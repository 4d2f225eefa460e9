"""The command as a person or a script uses it: results on stdout, messages on stderr, exit codes that hold."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest

from audit.assess.catalogue import EXAMPLE, FIXTURE
from audit.sandbox import Fault, SandboxOptions, process
from tests.conftest import NOW, role


def jobaudit(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, jobaudit("demo", "--output", "out", cwd=folder)


@pytest.fixture(scope="module")
def served() -> Iterator[process.SandboxHandle]:
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as handle:
        yield handle


def reaching(handle: process.SandboxHandle, folder: Path) -> Path:
    config = folder / "audit.toml"
    config.write_text(handle.config)
    return config


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_demo_ends_with_a_pack_and_exit_code_0(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, ran = demo
    assert ran.returncode == 0, ran.stderr
    pack = folder / ran.stdout.strip()
    assert ran.stdout.count("\n") == 1, "stdout is the pack's path and nothing else"
    for name in ("index.html", "evidence.xlsx", "run.json", "data/verdicts.parquet", "data/coverage.parquet"):
        assert (pack / name).is_file(), name
    assert "\x1b[" not in ran.stderr, "no colours where there is no terminal"
    assert "Traceback" not in ran.stderr


def test_the_demos_verdicts_are_those_that_its_page_tells(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, ran = demo
    sql = """
        select control_id, count(*) filter (where verdict = 'pass'), count(*) filter (where verdict = 'fail'),
               count(*) filter (where verdict = 'not_applicable'), count(*) filter (where verdict = 'not_assessed')
        from read_parquet(?) group by control_id
    """
    verdicts = str(folder / ran.stdout.strip() / "data/verdicts.parquet")
    counted = {control: counts for control, *counts in duckdb.execute(sql, [verdicts]).fetchall()}
    page = (Path(__file__).resolve().parents[2] / "docs/demo-estate.md").read_text()
    told = re.findall(r"^\| (JA-\d\d) [^|]+\|([^|]*)\|([^|]*)\|([^|]*)\|$", page, re.MULTILINE)
    assert {control for control, *_ in told} == {f"JA-{each:02}" for each in (1, 2, 3, 4, 5, 6, 8, 14, 15, 29)}
    for control, *words in told:
        assert counted[control] == [*(int(each.strip() or 0) for each in words), 1], control
    told = re.findall(r"^\| (JA-\d\d) [^|]+" + r"\|( *\d* *)" * 4 + r"\|$", page, re.MULTILINE)
    assert {control for control, *_ in told} == {
        f"JA-{each}" for each in (20, 21, 22, 23, 24, 25, 30, 31, 32, 38, 42, 44, 45, 46)
    }
    for control, *words in told:
        passed, failed, not_assessed, not_applicable = (int(each.strip() or 0) for each in words)
        assert counted[control] == [passed, failed, not_applicable, not_assessed + 1], control


def test_the_demos_exceptions_are_those_that_its_page_tells(
    demo: tuple[Path, subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ran = demo
    monkeypatch.chdir(folder / ran.stdout.strip())
    with duckdb.connect() as con:
        con.execute(Path("controls/views.sql").read_text(encoding="utf-8"))
        states = con.execute("select id, state, used from exceptions order by id").fetchall()
        assert states == [("EX-0017", "expired", False), ("EX-0024", "unused", False), ("EX-0031", "in_force", True)]
        waived = con.execute("select control_id, verdict, waiver_id from verdicts where waived").fetchall()
        assert waived == [("JA-16", "fail", "EX-0031")]
        for control in sorted(Path("controls").rglob("JA-*.sql")):
            con.execute(control.read_text(encoding="utf-8")).fetchall()  # by hand, as the pack tells
    assert "EX-0017" in Path("index.html").read_text(encoding="utf-8")
    told = (
        "max executions most <code>50</code>, from audit.toml: policy.overrides[0] (environment = &#34;production&#34;)"
    )
    assert told in Path("verdicts/JA-19.html").read_text(encoding="utf-8")


def test_the_demo_works_behind_a_proxy(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"
    ran = jobaudit("demo", "--output", "out", cwd=tmp_path, HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere, http_proxy=nowhere)
    assert ran.returncode == 0, ran.stderr


def test_everything_on_disk_is_the_owners_alone(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = demo
    for path in (folder / "out").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


def test_the_same_run_renders_the_same_bytes(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, ran = demo
    pack = folder / ran.stdout.strip()
    before = digests(pack)
    run_id = json.loads((pack / "run.json").read_text())["run_id"]
    again = jobaudit(
        "render", run_id, "--pack", "compliance", "--output", "out", cwd=folder, TZ="Asia/Tokyo", LC_ALL="C"
    )
    assert again.returncode == 0, again.stderr
    assert (folder / again.stdout.strip()) == pack
    assert digests(pack) == before


def test_a_broken_control_costs_its_own_verdicts_and_is_told_everywhere(
    demo: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, ran = demo
    run_id = json.loads((folder / ran.stdout.strip() / "run.json").read_text())["run_id"]
    shutil.copytree(folder / "out/runs", tmp_path / "out/runs")
    (tmp_path / "own").mkdir()
    broken = EXAMPLE.replace("if(location = 'West Europe', 'pass', 'fail')", "no_such_column")
    (tmp_path / "own/ACME-01.sql").write_text(broken)
    (tmp_path / "audit.toml").write_text('[store]\noutput = "out"\ncontrols = ["own"]\n')
    rendered = jobaudit("render", run_id, "-c", "audit.toml", "--format", "html", cwd=tmp_path)
    assert rendered.returncode == 3, rendered.stderr
    assert "a control could not be run" in rendered.stderr
    assert "ACME-01: the control could not be run (ACME-01.sql, line 13, column 8): the SQL failed" in rendered.stderr
    pack = Path(rendered.stdout.strip())
    first = (tmp_path / pack / "index.html").read_text("utf-8").partition('id="coverage"')[0]
    assert "Control could not be run" in first
    assert "ACME-01" in first
    asked = jobaudit(
        "sql", pack, "select control_id, verdict, count(*) as n from verdicts group by all order by all", cwd=tmp_path
    )
    told = [json.loads(line) for line in asked.stdout.splitlines()]
    assert [each["verdict"] for each in told if each["control_id"] == "ACME-01"] == ["not_assessed"]
    assert {"pass", "fail"} <= {each["verdict"] for each in told if each["control_id"] == "JA-10"}
    tested = jobaudit("controls", "test", run_id, "-c", "audit.toml", cwd=tmp_path)
    assert tested.returncode == 2
    assert "JA-10" in tested.stdout
    assert "1 of the controls could not be run" in tested.stderr
    assert "ACME-01" in tested.stderr


def test_run_sql_and_machine_readable_progress(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    ran = jobaudit("--log-format", "json", "run", "compliance", "--config", config, cwd=tmp_path, **served.environment)
    assert ran.returncode == 0, ran.stderr
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert {"planned", "note"} <= {event["event"] for event in events}
    pack = ran.stdout.strip()
    asked = jobaudit("sql", pack, "select count(*) as jobs from jobs where in_scope", cwd=tmp_path)
    assert json.loads(asked.stdout) == {"jobs": 12}
    refused = jobaudit("sql", pack, "select * from read_text('/etc/passwd')", cwd=tmp_path)
    assert refused.returncode == 2
    assert "root:" not in refused.stdout + refused.stderr


def test_findings_count_only_when_asked(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    ran = jobaudit(
        "run", "compliance", "-c", config, "--fail-on", "high", "--format", "xlsx", cwd=tmp_path, **served.environment
    )
    assert ran.returncode == 1, ran.stderr


def test_gaps_are_exit_code_3_and_resume_fills_them(tmp_path: Path) -> None:
    fault = Fault(path=r"/diagnosticsettings\?", times=5, status=403, code="AuthorizationFailed")
    with process.start(SandboxOptions(now=NOW, caller_role=role(), faults=(fault,))) as handle:
        config = reaching(handle, tmp_path)
        first = jobaudit("collect", "--config", config, cwd=tmp_path, **handle.environment)
        assert first.returncode == 3, first.stderr
        assert "gap: diagnostic_settings" in first.stderr
        second = jobaudit("resume", first.stdout.strip(), "--config", config, cwd=tmp_path, **handle.environment)
        assert second.returncode == 0, second.stderr
        assert "collected" in second.stderr
        assert first.stdout == second.stdout
        assert handle.report()["violations"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_keeps_what_it_has_and_resumes(tmp_path: Path, number: signal.Signals) -> None:
    with process.start(SandboxOptions(now=NOW, caller_role=role(), latency_ms=150)) as handle:
        config = reaching(handle, tmp_path)
        running = subprocess.Popen(
            [sys.executable, "-m", "audit", "collect", "--config", str(config)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **handle.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a shell's background job is started with Ctrl-C ignored, and so would this one be
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no thread is running
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not list(tmp_path.glob("output/runs/*/raw/jobs/*.zst")):
            time.sleep(0.02)
        running.send_signal(number)
        _, said = running.communicate(timeout=120)
        if number is not signal.SIGKILL:
            assert running.returncode == 130, said
            assert "resume" in said
            assert "Traceback" not in said
        (run,) = (tmp_path / "output" / "runs").iterdir()
        kept = digests(run / "raw")
        assert kept
        resumed = jobaudit("resume", run.name, "--config", config, cwd=tmp_path, **handle.environment)
        assert resumed.returncode == 0, resumed.stderr
        after = digests(run / "raw")
        asked_again = ("permissions/", "subscriptions/")  # who resumes may see something else than who began
        for name, digest in kept.items():
            if name.endswith(".zst") and not name.startswith(asked_again):
                assert after[name] == digest, f"{name} was read again"
        assert not list(tmp_path.rglob("*.part"))
        rendered = jobaudit("render", run.name, "--format", "xlsx", cwd=tmp_path)
        assert rendered.returncode == 0, rendered.stderr


def refused(ran: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr
    assert "what to do" in ran.stderr
    assert len(ran.stderr.splitlines()) < 12, "one screen"
    for word in words:
        assert word in ran.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[scope]\nsubscription = []", ("audit.toml", "scope.subscription", "subscriptions")),
        ("[window]\ndays = 'many'", ("audit.toml", "window.days", "int")),
        ("[window\n", ("audit.toml", "TOML")),
        ("[policy]\nrequired_tag = ['owner']", ("policy.required_tag", "required_tags")),
        ("[policy]\nrequired_tags = 3", ("policy.required_tags",)),
        ("[store]\ncontrols = ['nowhere']", ("nowhere",)),
        ('[credential]\nkind = "client_secret"', ("credential.tenant_id",)),
    ],
)
def test_a_wrong_configuration_is_refused_before_anything_is_read(
    tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "audit.toml").write_text(text)
    refused(jobaudit("run", "compliance", cwd=tmp_path), 2, *words)
    assert not list(tmp_path.glob("output/runs/*"))


def test_azure_out_of_reach_is_exit_code_5(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    port = served.config.split('resource_manager = "https://127.0.0.1:')[1].split('"')[0]
    config.write_text(served.config.replace(port, "9"))
    refused(jobaudit("collect", "-c", config, cwd=tmp_path, **served.environment), 5, "127.0.0.1:9")


def test_a_sign_in_that_fails_is_exit_code_5(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    ran = jobaudit("collect", "-c", config, cwd=tmp_path, **{**served.environment, "IDENTITY_HEADER": "wrong-one"})
    refused(ran, 5, "managed_identity")
    assert "wrong-one" not in ran.stderr


def test_a_missing_ca_file_is_named(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    ca = served.config.split('ca_file = "')[1].split('"')[0]
    config.write_text(served.config.replace(ca, "no-such-ca.pem"))
    refused(jobaudit("collect", "-c", config, cwd=tmp_path, **served.environment), 2, "no-such-ca.pem", "cloud.ca_file")


def test_an_output_folder_that_is_a_file_is_named(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    (tmp_path / "taken").write_text("")
    refused(jobaudit("collect", "-c", config, "-o", "taken", cwd=tmp_path, **served.environment), 2, "taken")


@pytest.fixture
def copied(demo: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """A copy of the demo's output to damage; returns its run folder."""
    shutil.copytree(demo[0] / "out", tmp_path / "output")
    (run,) = (tmp_path / "output" / "runs").iterdir()
    return run


def test_a_damaged_run_is_exit_code_4_and_leaves_no_pack(copied: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "output" / "packs")
    victim = copied / "tables" / "jobs.parquet"
    victim.write_bytes(victim.read_bytes()[:-20] + b"x" * 20)
    refused(jobaudit("render", copied.name, cwd=tmp_path), 4, "jobs.parquet")
    (copied / "run.json").write_text("{")
    refused(jobaudit("render", copied.name, cwd=tmp_path), 4, "run.json")
    assert not list(tmp_path.glob("output/packs/*"))


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused(jobaudit("render", "nothing", cwd=tmp_path), 2, "nothing")


@pytest.mark.parametrize(
    ("control", "words"),
    [
        ("select 1", ("own.sql",)),
        ("/*---\nid: OWN-01\ntitle: [\n---*/ select 1", ("own.sql",)),
        ("/*---\nid: OWN-01\ntitel: x\n---*/ select 1", ("own.sql", "titel", "title")),
    ],
)
def test_a_control_of_the_users_with_an_error_is_named(
    copied: Path, tmp_path: Path, control: str, words: tuple[str, ...]
) -> None:
    shutil.rmtree(tmp_path / "output" / "packs")
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "own.sql").write_text(control)
    (tmp_path / "audit.toml").write_text('[store]\ncontrols = ["controls"]')
    refused(jobaudit("render", copied.name, "-c", "audit.toml", cwd=tmp_path), 2, *words)
    assert not list(tmp_path.glob("output/packs/*"))


@pytest.mark.parametrize("template", ["{% if %}", "{{ nothing.here.at.all }}"])
def test_a_template_of_the_users_with_an_error_is_named(copied: Path, tmp_path: Path, template: str) -> None:
    shutil.rmtree(tmp_path / "output" / "packs")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "index.html").write_text(template)
    (tmp_path / "audit.toml").write_text('[store]\ntemplates = ["templates"]')
    refused(jobaudit("render", copied.name, "-c", "audit.toml", cwd=tmp_path), 2, "index.html")
    assert not list(tmp_path.glob("output/packs/*"))


def test_controls_can_be_tried_on_a_stored_run(copied: Path, tmp_path: Path) -> None:
    tried = jobaudit("controls", "test", copied.name, cwd=tmp_path)
    assert tried.returncode == 0, tried.stderr
    assert {line.split()[0] for line in tried.stdout.splitlines()} >= {"JA-09", "JA-37"}
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "own.sql").write_text(
        "/*---\nid: OWN-01\ntitle: t\narea: cost\nseverity: low\nneeds: [jobs]\n"
        "subjects: select job_id, name as subject from jobs where in_scope\nrationale: r\nremediation: m\n---*/\n"
        "select job_id, name as subject, 'pass' as verdict, 'r' as reason from jobs where in_scope limit 3"
    )
    (tmp_path / "audit.toml").write_text('[store]\ncontrols = ["controls"]')
    ran = jobaudit("controls", "test", copied.name, "-c", "audit.toml", cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert "OWN-01" in ran.stderr
    assert "JA-37" in ran.stdout, "the counts of the others come first"


def test_a_control_is_tried_on_a_fixture(tmp_path: Path) -> None:
    (tmp_path / "ACME-01.sql").write_text(EXAMPLE)
    (tmp_path / "acme.toml").write_text(FIXTURE)
    tried = jobaudit("controls", "test", "ACME-01.sql", "--fixture", "acme.toml", cwd=tmp_path)
    assert (tried.returncode, tried.stdout) == (0, "ACME-01 over acme.toml: 2 as expected, 0 not\n"), tried.stderr
    (tmp_path / "acme.toml").write_text(FIXTURE.replace('verdict = "fail"', 'verdict = "pass"'))
    tried = jobaudit("controls", "test", "ACME-01.sql", "--fixture", "acme.toml", cwd=tmp_path)
    assert tried.returncode == 1
    assert "differs       billing: expected pass, got fail: it runs in North Europe" in tried.stdout
    refused(jobaudit("controls", "test", "ACME-01.sql", "--fixture", "none", cwd=tmp_path), 2, "none", "--fixture")


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    ran = jobaudit("--debug", "render", "nothing", cwd=tmp_path)
    assert ran.returncode == 2
    assert "Traceback" in ran.stderr


def test_an_unknown_verb_and_an_unknown_pack_are_exit_code_2(tmp_path: Path) -> None:
    refused(jobaudit("frobnicate", cwd=tmp_path), 2, "frobnicate")
    refused(jobaudit("run", "complaince", cwd=tmp_path), 2, "complaince", "compliance")


def test_doctor_names_what_the_role_lacks(tmp_path: Path) -> None:
    lesser = role()
    lesser["Actions"].remove("Microsoft.Insights/actionGroups/read")
    options = SandboxOptions(now=NOW)
    for granted, code in ((role(), 0), (lesser, 3)):
        with process.start(msgspec.structs.replace(options, caller_role=granted)) as handle:
            ran = jobaudit("doctor", "--config", reaching(handle, tmp_path), cwd=tmp_path, **handle.environment)
        assert ran.returncode == code, ran.stderr
        assert ("Microsoft.Insights/actionGroups/read" in ran.stdout) == bool(code)
