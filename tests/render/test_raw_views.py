"""What a view of a raw page shows: Azure's own words, bounded, and every cut said where it is made."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from audit.render.raw_pages import BEGINNING, FIRST_ALIKE, LAST_ALIKE, LONGEST, MOST_ALIKE, _pretty


def shown(value: Any) -> str:
    """Return what a browser shows of an item."""
    return html.unescape(str(_pretty(json.dumps(value).encode())))


def series(count: int) -> dict[str, Any]:
    """Return an item as a metric is one."""
    return {
        "name": "Executions",
        "data": [{"timeStamp": f"2026-11-01T00:00:{n:04}Z", "total": n} for n in range(count)],
    }


@pytest.mark.parametrize("value", ['"quoted"', "<script>", "a & b &amp; c", "it's", "{ not an object },\n"])
def test_words_are_neither_changed_nor_acted_on(value: str) -> None:
    told = str(_pretty(json.dumps({"value": value}).encode()))
    assert "<" not in told
    assert json.loads(html.unescape(told)) == {"value": value}


def test_what_hides_is_shown_by_number() -> None:
    assert "a[U+202E]b" in str(_pretty('{"value": "a\u202eb"}'.encode()))


@pytest.mark.parametrize("count", [0, 1, MOST_ALIKE])
def test_a_short_series_is_whole(count: int) -> None:
    assert json.loads(shown(series(count))) == series(count)


@pytest.mark.parametrize("count", [MOST_ALIKE + 1, 720, 20_000])
def test_of_a_long_series_the_first_and_the_last_are_shown_and_the_others_counted(count: int) -> None:
    told = shown(series(count))
    points = [json.loads(line.strip().rstrip(",")) for line in told.splitlines() if '"timeStamp"' in line]
    data = series(count)["data"]
    assert points == data[:FIRST_ALIKE] + data[-LAST_ALIKE:]
    left_out = count - FIRST_ALIKE - LAST_ALIKE
    assert f"… {left_out:,} more between these: the file named above has all of them …" in told


def test_a_long_item_that_is_no_series_is_whole_up_to_the_bound() -> None:
    value = {f"setting-{n}": "x" * 40 for n in range(LONGEST // 80)}
    assert json.loads(shown(value)) == value


def test_of_a_longer_one_the_beginning_is_shown_and_the_rest_counted() -> None:
    value = {f"setting-{n:05}": "x" * 40 for n in range(2_000)}
    kept, _, said = shown(value).partition("… ")
    whole = json.dumps(value, indent=2)
    assert whole.startswith(kept)
    assert BEGINNING / 2 < len(kept) <= BEGINNING
    assert said == f"{len(whole) - len(kept):,} more characters: the file named above has all of them"


@pytest.mark.parametrize("word", ["a}b", "{", "},{", '{"k":1},' * 80, "]", "\\"])
def test_words_that_look_like_a_series_are_none(word: str) -> None:
    """Whatever stands in the texts, what is left of the item is JSON, and every object of it is one that Azure sent."""
    value = {"data": [{"name": word[:40], "total": n} for n in range(90)], "after": word}
    kept = json.loads(shown(value))
    assert kept["after"] == word
    assert [each for each in kept["data"] if isinstance(each, dict)] == [
        each for each in value["data"] if each in kept["data"]
    ]
