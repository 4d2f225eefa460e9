"""Planted secrets of many formats, at random places: they appear in no byte that is written, in no spelling."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secret_makers import MAKERS
from store_kind import NOW, THINGS, done, page_of, run_of, scope_of

from audit.model import Gap, GapReason, MalformedItem, Row, decode
from audit.store import Redactor, Store, raw

WINDOW = 14
"""No piece of a secret of this length may be seen: hiding a part of one would be no better than hiding nothing."""

Plant = Callable[[str], Any]


def job(text: str = "x", **template: Any) -> dict[str, Any]:
    return {
        "id": "/subscriptions/1/resourceGroups/g/providers/Microsoft.App/jobs/j",
        "details": {
            "properties": {"template": {"containers": [{"name": "main", "image": "r.azurecr.io/a:1", **template}]}}
        },
    }


def change(path: str, text: str) -> dict[str, Any]:
    told = {"propertyChangeType": "Update", "previousValue": text, "newValue": "1"}
    return {"id": "/change", "details": {"changes": {path: told, "properties.n": {"newValue": "2"}}}}


PLACES: dict[str, Plant] = {
    "environment": lambda text: job(env=[{"name": "SETTING", "value": text}]),
    "environment under a harmless name": lambda text: job(
        env=[{"name": "LOG_LEVEL", "value": text}, {"name": "B", "value": "1"}]
    ),
    "command": lambda text: job(command=["/bin/sh", "-c", text]),
    "argument": lambda text: job(args=["run", text]),
    "argument with a name": lambda text: job(args=[f"--target={text}"]),
    "argument after a flag": lambda text: job(args=["--connection", text, "--verbose"]),
    "scaler metadata": lambda text: {
        "id": "/s",
        "details": {"rules": [{"type": "x", "metadata": {"address": text, "q": "5"}}]},
    },
    "secret's value": lambda text: {"id": "/v", "details": {"secrets": [{"name": "n", "value": text}]}},
    "tag": lambda text: {"id": "/t", "details": {"tags": {"note": text}}},
    "tag's name": lambda text: {"id": "/n", "details": {"tags": {text: "1"}}},
    "list": lambda text: {"id": "/l", "details": [["a", text], 1, None]},
    "message": lambda text: {"id": "/m", "details": {"properties": {"message": f"failed for {text}", "n": 1.50}}},
    "an item's own member": lambda text: {"id": "/i", "details": text},
    "an item's id": lambda text: {"id": text},
    "body as text": lambda text: {
        "id": "/b",
        "details": {"requestbody": json.dumps(job(env=[{"name": "A", "value": text}]))},
    },
    "body in a body": lambda text: {
        "id": "/bb",
        "details": {"body": json.dumps({"inner": json.dumps({"note": text})})},
    },
    "body cut off": lambda text: {"id": "/c", "details": {"requestbody": json.dumps({"a": [text, text]})[:-3]}},
    "claims": lambda text: {"id": "/cl", "details": {"claims": {"name": text, "aio": text, "appid": "1"}}},
    "names and values": lambda text: {
        "id": "/nv",
        "details": [{"name": "x", "value": text}, {"keyName": "k", "value": text}],
    },
    "change of a variable": lambda text: change("properties.template.containers[0].env[2].value", text),
    "change of variables as text": lambda text: change(
        "properties.template.containers[0].env", json.dumps([{"name": "A", "value": text}])
    ),
    "change of an argument": lambda text: change("properties.template.containers[0].args[3]", text),
    "change of scaler metadata": lambda text: change("properties.scale.rules[0].metadata.address", text),
    "change of a secret": lambda text: change("properties.configuration.secrets[0].value", text),
    "change of a tag": lambda text: change("tags.note", text),
    "changed path": lambda text: change(f"tags.{text}", "1"),
    "parameter": lambda text: {"id": "/p", "details": {"parameters": {"x": {"type": "String", "value": text}}}},
    "secure parameter": lambda text: {
        "id": "/sp",
        "details": {"parameters": {"x": {"type": "SecureString", "value": text}}},
    },
    "a member that stands twice": lambda text: b'{"id":"/d","details":{"a":%s,"a":1}}' % msgspec.json.encode(text),
}


def everything(folder: Path, database: Path) -> str:
    """Return all that was written, as a reader could see it: bytes, unpacked pages, values of tables."""
    seen = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "redaction.key":
            seen.append(path.read_bytes().decode("utf-8", "replace"))
        if path.name.endswith(".zst"):
            seen += [raw.encode(page).decode() for page in raw.read(path)]
    stored = Store(folder).open("run-1")
    with stored.tables(database) as tables:
        for (name,) in tables.sql("select table_name from duckdb_tables() order by all").fetchall():
            seen += [str(row) for row in tables.sql(f"from {name}").fetchall()]
    return "\n".join(seen)


def spellings(text: str) -> list[str]:
    """Return a text as written, without JSON's and Python's escapes, and percent-decoded up to three times."""
    bare = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text).replace("\\", "")
    found = [text, bare]
    for _ in range(3):
        bare = unquote(bare)
        found.append(bare)
    return list(dict.fromkeys(found))


def pieces(secret: str) -> set[str]:
    found = set()
    for _ in range(4):
        found |= {secret[at : at + WINDOW] for at in range(max(1, len(secret) - WINDOW + 1))}
        secret = unquote(secret)
    return {piece for piece in found if len(piece) >= min(WINDOW, 8)}


def assert_unseen(secret: str, spelled: list[str], what: str) -> None:
    for spelling in spelled:
        for piece in pieces(secret.replace("\\", "")):
            assert piece not in spelling, f"{what}: {spelling[max(0, spelling.find(piece) - 200) :][:500]}"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64), st.booleans())
def test_planted_secrets_are_in_no_file(seed: int, killed: bool) -> None:
    random = Random(seed)
    planted: list[tuple[str, str]] = []

    def made(place: str) -> str:
        name = random.choice(sorted(MAKERS))
        text, secret = MAKERS[name](random)
        planted.append((f"{name} in {place}", secret))
        return text

    items = []
    for name, place in PLACES.items():
        item = place(made(name))
        items.append(item if isinstance(item, bytes) else msgspec.json.encode(item))
    body = b'{"value":[%s],"nextLink":%s}' % (b",".join(items), msgspec.json.encode(made("next link")))
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with Store(output).create(run_of()) as writer:
            scope = scope_of(1)
            unit = writer.unit(THINGS, scope)
            address = f"https://arm.example/x?a=1&link={made('address')}"
            asked = msgspec.json.encode({"query": made("question"), "ids": ["1"]})
            pages = [unit.page(page_of(scope, body, url=address, request_body=asked))]
            pages.append(unit.page(page_of(scope, made("answer that is no JSON").encode())))
            for result in decode(THINGS, pages):
                if isinstance(result, Row):
                    unit.row(result.record, result.page, result.item)
            malformed = MalformedItem(scope="/x", detail=f"$.a: wrong: {made('item error')}", raw_ref="raw/x")
            unit.end(
                Gap(reason=GapReason.UNAVAILABLE, detail=f"500: {made('error')}"),
                requests=1,
                started=NOW,
                finished=NOW,
                malformed=[malformed],
            )
            if not killed:
                writer.finish(THINGS)
                writer.close(done(writer.run))
        if killed:
            seen = "\n".join(
                path.read_bytes().decode("utf-8", "replace") for path in output.rglob("*") if path.is_file()
            )
            with Store(output).resume("run-1") as writer:
                writer.finish(THINGS)
                writer.close(done(writer.run))
        else:
            seen = ""
        seen += everything(output, Path(folder) / "run.duckdb")
    assert "/subscriptions/1/resourceGroups/g/providers/Microsoft.App/jobs/j" in seen, "something was written"
    spelled = spellings(seen)
    for what, secret in planted:
        assert_unseen(secret, spelled, what)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_format_is_seen_at_every_place(name: str) -> None:
    redactor = Redactor(b"k" * 32)
    for seed in range(4):
        text, secret = MAKERS[name](Random(f"{name} {seed}"))
        shown = redactor.text(text)
        assert_unseen(secret, spellings(shown), "text")
        assert "[redacted:" in shown
        assert re.search(r"\[redacted:[0-9a-f]{16}:[a-z-]+\]", shown), "a detector names it"
        assert redactor.text(shown) == shown
        assert Redactor(b"k" * 32).text(text) == shown
        for place, plant in PLACES.items():
            item = plant(text)
            body = item if isinstance(item, bytes) else msgspec.json.encode(item)
            page = redactor.page(page_of(scope_of(1), b'{"value":[%s]}' % body))
            assert_unseen(secret, spellings(page.body.decode()), place)
            assert redactor.page(page) == page, place
            alone = redactor.page(page_of(scope_of(1), body))
            assert_unseen(secret, spellings(alone.body.decode()), place)
            assert redactor.page(alone) == alone, place


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor(b"k" * 32)
    once = redactor.text(text)
    assert redactor.text(once) == once


_AWKWARD = st.lists(
    st.sampled_from(
        [
            *"aZ9=;&?:/@\"'\\%+-_.~ {}[],",
            "password",
            "sig=",
            "://",
            "[redacted:",
            "%3D",
            "%25",
            "eyJ",
            "--token ",
            "AccountKey=",
        ]
    ),
    max_size=30,
).map("".join)


@settings(max_examples=600, deadline=None)
@given(_AWKWARD)
def test_redacting_awkward_text_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor(b"k" * 32)
    once = redactor.text(text)
    assert redactor.text(once) == once
    page = redactor.page(page_of(scope_of(1), {"value": [{"env": [{"name": text, "value": text}], text: text}]}))
    assert redactor.page(page) == page
