"""jobs.toml: what is taken, and how a mistake is named."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from audit.config import load, packaged, register
from audit.config.stated import beside
from audit.errors import ConfigError
from audit.model.stated import Register

TOP = 'stated_by = "Ana"\nstated_on = 2026-10-01\n'
JOB = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.App/jobs/orders"
ENTRY = TOP + '[[jobs]]\nname = "orders"\n'


def read(folder: Path, text: str, today: date | None = date(2026, 11, 1)) -> Register:
    path = folder / "jobs.toml"
    path.write_text(text, encoding="utf-8")
    return register.read(path, today=today)


def test_the_sample_is_valid() -> None:
    read_ = register.read(packaged("config") / "jobs.toml")
    assert read_.entries[0].tests
    config = packaged("config") / "audit.toml"
    assert beside(config, load(config)).register == read_


def test_nothing_beside_audit_toml_is_no_register(tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text("")
    stated = beside(tmp_path / "audit.toml", load(tmp_path / "audit.toml"))
    assert stated.register is None
    assert stated.prices is not None
    (tmp_path / "jobs.toml").symlink_to("nowhere.toml")
    with pytest.raises(ConfigError):
        beside(tmp_path / "audit.toml", load(tmp_path / "audit.toml"))


def test_an_entry_says_who_states_it_or_takes_over_what_the_file_says(tmp_path: Path) -> None:
    made = read(tmp_path, ENTRY + f'[[jobs]]\nid = "{JOB}"\nstated_by = "Ben"\nstated_on = 2026-10-02')
    assert [(each.stated_by, str(each.stated_on)) for each in made.entries] == [
        ("Ana", "2026-10-01"),
        ("Ben", "2026-10-02"),
    ]


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("[[job]]", "job", "jobs"),
        ("[jobs]", "jobs", "[[jobs]]"),
        (ENTRY + "ownr = 'x'", "jobs[0].ownr", "owner"),
        (ENTRY + "owner = 3", "jobs[0].owner", ""),
        (ENTRY + "[jobs.objectiv]\nseconds=3", "jobs[0].objectiv", "objective"),
        (ENTRY + "[jobs.objective]\nsecnds=3", "jobs[0].objective.secnds", "seconds"),
        (ENTRY + "[jobs.objective]\nseconds=0", "jobs[0].objective.seconds", ""),
        (ENTRY + "[jobs.objective]\nseconds=1\npercentile=101", "jobs[0].objective.percentile", ""),
        (ENTRY + "[jobs.objective]\npercentile=9", "jobs[0].objective", "add the key"),
        (ENTRY + "tests = 'yes'", "jobs[0].tests", "[["),
        (ENTRY + "[[jobs.tests]]\nwhat='x'\nwhen=2026-10-01\nby='y'\nevidense='z'", "tests[0].evidense", "evidence"),
        (ENTRY + "[[jobs.tests]]\nwhat='x'\nwhen='2026-13-01'\nby='y'", "jobs[0].tests[0].when", "2026-11-01"),
        (ENTRY + "[[jobs.tests]]\nwhat='x'\nwhen=2027-10-01\nby='y'", "jobs[0].tests[0].when", "year"),
        (ENTRY + "[[jobs.tests]]\nwhat='x'\nwhen=2026-10-01\nby='y'\nevidence='sha256:1'", "tests[0].evidence", "hexa"),
        (
            ENTRY + "[jobs.idempotence]\nattested_by=' '\nattested_on=2026-10-01\nhow='x'",
            "attested_by",
            "several lines",
        ),
        (ENTRY + "stated_on = 2026-11-02", "jobs[0].stated_on", "year"),
        (ENTRY + "stated_on = 2026-10-01T00:00:00Z", "jobs[0].stated_on", "without a time"),
        (TOP + "[[jobs]]\nowner='x'", "jobs[0]", "id"),
        (ENTRY + f"id='{JOB}'", "jobs[0]", "pattern"),
        (TOP + "[[jobs]]\nid='orders'", "jobs[0].id", "name"),
        (TOP + "[[jobs]]\nname='a/b/c'", "jobs[0].name", "resource-group/name"),
        (TOP + "[[jobs]]\nname='x '", "jobs[0].name", ""),
        (ENTRY + "event_source = 'sb-x'", "jobs[0].event_source", "/subscriptions/"),
        ("[[jobs]]\nname = 'orders'", "jobs[0].stated_by", "top of the file"),
        ("stated_by='Ana'\n[[jobs]]\nname = 'orders'", "jobs[0].stated_on", "top of the file"),
        (ENTRY + "[[jobs]]\nname='ORDERS'", "jobs[1].name", "one entry"),
        ("jobs = 3", "jobs", "[[jobs]]"),
        ("a = ", "jobs.toml", "line"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_do(tmp_path: Path, text: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "jobs.toml") in refused.value.where
    assert where in refused.value.where
    assert refused.value.hint
    assert hint in refused.value.hint


def test_attachments_are_looked_at_once_each(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / "Märztest.txt").write_bytes(b"all good")
    text = ENTRY + 'attachments = ["evidence/Märztest.txt"]\n[[jobs.tests]]\nwhat="x"\nwhen=2026-10-01\nby="y"\n'
    text += (
        'evidence = "evidence/Märztest.txt"\n[[jobs]]\nname="b*"\nattachments=["./evidence/../evidence/Märztest.txt"]'
    )
    made = read(tmp_path, text)
    assert {each.name for each in made.attachments} == {"Märztest.txt"}
    assert {each.sha256 for each in made.attachments} == {hashlib.sha256(b"all good").hexdigest()}
    assert [each.bytes for each in made.attachments] == [8, 8]


def _link_out(folder: Path) -> str:
    (folder.parent / "secret.txt").write_text("x")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    return "link.txt"


def _linked_folder(folder: Path) -> str:
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "a.txt").write_text("x")
    (folder / "in").symlink_to(folder.parent / "elsewhere")
    return "in/a.txt"


def _loop(folder: Path) -> str:
    (folder / "loop").symlink_to(folder / "loop")
    return "loop"


def _outside(folder: Path) -> str:
    (folder.parent / "up.txt").write_text("x")
    return "../up.txt"


def _folder(folder: Path) -> str:
    (folder / "evidence").mkdir()
    return "evidence"


def _odd(folder: Path) -> str:
    (folder / "a:b.txt").write_text("x")
    return "a:b.txt"


def _dot(folder: Path) -> str:
    (folder / ".env").write_text("x")
    return ".env"


def _large(folder: Path) -> str:
    with (folder / "large.bin").open("wb") as file:
        file.truncate(register.MOST_BYTES + 1)
    return "large.bin"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (_link_out, "outside"),
        (_linked_folder, "outside"),
        (_outside, "outside"),
        (_loop, "loop"),
        (_folder, "not a file"),
        (_odd, "name that a pack"),
        (_dot, "name that a pack"),
        (_large, "too large"),
        (lambda _: "nowhere.txt", "no file"),
        (lambda _: "/etc/passwd", "outside"),
    ],
)
def test_an_attachment_that_cannot_be_taken_is_refused_by_its_place(tmp_path: Path, make, told: str) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    name = make(folder)
    with pytest.raises(ConfigError) as refused:
        read(folder, ENTRY + f'attachments = ["{name}"]')
    assert told in refused.value.message
    assert "jobs[0].attachments[0]" in refused.value.where
    assert refused.value.hint


def test_two_files_of_one_name_are_refused_whatever_their_casing(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "Test.txt").write_text("1")
    (tmp_path / "b" / "test.txt").write_text("2")
    with pytest.raises(ConfigError, match="has the name of") as refused:
        read(tmp_path, ENTRY + 'attachments = ["a/Test.txt", "b/test.txt"]')
    assert "jobs[0].attachments[1]" in refused.value.where


def test_the_attachments_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "MOST_BYTES_TOGETHER", 5)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("123")
    assert read(tmp_path, ENTRY + 'attachments = ["a.txt", "./a.txt"]').attachments
    with pytest.raises(ConfigError, match="too large together"):
        read(tmp_path, ENTRY + 'attachments = ["a.txt", "b.txt"]')
