"""The workbooks of a real pack, with all the names that people gave things in Azure, come back and are taken in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openpyxl

from audit import pipeline
from audit.errors import ExitCode
from audit.render.review.form import HEADINGS, NUMBERS
from audit.sandbox import Sandbox
from audit.seal import sums
from audit.store import Store
from tests.conftest import NOW, collected


def filled(sent: Path, target: Path, words: dict[str, str]) -> None:
    """Decide every row: as ``words`` says, else keep."""
    book = openpyxl.load_workbook(sent)
    sheet = book["Decisions"]
    for number in range(HEADINGS + 1, sheet.max_row + 1):
        entitlement = sheet.cell(number, NUMBERS["entitlement_id"]).value
        word = words.get(entitlement, "keep")
        for column, value in (
            ("decision", word),
            ("reason", f"{word}: still to be told why"),
            ("decided_by", "Nora Vance"),
            ("decided_on", NOW.date() + timedelta(days=1)),
        ):
            sheet.cell(number, NUMBERS[column]).value = value
    book.save(target)


async def test_a_real_packs_workbooks_come_back_complete(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(sandbox, tmp_path, run_id="run-1", at=NOW)

    def render() -> pipeline.Rendered:
        return pipeline.render("run-1", pack="access-review", output=tmp_path, formats=["xlsx"])

    rendered = await asyncio.to_thread(render)
    pack, inbox = rendered.path, tmp_path / "inbox"
    inbox.mkdir()
    sent = sorted((pack / "review").glob("*.xlsx"))
    rows = list(pipeline.query(str(pack), "select entitlement_id, principal from entitlements", output=tmp_path))[1:]
    (first, _), *_ = rows
    for path in sent:
        filled(path, inbox / path.name, {first: "revoke"})
    returned = sorted(inbox.iterdir())
    tomorrow = datetime.now(UTC) + timedelta(days=1)

    some = pipeline.review_import(returned[:1], output=tmp_path, now=tomorrow)
    assert some.exit_code is (ExitCode.OK if len(sent) == 1 else ExitCode.INCOMPLETE)
    made = pipeline.review_import(returned, output=tmp_path, now=tomorrow)
    assert made.known == (returned[0].name,)
    assert (made.state.decided, made.state.rows, made.exit_code) == (len(rows), len(rows), ExitCode.OK)
    assert [each.entitlement_id for each in made.state.to_do] == [first]
    (issued,) = Store(tmp_path).reviews.issued()
    assert issued.review == made.state.review == pack.name
    assert sums.differences(pack) == []

    again = await asyncio.to_thread(render)
    assert sums.digest(again.path) == made.state.pack_sha256, "the same run is the same pack"
    assert pipeline.review_status(str(again.path), output=tmp_path).state == made.state, "history keeps what came back"
