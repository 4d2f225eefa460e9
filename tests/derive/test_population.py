from __future__ import annotations

from datetime import timedelta

from run_tables import NOW, SUB, RunTables, event, job, job_id

DELETE = "Microsoft.App/jobs/delete"
WRITE = "MICROSOFT.APP/JOBS/WRITE"
GROUP_DELETE = "Microsoft.Resources/subscriptions/resourceGroups/delete"


def _states(tables: RunTables) -> dict[str, str]:
    con = tables.derived()
    return dict(con.execute("select name, state from population").fetchall())


def test_only_jobs_in_scope_belong_to_it(tables: RunTables) -> None:
    tables.add(job("orders"), job("nightly", trigger_type="Schedule", in_scope=False))
    assert _states(tables) == {"orders": "present"}


def test_a_job_deleted_in_the_window_belongs_to_it(tables: RunTables) -> None:
    tables.add(job("orders"), event(job_id("imports").upper().replace("SUBSCRIPTIONS", "subscriptions"), DELETE))
    con = tables.derived()
    row = con.execute(
        "select name, trigger_type, deleted_by, deleted_at, raw_ref from population where state = 'deleted'"
    ).fetchone()
    assert row is not None
    assert row[:3] == ("IMPORTS", None, "ana@contoso.example")
    assert row[3] == NOW - timedelta(days=3)
    assert row[4].startswith("raw/activity_log/")


def test_a_deletion_that_failed_or_was_only_accepted_deletes_nothing(tables: RunTables) -> None:
    tables.add(event(job_id("imports"), DELETE, status="Failed"), event(job_id("billing"), DELETE, status="Accepted"))
    assert _states(tables) == {}


def test_a_job_deleted_and_made_again_is_present(tables: RunTables) -> None:
    tables.add(job("orders"), event(job_id("orders"), DELETE))
    assert _states(tables) == {"orders": "present"}


def test_a_job_written_after_its_deletion_is_not_called_deleted(tables: RunTables) -> None:
    tables.add(event(job_id("ghost"), DELETE), event(job_id("ghost"), WRITE, at=NOW - timedelta(days=1)))
    assert _states(tables) == {}


def test_deleting_the_resource_group_deletes_its_jobs(tables: RunTables) -> None:
    group = f"/subscriptions/{SUB}/resourceGroups/RG-orders"
    tables.add(
        event(job_id("imports"), WRITE, at=NOW - timedelta(days=9)),
        event(group, GROUP_DELETE),
        event(job_id("other", group="rg-orders-2"), WRITE),
    )
    assert _states(tables) == {"imports": "deleted"}


def test_a_run_narrowed_to_groups_leaves_out_what_was_deleted_elsewhere(tables: RunTables) -> None:
    tables.with_run(resource_groups=("rg-billing",))
    tables.add(event(job_id("imports"), DELETE), event(job_id("bills", group="RG-Billing"), DELETE))
    assert _states(tables) == {"bills": "deleted"}


def test_every_derived_table_has_unique_row_ids_and_leads_to_a_raw_page(tables: RunTables) -> None:
    tables.add(job("orders"), event(job_id("imports"), DELETE))
    tables.gap("tags", f"/subscriptions/{SUB}")
    con = tables.derived()
    for table in ("population", "reconciliation", "job_gaps"):
        rows, ids, refs, seen = con.execute(
            f"select count(*), count(distinct row_id), count(raw_ref), count(observed_at) from {table}"
        ).fetchone() or (0, 0, 0, 0)
        assert rows > 0
        assert rows == ids == refs == seen, table


def test_deriving_twice_gives_the_same_tables(tables: RunTables) -> None:
    from audit.derive import derive

    tables.add(job("orders"), event(job_id("ghost"), WRITE))
    con = tables.derived()
    names = ("population", "reconciliation", "job_gaps", "coverage")
    before = [con.execute(f"select * from {name} order by row_id").fetchall() for name in names]
    derive(con, tables.run)
    assert [con.execute(f"select * from {name} order by row_id").fetchall() for name in names] == before
    assert con.execute("select count(*) from duckdb_tables() where temporary").fetchone() == (0,)
