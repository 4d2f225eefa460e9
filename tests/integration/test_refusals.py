"""What can't be done is refused by name, on one screen, with an exit code that holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commanding import jobaudit, reaching, refused

from audit.sandbox import process


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


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    ran = jobaudit("--debug", "render", "nothing", cwd=tmp_path)
    assert ran.returncode == 2
    assert "Traceback" in ran.stderr


def test_an_unknown_verb_and_an_unknown_pack_are_exit_code_2(tmp_path: Path) -> None:
    refused(jobaudit("frobnicate", cwd=tmp_path), 2, "frobnicate")
    refused(jobaudit("run", "complaince", cwd=tmp_path), 2, "complaince", "compliance")
