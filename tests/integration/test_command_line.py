"""The command as a person or a script uses it: results on stdout, messages on stderr, exit codes that hold."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from commanding import digests, jobaudit, reaching, refused

from audit.assess.catalogue import EXAMPLE, FIXTURE
from audit.sandbox import Fault, SandboxOptions, process
from tests.conftest import NOW, role


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


def test_a_window_within_the_runs_ends_with_it_and_leaves_the_runs_own_pack(copied: Path, tmp_path: Path) -> None:
    (own,) = (tmp_path / "output" / "packs").iterdir()
    before = digests(own)
    window = json.loads((copied / "run.json").read_text())["window"]
    since = datetime.fromisoformat(window["until"]) - timedelta(days=9)
    ran = jobaudit("render", copied.name, "--since", f"{since:%Y-%m-%d}", "--format", "html", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    made = tmp_path / ran.stdout.strip()
    until = datetime.fromisoformat(window["until"])
    assert made.name == f"compliance-{since:%Y-%m-%d}T000000Z_{until:%Y-%m-%dT%H%M%SZ}-{copied.name}"
    assert digests(own) == before
    assert jobaudit("verify", made, cwd=tmp_path).returncode == 0


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


def test_doctor_names_what_the_role_lacks(tmp_path: Path) -> None:
    lesser = role()
    lesser["Actions"].remove("Microsoft.Insights/actionGroups/read")
    options = SandboxOptions(now=NOW)
    for granted, code in ((role(), 0), (lesser, 3)):
        with process.start(msgspec.structs.replace(options, caller_role=granted)) as handle:
            ran = jobaudit("doctor", "--config", reaching(handle, tmp_path), cwd=tmp_path, **handle.environment)
        assert ran.returncode == code, ran.stderr
        assert ("Microsoft.Insights/actionGroups/read" in ran.stdout) == bool(code)
        assert "packs will not be signed: [seal] names no key" in ran.stdout


def test_doctor_tries_what_seals_packs(served: process.SandboxHandle, tmp_path: Path) -> None:
    config = reaching(served, tmp_path)
    made = jobaudit("keygen", "seal.pem", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    plain = config.read_text()
    config.write_text(plain + '\n[seal]\nkey_file = "seal.pem"\n')
    ran = jobaudit("doctor", "--config", config, cwd=tmp_path, **served.environment)
    assert ran.returncode == 0, ran.stderr
    assert f"packs are signed with the key {made.stdout.strip()[:16]}" in ran.stdout
    config.write_text(plain + '\n[seal]\nkey_file = "gone.pem"\ntimestamp_url = "http://127.0.0.1:9/"\n')
    ran = jobaudit("doctor", "--config", config, cwd=tmp_path, **served.environment)
    assert ran.returncode == 3, ran.stderr
    lacking = [line for line in ran.stdout.splitlines() if line.startswith("LACKING")]
    assert len(lacking) == 2
    assert "gone.pem" in lacking[0]
    assert "seal.timestamp_url: http://127.0.0.1:9/" in lacking[1]
