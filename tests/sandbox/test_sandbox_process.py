"""The sandbox as another process: it announces itself, serves, reports, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from audit.errors import UsageError
from audit.sandbox import SandboxOptions
from audit.sandbox.process import start


def test_it_announces_serves_reports_and_stops():
    with start(SandboxOptions(faults=("slow",))) as sandbox:
        config = tomllib.loads(sandbox.config)
        assert config["cloud"]["name"] == "custom"
        services = {"resource_manager", "audience", "authority", "graph", "logs", "registries", "vaults"}
        assert set(config["cloud"]) == {"name", "ca_file", *services}
        assert config["credential"] == {"kind": "managed_identity"}
        assert config["scope"]["subscriptions"] == config["scope"]["expected_subscriptions"] != []
        certificate = Path(config["cloud"]["ca_file"])
        assert certificate.read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE")
        assert set(sandbox.environment) >= {"IDENTITY_ENDPOINT", "IDENTITY_HEADER"}
        assert sandbox.report()["violations"] == []
        port = int(config["cloud"]["resource_manager"].rsplit(":", 1)[1])
        socket.create_connection(("127.0.0.1", port)).close()
    assert sandbox.report()["by_host"] == {"identity": 1}
    assert not certificate.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_the_other_credential_is_offered():
    with start(SandboxOptions(credential="client_secret")) as sandbox:
        credential = tomllib.loads(sandbox.config)["credential"]
        assert credential["kind"] == "client_secret"
        assert set(credential) == {"kind", "tenant_id", "client_id", "client_secret_env"}
        assert sandbox.environment[credential["client_secret_env"]]


def test_what_keeps_it_from_starting_is_said():
    with pytest.raises(UsageError, match="nosuchfault"), start(SandboxOptions(faults=("nosuchfault",))):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match="can't listen"), start(SandboxOptions(port=port)):
            pass


def test_it_starts_from_any_folder_even_beside_a_package_of_the_same_name(tmp_path, monkeypatch):
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "__init__.py").write_text("raise SystemExit('the wrong package')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with start(SandboxOptions()) as sandbox:
        assert sandbox.report()["requests"] == 0


def test_a_signal_ends_it_with_a_report():
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-m", "audit.sandbox", "--jobs", "0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert json.loads(process.stdout.readline())["ready"] is True
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert json.loads(said)["requests"] == 0


def test_an_orphan_goes_away():
    """The child ends when whoever started it is gone, however it went."""
    script = (
        "import os; from audit.sandbox.process import start; from audit.sandbox import SandboxOptions\n"
        "with start(SandboxOptions()) as s: print(s.config, flush=True); os._exit(9)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=300, check=False
    )
    port = int(tomllib.loads(done.stdout)["cloud"]["resource_manager"].rsplit(":", 1)[1])
    import time

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.1)
    pytest.fail("the sandbox outlived its starter")
