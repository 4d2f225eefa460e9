"""What people state and attach: kept in the run as it was, checked when it is read, without the secrets in it."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from store_kind import done, run_of

from audit.errors import IntegrityError, UsageError
from audit.model import Run
from audit.model.stated import Attachment, JobEntry, Register, VerifiedScaler
from audit.store import Store

DAY = date(2026, 10, 1)
SECRET = "SharedAccessKey=" + "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyMDE="


def run_with(*files: Path, sha256: str = "", **said: Any) -> Run:
    entry = JobEntry(
        **{"name": "*", "stated_by": "Ana", "stated_on": DAY, "attachments": tuple(map(str, files))} | said
    )
    attachments = tuple(
        Attachment(
            path=str(path), name=path.name, sha256=sha256 or hashlib.sha256(path.read_bytes()).hexdigest(), bytes=1
        )
        for path in files
    )
    return run_of(register=Register(file="jobs.toml", sha256="s", entries=(entry,), attachments=attachments))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "load test März.csv"
    path.write_bytes(b"a,b\r\n1,2\r\n\x00")
    return path


def stored(output: Path, run: Run, *files: Path) -> Path:
    with Store(output).create(run, {path.name: path for path in files}) as writer:
        writer.close(done(writer.run))
    return output / "runs" / run.run_id


def test_an_attachment_is_kept_byte_by_byte_and_listed(tmp_path: Path, file: Path) -> None:
    folder = stored(tmp_path / "out", run_with(file), file)
    file.unlink()
    (kept,) = Store(tmp_path / "out").open("run-1").attachments()
    assert kept == folder / "attachments" / file.name
    assert kept.read_bytes() == b"a,b\r\n1,2\r\n\x00"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert f"attachments/{file.name}" in (folder / "run.json").read_text()


def test_a_killed_run_keeps_its_attachments(tmp_path: Path, file: Path) -> None:
    output = tmp_path / "out"
    Store(output).create(run_with(file), {file.name: file}).release()
    with Store(output).resume("run-1") as writer:
        assert writer.run.register is not None
        writer.close(done(writer.run))
    assert [path.name for path in Store(output).open("run-1").attachments()] == [file.name]


@pytest.mark.parametrize("harm", ["altered", "removed", "unlisted"])
def test_a_damaged_attachment_is_an_integrity_error(tmp_path: Path, file: Path, harm: str) -> None:
    folder = stored(tmp_path / "out", run_with(file), file)
    kept = folder / "attachments" / file.name
    if harm == "altered":
        kept.write_bytes(b"better figures")
    elif harm == "removed":
        kept.unlink()
    else:
        head = folder / "run.json"
        head.write_text(head.read_text().replace(f"attachments/{file.name}", "attachments/other.csv"))
    with pytest.raises(IntegrityError):
        list(Store(tmp_path / "out").open("run-1").attachments())


@pytest.mark.parametrize(
    "name", ["../evil.txt", "attachments/../evil.txt", "attachments/.hidden", "attachments/a/b.txt"]
)
def test_run_json_cannot_name_a_file_elsewhere(tmp_path: Path, file: Path, name: str) -> None:
    folder = stored(tmp_path / "out", run_with(file), file)
    head = folder / "run.json"
    head.write_text(head.read_text().replace(f'"attachments/{file.name}"', f'"{name}"'))
    with pytest.raises(IntegrityError, match=r"no run has|doesn't list"):
        Store(tmp_path / "out").open("run-1")


@pytest.mark.parametrize("harm", ["altered", "removed", "unnamed"])
def test_an_attachment_that_changed_since_it_was_read_begins_no_run(tmp_path: Path, file: Path, harm: str) -> None:
    run, output = run_with(file), tmp_path / "out"
    sources = {} if harm == "unnamed" else {file.name: file}
    if harm == "altered":
        file.write_bytes(b"other")
    elif harm == "removed":
        file.unlink()
    with pytest.raises(UsageError):
        Store(output).create(run, sources)
    assert list((output / "runs").iterdir()) == []
    Store(output).create(run_of()).release()


def test_secrets_in_statements_do_not_reach_the_disk_and_names_stay(tmp_path: Path, file: Path) -> None:
    run = run_with(file, runbook=f"az … {SECRET}", known_limits=("x", f"Endpoint=sb://n/;{SECRET}"))
    said = VerifiedScaler(type="azure-servicebus", verified_by="Ana", verified_on=DAY, note=SECRET)
    folder = stored(tmp_path / "out", run_of(register=run.register, scalers_verified=(said,)), file)
    text = (folder / "run.json").read_text()
    assert SECRET.partition("=")[2] not in text
    found = Store(tmp_path / "out").open("run-1").run
    assert found.register is not None
    assert "[redacted:" in found.register.entries[0].runbook
    assert found.register.entries[0].known_limits[0] == "x"
    assert found.register.entries[0].attachments == (str(file),)
    assert found.scalers_verified[0].type == "azure-servicebus"
