"""What --since, --until and --month mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audit.config import period
from audit.errors import UsageError
from audit.model import Window
from audit.model.packs import pack_name

NOW = datetime(2026, 11, 22, 16, 30, 15, 999, tzinfo=UTC)


def asked(**given: str) -> Window:
    return period(**{"since": None, "until": None, "month": None, **given}, days=30, now=NOW)


def test_without_a_word_it_is_the_days_before_now() -> None:
    window = asked()
    assert window.until == NOW.replace(microsecond=0)
    assert window.until - window.since == timedelta(days=30)


def test_a_month_is_a_calendar_month_in_utc() -> None:
    window = asked(month="2026-10")
    assert (window.since, window.until) == (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    assert window.label == "2026-10"


def test_a_pack_of_another_window_than_the_runs_has_a_name_of_its_own() -> None:
    day = Window(since=datetime(2026, 10, 2, tzinfo=UTC), until=datetime(2026, 10, 9, tzinfo=UTC))
    later = Window(since=day.since, until=day.until + timedelta(hours=6, seconds=5))
    assert pack_name("compliance", day, "r") == "compliance-2026-10-02_2026-10-09-r"
    names = {pack_name("compliance", each, "r", asked=True) for each in (day, later)}
    assert names == {
        "compliance-2026-10-02T000000Z_2026-10-09T000000Z-r", "compliance-2026-10-02T000000Z_2026-10-09T060005Z-r",
    }  # fmt: skip
    assert pack_name("compliance", asked(month="2026-10"), "r", asked=True) == "compliance-2026-10-r"


@pytest.mark.parametrize(
    ("now", "month"), [(NOW, "2026-10"), (NOW.replace(month=1), "2025-12"), (NOW.replace(month=3, day=31), "2026-02")]
)
def test_the_last_month_is_the_calendar_month_before_this_one(now: datetime, month: str) -> None:
    window = period(since=None, until=None, month="last", days=30, now=now)
    assert window == Window.month(*(int(part) for part in month.split("-")))


def test_what_has_not_happened_is_cut_off() -> None:
    assert asked(month="2026-11").until == NOW.replace(microsecond=0)
    assert asked(since="2026-11-01", until="2027-01-01").until == NOW.replace(microsecond=0)


def test_times_carry_their_zone_and_dates_are_utc() -> None:
    window = asked(since="2026-11-01T02:00:00+02:00", until="2026-11-02")
    assert (window.since, window.until) == (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"month": "2026-13"}, "--month"),
        ({"month": "0000-01"}, "--month"),
        ({"month": "9999-12"}, "--month"),
        ({"month": "2026-10", "since": "2026-10-01"}, "--since"),
        ({"since": "yesterday"}, "--since"),
        ({"until": "2026-02-30"}, "--until"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "before it starts"),
        ({"month": "2026-12"}, "future"),
        ({"since": "2027-01-01", "until": "2027-02-01"}, "future"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(given: dict[str, str], word: str) -> None:
    with pytest.raises(UsageError, match=word) as refused:
        asked(**given)
    assert refused.value.hint
