"""exceptions.toml: what is taken, and how a mistake is named."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from audit.config import exceptions, load, packaged
from audit.config.stated import beside
from audit.errors import ConfigError
from audit.model.waiver import Exceptions

JOB = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.App/jobs/orders"
ENTRY = {
    "id": '"EX-1"',
    "control": '"JA-12"',
    "job": f'"{JOB}"',
    "subject": '"carrier-key"',
    "category": '"risk_accepted"',
    "justification": '"Because."',
    "compensating_control": '"We look."',
    "requester": '"ana@contoso.example"',
    "approver": '"ben@contoso.example"',
    "approved_on": "2026-10-01",
    "ticket": '"RISK-1"',
    "expires": "2026-11-30",
}


def entry(**changes: str | None) -> str:
    told = {key: value for key, value in (ENTRY | changes).items() if value is not None}
    return "[[exceptions]]\n" + "".join(f"{key} = {value}\n" for key, value in told.items())


def read(folder: Path, text: str) -> Exceptions:
    path = folder / "exceptions.toml"
    path.write_text(text, encoding="utf-8")
    return exceptions.read(path, today=date(2026, 11, 1))


def test_the_sample_is_valid() -> None:
    (sample,) = exceptions.read(packaged("config") / "exceptions.toml").entries
    assert sample.approver != sample.requester


def test_an_entry_is_taken_as_it_is_written(tmp_path: Path) -> None:
    made = read(tmp_path, entry())
    assert (made.file, made.sha256) == ("exceptions.toml", hashlib.sha256(entry().encode()).hexdigest())
    (taken,) = made.entries
    assert (taken.id, taken.control, taken.job, taken.expires) == ("EX-1", "JA-12", JOB, date(2026, 11, 30))


@pytest.mark.parametrize("key", sorted(ENTRY))
def test_no_key_may_be_left_out(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=key) as caught:
        read(tmp_path, entry(**{key: None}))
    assert "exceptions[0]" in caught.value.where
    assert "add the key" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("[[exception]]", "exception", 'did you mean "exceptions"?'),
        ("[exceptions]", "exceptions", "[[exceptions]]"),
        (entry(aprover='"x"'), "exceptions[0].aprover", 'did you mean "approver"?'),
        (entry(expires='"soon"'), "exceptions[0].expires", "without quotes"),
        (entry(category='"accepted"'), "exceptions[0].category", "risk_accepted"),
        (entry(justification='""'), "exceptions[0].justification", ""),
        (entry(ticket='"  "'), "exceptions[0].ticket", "several lines"),
        (entry(id='"EX 1"'), "exceptions[0].id", "EX-2026-014"),
        (entry(control='"JA-*"'), "exceptions[0].control", "one exception for each control"),
        (entry(job='"*"'), "exceptions[0].job", "one exception for each job"),
        (entry(job=f'"{JOB}-?"'), "exceptions[0].job", "one exception for each job"),
        (entry(subject='"*"'), "exceptions[0].subject", "one exception for each subject"),
        (entry(job='"orders"'), "exceptions[0].job", "Microsoft.App/jobs/NAME"),
        (entry(approver='"ana@contoso.example"'), "exceptions[0].approver", "somebody else"),
        (entry(approver='" ANA@contoso.example "'), "exceptions[0].approver", "somebody else"),
        (entry(approved_on="2026-11-03"), "exceptions[0].approved_on", "check the year"),
        (entry(expires="2026-09-30"), "exceptions[0].expires", "the last day"),
        (entry() + entry(subject='"other"'), "exceptions[1].id", "its own id"),
        (entry() + entry(id='"EX-2"', job=f'"{JOB.upper()}"'), "exceptions[1]", "keep the one"),
    ],
)
def test_a_mistake_is_refused_by_its_place(tmp_path: Path, text: str, where: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert caught.value.where == f"{tmp_path / 'exceptions.toml'}: {where}"
    assert hint in caught.value.hint


def test_the_file_is_the_one_that_audit_toml_names(tmp_path: Path) -> None:
    config = tmp_path / "audit.toml"
    config.write_text('[store]\nexceptions = "borne.toml"\n')
    with pytest.raises(ConfigError, match="no such configuration file") as caught:
        beside(config, load(config))
    assert caught.value.hint == "store.exceptions names a file relative to audit.toml's folder"
    (tmp_path / "borne.toml").write_text(entry())
    found = beside(config, load(config)).exceptions
    assert found is not None
    assert found.file == "borne.toml"
    config.write_text("")
    assert beside(config, load(config)).exceptions is None
