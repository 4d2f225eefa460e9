"""An access-review pack on disk, and workbooks as people send them back: filled in with another program."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec import structs

from audit.approve import records
from audit.errors import ConfigError, ExitCode
from audit.model.review import IssuedReview
from audit.pipeline.reviewing import Reviewed, review_import
from audit.render import review
from audit.render.review.form import HEADINGS, NUMBERS
from audit.seal import sealing
from audit.store import Store, head
from audit.store.layout import RunFolder
from audit.store.reviews import digest
from tests.render import review_fixture as estates
from tests.render.review_fixture import ANA, BO, Estate, run, story
from tests.seal import sealed_pack

__all__ = ["ANA", "BO", "Desk", "Estate", "refused", "story"]

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)
NAME = "access-review-2026-10-23_2026-11-22-20261122T060000Z-3f9c"
Row = tuple[Any, Any, Any, Any]
"""Decision, reason, reviewer, date."""
KEEP: Row = ("keep", "still needed", "Ana Ruiz", DAY)


class Desk:
    """A sealed pack in an output folder, and a place where returned workbooks lie."""

    def __init__(self, root: Path, estate: Estate | None = None, name: str = NAME) -> None:
        self.output = root / "output"
        self.pack = self.output / "packs" / name
        self.estate = estate or story()
        self.inbox = root / "inbox"
        self.inbox.mkdir(parents=True, exist_ok=True)
        self.render()

    def render(self) -> None:
        """Write the pack, as rendering does."""
        shutil.rmtree(self.pack, ignore_errors=True)
        (self.pack / "data").mkdir(parents=True)
        con = self.estate.con
        for table in estates.SCHEMA:
            con.execute(f"copy (select * from {table} order by row_id) to '{self.pack}/data/{table}.parquet'")
        review.write(con, run(), self.pack / "review", review=self.pack.name)
        head.write(RunFolder(self.pack), run(), {})
        about = structs.replace(sealed_pack.about(None, pack="access-review"), name=self.pack.name)
        sealing.seal(self.pack, about, packs=self.output / "packs", key=None)

    def issue(self, **changes: Any) -> None:
        """Note in history that a review was sent out."""
        told = {
            "review": self.pack.name,
            "run_id": run().run_id,
            "run_started": run().started,
            "run_finished": run().finished,
            "since": run().window.since,
            "until": run().window.until,
            "rows": 6,
            "rows_sha256": digest(self.estate.con),
            "due": NOW,
        }
        Store(self.output).reviews.issue(self.estate.con, IssuedReview(**(told | changes)))

    def sent(self, beginning: str = "ana") -> Path:
        (path,) = self.pack.glob(f"review/{beginning}*.xlsx")
        return path

    def ids(self, beginning: str = "ana") -> list[str]:
        sheet = openpyxl.load_workbook(self.sent(beginning))["Decisions"]
        return [row[NUMBERS["entitlement_id"] - 1].value for row in sheet.iter_rows(min_row=HEADINGS + 1)]

    def returned(
        self,
        rows: list[Row | None],
        *,
        beginning: str = "ana",
        name: str = "",
        change: Callable[[Any], object] | None = None,
    ) -> Path:
        """Fill in a workbook, row by row; ``change`` does something else to it before it is saved."""
        book = openpyxl.load_workbook(self.sent(beginning))
        for number, row in enumerate(rows, start=HEADINGS + 1):
            if row is not None:
                write(book["Decisions"], number, row)
        if change:
            change(book)
        path = self.inbox / (name or f"{beginning}.xlsx")
        book.save(path)
        return path

    def taken(self, *paths: Path, **options: Any) -> Reviewed:
        return review_import(paths, output=self.output, now=options.pop("now", NOW), **options)


def write(sheet: Any, number: int, row: Row) -> None:
    for column, value in zip(("decision", "reason", "decided_by", "decided_on"), row, strict=True):
        cell = sheet.cell(number, NUMBERS[column])
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"


def rewritten(path: Path, target: Path, change: Callable[[str, bytes], bytes | None], **added: bytes) -> Path:
    """Write a workbook's zip again, each part changed (null: left out), with parts added."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            told = change(name, old.read(name))
            if told is not None:
                new.writestr(name, told)
        for name, content in added.items():
            new.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_bin", ".bin"), content)
    return target


def refused(desk: Desk, *paths: Path, **options: Any) -> list[str]:
    """Return the problems that an import tells; nothing of it stays."""
    with pytest.raises(ConfigError) as caught:
        desk.taken(*paths, **options)
    assert caught.value.exit_code is ExitCode.USAGE
    assert records.read(desk.pack) == []
    assert Store(desk.output).reviews.records(desk.pack.name) == []
    assert not (desk.pack / "approvals").exists(), "not even a page"
    first, *told = str(caught.value).split("\n  ")
    assert first.startswith("nothing was taken in: ")
    assert told.pop().startswith("what to do: ")
    return told
