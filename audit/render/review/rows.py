"""Entitlements in the words of the form, and the jobs that each of them reaches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.model import ids
from audit.render.text import plural, utc
from audit.render.workbook.stage import exists

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    import duckdb

    from audit.render.review.sent import Sent

JOBS_EACH = 100
"""Jobs of one entitlement that the sheet Jobs lists."""
JOBS_ROWS = 50_000
"""Rows of that sheet."""
_BATCH = 2_000

KINDS = {
    "role": "role",
    "eligible_role": "role, eligible",
    "membership": "member of group",
    "eligible_membership": "member of group, eligible",
    "shared_access_policy": "shared-access policy",
    "vault_access_policy": "vault access policy",
    "registry_admin": "registry admin user",
}


def choose(con: duckdb.DuckDBPyConnection, book: Sent) -> None:
    """Put one workbook's entitlements into the temporary table ``review_rows``, numbered by ``n``."""
    con.execute(
        """
        create or replace temp table review_rows as
        select *, row_number() over (order by position, entitlement_id) as n
        from entitlements where coalesce(reviewer, '') = $reviewer
        qualify n between $first and $last order by n
        """,
        {"reviewer": book.reviewer, "first": book.first, "last": book.last},
    )


def drop(con: duckdb.DuckDBPyConnection) -> None:
    """Forget them."""
    con.execute("drop table if exists review_rows")


def entitlements(con: duckdb.DuckDBPyConnection, book: Sent) -> Iterator[dict[str, Any]]:
    """Yield a workbook's entitlements in order, told by the columns of the form."""
    for first in range(book.first, book.last + 1, _BATCH):
        batch = con.execute(
            f"select * from review_rows where n between {first} and {first + _BATCH - 1} order by n"
        ).fetchall()
        names = [each[0] for each in con.description or ()]
        for row in batch:
            yield _told(dict(zip(names, row, strict=True)))


def jobs(con: duckdb.DuckDBPyConnection) -> tuple[int, list[tuple[Any, ...]]]:
    """Return how many jobs the workbook's entitlements reach, counted for each, and the rows that are listed.

    A row: number of the entitlement, its id, the principal, the role, the job, its resource group, what it can there.
    """
    (total,) = con.execute("select coalesce(sum(jobs), 0)::BIGINT from review_rows").fetchone() or (0,)
    listed = con.execute(
        f"""
        with first as (
            select reach_id, job_id, capabilities, row_id from entitlement_reach semi join review_rows using (reach_id)
            qualify row_number() over (partition by reach_id order by lower(job_id), row_id) <= {JOBS_EACH}
        )
        select r.n, r.entitlement_id, r.principal, r.role, j.job_id, j.capabilities
        from review_rows r join first j using (reach_id)
        order by r.n, lower(j.job_id), j.row_id limit {JOBS_ROWS}
        """
    ).fetchall()
    titles = _titles(con)
    return total, [
        (position, entitlement, principal, role, ids.name_of(job), ids.resource_group_of(job) or "", _can(can, titles))
        for position, entitlement, principal, role, job, can in listed
    ]


def _titles(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    if not exists(con, "capabilities"):
        return {}
    return dict(con.execute("select capability, title from capabilities order by all").fetchall())


def _can(capabilities: str | None, titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(each, str(each).replace("_", " ")) for each in json.loads(capabilities or "[]"))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    login = row["principal_login"]
    return {
        "n": row["n"],
        "who": _lines(row["principal"] or row["principal_id"], login if login != row["principal"] else None),
        "concern": row["concern"],
        "access": KINDS.get(row["kind"], row["kind"]),
        "role": row["role"],
        "where": row["scope_words"] or row["scope"],
        "privileged": "yes" if row["privileged"] else "no",
        "standing": "standing" if row["standing"] else "eligible" if row["access"] == "eligible" else "for a time",
        "can": row["can"],
        "jobs": row["jobs"],
        "job_names": _names(row["jobs"] or 0, json.loads(row["job_names"] or "[]")),
        "holders": row["holders"],
        "since_last": _since(row["since_last"], row["since_last_detail"]),
        "last_change": _lines(row["last_change"], _by(row["last_change_at"], row["last_change_by"])),
        "previous": _previous(row),
        "limits": _lines(
            f"until {utc(row['expires'])}" if row["expires"] else None,
            f"only where {row['condition'] or 'a condition holds that is not told'}" if row["conditional"] else None,
        ),
        "note": _note(row),
        "entitlement_id": row["entitlement_id"],
    }


def _names(jobs: int, names: list[str]) -> str:
    told = ", ".join(map(str, names))
    more = jobs - len(names)
    return f"{told} and {more:,} more" if more > 0 and names else told


def _since(word: str | None, detail: str | None) -> str:
    if word is None:
        return "first review"
    return f"{word}: {detail}" if detail else word


def _previous(row: Mapping[str, Any]) -> str | None:
    if not row["previous_decision"]:
        return None
    asserted = _by(row["previous_on"], row["previous_reviewer"])
    came = f"outcome: {row['previous_outcome']}" if row["previous_outcome"] else None
    return _lines(row["previous_decision"], asserted, row["previous_reason"], came)


def _note(row: Mapping[str, Any]) -> str:
    whole = None if row["complete"] else f"At least these: {row['incomplete_because'] or 'something was not read'}."
    own = "This is your own access, or may be: somebody else has to decide." if row["reviewer_conflict"] else None
    given = _by(row["given_on"], row["given_by"])
    yours = f"yours by {row['reviewer_rule']}" if row["reviewer"] and row["reviewer_rule"] else row["reviewer_rule"]
    return _lines(whole, own, f"given {given}" if given else None, yours)


def _by(at: datetime | date | None, who: str | None) -> str:
    return " ".join(each for each in (utc(at) if at else "", f"by {who}" if who else "") if each)


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def spread(count: int, of: int) -> str:
    """Say how many of the jobs are listed where they aren't all; beyond what a pack writes out none is."""
    if of and not count:
        return (
            f"Which jobs these are is not written out: {plural(of, 'row')} would be too many. "
            "`jobaudit sql RUN` tells it job by job: select * from effective_access_of('job id')."
        )
    if count >= of:
        return f"{plural(of, 'row')}: every job that each entitlement reaches."
    return (
        f"{count:,} of {of:,} rows: at most {JOBS_EACH} jobs of each entitlement and {JOBS_ROWS:,} in all. "
        "The rest: data/entitlement_reach.parquet of the pack."
    )
