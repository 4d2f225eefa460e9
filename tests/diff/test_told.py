"""How differences are told: as JSON by its schema, as lines of a terminal and as a page, hostile text and all."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from comparing import Compare, Runs

from audit import diff
from audit.terminal import visible

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "diff.schema.json"
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202eevil\nremoved  every job"


def written(con: duckdb.DuckDBPyConnection, runs: Runs, old: str = "old", new: str = "new") -> bytes:
    file = io.BytesIO()
    diff.write(file, con, runs.sides[old], runs.sides[new])
    return file.getvalue()


def hostile(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into differences select 0, 'jobs', 'population', [$text], $text, $text, 'unknown', $text, $text,"
        " {'side': 'new', 'kind': $text, 'scope': $text, 'reason': $text, 'detail': $text, 'raw_ref': $text}, $text,"
        " $text, $text",
        {"text": HOSTILE},
    )
    con.execute("update differences set number = number + 1")


@pytest.mark.parametrize(("old", "new"), [("old", "new"), ("old", "roles"), ("less", "old"), ("old", "strict")])
def test_json_is_what_its_schema_says(runs: Runs, compare: Compare, old: str, new: str) -> None:
    with compare(old, new) as con:
        document = json.loads(written(con, runs, old, new))
        jsonschema.Draft202012Validator(
            json.loads(SCHEMA.read_text()), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
        ).validate(document)
        assert len(document["differences"]) == sum(sum(by.values()) for by in document["counts"].values()) > 0
        for each in document["differences"]:
            assert (each["because"] is not None) == (each["kind"] == "unknown")


def test_json_is_the_same_each_time_and_acts_on_no_terminal(runs: Runs, compare: Compare) -> None:
    with compare("old", "new") as con:
        hostile(con)
        first = written(con, runs)
        assert first == written(con, runs)
        assert first.isascii()
        assert b"\x1b" not in first
        assert json.loads(first)["differences"][0]["note"] == HOSTILE


def test_lines_count_what_they_leave_out(runs: Runs, compare: Compare) -> None:
    with compare("old", "new") as con:
        lines = list(diff.lines(con, runs.sides["old"], runs.sides["new"], limit=3))
        total = sum(diff.counts(con)["configuration"].values())
        assert f"  and {total - 3:,} more: --limit shows more of them, --format json all" in lines
        assert any(re.match(r"jobs +1 +1 +0 +0$", line) for line in lines)
        whole = list(diff.lines(con, runs.sides["old"], runs.sides["new"], limit=10_000))
        shown = [line for line in whole if re.match(r"  (added|removed|changed|unknown) ", line)]
        assert len(shown) == sum(sum(by.values()) for by in diff.counts(con).values())


def test_a_line_is_one_line_whatever_it_says(runs: Runs, compare: Compare) -> None:
    with compare("old", "new") as con:
        hostile(con)
        lines = [visible(line) for line in diff.lines(con, runs.sides["old"], runs.sides["new"], limit=1)]
        assert not any("\n" in line or "\x1b" in line or "\u202e" in line for line in lines)
        assert any("<script>" in line for line in lines)


def test_the_page_is_whole_and_nothing_in_it_acts(runs: Runs, compare: Compare) -> None:
    with compare("old", "roles") as con:
        hostile(con)
        page = diff.page(con, runs.sides["old"], runs.sides["roles"])
        assert "<script" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "&lt;script&gt;" in page
        assert "default-src &#39;none&#39;" in page
        assert not re.search(r"(src|href)=\"(?!#)", page)
        for title in ("Jobs", "Access", "Coverage"):
            assert f">{title}</h2>" in page


def test_the_page_is_bounded_and_says_so(runs: Runs, compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    from audit.diff import html

    monkeypatch.setattr(html, "MOST", 5)
    with compare("old", "roles") as con:
        total = sum(diff.counts(con)["access"].values())
        shown = html.page(con, runs.sides["old"], runs.sides["roles"])
        assert f"These are the first 5 of {total}" in shown
        assert shown.count('<tr><th scope="row">') <= 7 * 5 + 7


def test_two_that_are_alike(runs: Runs, compare: Compare) -> None:
    with compare("old", "old") as con:
        assert "Nothing differs" in diff.page(con, runs.sides["old"], runs.sides["old"])
        document: dict[str, Any] = json.loads(written(con, runs, "old", "old"))
        assert document["differences"] == document["notes"] == []


def test_what_the_reader_has_to_know_first(runs: Runs) -> None:
    told = "\n".join(diff.notes(runs.sides["old"], runs.sides["one"]))
    assert "NEW did not collect" in told
    assert "the runs ask for different subscriptions" in told
