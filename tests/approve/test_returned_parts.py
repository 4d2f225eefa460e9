"""The returned file is untrusted: what acts, lies, or unpacks without end is refused before it is read."""

from __future__ import annotations

import os
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from returned_fixture import Desk, refused, rewritten

from audit.approve import returned, returned_archive, returned_book

SHEET = "xl/worksheets/sheet2.xml"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all refusals: a refused workbook leaves nothing behind, which each of them checks."""
    return Desk(tmp_path_factory.mktemp("desk"))


def test_files_that_are_no_workbook_are_refused(desk: Desk) -> None:
    desk.inbox.joinpath("text.xlsx").write_text("entitlement,decision\n")
    desk.inbox.joinpath("old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512)
    desk.inbox.joinpath("empty.xlsx").write_bytes(b"")
    with zipfile.ZipFile(desk.inbox / "zip.xlsx", "w") as archive:
        archive.writestr("readme.txt", "hello")
    (desk.inbox / "folder.xlsx").mkdir(exist_ok=True)
    if not (desk.inbox / "pipe.xlsx").exists():
        os.mkfifo(desk.inbox / "pipe.xlsx")
    names = ("text", "old", "empty", "zip", "folder", "pipe", "none")
    told = refused(desk, *(desk.inbox / f"{name}.xlsx" for name in names), pack=str(desk.pack))
    assert [each.partition(". ")[0] for each in told] == [
        "text.xlsx: this is no workbook (.xlsx), or a damaged one",
        "old.xlsx: the file is encrypted, or an old .xls",
        "empty.xlsx: this is no workbook (.xlsx), or a damaged one",
        "zip.xlsx: the part [Content_Types].xml is missing",
        "folder.xlsx: this is not a file",
        "pipe.xlsx: this is not a file",
        "none.xlsx: the file can't be read: No such file or directory",
    ]


def hostile(desk: Desk, change: Callable[[str, bytes], bytes | None] | None = None, **added: bytes) -> Path:
    return rewritten(desk.sent(), desk.inbox / "h.xlsx", change or (lambda _name, content: content), **added)


def in_sheet(find: bytes, put: bytes) -> Callable[[str, bytes], bytes]:
    def change(name: str, content: bytes) -> bytes:
        assert name != SHEET or find in content
        return content.replace(find, put, 1) if name == SHEET else content

    return change


def remark(book: Any) -> None:
    book["Decisions"]["B5"].comment = Comment("has left in May", "Ana Ruiz")


ENTITY = b'<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet'
LAUGHS = b'<!DOCTYPE worksheet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet'
LINK = (
    b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r9" '
    b'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="file:///c:/x.xlsx" '
    b'TargetMode="External"/></Relationships>'
)

PARTS: dict[str, tuple[Callable[[Desk], Path], str]] = {
    "an external entity": (lambda desk: hostile(desk, in_sheet(b"<worksheet", ENTITY)), "declares a document type"),
    "a billion laughs": (lambda desk: hostile(desk, in_sheet(b"<worksheet", LAUGHS)), "declares a document type"),
    "a DTD in UTF-16": (
        lambda desk: hostile(
            desk,
            lambda name, content: (
                content.decode().replace("<worksheet", ENTITY.decode(), 1).encode("utf-16")
                if name == SHEET
                else content
            ),
        ),
        "declares a document type",
    ),
    "XML that is none": (lambda desk: hostile(desk, in_sheet(b"<sheetData>", b"<sheetData><row>")), "is not XML"),
    "macros": (lambda desk: hostile(desk, xl__vbaProject_bin=b"x"), "the file holds macros"),
    "macros by another name": (
        lambda desk: hostile(
            desk,
            lambda name, content: (
                content.replace(b"sheet.main+xml", b"sheet.macroEnabled.main+xml")
                if name == "[Content_Types].xml"
                else content
            ),
        ),
        "the file holds macros",
    ),
    "another workbook": (
        lambda desk: hostile(desk, xl__externalLinks__externalLink1_xml=b"<x/>"),
        "the file holds links to other workbooks",
    ),
    "a link that Excel follows": (
        lambda desk: hostile(desk, **{"xl__worksheets___rels__sheet3_xml.rels": LINK % b"externalLinkPath"}),
        "the file refers to something outside of it (externalLinkPath)",
    ),
    "an embedded object": (lambda desk: hostile(desk, xl__embeddings__oleObject1_bin=b"x"), "an embedded object"),
    "a remark": (
        lambda desk: desk.returned([], name="h.xlsx", change=remark),
        "the file holds comments (xl/comments/comment1.xml). Move what matters into Reason",
    ),
    "a text box": (
        lambda desk: hostile(desk, xl__drawings__drawing1_xml=b"<wsDr><twoCellAnchor/></wsDr>"),
        "a shape or text box",
    ),
    "a data connection": (lambda desk: hostile(desk, xl__connections_xml=b"<x/>"), "a connection to data"),
    "a part outside": (
        lambda desk: hostile(desk, **{"../../evil_xml": b"<x/>"}),
        "a part has a name that no workbook has",
    ),
    "a part twice": (lambda desk: hostile(desk, XL__WORKBOOK_xml=b"<x/>"), "a part has a name that no workbook has"),
    "a sheet missing": (
        lambda desk: hostile(desk, lambda name, content: None if name == SHEET else content),
        f"the part {SHEET} is missing",
    ),
    "a cell twice": (
        lambda desk: hostile(desk, in_sheet(b'<c r="B5"', b'<c r="A5"')),
        "Decisions!A5: the cell stands twice in the file",
    ),
    "a cell out of its row": (
        lambda desk: hostile(desk, in_sheet(b'<c r="B5"', b'<c r="B6"')),
        "the cell B6 stands in row 5",
    ),
    "a cell outside of the sheet": (lambda desk: hostile(desk, in_sheet(b'<c r="B5"', b'<c r="ZZZ5"')), "a cell"),
    "a text that isn't there": (
        lambda desk: hostile(
            desk, in_sheet(b"<sheetData>", b'<sheetData><row r="1"><c r="Z1" t="s"><v>9</v></c></row>')
        ),
        "a cell names a text that isn't there",
    ),
}


@pytest.mark.parametrize(("make", "told"), PARTS.values(), ids=PARTS)
def test_what_acts_or_lies_in_the_file_is_refused(desk: Desk, make: Callable[[Desk], Path], told: str) -> None:
    (found,) = refused(desk, make(desk), pack=str(desk.pack))
    assert found.startswith("h.xlsx")
    assert told in found


def test_a_zip_bomb_is_refused_before_it_is_unpacked(desk: Desk) -> None:
    (found,) = refused(desk, hostile(desk, xl__media__x_bin=b"\0" * (300 << 20)), pack=str(desk.pack))
    assert "unpacks to more than 256 MiB" in found
    (found,) = refused(desk, hostile(desk, xl__media__x_bin=b"\0" * (3 << 20)), pack=str(desk.pack))
    assert "unpacks to more than 200 times its size" in found


def test_a_bomb_that_lies_about_its_size_is_refused(desk: Desk) -> None:
    path = hostile(desk, in_sheet(b"</sheetData>", b"</sheetData>" + b" " * (1 << 20)))
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    while content[at + 46 : at + 46 + len(SHEET)] != SHEET.encode():
        at = content.find(b"PK\x01\x02", at + 4)
    struct.pack_into("<L", content, at + 24, 100)
    path.write_bytes(bytes(content))
    (found,) = refused(desk, path, pack=str(desk.pack))
    assert SHEET in found


def test_a_list_of_a_million_parts_is_not_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    added = {f"xl__media__{number:05}_bin": b"" for number in range(1_001)}
    (found,) = refused(desk, hostile(desk, **added), pack=str(desk.pack))
    assert "parts; a workbook has 1,000 at most" in found
    path = desk.sent()
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.rfind(b"PK\x05\x06") + 12, 200 << 20)
    target = desk.inbox / "long.xlsx"
    target.write_bytes(bytes(content))
    (found,) = refused(desk, target, pack=str(desk.pack))
    assert "lists more parts than a workbook has" in found
    monkeypatch.setattr(returned_archive, "MOST_FILE", 1_000)
    (found,) = refused(desk, path, pack=str(desk.pack))
    assert "the file is larger than" in found


def test_an_encrypted_part_is_refused(desk: Desk) -> None:
    content = bytearray(desk.sent().read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    path = desk.inbox / "secret.xlsx"
    path.write_bytes(bytes(content))
    (found,) = refused(desk, path, pack=str(desk.pack))
    assert "the file is encrypted. Remove the password" in found


def damaged(content: bytes, chance: random.Random) -> bytes:
    """Change, take out or slip in some bytes."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 2, 8))):
        at, kind = chance.randrange(len(made)), chance.randrange(4)
        if kind == 0:
            del made[at : at + chance.randrange(1, 40)]
        elif kind == 1:
            other = chance.randrange(len(made))
            made[at:at] = made[other : other + chance.randrange(1, 80)]
        elif kind == 2:
            made[at] = chance.choice(b'<>"/&;0123456789abcXYZ \x00\xff')
        else:
            made[at] = chance.randrange(256)
    return bytes(made)


SHEETS = tuple(f"xl/worksheets/sheet{number}.xml" for number in range(1, 5))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False), part=st.sampled_from(("", *SHEETS)))
def test_whatever_happens_to_the_bytes_a_file_is_read_or_refused(desk: Desk, chance: random.Random, part: str) -> None:
    path = desk.inbox / "fuzzed.xlsx"
    sent = desk.sent("bo")
    if part:
        rewritten(sent, path, lambda name, content: damaged(content, chance) if name == part else content)
    else:
        path.write_bytes(damaged(sent.read_bytes(), chance))
    try:
        book = returned_book.read(path)
    except returned_archive.Unreadable:
        return
    returned.identity(book)
    told = returned.differences(book, returned_book.read(sent), "fuzzed.xlsx")
    assert told or {each.entitlement_id for each in returned.filled(book)} == set(desk.ids("bo"))
