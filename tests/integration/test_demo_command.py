"""The demo as its page tells it: verdicts, exceptions, files that are the owner's alone, the same bytes again."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import duckdb
import pytest
from commanding import digests, jobaudit


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
