"""What a whole collection says when Azure answers with less than everything."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import msgspec
import pytest

from audit.config import parse
from audit.errors import ConfigError
from audit.model import Gap, GapReason, Run
from audit.pipeline.rendering import render
from audit.sandbox import Edit, Fault, Sandbox
from audit.sandbox.faults import Effect
from tests.conftest import collected, role, serving, settings_for


def gaps(run: Run) -> set[tuple[str, str]]:
    return {(unit.kind, str(unit.outcome.reason)) for unit in run.units if isinstance(unit.outcome, Gap)}


_CONFIRMED = re.compile(r"/acr/v1/|/v1/workspaces/|/workspaces/[^/]+/tables/", re.IGNORECASE)


async def test_the_default_estate_has_no_gap_and_the_generated_role_is_enough(sandbox: Sandbox, tmp_path: Path) -> None:
    run = await collected(sandbox, tmp_path)
    assert gaps(run) == set()
    assert sandbox.violations == []
    refused = {
        (each.status, _CONFIRMED.search(each.path) is not None) for each in sandbox.requests if each.status != 200
    }
    assert refused <= {(404, True), (400, True)}, "only what is confirmed not to be there: an image, a table of logs"


@pytest.mark.parametrize(
    "action",
    [
        "Microsoft.App/jobs/read",
        "Microsoft.Authorization/roleAssignments/read",
        "Microsoft.Insights/eventtypes/values/read",
    ],
)
async def test_an_action_that_the_role_lacks_is_never_an_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    lesser = role()
    lesser["Actions"].remove(action)
    async with serving(caller_role=lesser) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        run = await collected(served, tmp_path)
    assert gaps(run), "something had to be missing"
    rows = duckdb.execute(
        "select missing from read_parquet(?)", [str(tmp_path / "runs/test-run/tables/permissions.parquet")]
    ).fetchall()
    assert all(action in missing for (missing,) in rows)


@pytest.mark.parametrize(
    ("action", "kind", "named"),
    [
        ("Microsoft.KeyVault/vaults/read", "key_vaults", "vault.azure.net"),
        ("Microsoft.ServiceBus/namespaces/read", "event_sources", "servicebus.windows.net"),
        ("Microsoft.ContainerRegistry/registries/read", "registries", "azurecr.io"),
    ],
)
async def test_what_resource_graph_hides_is_a_gap_of_the_jobs_that_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, kind: str, named: str
) -> None:
    lesser = role()
    lesser["Actions"].remove(action)
    async with serving(caller_role=lesser) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        run = await collected(served, tmp_path)
    assert {("inventory", "partial_visibility"), ("resource_changes", "partial_visibility")} <= gaps(run)
    rendered = render("test-run", pack="compliance", output=tmp_path, formats=["xlsx"])
    assert rendered.exit_code() == 3
    lacking = duckdb.execute(
        "select distinct scope from read_parquet(?) where kind = ? and reason = 'partial_visibility'",
        [str(rendered.path / "data/job_gaps.parquet"), kind],
    ).fetchall()
    assert lacking
    assert all(scope.endswith(named) for (scope,) in lacking)


async def test_lists_that_azure_trims_without_a_word_are_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that may read jobs in one resource group gets a short list and a 200: the list isn't the whole."""
    async with serving() as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        group = next(each["id"] for each in served.estate.resource_groups if "orders" in each["name"])
        own = [
            each
            for each in served.estate.role_assignments
            if each["properties"]["principalId"] == served.estate.collector_id
        ]
        for each in own:
            each["properties"]["scope"] = group
        served.refresh()
        run = await collected(served, tmp_path, settings=settings_for(served, subscriptions=(group.split("/")[2],)))
    listed = {unit.kind: unit.outcome for unit in run.units if unit.kind in {"jobs", "role_assignments", "tags"}}
    for kind, outcome in listed.items():
        assert isinstance(outcome, Gap), kind
    jobs = [unit for unit in run.units if unit.kind == "jobs" and unit.outcome.rows]
    assert [unit.outcome.reason for unit in jobs] == [GapReason.PARTIAL_VISIBILITY]
    assert "own permissions" in jobs[0].outcome.detail


async def test_without_the_permissions_route_the_callers_assignments_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(subscription_permissions_route=False) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        run = await collected(served, tmp_path, kinds=("jobs",))
    assert gaps(run) == set()
    sources = duckdb.execute(
        "select distinct source from read_parquet(?)", [str(tmp_path / "runs/test-run/tables/permissions.parquet")]
    ).fetchall()
    assert sources == [("assignments",)]


async def test_a_link_to_another_host_is_refused_and_no_token_goes_there(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path=r"/microsoft\.app/jobs\?", effect=Effect.FOREIGN_LINK))
    run = await collected(sandbox, tmp_path, kinds=("jobs",))
    assert ("jobs", "truncated") in gaps(run) or ("jobs", "malformed") in gaps(run)
    assert sandbox.arrivals == []


async def test_links_in_a_circle_end(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path=r"/microsoft\.app/jobs\?", effect=Effect.LOOP_LINK))
    run = await collected(sandbox, tmp_path, kinds=("jobs",))
    assert {kind for kind, _ in gaps(run)} == {"jobs"}


async def test_a_missing_expected_subscription_is_a_gap(sandbox: Sandbox, tmp_path: Path) -> None:
    absent = "00000000-1111-2222-3333-444444444444"
    settings = settings_for(sandbox)
    expected = (*settings.scope.expected_subscriptions, absent)
    settings = settings_for(sandbox, expected_subscriptions=expected)
    await collected(sandbox, tmp_path, settings=settings)
    rendered = render("test-run", pack="compliance", output=tmp_path, formats=["xlsx"])
    assert rendered.gaps == 1
    assert rendered.exit_code() == 3
    found = duckdb.execute(
        "select scope, reason from read_parquet(?) where outcome = 'gap'",
        [str(rendered.path / "data/coverage.parquet")],
    ).fetchall()
    assert [(scope.lower(), reason) for scope, reason in found] == [(f"/subscriptions/{absent}", found[0][1])]


async def test_a_subscription_that_is_not_there_is_refused_by_name(sandbox: Sandbox, tmp_path: Path) -> None:
    absent = "00000000-1111-2222-3333-444444444444"
    with pytest.raises(ConfigError, match=absent) as refused:
        await collected(sandbox, tmp_path, settings=settings_for(sandbox, subscriptions=(absent,)))
    assert "scope.subscriptions[0]" in refused.value.where


async def test_an_unreadable_list_of_subscriptions_is_a_gap_and_not_a_refusal(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(path=r"^/subscriptions\?", status=403, code="AuthorizationFailed"))
    run = await collected(sandbox, tmp_path, kinds=("jobs",))
    assert ("subscriptions", "forbidden") in gaps(run)
    assert sum(unit.outcome.rows for unit in run.units if unit.kind == "jobs") > 0


async def test_a_gap_makes_its_jobs_not_assessed_and_leaves_the_others(sandbox: Sandbox, tmp_path: Path) -> None:
    one = settings_for(sandbox).scope.subscriptions[0]
    sandbox.faults.add(Fault(path=rf"^/subscriptions/{one}/.*/budgets\?", status=403, code="AuthorizationFailed"))
    await collected(sandbox, tmp_path)
    rendered = render("test-run", pack="compliance", output=tmp_path, formats=["xlsx"])
    rows = duckdb.execute(
        "select split_part(job_id, '/', 3) = ? as hit, verdict, count(*) from read_parquet(?) "
        "where control_id = 'JA-37' group by all",
        [one, str(rendered.path / "data/verdicts.parquet")],
    ).fetchall()
    assert {verdict for hit, verdict, _ in rows if hit} == {"not_assessed"}
    assert {"pass", "fail"} & {verdict for hit, verdict, _ in rows if not hit}


async def test_a_job_that_cannot_be_decoded_stays_in_the_population(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(
        Fault(
            path=r"/rg-orders-prod|/microsoft\.app/jobs\?",
            effect=Effect.EDIT,
            page=1,
            edits=(Edit(("value", 0, "properties", "configuration", "replicaTimeout"), {"odd": 1}),),
        )
    )
    await collected(sandbox, tmp_path)
    rendered = render("test-run", pack="compliance", output=tmp_path)
    assert rendered.jobs == 13, "as many as without the fault"
    unreadable = duckdb.execute(
        "select job_id, trigger_type from read_parquet(?) where state = 'unreadable'",
        [str(rendered.path / "data/population.parquet")],
    ).fetchall()
    assert unreadable
    for job_id, trigger_type in unreadable:
        assert trigger_type == "Event", "Resource Graph tells"
        verdicts = duckdb.execute(
            "select distinct verdict from read_parquet(?) where lower(job_id) = lower(?)",
            [str(rendered.path / "data/verdicts.parquet"), job_id],
        ).fetchall()
        assert verdicts == [("not_assessed",)]
        (page,) = rendered.path.glob(f"jobs/{job_id.rsplit('/', 1)[-1]}-*.html")
        assert "could not be decoded" in page.read_text()


async def test_narrowed_to_a_resource_group_only_its_jobs_are_read(sandbox: Sandbox, tmp_path: Path) -> None:
    run = await collected(
        sandbox,
        tmp_path,
        settings=settings_for(sandbox, resource_groups=("rg-orders-prod",), expected_subscriptions=()),
    )
    assert gaps(run) == set()
    names = duckdb.execute(
        "select distinct resource_group from read_parquet(?)", [str(tmp_path / "runs/test-run/tables/jobs.parquet")]
    ).fetchall()
    assert names == [("rg-orders-prod",)]
    rendered = render("test-run", pack="compliance", output=tmp_path, formats=["xlsx"])
    assert (rendered.gaps, rendered.exit_code()) == (0, 0), "jobs of other groups aren't missed"
    with pytest.raises(ConfigError, match="rg-oders"):
        await collected(sandbox, tmp_path / "2", settings=settings_for(sandbox, resource_groups=("rg-oders",)))


async def test_narrowed_by_tags_other_jobs_stay_in_the_list_out_of_scope(sandbox: Sandbox, tmp_path: Path) -> None:
    await collected(
        sandbox, tmp_path, kinds=("jobs",), settings=settings_for(sandbox, tags={"owner": "orders@norvane.example"})
    )
    rows = duckdb.execute(
        "select in_scope, count(*) from read_parquet(?) group by all order by all",
        [str(tmp_path / "runs/test-run/tables/jobs.parquet")],
    ).fetchall()
    assert [in_scope for in_scope, _ in rows] == [False, True]


async def test_both_credentials_of_the_sandbox_sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        for credential in ("managed_identity", "client_secret"):
            settings = parse(served.config_toml(credential=credential))
            run = await collected(served, tmp_path / credential, kinds=("subscriptions",), settings=settings)
            assert run.caller is not None
            assert run.caller.object_id == served.estate.collector_id
            assert msgspec.json.encode(run).find(b"eyJ") == -1, "no token is kept"
