"""A whole pack, verified: what somebody forges and seals anew is told by what no longer agrees with the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import openpyxl
import pytest
import report_fixture

from audit.approve import decide
from audit.errors import ExitCode
from audit.pipeline.rendering import render
from audit.pipeline.verifying import verify
from audit.seal import head, sealing, sums
from audit.seal.verify import Result
from audit.seal.verify.assessed import assessed
from audit.seal.verify.counts import counts
from audit.seal.verify.packed import Packed
from audit.seal.verify.raw_answers import raw_answers
from audit.seal.verify.rendered import rendered
from tests.seal import sealed_pack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("verified") / "output"
    report_fixture.store(output)
    return output


@pytest.fixture(scope="module")
def whole(output: Path) -> Path:
    """The pack of a run with gaps, malformed items and hostile text, unsigned: whoever forges can seal it anew."""
    return render(report_run(output), pack="compliance", output=output).path


def report_run(output: Path) -> str:
    return next((output / "runs").iterdir()).name


@pytest.fixture
def pack(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "packs" / whole.name))


def seal_anew(pack: Path) -> None:
    about = head.read(pack)
    for name in sums.BESIDE:
        (pack / name).unlink(missing_ok=True)
    sealing.seal(pack, about, packs=pack.parent, key=None)
    decide.show(Packed(pack))


def test_a_pack_as_it_was_made_passes_every_check(pack: Path) -> None:
    report = verify(str(pack), output=pack.parent, deep=True)
    assert report.intact, [check for check in report.checks if check.result is Result.FAILED]
    not_made = [check.title for check in report.checks if check.result is Result.NOT_CHECKED]
    assert not_made == ["SHA256SUMS is signed", "The derived tables follow from the collected ones"]
    assert len(report.checks) == 12
    assert report.verdict.startswith("intact, NOT SIGNED")
    assert report.verdict.endswith("2 of 12 checks were not made")


def page(pack: Path) -> None:
    path = pack / "index.html"
    text = path.read_text()
    assert "</strong>" in text
    path.write_text(text.replace("</strong>", "0</strong>", 1))


def workbook(pack: Path) -> None:
    book = openpyxl.load_workbook(pack / "evidence.xlsx")
    book.worksheets[1]["A5"] = "changed"
    book.save(pack / "evidence.xlsx")


def findings(pack: Path) -> None:
    path = pack / "results/findings.json"
    path.write_text(path.read_text().replace('"fail"', '"pass"', 1))


def added_page(pack: Path) -> None:
    (pack / "jobs/one-more.html").write_text("<p>all is well</p>")


def verdict(pack: Path) -> None:
    rewrite(pack, "verdicts", "select * replace (if(verdict = 'fail', 'pass', verdict) as verdict) from {source}")


def row_taken_out(pack: Path) -> None:
    rewrite(pack, "role_assignments", "select * from {source} where row_id <> (select min(row_id) from {source})")


def row_slipped_in(pack: Path) -> None:
    rewrite(pack, "tags", "from {source} union all (select * replace ('x' as row_id) from {source} limit 1)")


def count_in_run(pack: Path) -> None:
    run = json.loads((pack / "run.json").read_text())
    unit = next(each for each in run["units"] if each["outcome"]["type"] == "collected" and each["outcome"]["rows"])
    unit["outcome"]["rows"] += 1
    (pack / "run.json").write_text(json.dumps(run, indent=2) + "\n")


def gap_made_good(pack: Path) -> None:
    run = json.loads((pack / "run.json").read_text())
    unit = next(each for each in run["units"] if each["outcome"]["type"] == "gap")
    unit["outcome"] = {
        "type": "collected",
        "pages": unit["outcome"]["pages"],
        "rows": unit["outcome"]["rows"],
        "detail": "",
    }
    (pack / "run.json").write_text(json.dumps(run, indent=2) + "\n")


def raw_taken_out(pack: Path) -> None:
    next(iter(sorted((pack / "raw/jobs").iterdir()))).unlink()


def rewrite(pack: Path, table: str, select: str) -> None:
    path, part = pack / f"data/{table}.parquet", pack.parent / "part.parquet"
    duckdb.execute(f"copy ({select.format(source=f'read_parquet({str(path)!r})')}) to '{part}' (format parquet)")
    part.replace(path)


@pytest.mark.parametrize("forge", [page, workbook, findings, added_page, verdict, row_taken_out])
def test_a_forgery_that_is_sealed_anew_is_told_by_rendering(pack: Path, forge: Callable[[Path], None]) -> None:
    forge(pack)
    seal_anew(pack)
    assert rendered(pack).result is Result.FAILED


@pytest.mark.parametrize("forge", [row_slipped_in, count_in_run, gap_made_good, raw_taken_out])
def test_a_forgery_that_is_sealed_anew_is_told_by_counting(pack: Path, forge: Callable[[Path], None]) -> None:
    assert counts(pack).result is Result.OK
    forge(pack)
    seal_anew(pack)
    assert counts(pack).result is Result.FAILED


def test_tables_that_are_forged_with_all_that_follows_from_them_are_told_by_the_raw_answers(pack: Path) -> None:
    rewrite(pack, "jobs", "select * replace (replica_timeout_s + 1 as replica_timeout_s) from {source}")
    rewrite(pack, "tags", "select * from {source} where row_id <> (select min(row_id) from {source})")
    seal_anew(pack)
    told = raw_answers(pack)
    assert told.result is Result.FAILED
    assert [each.partition(":")[0] for each in told.told] == ["jobs", "jobs", "tags"]


def test_a_row_that_leads_to_no_raw_answer_is_told_where_none_may(pack: Path) -> None:
    rewrite(
        pack,
        "tags",
        "from {source} union all (select * replace ('x' as row_id, 'run.json' as raw_ref) from {source} limit 1)",
    )
    seal_anew(pack)
    told = raw_answers(pack)
    assert told.result is Result.FAILED
    assert told.told == ("tags: 1 rows are not what the raw answers give",)


def test_a_verdict_that_the_controls_do_not_give_is_told(pack: Path) -> None:
    verdict(pack)
    (pack / "controls/logging").rename(pack / "controls/logged")
    seal_anew(pack)
    told = assessed(pack)
    assert told.result is Result.FAILED
    assert any("verdicts are not what it answers" in each for each in told.told)
    assert any("that it answers are missing" in each for each in told.told)


@pytest.mark.parametrize("name", ["data/jobs.parquet", "run.json", "raw/jobs"])
def test_a_pack_that_breaks_a_check_has_not_passed_it(pack: Path, name: str) -> None:
    path = pack / name
    path = next(iter(sorted(path.iterdir()))) if path.is_dir() else path
    path.write_bytes(b"{}" if name == "run.json" else b"PAR1 nonsense")
    for each in sums.BESIDE[1:]:
        (pack / each).unlink(missing_ok=True)
    sums.write(pack)
    report = verify(str(pack), output=pack.parent, deep=True)
    assert not report.intact
    assert any("broke" in told or "read" in told or "damaged" in told for each in report.checks for told in each.told)


def test_two_machines_render_the_same_bytes(output: Path, whole: Path, tmp_path: Path) -> None:
    """But for what is a signature: another locale, time zone, umask and hash seed make no other pack."""
    made = []
    sealed_pack.key(tmp_path, "seal.pem")
    (tmp_path / "audit.toml").write_text('[seal]\nkey_file = "seal.pem"\n')
    for number, (settings, umask) in enumerate(
        (
            ({"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "0"}, 0o022),
            ({"LC_ALL": "tr_TR.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4711"}, 0o077),
        )
    ):
        place = tmp_path / str(number)
        place.mkdir()
        shutil.copytree(output / "runs", place / "runs")
        command = [sys.executable, "-m", "audit", "render", report_run(output), "--output", str(place)]
        ran = subprocess.run(
            [*command, "--config", str(tmp_path / "audit.toml")],
            env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
            umask=umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == ExitCode.INCOMPLETE, ran.stderr
        pack = Path(ran.stdout.strip())
        made.append(
            {path.relative_to(pack).as_posix(): path.read_bytes() for path in pack.rglob("*") if path.is_file()}
        )
    first, second = made
    assert first.keys() == second.keys()
    signatures = {sums.SIGNATURE, sums.ATTESTATION}
    assert {name for name in first if first[name] != second[name]} <= signatures
    assert first.keys() - {path.relative_to(whole).as_posix() for path in whole.rglob("*")} == {sums.SIGNATURE}
