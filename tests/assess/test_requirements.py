"""What the frameworks ask: every id has words of ours, and what can't be shown is never among what can."""

from __future__ import annotations

from pathlib import Path

import pytest
from own_control import control, passing
from run_tables import RunTables, job

from audit.assess import load
from audit.assess.catalogue import markdown
from audit.assess.frameworks import frameworks
from audit.assess.requirements import natural, requirements
from audit.errors import ConfigError

# The ids that the catalogue's 46 checks may link to; a control that isn't there yet leaves its ids without one.
LINKED = {
    "mcsb": "AM-1 AM-3 DS-6 GS-2 IM-1 IM-3 IM-8 IR-3 IR-7 LT-3 LT-6 NS-1 NS-2 NS-10 PA-1 PA-2 PA-3 PA-4 PA-7 PV-2",
    "iso27001": "A.5.3 A.5.9 A.5.15 A.5.16 A.5.17 A.5.18 A.5.24 A.5.28 A.5.33 A.5.36 A.5.37 A.8.2 A.8.3 A.8.6 A.8.9 "
    "A.8.14 A.8.15 A.8.16 A.8.19 A.8.20 A.8.22 A.8.32",
    "soc2": "A1.1 A1.2 CC2.1 CC4.2 CC6.1 CC6.2 CC6.3 CC6.6 CC6.8 CC7.1 CC7.2 CC7.3 CC7.4 CC8.1 PI1.3",
    "nist80053": "AC-2 AC-2(7) AC-5 AC-6(7) AU-2 AU-6 AU-9 AU-10 AU-11 AU-12 CA-5 CM-3 CM-3(2) CM-5 CM-6 CP-10 IA-5 "
    "IA-9 RA-5 SC-7 SI-4",
    "pci": "1.3.1 1.4.2 6.3.3 6.5.1 7.2.2 7.2.4 7.2.5.1 8.6.3 10.2.1.2 10.2.1.5 10.3.2 10.3.4 10.4.1 10.5.1",
    "cis": "5.3.3 5.3.4 5.3.7 5.7 6.1.1.1 6.1.1.2 6.1.4 6.2 8.3.3 8.3.6 8.3.7 8.3.8",
}


def test_every_id_of_the_catalogue_has_a_label() -> None:
    labels = frameworks()
    assert {key: ids.split() for key, ids in LINKED.items()} == {
        key: list(framework.labels) for key, framework in labels.items()
    }
    assert all(label.strip() for framework in labels.values() for label in framework.labels.values())


def test_every_framework_says_what_cannot_be_shown_and_where_to_look_instead() -> None:
    for key, framework in frameworks().items():
        assert framework.not_shown, key
        for each in framework.not_shown:
            assert each.requirements, key
            assert each.asks.strip(), key
            assert each.look.strip(), key


def test_nothing_is_called_compliant() -> None:
    for framework in frameworks().values():
        told = [*framework.labels.values(), *(each.asks for each in framework.not_shown)]
        assert not [words for words in told if "complian" in words.lower()]


def test_ids_stand_in_the_order_of_their_numbers() -> None:
    ids = ["A.5.15", "10.2.1", "A.5.9", "CM-3(2)", "CM-3", "", "7.2", "CC6.10", "CC6.9"]
    assert sorted(ids, key=natural) == ["", "7.2", "10.2.1", "A.5.9", "A.5.15", "CC6.9", "CC6.10", "CM-3", "CM-3(2)"]


def test_requirements_are_listed_with_and_without_a_control() -> None:
    rows = list(requirements(frameworks(), load()))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    assert len({row.row_id for row in rows}) == len(rows)
    shown = [row for row in rows if row.framework == "mcsb" and row.shown]
    assert [row.requirement for row in shown] == LINKED["mcsb"].split()
    beyond = [row for row in rows if not row.shown]
    assert all(row.look for row in beyond)
    assert not [row for row in rows if row.shown and row.look]


def test_an_id_that_only_a_users_control_knows_is_listed_without_words_of_ours(
    tables: RunTables, tmp_path: Path
) -> None:
    hostile = "<script>'--"
    own = control(tmp_path, passing(), more=f'frameworks: {{iso27001: [A.5.9, "{hostile}"]}}')
    tables.add(job("orders"))
    tables.verdicts(own=own)
    rows = tables.query("select * from requirements where framework = 'iso27001' and shown order by position")
    assert [(row["requirement"], row["label"]) for row in rows if row["label"] is None] == [(hostile, None)]
    assert rows[0]["raw_ref"] == "config/frameworks/iso27001.toml"
    assert rows[0]["framework_name"] == "ISO/IEC 27001:2022 Annex A"


def test_a_requirement_is_not_both_within_and_beyond_reach(tmp_path: Path) -> None:
    text = 'name = "x"\n[labels]\nA-1 = "a"\n[[not_shown]]\nrequirements = ["A-1"]\nasks = "a"\nlook = "b"\n'
    (tmp_path / "mcsb.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match='"A-1" stands among the labels'):
        frameworks(tmp_path)


def test_what_cannot_be_shown_needs_its_words(tmp_path: Path) -> None:
    text = 'name = "x"\n[labels]\nA-1 = "a"\n[[not_shown]]\nrequirements = ["B-1"]\nasks = "a"\n'
    (tmp_path / "mcsb.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="look") as caught:
        frameworks(tmp_path)
    assert "requirements, asks and look" in caught.value.hint


def test_a_weak_link_is_told_as_one(tables: RunTables) -> None:
    tables.add(job("orders"))
    tables.verdicts()
    rows = tables.query("select framework, requirement, weak from requirements where weak <> '[]' order by position")
    assert [(row["framework"], row["requirement"]) for row in rows] == [("iso27001", "A.8.6"), ("soc2", "A1.1")]
    assert "- weakly supports ISO/IEC 27001:2022 Annex A A.8.6" in markdown(load(), frameworks())


def test_a_weak_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mcsb.toml").write_text('name = "x"\n[labels]\nA-1 = "a"\n[weak]\nA-2 = ["JA-01"]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match='"A-2" under \\[weak\\] has no label') as caught:
        frameworks(tmp_path)
    assert "A-1" in caught.value.hint
