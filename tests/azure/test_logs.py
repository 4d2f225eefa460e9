"""Log Analytics: whole answers about every slice of the period, or an error; a part is never taken for the whole."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import parse_qs

import msgspec
import pytest
from scripted_azure import SCOPE, TENANT, Reply, error, read, read_until_broken

from audit.model.outcome import GapReason, ReadFailed

WORKSPACE = "29c1b811-f967-48b8-a8bf-90cf2c7bac5d"
PATH = f"/v1/workspaces/{WORKSPACE}/query"
SINCE = datetime(2026, 10, 1, tzinfo=UTC)
DAY = timedelta(days=1)
KQL = "Heartbeat | where Computer != '' | project TimeGenerated"
_PERIOD = re.compile(r"TimeGenerated >= datetime\((\S+?)\) and TimeGenerated < datetime\((\S+?)\)")


def table(*rows, **more):
    return Reply({"tables": [{"name": "PrimaryResult", "columns": [{"name": "n", "type": "long"}],
                              "rows": [[row] for row in rows]}], **more})  # fmt: skip


def too_many(*rows):
    text = "The results of this query exceed the set limit of 500000 records (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)"
    details = [{"code": "EngineError", "innererror": {"code": "-2133196797", "message": text}}]
    return table(*rows, error={"code": "PartialError", "message": "There were some errors", "details": details})


def unresolved(name, kind="SEM0100"):
    words = f"'where' operator: Failed to resolve table or column expression named '{name}'"
    inner = {"code": "SemanticError", "message": "A semantic error occurred."}
    inner["innererror"] = {"code": kind, "message": words}
    message = "The request had some invalid properties"
    return Reply({"error": {"message": message, "code": "BadArgumentError", "innererror": inner}}, status=400)


def asked(sandbox):
    return [json.loads(each.body) for each in sandbox.to(PATH)]


def periods(sandbox):
    return [tuple(map(datetime.fromisoformat, _PERIOD.search(body["query"]).groups())) for body in asked(sandbox)]


def logs(azure, days=1, kql=KQL):
    return azure.log_query(WORKSPACE, kql, since=SINCE, until=SINCE + days * DAY, scope=SCOPE)


async def test_the_period_is_cut_into_slices_without_hole_or_overlap(sandbox, azure):
    sandbox.on(PATH, table(1), table(), table(2), table(3), table())
    pages = await read(logs(azure, days=30))

    assert [len(msgspec.json.decode(page.body)["tables"][0]["rows"]) for page in pages] == [1, 0, 1, 1, 0]
    found = periods(sandbox)
    assert found[0][0] == SINCE
    assert found[-1][1] == SINCE + 30 * DAY
    assert all(before[1] == after[0] for before, after in pairwise(found))
    body = asked(sandbox)[0]
    assert body["query"].startswith("Heartbeat | where TimeGenerated >= ")
    assert body["query"].endswith(" | where Computer != '' | project TimeGenerated")
    assert body["timespan"] == "2026-10-01T00:00:00.000000Z/2026-10-08T00:00:00.000000Z"
    assert (pages[0].method, pages[0].status, pages[0].api_version) == ("POST", 200, "v1")
    assert azure.meter.requests["log_analytics"] == 5


async def test_the_token_is_for_log_analytics_and_no_other_is_sent_there(sandbox, azure):
    sandbox.on(PATH, table())
    await read(logs(azure))
    scopes = [parse_qs(each.body.decode())["scope"][0] for each in sandbox.to(f"/{TENANT}/oauth2/v2.0/token")]
    assert scopes[-1] == f"{sandbox.url}/.default"
    assert azure.cloud.logs_scope == f"{azure.cloud.logs}/.default"


async def test_an_answer_in_part_is_thrown_away_and_asked_again_in_halves(sandbox, azure):
    sandbox.on(PATH, too_many(1, 2), table(1, 2), too_many(3), table(3), table(4))
    pages = await read(logs(azure))

    assert [json.loads(page.body)["tables"][0]["rows"] for page in pages] == [[[1], [2]], [[3]], [[4]]]
    whole, first, second, third, fourth = periods(sandbox)
    assert whole == (SINCE, SINCE + DAY)
    assert (first[0], first[1], second[1]) == (SINCE, SINCE + DAY / 2, SINCE + DAY)
    assert (third, fourth) == ((first[1], first[1] + DAY / 4), (first[1] + DAY / 4, SINCE + DAY))


async def test_the_limit_counts_also_where_azure_says_nothing(sandbox, azure, monkeypatch):
    monkeypatch.setattr("audit.azure.logs.MOST_ROWS", 3)
    sandbox.on(PATH, table(1, 2, 3), table(1, 2), table(3))
    assert len(await read(logs(azure))) == 2


async def test_a_second_with_too_much_in_it_truncates(sandbox, azure):
    sandbox.on(PATH, too_many(1))
    kept, failure = await read_until_broken(logs(azure))
    assert failure.reason is GapReason.TRUNCATED
    assert "E_QUERY_RESULT_SET_TOO_LARGE" in failure.detail
    assert len(kept) == 1, "what came is kept beside the gap"
    assert len(sandbox.to(PATH)) < 30


async def test_any_other_error_beside_a_result_truncates_at_once(sandbox, azure):
    sandbox.on(PATH, table(1, error={"code": "PartialError", "message": "a shard did not answer"}))
    kept, failure = await read_until_broken(logs(azure))
    assert failure.reason is GapReason.TRUNCATED
    assert "a shard did not answer" in failure.detail
    assert (len(kept), len(sandbox.to(PATH))) == (1, 1)


async def test_a_table_that_is_not_there_is_one_page_of_azures_words(sandbox, azure):
    sandbox.on(PATH, unresolved("Heartbeat"))
    (page,) = await read(logs(azure, days=30))
    assert page.status == 400
    assert b"Failed to resolve table" in page.body
    assert len(sandbox.to(PATH)) == 1, "the other slices would say the same"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (unresolved("Computer"), GapReason.UNSUPPORTED),
        (error(400, "BadArgumentError"), GapReason.UNSUPPORTED),
        (Reply(raw=b"not JSON", status=400), GapReason.UNSUPPORTED),
        (error(403, "InsufficientAccessError"), GapReason.FORBIDDEN),
        (error(404, "WorkspaceNotFoundError"), GapReason.UNSUPPORTED),
        (Reply({"rows": []}), GapReason.MALFORMED),
        (Reply({"tables": [{"rows": []}]}), GapReason.MALFORMED),
    ],
)
async def test_what_is_no_result_is_a_reason(sandbox, azure, reply, reason):
    sandbox.on(PATH, reply)
    with pytest.raises(ReadFailed) as failed:
        await read(logs(azure))
    assert failed.value.reason is reason


async def test_a_later_slice_that_fails_truncates(sandbox, azure):
    sandbox.on(PATH, table(1), error(404, "WorkspaceNotFoundError"))
    kept, failure = await read_until_broken(logs(azure, days=30))
    assert (len(kept), failure.reason) == (1, GapReason.TRUNCATED)


async def test_a_cloud_without_log_analytics_says_so(sandbox):
    cloud = msgspec.structs.replace(sandbox.cloud, logs="")
    async with sandbox.connect(cloud=cloud) as azure:
        with pytest.raises(ReadFailed) as failed:
            await read(logs(azure))
    assert failed.value.reason is GapReason.UNSUPPORTED
    assert not sandbox.to(PATH)
