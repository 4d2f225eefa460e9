"""Files of approved changes: what is taken, and how a mistake is named by file, row and column."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from audit.config import load, packaged, tickets
from audit.config.stated import beside
from audit.errors import ConfigError
from audit.model.ticket import Ticket

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg"
JOB = f"{GROUP}/providers/Microsoft.App/jobs/orders"
GOOD = {
    "ticket": "CHG-1",
    "job": "orders",
    "planned_from": "2026-11-01T22:00Z",
    "planned_until": "2026-11-02T02:00+01:00",
    "requester": "ana@contoso.example",
    "approver": "ben@contoso.example",
    "approved_at": "2026-10-31T09:00:30Z",
    "implementer": "deploy-orders",
}


def csv(*rows: dict[str, str], separator: str = ",") -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [separator.join(columns)]
    lines += [separator.join('"' + row.get(each, "").replace('"', '""') + '"' for each in columns) for row in rows]
    return "\r\n".join(lines) + "\r\n"


def read(folder: Path, content: str | bytes, name: str = "t.csv") -> tuple[Ticket, ...]:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tickets.read(folder, [name], now=NOW).tickets


def refused(folder: Path, content: str | bytes, name: str = "t.csv") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, content, name)
    assert str(folder / name) in caught.value.where
    assert caught.value.hint
    return caught.value


def test_the_samples_are_valid_and_go_into_the_run(tmp_path: Path) -> None:
    found = tickets.read(packaged("config"), ["tickets.csv"]).tickets
    assert {each.ticket for each in found} == {"CHG-1041", "CHG-1044", "INC-0310"}
    (tmp_path / "audit.toml").write_text('[changes]\nfiles = ["t.csv"]')
    (tmp_path / "t.csv").write_text(csv(GOOD))
    config = tmp_path / "audit.toml"
    stated = beside(config, load(config))
    assert stated.tickets is not None
    assert [each.source for each in stated.tickets.tickets] == ["t.csv: row 2"]
    config.write_text("")
    assert beside(config, load(config)).tickets is None


def test_a_row_is_read_as_it_is_meant(tmp_path: Path) -> None:
    (made,) = read(tmp_path, csv(GOOD | {"approver": " ben | cem |ben", "emergency": "Yes", "risk": "a\nb"}))
    assert made.planned_from == datetime(2026, 11, 1, 22, tzinfo=UTC)
    assert made.planned_until == datetime(2026, 11, 2, 1, tzinfo=UTC)
    assert made.approved_at == datetime(2026, 10, 31, 9, 0, 30, tzinfo=UTC)
    assert (made.approver, made.implementer, made.emergency) == (("ben", "cem"), ("deploy-orders",), True)
    assert (made.risk, made.resource, made.file, made.row) == ("a\nb", "", "t.csv", 2)


def test_a_day_alone_is_planned_from_its_beginning_until_its_end(tmp_path: Path) -> None:
    (made,) = read(tmp_path, csv(GOOD | {"planned_from": "2026-11-01", "planned_until": "2026-11-01"}))
    assert made.planned_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert made.planned_until == datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_a_spreadsheet_writes_is_read(tmp_path: Path, separator: str, mark: bytes) -> None:
    text = csv(GOOD | {"rollback": "first, then; and\nlast"}, separator=separator)
    (made,) = read(tmp_path, mark + text.replace("planned_from", "Planned From").encode())
    assert made.rollback == "first, then; and\nlast"


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    text = csv(GOOD | {"risk": "two\nlines"}, GOOD | {"ticket": "CHG-2"})
    head, first, second = text.split("\r\n")[:3]
    rows = read(tmp_path, f"{head}\r\n\r\n{first}\r\n,,,,,,,,\r\n{second}")
    assert [each.row for each in rows] == [3, 5]


def test_json_tells_the_same(tmp_path: Path) -> None:
    body: Any = GOOD | {"approver": ["ben", "cem"], "emergency": True, "risk": None}
    (made,) = read(tmp_path, json.dumps([body]), "t.json")
    (same,) = read(tmp_path, csv(GOOD | {"approver": "ben|cem", "emergency": "yes"}))
    assert made.source == "t.json: row 1"
    assert (made.approver, made.emergency, made.risk) == (same.approver, same.emergency, same.risk)


@pytest.mark.parametrize(
    ("change", "where", "told"),
    [
        ({"ticket": " "}, "row 2, ticket", "empty"),
        ({"requester": ""}, "row 2, requester", "empty"),
        ({"implementer": " | "}, "row 2, implementer", "empty"),
        ({"planned_from": ""}, "row 2, planned_from", "empty"),
        ({"planned_from": "2026-11-01 22:00"}, "row 2, planned_from", "not a time"),
        ({"planned_from": "01.11.2026"}, "row 2, planned_from", "not a time"),
        ({"planned_from": "2026-02-30"}, "row 2, planned_from", "not a time"),
        ({"planned_from": "0001-01-01T00:00+14:00"}, "row 2, planned_from", "not a time"),
        ({"planned_from": "2026-11-01T22:00Z; drop table changes"}, "row 2, planned_from", "not a time"),
        ({"planned_until": "2026-11-01T22:00Z"}, "row 2, planned_until", "not after"),
        ({"planned_until": "2026-10-01"}, "row 2, planned_until", "not after"),
        ({"approved_at": "2026-10-31"}, "row 2, approved_at", "not a time"),
        ({"approved_at": "2027-10-31T09:00Z"}, "row 2, approved_at", "yet to come"),
        ({"approved_at": ""}, "row 2, approved_at", "empty"),
        ({"approver": ""}, "row 2, approver", "empty"),
        ({"reviewed_by": "ben"}, "row 2, reviewed_at", "empty"),
        ({"emergency": "perhaps"}, "row 2, emergency", "neither yes nor no"),
        ({"job": ""}, "row 2, job", "neither a job nor a resource"),
        ({"resource": "vault"}, "row 2, job", "both"),
        ({"job": GROUP}, "row 2, job", "not the resource id of a job"),
        ({"job": JOB + "*"}, "row 2, job", "not the resource id of a job"),
        ({"job": "a/b/c"}, "row 2, job", "neither an id nor a name"),
        ({"job": "", "resource": "/providers/x"}, "row 2, resource", "not a resource id"),
        ({"job": "[ab]"}, "row 2, job", "not a pattern"),
        ({"job": "*a*b*c*d*"}, "row 2, job", "not a pattern"),
        ({"implementer": "ana\u200b@contoso.example"}, "row 2, implementer", "nobody sees"),
        ({"approver": "\u202eneb"}, "row 2, approver", "nobody sees"),
        ({"requester": "a\x1b[31mb"}, "row 2, requester", "nobody sees"),
        ({"requester": "a\x00b"}, "row 2, requester", "nobody sees"),
        ({"ticket": "CHG\n1"}, "row 2, ticket", "nobody sees"),
        ({"ticket": "x" * 401}, "row 2, ticket", "401 characters"),
        ({"risk": "x" * 4001}, "row 2, risk", "4001 characters"),
        ({"approver": "|".join(f"p{n}" for n in range(21))}, "row 2, approver", "21 names"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, change: dict[str, str], where: str, told: str) -> None:
    error = refused(tmp_path, csv(GOOD | change))
    assert error.where.endswith(f"t.csv: {where}")
    assert told in error.message


def test_nothing_unseen_reaches_a_terminal_through_the_error(tmp_path: Path) -> None:
    error = refused(tmp_path, csv(GOOD | {"emergency": "\x1b]0;x\x07"}))
    assert error.message.isprintable()


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("", "row 1", "no heading"),
        (csv(GOOD | {"aprover": "x"}), "row 1", 'unknown column "aprover"'),
        ("ticket,ticket\n", "row 1", "twice"),
        (csv({key: value for key, value in GOOD.items() if key != "approved_at"}), "row 1", "approved_at"),
        (csv({key: value for key, value in GOOD.items() if key != "job"}), "row 1", "job or resource"),
        (csv(GOOD) + "CHG-2,orders\n", "row 3", "2 cells"),
        (csv(GOOD) + '"CHG-2,orders\n', "row 3", "not valid CSV"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, where: str, told: str) -> None:
    error = refused(tmp_path, text)
    assert error.where.endswith(f"t.csv: {where}")
    assert told in error.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "an array of changes"),
        ("[1]", "not an object"),
        ("[" * 100_000, "not valid JSON"),
        ('[{"ticket": "a", "ticket": "b"}]', "twice"),
        ('[{"tickt": "a"}]', "unknown column"),
        (json.dumps([GOOD | {"ticket": 7}]), "a text was expected"),
        (json.dumps([GOOD | {"approver": ["ben", 7]}]), "a text was expected"),
        (json.dumps([GOOD | {"emergency": 1}]), "a text was expected"),
        (json.dumps([GOOD | {"requester": {"a": 1}}]), "a text was expected"),
    ],
)
def test_wrong_json_is_named(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text, "t.json").message


def test_one_ticket_is_there_once_for_one_thing(tmp_path: Path) -> None:
    assert len(read(tmp_path, csv(GOOD, GOOD | {"job": "returns"}))) == 2
    error = refused(tmp_path, csv(GOOD, GOOD | {"ticket": "chg-1", "job": "Orders"}))
    assert error.where.endswith("row 3, ticket")
    assert "t.csv: row 2" in error.message
    (tmp_path / "a.csv").write_text(csv(GOOD))
    (tmp_path / "b.csv").write_text(csv(GOOD))
    with pytest.raises(ConfigError, match=r"a\.csv: row 2"):
        tickets.read(tmp_path, ["a.csv", "b.csv"])


def test_what_is_no_text_or_too_much_of_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not UTF-8" in refused(tmp_path, csv(GOOD).encode("utf-16")).message
    assert "neither .csv nor .json" in refused(tmp_path, "x", "t.xlsx").message
    assert "larger than 8 MiB" in refused(tmp_path, b"x" * (tickets.MOST_BYTES + 1)).message
    monkeypatch.setattr(tickets, "MOST_TICKETS", 1)
    assert "more than 1 tickets" in refused(tmp_path, csv(GOOD, GOOD | {"ticket": "CHG-2"})).message


@pytest.mark.parametrize("name", ["missing.csv", ".", "x\x00.csv"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tickets.read(tmp_path, [name])
    assert caught.value.where.startswith(str(tmp_path))


def test_names_are_compared_in_one_form(tmp_path: Path) -> None:
    (made,) = read(tmp_path, csv(GOOD | {"approver": "Marek Dvor\u030ca\u0301k"}))
    assert made.approver == ("Marek Dvořák",)
