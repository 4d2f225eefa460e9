"""Changes that the proposal doesn't account for, and who made those that it does.

Of table ``changes``: whatever touched the job since the proposal's snapshot. What set nothing (starts, reads, writes
that failed) is left out. A write of the job is accounted for where the comparison tells of its properties,
or that the proposal sets to the same value; a deployment where it made such a write.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.change.alike import alike
from audit.change.closing_rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import duckdb

    from audit.change.sides import Job
    from audit.model import Run

_CHANGES = """
select change_id, "at", kind, relation, resource_id, operation, property, before, after, before_after,
       coalesce(changed_by_name, changed_by) as changed_by, client, correlation_id, raw_ref, observed_at
from changes
where lower(job_id) = lower($job) and "at" > $since and before_after not in ('nothing changed', 'nothing to tell')
order by "at", change_id, property, row_id
"""
_LACKING = """
select kind, scope, reason, detail from job_gaps
where lower(job_id) = lower($job) and kind in ('activity_log', 'resource_changes') order by all
"""
_HOLES = """
select kind, greatest("from", $since) as since, least("to", $until) as until from continuity
where kind = 'activity_log' and state = 'hole' and "to" > $since and "from" < $until
  and (scope = '/' or starts_with(lower($job) || '/', lower(rtrim(scope, '/')) || '/'))
order by all
"""

_WRITES = ("configuration", "deletion", "tags")
_VOLATILE = re.compile(
    r"systemData\b|properties\.(provisioningState|running\w+|outboundIpAddresses|eventStreamEndpoint)"
)
_CONTAINERS = r"properties\.template\.(containers|initContainers)"
_SETTINGS = r"properties\.configuration"
_RULES = rf"{_SETTINGS}\.eventTriggerConfig\.scale\.rules"
_PATHS = (
    (r"location", r"location$"),
    (r"environment_id", r"properties\.environmentId$"),
    (r"workload_profile", r"properties\.workloadProfileName$"),
    (r"trigger_type", rf"{_SETTINGS}\.triggerType$"),
    (r"replica_timeout_s", rf"{_SETTINGS}\.replicaTimeout$"),
    (r"replica_retry_limit", rf"{_SETTINGS}\.replicaRetryLimit$"),
    (r"parallelism", rf"{_SETTINGS}\.\w+TriggerConfig\.parallelism$"),
    (r"replica_completion_count", rf"{_SETTINGS}\.\w+TriggerConfig\.replicaCompletionCount$"),
    (r"min_executions", rf"{_SETTINGS}\.\w+\.scale\.minExecutions$"),
    (r"max_executions", rf"{_SETTINGS}\.\w+\.scale\.maxExecutions$"),
    (r"polling_interval_s", rf"{_SETTINGS}\.\w+\.scale\.pollingInterval$"),
    (r"identity_type", r"identity\.type$"),
    (r"identities/.*", rf"identity\b|{_SETTINGS}\.identitySettings"),
    (r"containers/.*/image", rf"{_CONTAINERS}.*\.image$"),
    (r"containers/.*/cpu", rf"{_CONTAINERS}.*\.resources\.cpu$"),
    (r"containers/.*/memory_gib", rf"{_CONTAINERS}.*\.resources\.memory$"),
    (r"values/env/.*", rf"{_CONTAINERS}.*\.env\b"),
    (r"values/command/.*", rf"{_CONTAINERS}.*\.command\b"),
    (r"values/args/.*", rf"{_CONTAINERS}.*\.args\b"),
    (r"values/volume/.*", r"properties\.template\.volumes\b"),
    (r"values/scaler_metadata/.*", rf"{_RULES}.*\.metadata\b"),
    (r"rules/.*", _RULES),
    (r"secrets/.*", rf"{_SETTINGS}\.secrets\b"),
    (r"registries/.*", rf"{_SETTINGS}\.registries\b"),
    (r"tags/.*", r"tags\b"),
)
"""Properties of ``job_configuration`` and where in ARM's JSON they stand. Places in lists aren't told apart."""
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


class Line(NamedTuple):
    """One property of a change."""

    change_id: str
    at: datetime
    kind: str
    relation: str
    resource_id: str
    operation: str
    property: str | None
    before: str | None
    after: str | None
    before_after: str
    changed_by: str | None
    client: str | None
    correlation_id: str | None
    raw_ref: str
    observed_at: datetime


def unaccounted(con: duckdb.DuckDBPyConnection, run: Run, job: Job, rows: Sequence[Row]) -> list[Row]:
    """Tell in ``rows`` which changes set them and who made these; return rows for all that isn't accounted for."""
    found: dict[str, list[Line]] = defaultdict(list)
    for row in con.execute(_CHANGES, {"job": job.job_id, "since": job.since}).fetchall():
        line = Line(*row)
        found[line.change_id].append(line)
    account = _Account(job, rows)
    for lines in found.values():
        account.write(lines)
    account.blind_writes()
    for lines in found.values():
        account.other(lines)
    added = [_row(job, *each) for each in account.left]
    return added + [_unknown(job, told) for told in _unseen(con, run, job)]


class _Account:
    """Which changes the rows account for. ``left``: (lines, why it stands out, outcome) of what they don't."""

    def __init__(self, job: Job, rows: Sequence[Row]) -> None:
        self._job, self._rows = job, rows
        self._set: set[int] = set()
        self._blind: list[list[Line]] = []
        self._correlated: set[str | None] = set()
        self.left: list[tuple[list[Line], str, str]] = []

    def write(self, lines: list[Line]) -> None:
        """Account for a write of the job, as far as its properties are told."""
        if not _is_write(lines[0]):
            return
        if not any(line.property for line in lines):
            self._blind.append(lines)
            return
        known = [line for line in lines if line.property and not _VOLATILE.match(line.property)]
        open_ = [line for line in known if not self._told(line) and not _proposed(line, self._job)]
        if open_:
            self.left.append((open_, "the proposal doesn't set what it changed", "extra"))
        if len(open_) < len(known) or not known:
            self._correlated.add(lines[0].correlation_id)

    def blind_writes(self) -> None:
        """Account for writes whose properties Azure doesn't tell: one of them made what no other write explains."""
        applied = ("as approved", "otherwise", "extra")
        owed = [index for index, row in enumerate(self._rows) if row.outcome in applied and index not in self._set]
        for lines in self._blind:
            if not owed:
                self.left.append((lines, "a write of the job, and Azure doesn't tell of which properties", "extra"))
                continue
            self._correlated.add(lines[0].correlation_id)
            for index in owed:
                _name(self._rows[index], lines)
            if len(self._blind) > 1:
                why = f"one of {len(self._blind)} writes whose properties Azure doesn't tell"
                self.left.append((lines, why, "unknown"))

    def other(self, lines: list[Line]) -> None:
        """Tell of a change that is no write of the job, unless it is the deployment that made an accounted write."""
        first = lines[0]
        made = first.kind == "deployment" and first.correlation_id and first.correlation_id in self._correlated
        if not _is_write(first) and not made:
            self.left.append((lines, "the proposal says nothing of it", "extra"))

    def _told(self, line: Line) -> bool:
        mine = [index for index, row in enumerate(self._rows) if _sets(line, row)]
        for index in mine:
            _name(self._rows[index], [line])
        self._set.update(mine)
        return bool(mine)


def _is_write(line: Line) -> bool:
    return line.relation == "job" and line.kind in _WRITES


def _sets(line: Line, row: Row) -> bool:
    """Tell whether a change of a property in ARM's JSON is about what a row tells of."""
    if row.property is None or line.property is None:
        return False
    path = next((path for pattern, path in _PATHS if re.fullmatch(pattern, row.property, re.DOTALL)), None)
    if path is None or not re.match(path, line.property):
        return False
    if line.before_after != "known" or not re.search(r"\[\d+\]", line.property):
        return True
    values = (row.before, row.approved, row.applied)
    near = [each for each in (line.before, line.after) if each is not None]
    return any(alike(row.property, each, value) or _within(each, value) for each in near for value in values)


def _within(told: str, value: str | None) -> bool:
    """Tell whether a change that tells a whole object or list tells of a value in it."""
    return value is not None and told[:1] in ("{", "[") and value in told


def _proposed(line: Line, job: Job) -> bool:
    """Tell whether the proposal sets what a change set, to the same value: of what the comparison doesn't show."""
    if job.definition is None or line.before_after != "known":
        return False
    steps = [name or int(place) for name, place in _STEP.findall(line.property or "")]
    value, asked = _at(job.definition, steps), job.patch
    for step in steps:
        if not isinstance(asked, dict):
            break  # a list is replaced whole
        if step not in asked:
            return False
        asked = asked[str(step)]
    return value is not None and str(value).lower() == (line.after or "").lower()


def _at(value: Any, steps: Iterable[str | int]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _name(row: Row, lines: list[Line]) -> None:
    """Add to a row which changes set it, and who made them."""
    row.change_ids = sorted({*row.change_ids, *(line.change_id for line in lines)})
    row.changed_by = sorted({*row.changed_by, *(line.changed_by for line in lines if line.changed_by)})


def _row(job: Job, lines: list[Line], why: str, outcome: str) -> Row:
    first = lines[0]
    what = [
        f"{line.property}: {line.before or 'nothing'} → {line.after or 'nothing'}" for line in lines if line.property
    ]
    about = "the job" if first.relation == "job" else f"the {first.relation.replace('_', ' ')} {first.resource_id}"
    told = f"{first.kind} of {about} at {first.at:%Y-%m-%d %H:%M:%S} UTC" + (
        f" by {first.client}" if first.client else ""
    )
    row = Row(
        observed_at=first.observed_at,
        raw_ref=first.raw_ref,
        job_id=job.job_id,
        outcome=outcome,
        because=f"{told}: {why}" + (f" ({'; '.join(what)})" if what else ""),
    )
    _name(row, lines)
    return row


def _unknown(job: Job, told: str) -> Row:
    return Row(observed_at=job.observed_at, raw_ref=job.raw_ref, job_id=job.job_id, outcome="unknown", because=told)


def _unseen(con: duckdb.DuckDBPyConnection, run: Run, job: Job) -> Iterator[str]:
    """Yield why not every change is known."""
    tail = "what else was changed isn't known"
    if run.window.since > job.since:
        span = f"{job.since:%Y-%m-%d %H:%M:%S} UTC to {run.window.since:%Y-%m-%d %H:%M:%S} UTC"
        yield f"the run's window leaves out {span}: {tail} of then"
    for kind, scope, reason, detail in con.execute(_LACKING, {"job": job.job_id}).fetchall():
        yield f"{kind} at {scope}: {reason}" + (f" ({detail})" if detail else "") + f": {tail}"
    given = {"job": job.job_id, "since": max(job.since, run.window.since), "until": run.window.until}
    for _, since, until in con.execute(_HOLES, given).fetchall():
        span = f"{since:%Y-%m-%d %H:%M:%S} UTC to {until:%Y-%m-%d %H:%M:%S} UTC"
        yield f"the Activity Log of {span} is lost: {tail} of then"
