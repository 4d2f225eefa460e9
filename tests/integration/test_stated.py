"""What stands beside audit.toml, from the file to the pack; a mistake in it stops a collection before it begins."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from audit.sandbox import SandboxOptions, process
from tests.conftest import NOW, role

ROOT = Path(__file__).resolve().parents[2]
TICKETS = (
    "ticket;job;planned_from;planned_until;requester;approver;approved_at;implementer;rollback\n"
    "CHG-1;orders-fulfil;2026-01-01;2026-01-02;Ana;Ben;2026-01-01T00:00Z;deploy-orders;password=hunter2secret9\n"
)
ENTRY = '[[jobs]]\nname = "orders-*"\nstated_by = "Ana"\nstated_on = 2026-10-01\n'


@pytest.fixture(scope="module")
def served() -> Iterator[process.SandboxHandle]:
    with process.start(SandboxOptions(now=NOW, caller_role=role())) as handle:
        yield handle


def jobaudit(handle: process.SandboxHandle, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "audit", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **handle.environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def asked_of_azure(handle: process.SandboxHandle) -> dict[str, int]:
    """Return the requests by host; the host of the managed identity also answers for the report itself."""
    return {host: count for host, count in handle.report()["by_host"].items() if host != "identity"}


@pytest.mark.parametrize(
    ("file", "text", "where"),
    [
        ("jobs.toml", ENTRY + "ownr = 'x'", "jobs[0].ownr"),
        ("jobs.toml", ENTRY + "attachments = ['nowhere.pdf']", "jobs[0].attachments[0]"),
        ("prices.toml", "currency = 'EUR'", "prices.toml"),
        ("tickets.csv", TICKETS.replace("2026-01-02", "soon"), "row 2, planned_until"),
        ("scalers.json", '{"scalers": {"q": {"x": 1}}}', "scalers.q.x"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_asked_of_azure(
    served, tmp_path: Path, file: str, text: str, where: str
) -> None:
    config = served.config + '\n[store]\nscalers = "scalers.json"\n[cost]\nprices = "prices.toml"\n'
    config += '[changes]\nfiles = ["tickets.csv"]\n'
    (tmp_path / "audit.toml").write_text(config)
    (tmp_path / "scalers.json").write_text("{}")
    (tmp_path / "tickets.csv").write_text(TICKETS)
    (tmp_path / "prices.toml").write_text('currency = "EUR"\nas_of = 2026-11-01\nsource = "us"\n')
    (tmp_path / file).write_text(text)
    before = asked_of_azure(served)
    for verb in (("collect",), ("run", "compliance")):
        ran = jobaudit(served, tmp_path, *verb)
        assert ran.returncode == 2
        assert where in ran.stderr
        assert "what to do" in ran.stderr
    assert not (tmp_path / "output").exists()
    assert asked_of_azure(served) == before


def test_what_people_state_and_attach_reaches_the_run_and_the_pack(served, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text(
        served.config
        + '\n[changes]\nfiles = ["tickets.csv"]\n'
        + '[[scalers]]\ntype = "kafka"\nverified_by = "Ben"\nverified_on = 2026-09-01\n'
    )
    (tmp_path / "tickets.csv").write_text(TICKETS)
    (tmp_path / "report.txt").write_bytes(b"\xffas it is\r\n")
    (tmp_path / "jobs.toml").write_text(
        ENTRY + 'owner = "Orders"\nattachments = ["report.txt"]\n' + ENTRY.replace("orders-*", "nothing-*")
    )
    ran = jobaudit(served, tmp_path, "collect", "--kinds", "jobs")
    assert ran.returncode == 0, ran.stderr
    run = Path(ran.stdout.strip())
    (tmp_path / "jobs.toml").unlink()
    (tmp_path / "report.txt").unlink()
    (tmp_path / "tickets.csv").unlink()
    head = json.loads((tmp_path / run / "run.json").read_text())
    digest = hashlib.sha256(b"\xffas it is\r\n").hexdigest()
    assert head["files"]["attachments/report.txt"] == digest
    assert head["prices"]["currency"] == "USD"
    rendered = jobaudit(served, tmp_path, "render", run.name)
    assert rendered.returncode in (0, 3), rendered.stderr
    pack = tmp_path / rendered.stdout.strip()
    assert (pack / "attachments" / "report.txt").read_bytes() == b"\xffas it is\r\n"
    asked = "select topic, text from statements order by all"
    rows = [json.loads(line) for line in jobaudit(served, tmp_path, "sql", str(pack), asked).stdout.splitlines()]
    assert {"topic": "owner", "text": "Orders"} in rows
    assert [row["topic"] for row in rows].count("unmatched") == 1
    asked = "select distinct verified_by from scaler_facts where scaler_type = 'kafka'"
    assert json.loads(jobaudit(served, tmp_path, "sql", str(pack), asked).stdout) == {"verified_by": "Ben"}
    asked = "select ticket, rollback, source from approved_changes"
    (row,) = [json.loads(line) for line in jobaudit(served, tmp_path, "sql", str(pack), asked).stdout.splitlines()]
    assert (row["ticket"], row["source"]) == ("CHG-1", "tickets.csv: row 2")
    assert "[redacted:" in row["rollback"]
    assert all(b"hunter2secret9" not in file.read_bytes() for file in pack.rglob("*") if file.is_file())
    assert head["tickets"]["files"][0]["sha256"] == hashlib.sha256(TICKETS.encode()).hexdigest()


def test_the_sandbox_writes_a_register_and_never_over_a_users_own(served, tmp_path: Path) -> None:
    from audit.pipeline.demo import _lay

    own = tmp_path / "jobs.toml"
    own.write_text("# mine")
    assert _lay(tmp_path / "sandbox.toml", served) == [own]
    assert own.read_text() == "# mine"
    assert (tmp_path / "evidence" / "orders-fulfil-load-test.csv").is_file()
    assert 'files = ["tickets.csv"]' in (tmp_path / "sandbox.toml").read_text()
    assert (tmp_path / "tickets.csv").read_bytes().startswith(b"\xef\xbb\xbfticket;")
