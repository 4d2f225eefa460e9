"""How values read, and names of files."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evidence.jobs import Job
from audit.render import job_words, links, text


@given(st.text())
def test_nothing_that_acts_on_the_reader_stays(value: str) -> None:
    shown = text.visible(value)
    assert not any(unicodedata.category(each) == "Cc" and each not in "\t\n" for each in shown)
    assert not any(
        unicodedata.bidirectional(each) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI")
        for each in shown
    )
    shown.encode()


def test_readable_text_is_left_alone() -> None:
    assert text.visible("Zürich 大阪 نورا 🚀 a\tb\nc") == "Zürich 大阪 نورا 🚀 a\tb\nc"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (30, "30 s"), (300, "5 min"), (9000, "2 h 30 min"), (None, "unknown")]
)
def test_durations(seconds: int | None, words: str) -> None:
    assert text.seconds(seconds) == words


def test_times_are_told_in_utc() -> None:
    there = datetime(2026, 11, 22, 11, 45, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    assert text.utc(there) == "2026-11-22 06:00 UTC"
    assert text.utc(None) == "unknown"


@given(st.text(), st.text())
def test_a_jobs_page_is_a_safe_file_name_and_no_two_jobs_share_one(left: str, right: str) -> None:
    one, other = links.job_page(f"/x/{left}"), links.job_page(f"/x/{right}")
    assert one.isascii()
    assert one.startswith("jobs/")
    assert "/" not in one.removeprefix("jobs/")
    assert (one.lower() == other.lower()) == (left.lower() == right.lower()) or left.lower() != right.lower()


def test_a_jobs_page_carries_the_digits_of_its_row() -> None:
    job = Job(
        job_id="/subscriptions/S/x/Orders",
        name="Orders",
        subscription_id="S",
        resource_group="g",
        trigger_type="Event",
        in_scope=True,
        secrets_count=0,
    )
    assert links.job_page(job.job_id) == f"jobs/orders-{job.row_id[:8]}.html"
    assert links.job_page(job.job_id.upper()) == links.job_page(job.job_id)


@pytest.mark.parametrize(
    ("scaler", "metadata", "words"),
    [
        (
            "azure-servicebus",
            '{"topicName":"t","subscriptionName":"s","messageCount":"7"}',
            "topic “t” has messages (one execution for every 7 messages)",
        ),
        (
            "azure-queue",
            '{"queueName":"q","accountName":"st"}',
            "Storage queue “q” at st has messages (the number of messages per execution is not set",
        ),
        ("azure-queue", '{"queueNameFromEnv":"Q"}', "Storage queue (named by variable Q)"),
        ("cron", '{"start":"0 1 * * *"}', "the cron scaler of rule “r” finds work"),
        ("azure-servicebus", "null", "Service Bus a queue that the rule doesn't name"),
    ],
)
def test_what_a_rule_watches(scaler: str, metadata: str, words: str) -> None:
    assert words in job_words.source({"scaler_type": scaler, "rule_name": "r", "metadata": metadata})
