"""System logs of a generated estate: a row is made when a query's period takes it in, and none is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from audit.sandbox.estate.executions import bodies
from audit.sandbox.estate.logs import CUSTOM, STANDARD, Home, home_of, row_of, said_of

if TYPE_CHECKING:
    from audit.sandbox.estate.executions import Generated
    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World

_NEAR = timedelta(seconds=10)
"""No line about an execution is earlier before its start, or later after its end."""
_UNSAID = ("PullingImage", "ContainerCreated")
"""Left out here, so that an execution has about five lines; the story has them."""


class Made(Mapping[str, "dict[str, list[Body]]"]):
    """The system logs of every job whose environment has a workspace, computed from the job's executions.

    As a mapping: lower-case customer id → table → all of its rows, made anew.
    """

    def __init__(self, world: World, executions: Generated) -> None:
        self._world = world
        self._executions = executions
        self._jobs: dict[tuple[str, str], list[tuple[Body, Home, str]]] = {}
        homes = {
            key: (body, home)
            for key, body in world.estate.resources.items()
            if body["type"].endswith("/managedEnvironments") and (home := home_of(world, body)) is not None
        }
        for job in executions:
            found = homes.get(world.estate.resources[job]["properties"]["environmentId"].lower())
            if found is not None:
                environment, home = found
                self._jobs.setdefault((home.customer.lower(), home.table), []).append((environment, home, job))

    def between(self, customer: str, table: str, since: datetime, until: datetime) -> Iterator[Body]:
        """Yield a table's rows from ``since`` to ``until``, both included, job by job."""
        until = min(until, self._world.now)
        for environment, home, key in self._jobs.get((customer, table), ()):
            runs = [
                ran
                for ran in self._executions.runs(key)
                if ran.start - _NEAR <= until and ran.start + timedelta(seconds=ran.seconds or 0) + _NEAR >= since
            ]
            job = self._world.estate.resources[key]
            for execution in bodies(self._world, job, runs) if runs else ():
                for said in said_of(self._world, execution):
                    if said.reason not in _UNSAID and since <= said.at <= until:
                        yield row_of(environment, home, job["name"], said)

    def __getitem__(self, customer: str) -> dict[str, list[Body]]:
        """Return everything that a workspace has been told."""
        ever = datetime.min.replace(tzinfo=UTC)
        tables = {table for place, table in self._jobs if place == customer}
        if not tables:
            raise KeyError(customer)
        return {table: list(self.between(customer, table, ever, self._world.now)) for table in sorted(tables)}

    def __iter__(self) -> Iterator[str]:
        """Yield the customer ids of the workspaces that anything was told."""
        return iter(dict.fromkeys(customer for customer, _ in self._jobs))

    def __len__(self) -> int:
        """Return how many workspaces there are that were told anything."""
        return len({customer for customer, _ in self._jobs})


def settle(world: World, executions: Generated) -> None:
    """Give every workspace both tables; their rows are made."""
    world.estate.logs = {
        body["properties"]["customerId"].lower(): {CUSTOM: [], STANDARD: []}
        for body in world.estate.resources.values()
        if body["type"] == "Microsoft.OperationalInsights/workspaces"
    }
    world.estate.logs_made = Made(world, executions)
