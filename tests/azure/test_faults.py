"""Whatever goes wrong has a gap reason; nothing that went wrong looks like an empty list."""

from __future__ import annotations

import asyncio
import inspect
import ssl
import time
import zlib

import aiohttp
import msgspec
import pytest
from azure import identity
from azure.core import exceptions
from scripted_azure import JOBS, SCOPE, SECRET, SUBSCRIPTION, Reply, error, jobs, read, read_until_broken, token, until

from audit.azure import faults, transport
from audit.azure.faults import REASONS, clean, read_failed
from audit.model.outcome import GapReason, ReadFailed


def defined_in(module) -> list[type[BaseException]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, BaseException) and each.__module__.startswith("azure.")
    ]


def classes_below(kind: type) -> list[type]:
    return [kind, *(each for child in kind.__subclasses__() for each in classes_below(child))]


@pytest.mark.parametrize("kind", defined_in(exceptions), ids=lambda kind: kind.__name__)
def test_every_exception_of_azure_core_is_listed(kind):
    assert kind in REASONS


def test_the_list_is_read_from_the_sdk_that_is_installed():
    assert len(defined_in(exceptions)) >= 20


@pytest.mark.parametrize(
    "kind",
    [
        *defined_in(identity),
        *classes_below(aiohttp.ClientError),
        TimeoutError,
        ssl.SSLError,
        ssl.SSLCertVerificationError,
        ConnectionResetError,
        zlib.error,
        msgspec.ValidationError,
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
    ],
    ids=lambda kind: kind.__name__,
)
def test_every_exception_from_below_is_caught(kind):
    assert issubclass(kind, faults.FAILURES)
    assert any(each in REASONS for each in kind.__mro__)


def test_a_status_weighs_more_than_the_class_of_the_error():
    failure = exceptions.HttpResponseError("no")
    failure.status_code = 403
    assert read_failed(failure).reason is GapReason.FORBIDDEN


GZIP = {"Content-Encoding": "gzip"}


async def fails(azure, **unit) -> ReadFailed:
    async with azure.unit(**unit):
        with pytest.raises(ReadFailed) as failed:
            await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
    return failed.value


@pytest.mark.parametrize(
    ("reply", "reason", "attempts"),
    [
        (error(400, "BadRequest"), GapReason.UNSUPPORTED, 1),
        (error(401, "InvalidAuthenticationToken"), GapReason.FORBIDDEN, 1),
        (error(403, "AuthorizationFailed"), GapReason.FORBIDDEN, 1),
        (error(405, "MethodNotAllowed"), GapReason.UNSUPPORTED, 1),
        (error(409, "Conflict"), GapReason.UNAVAILABLE, 1),
        (error(418, "Teapot"), GapReason.UNAVAILABLE, 1),
        (error(408, "Timeout"), GapReason.UNAVAILABLE, 4),
        (error(500, "InternalServerError"), GapReason.UNAVAILABLE, 4),
        (error(502, "BadGateway"), GapReason.UNAVAILABLE, 4),
        (error(503, "ServiceUnavailable"), GapReason.UNAVAILABLE, 4),
        (error(504, "GatewayTimeout"), GapReason.UNAVAILABLE, 4),
        (Reply(status=204, raw=b""), GapReason.UNAVAILABLE, 1),
        (Reply({"value": []}, status=206), GapReason.UNAVAILABLE, 1),
        (Reply({"value": []}, cut=True), GapReason.UNAVAILABLE, 4),
        (Reply(raw=b"<html>proxy says hello</html>"), GapReason.MALFORMED, 1),
        (Reply(raw=b'{"value":[{"id":'), GapReason.MALFORMED, 1),
        (Reply(raw=b""), GapReason.MALFORMED, 1),
        (Reply({}), GapReason.MALFORMED, 1),
        (Reply({"value": None}), GapReason.MALFORMED, 1),
        (Reply({"value": {"id": 1}}), GapReason.MALFORMED, 1),
        (Reply({"value": [], "nextLink": 7}), GapReason.MALFORMED, 1),
        (Reply(raw=b"[" * 100_000), GapReason.MALFORMED, 1),
        (Reply(raw=b'{"value":[{"x":' + b"[" * 100_000), GapReason.MALFORMED, 1),
        (Reply(raw=b'{"value":["\xff"]}'), GapReason.MALFORMED, 1),
        (Reply(raw=b"not gzip", headers=GZIP), GapReason.MALFORMED, 1),
        (Reply(raw=zlib.compress(b'{"value":[]}', wbits=31)[:-12], headers=GZIP), GapReason.MALFORMED, 1),
        (Reply({"value": []}, headers={"Content-Encoding": "br"}, raw=b"\x0b\x05"), GapReason.MALFORMED, 1),
    ],
)  # fmt: skip
async def test_an_answer_that_is_none_is_a_gap(sandbox, azure, reply, reason, attempts):
    sandbox.on(JOBS, reply)
    failure = await fails(azure)
    assert failure.reason is reason
    assert len(sandbox.to(JOBS)) == attempts
    assert azure.meter.retries == attempts - 1
    assert JOBS in failure.detail


async def test_a_connection_that_breaks_each_time_is_a_gap(sandbox, azure):
    sandbox.on(JOBS, Reply(drop=True))
    assert (await fails(azure)).reason is GapReason.UNAVAILABLE
    assert azure.meter.retries == 3
    assert len(sandbox.to(JOBS)) <= 8, "aiohttp itself tries a kept-alive connection once more, and no more"


async def test_what_passes_by_itself_is_tried_again(sandbox, azure):
    sandbox.on(JOBS, error(503, "Busy"), Reply({}, cut=True), jobs("a"))
    (page,) = await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert page.body == jobs("a").bytes()
    assert azure.meter.retries == 2
    assert azure.meter.requests["container_apps"] == 3


async def test_a_silent_server_is_given_up(sandbox, monkeypatch):
    monkeypatch.setattr(transport, "READ_SECONDS", 0.1)
    sandbox.on(JOBS, Reply({"value": []}, delay=5))
    async with sandbox.connect() as azure:
        assert (await fails(azure)).reason is GapReason.UNAVAILABLE


async def test_retries_do_not_outlast_the_unit(sandbox, azure):
    sandbox.on(JOBS, error(503, "Busy", **{"Retry-After": "60"}))
    started = time.monotonic()
    assert (await fails(azure, wait=0.3)).reason is GapReason.UNAVAILABLE
    assert 0.29 < time.monotonic() - started < 2
    assert len(sandbox.to(JOBS)) == 2


@pytest.mark.parametrize(
    "second",
    [error(500, "Oops"), error(404, "ResourceNotFound"), Reply(raw=b"<html>"), Reply(drop=True), error(400, "BadLink")],
)
async def test_a_missing_second_page_truncates(sandbox, azure, second):
    first = jobs("a", nextLink=f"{sandbox.url}{JOBS}?page=2")
    sandbox.on(JOBS, lambda asked: second if "page=2" in asked.query else first)
    for pages in (
        azure.pages(JOBS, api_version="1", scope=SCOPE),
        azure.typed(azure.container_apps(SUBSCRIPTION).jobs.list_by_subscription(), scope=SCOPE),
    ):
        kept, failure = await read_until_broken(pages)
        assert failure.reason is GapReason.TRUNCATED
        assert "page 2 could not be read" in failure.detail
        assert [page.body for page in kept] == [first.bytes()]


@pytest.mark.parametrize("links", [["1"], ["2", "1"], ["2", "3", "2"]])
async def test_pages_that_lead_in_a_circle_end(sandbox, azure, links):
    def answer(asked):
        number = len(sandbox.to(JOBS)) - 1
        assert number < len(links), "went round again"
        return jobs("a", nextLink=f"{sandbox.url}{JOBS}?api-version={links[number]}")

    sandbox.on(JOBS, answer)
    kept, failure = await read_until_broken(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert failure.reason is GapReason.TRUNCATED
    assert "read before" in failure.detail
    assert len(kept) == len(links)


async def test_azure_s_own_words_reach_the_detail_and_secrets_do_not(sandbox, azure):
    message = (
        f"denied\nfor https://x.blob/y?sv=1&sig=abc%3D and Bearer {token()} "
        f"with AccountKey=Zm9vYmFy; SharedAccessKey=qux {'long ' * 200}"
    )
    sandbox.on(JOBS, error(403, "AuthorizationFailed", message, **{"x-ms-request-id": "req-7"}))
    detail = (await fails(azure)).detail
    assert "403 AuthorizationFailed: denied for https://x.blob/y and" in detail
    assert "req-7" in detail
    for secret in ("sig=", "abc%3D", token(), "eyJ", "Zm9vYmFy", "qux", SECRET, "api-version"):
        assert secret not in detail
    assert len(detail) < 700


def test_control_characters_do_not_reach_a_terminal():
    assert clean("a\x1b[31mred\r\nb") == "a [31mred b"


async def test_a_revoked_token_is_fetched_again(sandbox, azure):
    """Continuous access evaluation: a 401 with a claims challenge is answered by signing in again."""
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="'}
    sandbox.on(JOBS, error(401, "TokenRevoked", **challenge), jobs("a"))
    (page,) = await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert page.body == jobs("a").bytes()


async def test_cancellation_passes_through_and_the_session_is_closed(sandbox):
    sandbox.on(JOBS, Reply({"value": []}, delay=30))
    opened = []

    async def run():
        async with sandbox.connect() as azure, azure.unit():
            opened.append(azure)
            await read(azure.pages(JOBS, api_version="1", scope=SCOPE))

    task = asyncio.create_task(run())
    await until(lambda: sandbox.to(JOBS))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(RuntimeError, match="closed"):
        await read(opened[0].pages(JOBS, api_version="1", scope=SCOPE))


async def test_cancellation_ends_a_retry_pause(sandbox):
    sandbox.on(JOBS, error(503, "Busy", **{"Retry-After": "60"}))
    async with sandbox.connect() as azure:
        task = asyncio.create_task(read(azure.pages(JOBS, api_version="1", scope=SCOPE)))
        await until(lambda: sandbox.to(JOBS))
        task.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await task
