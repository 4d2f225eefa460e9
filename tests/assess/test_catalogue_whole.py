"""The catalogue as a whole: headers that leave nothing out, one answer a subject, and no verdict without its evidence.

The demo's estate is collected and derived once. Then each job lacks a kind of evidence, another one each, until every
kind that a control needs was taken from some job: what rests on it has to be ``not_assessed``, nothing else changes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import pytest
from own_control import control

from audit.assess import Control, assess, load
from audit.assess.frameworks import frameworks
from audit.derive import derive
from audit.model import Run, Verdict
from audit.store import Store
from tests.conftest import collected, serving, settings_for

CONTROLS = load()
NEEDED = sorted({kind for each in CONTROLS for kind in each.header.needs})
BROUGHT = {f"JA-{number:02}" for number in (7, 21, 22, 23, 24, 25, 40, 41)}
"""They rest on what people bring (reviews, approved changes, exceptions, an earlier pack); an estate alone has none."""
_TAKE = """
insert into job_gaps by name
select 'taken|' || kind || lower(job_id) as row_id, observed_at, raw_ref, job_id, kind, '/taken' as scope,
       'forbidden' as reason, 'taken away' as detail
from population join (select unnest($jobs::VARCHAR[]) as job_id, unnest($kinds::VARCHAR[]) as kind) using (job_id)
"""

Verdicts = dict[tuple[str, str, str], tuple[str, str]]
"""Verdict and reason by control, job and subject."""


class Estate(NamedTuple):
    """The demo's tables in a database file, derived and not assessed."""

    database: Path
    run: Run

    def assessed(self, folder: Path, lacking: dict[str, str], controls: list[Control] = CONTROLS) -> Verdicts:
        """Assess a copy in which each job lacks a kind. ``lacking``: kind by job id."""
        copy = folder / "copy.duckdb"
        shutil.copyfile(self.database, copy)
        with duckdb.connect(str(copy)) as con:
            con.execute(_TAKE, {"jobs": list(lacking), "kinds": list(lacking.values())})
        known = {name for each in controls for name in each.header.parameters}
        policy = {name: value for name, value in self.run.settings.items() if name in known}
        assess(copy, msgspec.structs.replace(self.run, settings=policy), controls)
        with duckdb.connect(str(copy), read_only=True) as con:
            rows = con.execute("select control_id, job_id, subject, verdict, reason from verdicts").fetchall()
        found = {
            (control_id, job_id, subject): (verdict, reason) for control_id, job_id, subject, verdict, reason in rows
        }
        assert len(found) == len(rows), "a subject was answered twice"
        return found


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    folder = tmp_path_factory.mktemp("whole")
    before = dict(os.environ)

    async def collecting() -> Run:
        async with serving() as served:
            os.environ.update(served.environment())
            return await collected(served, folder, settings=settings_for(served))

    try:
        run = asyncio.run(collecting())
    finally:
        os.environ.clear()
        os.environ.update(before)
    database = folder / "tables.duckdb"
    with Store(folder).read(run.run_id).tables(database) as con:
        derive(con, run)
    return Estate(database, run)


@pytest.fixture(scope="module")
def verdicts(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return estate.assessed(tmp_path_factory.mktemp("untouched"), {})


@pytest.fixture(scope="module")
def present(estate: Estate) -> list[str]:
    with duckdb.connect(str(estate.database), read_only=True) as con:
        found = con.execute("select job_id from population where state = 'present' order by lower(job_id)").fetchall()
    return [job_id for (job_id,) in found]


@pytest.fixture(scope="module")
def taken(
    estate: Estate, present: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, Verdicts]]:
    """By kind, the job that lacked it and all verdicts of that round."""
    found: dict[str, tuple[str, Verdicts]] = {}
    for first in range(0, len(NEEDED), len(present)):
        lacking = dict(zip(present, NEEDED[first : first + len(present)], strict=False))
        after = estate.assessed(tmp_path_factory.mktemp("taken"), lacking)
        found |= {kind: (job_id, after) for job_id, kind in lacking.items()}
    return found


@pytest.mark.parametrize("each", CONTROLS, ids=lambda each: each.id)
def test_a_header_leaves_nothing_out(each: Control) -> None:
    header = each.header
    for key in ("title", "rationale", "remediation", "limits", "empty"):
        assert len(getattr(header, key).split()) > 2, key
    assert "jobs" in header.needs, "who has to be answered for is itself evidence"
    assert len(set(header.needs)) == len(header.needs)
    links = msgspec.to_builtins(header.frameworks)
    labels = frameworks()
    assert any(links.values()), "it supports something"
    for key, ids in links.items():
        assert set(ids) <= labels[key].labels.keys(), key
        assert all(labels[key].labels[each].strip() for each in ids), key
    for name, parameter in header.parameters.items():
        assert parameter.description.strip(), name
        assert f"'{name}'" in each.text or "json_each(value" in each.text or "from_json(value" in each.text, name


def test_ids_are_unique_and_a_parameter_of_two_controls_has_one_default() -> None:
    assert [each for each, count in Counter(each.id for each in CONTROLS).items() if count > 1] == []
    defaults: dict[str, list[Any]] = {}
    for each in CONTROLS:
        for name, parameter in each.header.parameters.items():
            defaults.setdefault(name, []).append(parameter.default)
    assert [name for name, given in defaults.items() if any(each != given[0] for each in given)] == []


def test_every_control_answers_for_the_demo_once_for_each_subject(estate: Estate, verdicts: Verdicts) -> None:
    with duckdb.connect(str(estate.database), read_only=True) as con:
        jobs = {job_id for (job_id,) in con.execute("select job_id from population").fetchall()}
    assert jobs
    for each in CONTROLS:
        answered = {job_id for control_id, job_id, _ in verdicts if control_id == each.id}
        assert answered == jobs, each.id
    broken = {key: reason for key, (_, reason) in verdicts.items() if "control could not" in reason}
    assert broken == {}


def test_every_control_concludes_something_about_the_demo(verdicts: Verdicts) -> None:
    concluding = {control_id for (control_id, _, _), (verdict, _) in verdicts.items() if verdict in ("pass", "fail")}
    assert {each.id for each in CONTROLS} - concluding <= BROUGHT


def unearned(
    before: Verdicts, after: Verdicts, lacking: tuple[str, str], controls: list[Control] = CONTROLS
) -> list[tuple[str, str]]:
    """Return what was concluded about a job without a kind that it rests on. ``lacking``: job id and kind."""
    job_id, kind = lacking
    wrong = []
    for each in controls:
        for (control_id, about, subject), (verdict, reason) in after.items():
            if control_id != each.id or about != job_id:
                continue
            firm = kind in each.header.fails_despite and "other evidence is missing" in reason
            rests = kind in each.header.needs and subject not in each.header.spares.get(kind, ())
            earned = (
                (verdict == Verdict.NOT_ASSESSED and "/taken" in reason) or (verdict == Verdict.FAIL and firm)
                if rests
                else (verdict, reason) == before[control_id, about, subject]
            )
            if not earned:
                wrong.append((control_id, f"{subject}: {verdict}: {reason}"))
    return sorted(wrong)


@pytest.mark.parametrize("kind", NEEDED)
def test_without_a_needed_kind_nothing_is_concluded(
    verdicts: Verdicts, taken: dict[str, tuple[str, Verdicts]], kind: str
) -> None:
    job_id, after = taken[kind]
    resting = {each.id for each in CONTROLS if kind in each.header.needs}
    assert resting <= {control_id for control_id, about, _ in after if about == job_id}
    assert unearned(verdicts, after, (job_id, kind)) == []


def test_a_failure_is_lost_or_kept_but_never_found_by_taking_evidence_away(
    verdicts: Verdicts, taken: dict[str, tuple[str, Verdicts]]
) -> None:
    for kind, (job_id, after) in taken.items():
        for key, (verdict, _) in after.items():
            if key[1] == job_id and verdict in (Verdict.FAIL, Verdict.PASS):
                assert verdicts[key][0] == verdict, (kind, key)


def test_the_mutation_finds_a_control_that_forgets_what_it_rests_on(
    estate: Estate, present: list[str], tmp_path: Path
) -> None:
    """One that reads budgets and doesn't say so concludes without them, and would be found by that."""
    sql = "select job_id, name as subject, 'pass' as verdict, 'budgets: ' || (select count(*) from budgets) as reason"
    folder = control(tmp_path, f"{sql} from jobs where in_scope", needs="jobs")
    forgetful = [each for each in load([folder]) if each.source == "own"]
    right = [
        msgspec.structs.replace(each, header=msgspec.structs.replace(each.header, needs=("jobs", "budgets")))
        for each in forgetful
    ]
    lacking = (present[0], "budgets")
    before = estate.assessed(tmp_path, {}, forgetful)
    after = estate.assessed(tmp_path, dict([lacking]), forgetful)
    assert unearned(before, after, lacking, right) != []
    assert unearned(before, estate.assessed(tmp_path, dict([lacking]), right), lacking, right) == []
