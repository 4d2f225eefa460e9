from __future__ import annotations

import pytest

from audit.sandbox.kql import QueryInvalid, parse

ROWS = [
    {"id": "/1", "name": "b", "type": "microsoft.app/jobs", "n": 2, "properties": {"a": [{"x": "Event"}], "k-k": True}},
    {"id": "/2", "name": "a", "type": "microsoft.app/jobs", "n": None, "properties": None},
    {"id": "/3", "name": "c", "type": "microsoft.web/sites", "n": 10, "properties": {"a": []}},
]


def run(query: str) -> list[dict]:
    parsed = parse(query)
    assert parsed.table == "resources"
    return parsed.run(ROWS)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Resources | where type =~ 'Microsoft.App/Jobs'", ["b", "a"]),
        ("resources | where type == 'Microsoft.App/Jobs'", []),
        ("resources | where type !~ 'microsoft.app/jobs'", ["c"]),
        ("resources | where type in~ ('MICROSOFT.WEB/sites', 'x')", ["c"]),
        ("resources | where name in ('a') or name in ('c')", ["a", "c"]),
        ("resources | where (name == 'a' or name == 'b') and n > 1", ["b"]),
        ('resources | where type contains "WEB" // a remark', ["c"]),
        ("resources | where properties.a[0].x =~ 'event'", ["b"]),
        ("resources | where properties['k-k'] == true", ["b"]),
        ("resources | where isnull(n)", ["a"]),
        ("resources | where not(isnull(n)) | order by n desc", ["c", "b"]),
        ("resources | order by name asc | take 2", ["a", "b"]),
        ("resources | sort by type asc, name desc", ["b", "a", "c"]),
        ("resources | top 1 by name", ["c"]),
        ("resources | extend lower = tolower(type) | where lower startswith 'microsoft.web'", ["c"]),
    ],
)
def test_rows_that_a_query_leaves(query, names):
    assert [row["name"] for row in run(query)] == names


def test_columns_that_a_query_makes():
    assert run("resources | where name == 'b' | project id, t=properties.a[0].x, properties.a") == [
        {"id": "/1", "t": "Event", "properties_a": [{"x": "Event"}]}
    ]
    assert run("resources | project x = coalesce(tostring(n), tostring(properties.gone), name)") == [
        {"x": "2"},
        {"x": "a"},
        {"x": "10"},
    ]
    assert run("resources | summarize jobs = count() by type") == [
        {"type": "microsoft.app/jobs", "jobs": 2},
        {"type": "microsoft.web/sites", "jobs": 1},
    ]
    assert run("resources | summarize Many = count(), Sum = sum(n), sum(n) by type") == [
        {"type": "microsoft.app/jobs", "Many": 2, "Sum": 2, "sum_": 2},
        {"type": "microsoft.web/sites", "Many": 1, "Sum": 10, "sum_": 10},
    ]
    assert run("resources | count") == [{"Count": 3}]
    assert run("resources | distinct type") == [{"type": "microsoft.app/jobs"}, {"type": "microsoft.web/sites"}]
    assert set(run("resources | project-away properties, n")[0]) == {"id", "name", "type"}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "| take 1",
        "resources take 1",
        "resources | where",
        "resources | project a =",
        "resources | mv-expand x",
        "resources | where foo(x)",
        "resources | take many",
        "resources | where (a == 1",
        "resources | where a == 'x",
    ],
)
def test_a_wrong_query_is_refused_with_its_place(query):
    with pytest.raises(QueryInvalid) as caught:
        parse(query)
    assert 0 <= caught.value.position <= len(query)


def test_moments_fall_into_intervals():
    rows = [{"t": "2026-11-01T23:59:59.9999999Z"}, {"t": "2026-11-02T00:00:00Z"}, {"t": "soon"}]
    days = parse("T | extend day = bin(t, 1d) | project day").run(rows)
    assert [row["day"] and row["day"].isoformat() for row in days] == [
        "2026-11-01T00:00:00+00:00", "2026-11-02T00:00:00+00:00", None,
    ]  # fmt: skip
    (first,) = parse("T | project hour = bin(t, 6h) | take 1").run(rows)
    assert first["hour"].hour == 18
    with pytest.raises(QueryInvalid):
        parse("T | summarize avg(n)")
