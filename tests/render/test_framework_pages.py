"""A page per framework: what supports each requirement, what was answered, and what nothing here can show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import markup
import pytest
import report_fixture
import workbook_fixture

from audit.assess.frameworks import frameworks
from audit.assess.tables import ControlRow, ParameterRow, RequirementRow, VerdictRow
from audit.config import packaged
from audit.model import columns
from audit.render import controls, links
from audit.render.sections import frameworks as section
from audit.render.templates import Templates

WORDS = ("fail", "not_assessed", "pass", "not_applicable")
FRAMEWORKS = frameworks()


def _page(made: Any, key: str) -> markup.Element:
    return markup.read(made.folder / links.framework_page(key))


def _numbers(row: markup.Element) -> list[int]:
    return [
        int(each.text.split()[0].replace(",", "")) for each in row.all("td") if each.attributes.get("class") == "num"
    ]


@pytest.mark.parametrize("key", FRAMEWORKS)
def test_every_requirement_stands_once_with_its_controls_and_their_verdicts(made: Any, key: str) -> None:
    told = made.con.execute("select control_id, frameworks from controls order by control_id").fetchall()
    linked = {control: json.loads(ids).get(key, []) for control, ids in told}
    counts = {
        control: [
            made.con.execute(
                "select count(*) from verdicts where control_id = ? and verdict = ?", [control, word]
            ).fetchone()[0]
            for word in WORDS
        ]
        for control in linked
    }
    rows = {row.attributes["id"]: row for row in _page(made, key).all("tr") if "id" in row.attributes}
    assert len(rows) == len(FRAMEWORKS[key].labels)
    for requirement, label in FRAMEWORKS[key].labels.items():
        row = rows[links.requirement_anchor(requirement)]
        assert requirement in row.text
        assert label in row.text
        mine = [control for control, ids in linked.items() if requirement in ids]
        assert row.parent is not None
        if mine:
            shown = [each for each in row.parent.all("tr") if each is not row]
            assert [each.all("a")[0].text for each in shown] == mine
            assert [_numbers(each) for each in shown] == [counts[control] for control in mine]
            assert _numbers(row) == [sum(counts[control][at] for control in mine) for at in range(4)]
        else:
            assert row.all("td")[0].text == label, "among those without a control, and without figures"


def test_every_count_leads_to_its_rows_and_every_control_to_its_page(made: Any) -> None:
    for row in _page(made, "mcsb").all("tr"):
        for link in row.all("a"):
            target, _, anchor = link.attributes["href"].partition("#")
            page = markup.read(made.folder / "frameworks" / target)
            assert not anchor or any(each.attributes.get("id") == anchor for each in page.all()), target


def test_what_cannot_be_shown_says_where_to_look(made: Any) -> None:
    for key, framework in FRAMEWORKS.items():
        told = _page(made, key).text
        for each in framework.not_shown:
            assert ", ".join(each.requirements) in told
            assert each.asks in told
            assert each.look in told


def test_the_word_is_supports(made: Any) -> None:
    for key in FRAMEWORKS:
        told = _page(made, key).text.lower().replace("compliance evidence", "").replace("azure policy's compliance", "")
        assert "supports" in told
        assert "complian" not in told


def test_gaps_are_told_before_the_figures(made: Any) -> None:
    (gaps,) = made.con.execute("select count(*) from coverage where outcome = 'gap' and place is null").fetchone()
    assert f"The evidence is incomplete {gaps} gaps" in _page(made, "soc2").text


def test_the_index_and_the_controls_lead_to_the_frameworks(made: Any) -> None:
    index = markup.read(made.folder / "index.html")
    led = [link.attributes["href"] for link in index.all("a") if link.attributes["href"].startswith("frameworks/")]
    assert led == [links.framework_page(key) for key in FRAMEWORKS]
    page = markup.read(made.folder / links.verdict_page("JA-36"))
    (linked,) = made.con.execute("select frameworks from controls where control_id = 'JA-36'").fetchone()
    for key, ids in json.loads(linked).items():
        for requirement in ids:
            href = f"../{links.framework_page(key, requirement)}"
            assert [each.text for each in page.all("a") if each.attributes["href"] == href] == [requirement]


def test_anchors_are_readable_and_apart() -> None:
    ids = ["A.5.9", "CM-3", "CM-3(2)", "CM-3-2", "CM-3 2", "<script>", "a/b", "AC-2(7)"]
    anchors = [links.requirement_anchor(each) for each in ids]
    assert len(set(anchors)) == len(ids)
    assert anchors[:2] == ["r-A.5.9", "r-CM-3"]
    assert all(
        set(each) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") for each in anchors
    )


def _small(verdicts: dict[str, int], waived: int = 0, requirement: str = "A-1") -> Any:
    """A framework of one requirement and one control, as rows."""
    con = duckdb.connect()
    for record in (ControlRow, ParameterRow, RequirementRow, VerdictRow):
        con.execute(f"create table {record.table} ({', '.join(f'{n} {t}' for n, t in columns(record))})")
    told = {"control_id": "ACME-01", "title": report_fixture.SCRIPT, "area": "access", "severity": "high"}
    told |= {"source": "own", "file": "a.sql", "needs": "[]", "frameworks": json.dumps({"mcsb": [requirement]})}
    _insert(con, "controls", told)
    shown = {"framework": "mcsb", "framework_name": "The benchmark", "shown": True, "position": 1}
    _insert(con, "requirements", shown | {"requirement": requirement, "label": None})
    number = 0
    for word, count in verdicts.items():
        for at in range(count):
            row = {"control_id": "ACME-01", "job_id": "/j", "subject": str(number), "verdict": word}
            _insert(con, "verdicts", row | {"waived": word == "fail" and at < waived})
            number += 1
    return con


def _insert(con: Any, table: str, row: dict[str, Any]) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _rendered(con: Any, folder: Path) -> tuple[markup.Element, str]:
    known = controls.load(con)
    (framework,) = section.frameworks(con, known)
    templates = Templates([packaged("report_templates")])
    templates.add(run=workbook_fixture.run(), verdict_link=lambda control, word: f"verdicts/{control}.html#{word}")
    text = templates.render("framework.html", base="../", framework=framework, gaps=0, left_out=[])
    (folder / "page.html").write_text(text, encoding="utf-8")
    return markup.read(folder / "page.html"), text


def test_a_requirement_of_which_nothing_was_assessed_says_so(tmp_path: Path) -> None:
    page, _ = _rendered(_small({"not_assessed": 2, "not_applicable": 1}), tmp_path)
    assert "nothing assessed" in page.text
    page, _ = _rendered(_small({"not_assessed": 2, "pass": 1}), tmp_path)
    assert "nothing assessed" not in page.text


def test_a_waived_failure_stays_a_failure(tmp_path: Path) -> None:
    page, _ = _rendered(_small({"fail": 3, "pass": 1}, waived=2), tmp_path)
    row = next(each for each in page.all("tr") if "ACME-01" in each.text)
    assert _numbers(row) == [3, 0, 1, 0]
    assert "2 waived" in row.text


def test_a_weak_link_says_so(tmp_path: Path) -> None:
    con = _small({"pass": 1})
    assert "a weak link" not in _rendered(con, tmp_path)[0].text
    con.execute("update requirements set weak = '[\"ACME-01\"]'")
    assert "a weak link: it no more than touches what is asked" in _rendered(con, tmp_path)[0].text


def test_a_users_hostile_id_and_title_are_text(tmp_path: Path) -> None:
    hostile = '"><script>alert(1)</script>\x1b[31m'
    page, text = _rendered(_small({"pass": 1}, requirement=hostile), tmp_path)
    assert "<script" not in text
    assert "\x1b" not in text
    assert '"><script>alert(1)</script>[U+001B][31m' in page.text
    assert report_fixture.SCRIPT in page.text
