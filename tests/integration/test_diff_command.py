"""jobaudit diff: runs and packs by id and path, seals first, and how it ends."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest
from commanding import jobaudit, refused

from audit.seal import sums

Demo = tuple[Path, "subprocess.CompletedProcess[str]"]


def names(demo: Demo) -> tuple[str, str]:
    folder, ran = demo
    (run,) = (folder / "out" / "runs").iterdir()
    return run.name, Path(ran.stdout.strip()).name


def test_a_run_and_its_own_pack_say_the_same(demo: Demo) -> None:
    run, pack = names(demo)
    ran = jobaudit("diff", run, pack, "--output", "out", "--format", "json", cwd=demo[0])
    assert (ran.returncode, ran.stderr) == (0, "")
    document = json.loads(ran.stdout)
    assert document["differences"] == []
    assert (document["old"]["pack"], document["old"]["sealed"]) == (None, None)
    assert (document["new"]["pack"], document["new"]["sealed"]) == (pack, True)


def test_a_damaged_pack_is_not_compared(demo: Demo, tmp_path: Path) -> None:
    _, pack = names(demo)
    copy = tmp_path / pack
    shutil.copytree(demo[0] / "out" / "packs" / pack, copy)
    file = copy / "data" / "jobs.parquet"
    duckdb.execute(f"copy (from read_parquet('{file}') limit 3) to '{tmp_path / 'less'}' (format parquet)")
    shutil.move(tmp_path / "less", file)
    ran = jobaudit("diff", pack, copy, "--output", demo[0] / "out", cwd=tmp_path)
    refused(ran, 4, "not as it was sealed", "data/jobs.parquet was changed")


def test_what_has_no_seal_is_compared_and_said_to(demo: Demo, tmp_path: Path) -> None:
    _, pack = names(demo)
    copy = tmp_path / "unsealed"
    shutil.copytree(demo[0] / "out" / "packs" / pack, copy)
    for name in ("SHA256SUMS", "attestation.dsse.json", "data/tags.parquet"):
        (copy / name).unlink()
    file = copy / "data" / "jobs.parquet"
    duckdb.execute(
        f"copy (select * replace ('Suspended' as running_state) from read_parquet('{file}')) to '{tmp_path / 'other'}'"
        " (format parquet)"
    )
    shutil.move(tmp_path / "other", file)
    ran = jobaudit("diff", pack, copy, "--output", demo[0] / "out", cwd=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert "note: NEW is not sealed" in ran.stdout
    assert "lacks tables: tags" in ran.stdout
    assert "no table" in ran.stdout
    assert ", running_state: was Ready, is Suspended" in ran.stdout
    page = tmp_path / "page.html"
    ran = jobaudit("diff", pack, copy, "--output", demo[0] / "out", "--format", "html", "--to", page, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (3, f"{page}\n")
    assert "Suspended" in page.read_text()


def test_a_pack_of_another_version_is_compared_and_said_to(demo: Demo, tmp_path: Path) -> None:
    _, pack = names(demo)
    copy = tmp_path / pack
    shutil.copytree(demo[0] / "out" / "packs" / pack, copy)
    head = json.loads((copy / "pack.json").read_text())
    (copy / "pack.json").write_text(json.dumps({**head, "a_later_key": 1}))
    ran = jobaudit("diff", pack, copy, "--output", demo[0] / "out", cwd=tmp_path)
    refused(ran, 4, "pack.json was changed")
    sums.write(copy)
    ran = jobaudit("diff", pack, copy, "--output", demo[0] / "out", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "note: NEW was sealed by another version of the program" in ran.stdout


def test_what_is_refused(demo: Demo) -> None:
    folder = demo[0]
    _, pack = names(demo)
    refused(jobaudit("diff", pack, "nosuch", "--output", "out", cwd=folder), 2, "nosuch")
    inside = folder / "out" / "packs" / pack / "diff.json"
    ran = jobaudit("diff", pack, pack, "--output", "out", "--format", "json", "--to", inside, cwd=folder)
    refused(ran, 2, "would break its seal")
    assert not inside.exists()


@pytest.mark.parametrize("options", [("--format", "yaml"), ("--limit", "-1")])
def test_options_that_are_none(demo: Demo, options: tuple[str, str]) -> None:
    ran = jobaudit("diff", "a", "b", *options, cwd=demo[0])
    assert ran.returncode == 2
