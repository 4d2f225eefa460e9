from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from own_control import control, passing

from audit.assess import check_policy, load
from audit.assess.catalogue import EXAMPLE, KEYS, markdown
from audit.assess.frameworks import frameworks
from audit.assess.header import Header
from audit.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
IDS = sorted("-".join(path.name.split("-")[:2]) for path in (ROOT / "config" / "controls").rglob("*.sql"))


def test_the_built_in_controls_are_there_in_order() -> None:
    assert [each.id for each in load()] == IDS
    assert set(IDS) <= {f"JA-{number:02}" for number in range(1, 47)}, "an id of its own for each check, and no other"


def test_a_file_is_named_after_its_control() -> None:
    for each in load():
        assert each.file.startswith(f"{each.header.area}/{each.id}-")


def test_every_requirement_that_a_control_links_to_has_a_label_of_ours() -> None:
    labels = frameworks()
    for each in load():
        for key, ids in msgspec.to_builtins(each.header.frameworks).items():
            assert set(ids) <= labels[key].labels.keys(), each.id


def test_a_later_folder_replaces_a_control(tmp_path: Path) -> None:
    own = control(tmp_path, passing(), name="JA-09")
    chosen = {each.id: each for each in load([own])}
    assert sorted(chosen) == IDS
    assert chosen["JA-09"].source == "own"
    assert chosen["JA-10"].source == "built-in"


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    own = control(tmp_path, passing())
    (own / "copy.sql").write_text((own / "T-01.sql").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ConfigError, match="T-01") as caught:
        load([own])
    assert "copy.sql" in caught.value.where
    assert "T-01.sql" in caught.value.where


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_without_controls_is_refused(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "controls"
    if make:
        folder.mkdir()
    with pytest.raises(ConfigError, match="holds no" if make else "is not there"):
        load([folder])


@pytest.mark.parametrize(
    ("old", "new", "told", "hint"),
    [
        ("severity: high", "severity: hihg", "severity", "critical"),
        ("severity: high", "severty: high", "severty", '"severity"'),
        ("area: governance", "area: governence", "area", "governance"),
        ("needs: [jobs]", "needs: [job]", "job", '"jobs"'),
        ("needs: [jobs]", "needs: jobs", "needs", ""),
        ("needs: [jobs]", "needs: [jobs]\nfails_despite: [job]", "fails_despite", '"jobs"'),
        ("needs: [jobs]", "needs: [jobs]\nspares: {tags: [x]}", "spares", "jobs"),
        ("needs: [jobs]", "needs: []", "needs", ""),
        ("id: T-01", "id: 17", "id", ""),
        ("id: T-01", "id: ../x", "control id", ""),
        ("title: A title", "title: ''", "title", ""),
        ("title: A title\n", "", "title", ""),
        ("rationale: Because.", "rationale: Because.\nrationale: Twice.", "stands twice", ""),
        ("rationale: Because.", "frameworks: {mcsp: [IM-3]}\nrationale: x", "frameworks.mcsp", '"mcsb"'),
        ("rationale: Because.", "frameworks: {mcsb: IM-3}\nrationale: x", "frameworks.mcsb", ""),
        ("rationale: Because.", "parameters: {a: {defalt: 1}}\nrationale: x", "parameters.a.defalt", '"default"'),
        ("rationale: Because.", "parameters: {a: {default: 1}}\nrationale: x", "description", ""),
        ("title: A title", "title: [a", "not valid YAML", ""),
        ("title: A title", "on: a", "not text", ""),
        ("/*---", "/* ---", "no header", ""),
    ],
)
def test_a_wrong_header_names_file_key_and_what_was_meant(
    tmp_path: Path, old: str, new: str, told: str, hint: str
) -> None:
    own = control(tmp_path, passing())
    path = own / "T-01.sql"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load([own])
    assert str(path) in caught.value.where
    assert told in caught.value.message
    assert hint in caught.value.hint


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    own = control(tmp_path, passing())
    (own / "T-01.sql").write_bytes(b"/*---\n\xff\n---*/ select 1")
    with pytest.raises(ConfigError, match="can't be read"):
        load([own])


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"required_tags": "owner"}, "policy.required_tags"),
        ({"approved_vaults": [1]}, "policy.approved_vaults"),
        ({"parallelism_most": "ten"}, "policy.parallelism_most"),
        ({"parallelism_most": 2.5}, "policy.parallelism_most"),
        ({"aproved_vaults": []}, "policy.aproved_vaults"),
    ],
)
def test_policy_of_the_wrong_type_is_refused(policy: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_policy(load(), policy, where="my.toml")
    assert caught.value.where == f"my.toml: {told}"


def test_good_policy_passes() -> None:
    check_policy(load(), {"required_tags": ["owner"], "parallelism_most": 4})


def test_a_default_of_the_wrong_type_is_the_controls_error(tmp_path: Path) -> None:
    more = "parameters: {a: {default: [1], type: list of text, description: x}}"
    own = control(tmp_path, passing(), more=more)
    with pytest.raises(ConfigError) as caught:
        check_policy(load([own]), {})
    assert "T-01.sql: parameters.a.default" in caught.value.where


def test_the_catalogue_in_docs_is_the_one_that_the_controls_make() -> None:
    made = markdown(load(), frameworks())
    assert (ROOT / "docs" / "controls.md").read_text(encoding="utf-8") == made
    assert set(KEYS) == {field.name for field in msgspec.structs.fields(Header)}


def test_the_catalogues_example_is_a_control(tmp_path: Path) -> None:
    (tmp_path / "ACME-01.sql").write_text(EXAMPLE, encoding="utf-8")
    assert "ACME-01" in [each.id for each in load([tmp_path])]


def test_framework_labels_are_read_strictly(tmp_path: Path) -> None:
    (tmp_path / "mcsp.toml").write_text('name = "x"\n[labels]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="mcsp") as caught:
        frameworks(tmp_path)
    assert "mcsb" in caught.value.hint
