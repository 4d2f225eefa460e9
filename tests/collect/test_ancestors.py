"""Management groups are told of the subscriptions in scope alone, and only as far as the caller may read them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from audit.model import Collected, Gap, GapReason
from audit.sandbox import Fault, Sandbox
from tests.conftest import collected, settings_for


def told(output: Path) -> set[str]:
    path = output / "runs/test-run/tables/management_groups.parquet"
    return {each for (each,) in duckdb.execute("select subscription_id from read_parquet(?)", [str(path)]).fetchall()}


async def test_only_what_lies_above_a_subscription_in_scope_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    one, *others = settings_for(sandbox).scope.subscriptions
    assert others
    run = await collected(
        sandbox, tmp_path, kinds=("management_groups",), settings=settings_for(sandbox, subscriptions=(one,))
    )
    (unit,) = [each for each in run.units if each.kind == "management_groups"]
    assert unit.scope.ids == (one,)
    assert isinstance(unit.outcome, Collected)
    assert told(tmp_path) == {one}


@pytest.mark.parametrize("status", [403, 500])
async def test_where_the_callers_own_read_of_a_subscription_is_not_shown_it_is_a_gap(
    sandbox: Sandbox, tmp_path: Path, status: int
) -> None:
    one, *_ = settings_for(sandbox).scope.subscriptions
    path = rf"(?i)^/subscriptions/{one}/providers/microsoft\.authorization/permissions"
    sandbox.faults.add(Fault(path=path, status=status))
    run = await collected(sandbox, tmp_path, kinds=("management_groups",))
    (unit,) = [each for each in run.units if each.kind == "management_groups"]
    assert isinstance(unit.outcome, Gap)
    assert unit.outcome.reason is GapReason.PARTIAL_VISIBILITY
    assert one in unit.outcome.detail
