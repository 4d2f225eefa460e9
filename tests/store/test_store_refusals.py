"""What can't be written or isn't whole is said in one message that names the place; nothing is left half-written."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from store_kind import THINGS, done, listed, page_of, run_of, scope_of, write_unit

from audit.errors import ExitCode, IntegrityError, JobauditError, StoreError
from audit.store import Store, atomic

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = os.geteuid() == 0


def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mount.returncode:
        pytest.skip(f"no file system can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with 128 KiB on it."""
    if not ROOT or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system; the limit on file sizes is tested all the same")
    yield from mounted(tmp_path / "small", "size=128k,mode=0700")


def incompressible(size: int) -> str:
    return os.urandom(size // 2).hex()


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.suffix == ".part"]


def test_a_second_run_on_the_store_is_told_who_writes(tmp_path: Path) -> None:
    first = Store(tmp_path).create(run_of("run-1"))
    with pytest.raises(StoreError, match=rf"process {os.getpid()} \(run run-1\)") as refused:
        Store(tmp_path).create(run_of("run-2"))
    assert str(tmp_path) in str(refused.value)
    assert not (tmp_path / "runs" / "run-2").exists()
    with pytest.raises(StoreError, match="run-1"):
        Store(tmp_path).resume("run-1")
    assert Store(tmp_path).open("run-1").run.run_id == "run-1", "reading needs no lock"
    first.release()
    first.release()
    Store(tmp_path).create(run_of("run-2")).close(done(run_of("run-2")))
    Store(tmp_path).resume("run-1").release()


def test_the_lock_of_a_killed_run_is_free_again(tmp_path: Path) -> None:
    script = f"""
import sys, time
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
from pathlib import Path
from store_kind import run_of
from audit.store import Store
writer = Store(Path({str(tmp_path)!r})).create(run_of("killed"))
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        with pytest.raises(StoreError, match=rf"process {other.pid} \(run killed\)"):
            Store(tmp_path).resume("killed")
        other.send_signal(signal.SIGKILL)
        other.wait()
    Store(tmp_path).resume("killed").release()


def test_a_full_disk_is_told_and_the_run_resumes_when_there_is_space(small_disk: Path) -> None:
    def collected() -> None:
        with Store(small_disk).create(run_of()) as writer:
            for number in range(1, 200):
                write_unit(writer, scope_of(number), listed({"id": f"/{number}", "details": incompressible(8000)}))

    with pytest.raises(StoreError, match="full") as refused:
        collected()
    assert refused.value.exit_code is ExitCode.USAGE
    assert str(small_disk) in str(refused.value)
    assert "--output" in str(refused.value)
    assert leftovers(small_disk) == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    with Store(small_disk).resume("run-1") as writer:
        kept = sum(writer.ended("things", scope_of(number)) is not None for number in range(1, 200))
        assert 3 < kept < 100
        writer.finish(THINGS)
        assert writer.query("select count(*) n from things") == [{"n": kept}]
        writer.close(done(writer.run))


def test_a_disk_that_fills_while_a_table_is_written_leaves_no_table(small_disk: Path) -> None:
    with Store(small_disk).create(run_of()) as writer:
        for number in range(1, 4):
            write_unit(writer, scope_of(number), listed({"id": f"/{number}", "details": incompressible(20000)}))
        with pytest.raises(StoreError, match=r"full|could not be written") as refused:
            writer.finish(THINGS)
        assert str(small_disk) in str(refused.value)
        assert leftovers(small_disk) == []
        assert list((writer.path / "tables").iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
        writer.finish(THINGS)
        assert writer.query("select count(*) n from things") == [{"n": 3}]


def test_a_file_that_may_not_grow_is_told(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of()) as writer:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(StoreError, match="full") as refused:
                write_unit(writer, scope_of(1), listed({"id": "/a", "details": incompressible(100_000)}))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(writer.path) in str(refused.value)
        assert leftovers(tmp_path) == []
        assert writer.ended("things", scope_of(1)) is None


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    if ROOT:
        opened = mounted(folder, "ro")
        next(opened)
    else:
        folder.mkdir(mode=0o500)
    try:
        with pytest.raises(StoreError, match="can't be written") as refused:
            Store(folder / "output").create(run_of())
        assert str(folder / "output") in str(refused.value)
        assert "--output" in str(refused.value)
    finally:
        if ROOT:
            next(opened, None)


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("mine")
    with pytest.raises(StoreError, match="a file stands where a folder is needed"):
        Store(tmp_path / "output").create(run_of())
    with pytest.raises(StoreError, match="a file stands where a folder is needed"):
        Store(tmp_path / "output" / "deeper").create(run_of())
    assert (tmp_path / "output").read_text() == "mine"


def test_a_damaged_redaction_key_is_told_and_not_replaced(tmp_path: Path) -> None:
    key = tmp_path / "the.key"
    for content in ("", "zz" * 32, "ab"):
        key.write_text(content)
        with pytest.raises(StoreError, match="redaction key is damaged") as refused:
            Store(tmp_path / "output", key_file=key).create(run_of())
        assert str(key) in str(refused.value)
        assert key.read_text() == content
    key.unlink()
    with Store(tmp_path / "output", key_file=key).create(run_of()) as writer:
        assert writer.run.redaction_key_id
    assert oct(key.stat().st_mode & 0o777) == "0o600"
    assert len(bytes.fromhex(key.read_text().strip())) == 32
    assert not (tmp_path / "output" / "history").exists()


def test_an_atomic_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    atomic.write(path, b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(StoreError, match="full"):
            atomic.write(path, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """The folder of a whole run."""
    with Store(tmp_path).create(run_of()) as writer:
        write_unit(writer, scope_of(1), listed({"id": "/a"}), listed({"id": "/b"}))
        write_unit(writer, scope_of(2), listed({"id": "/c"}))
        writer.finish(THINGS)
        writer.close(done(writer.run))
    return writer.path


def read_everything(run: Path) -> None:
    found = Store(run.parents[1]).open(run.name)
    found.tables(run.parents[1] / "read.duckdb").close()
    for unit in found.run.units:
        list(found.pages(unit.kind, unit.unit))


RAW = f"raw/things/{scope_of(1).unit}.jsonl.zst"


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]


@pytest.mark.parametrize("name", ["run.json", RAW, "tables/things.parquet", "tables/coverage.parquet"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped", "replaced"])
def test_damage_is_met_with_the_file_that_is_damaged(stored: Path, name: str, damage: str) -> None:
    read_everything(stored)
    file = stored / name
    data = file.read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(data[: len(data) // 2])
        case "flipped" if name == "run.json":
            file.write_bytes(data.replace(b'"things"', b'"thinks"', 1))
        case "flipped":
            file.write_bytes(flipped(data))
        case _:
            file.write_bytes(b"\x00" * len(data))
    with pytest.raises(IntegrityError) as told:
        read_everything(stored)
    assert str(file) in told.value.where
    assert told.value.exit_code is ExitCode.INTEGRITY
    assert told.value.hint


def test_run_json_is_believed_only_about_this_run(stored: Path) -> None:
    head = msgspec.json.decode((stored / "run.json").read_bytes())

    def refused(**changes: object) -> None:
        (stored / "run.json").write_bytes(msgspec.json.encode({**head, **changes}))
        with pytest.raises(IntegrityError) as told:
            read_everything(stored)
        assert "run.json" in told.value.where

    refused(files={**head["files"], "../../../etc/passwd": "0" * 64})
    refused(files={**head["files"], "/etc/passwd": "0" * 64})
    refused(files={name: digest for name, digest in head["files"].items() if name != RAW})
    refused(units=[{**head["units"][0], "unit": "0" * 32}])
    refused(kinds=["another"])
    refused(window={"since": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00Z"})
    refused(state="?")
    (stored / "run.json").write_bytes(msgspec.json.encode(head))
    read_everything(stored)
    with pytest.raises(IntegrityError, match="no unit"):
        list(Store(stored.parents[1]).open(stored.name).pages("things", "f" * 32))


def test_a_kind_that_is_not_the_runs_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with Store(tmp_path).create(run_of(kinds=("joined",))) as writer, pytest.raises(JobauditError, match="things"):
        writer.unit(THINGS, scope_of(1)).page(page_of(scope_of(1), listed()))
