"""What people and pipelines did with the jobs in ninety days, besides writing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import events

if TYPE_CHECKING:
    from audit.sandbox.estate.foundation import Foundation
    from audit.sandbox.estate.world import World

_STARTS = (
    ("orders-replay", 86, "07:00", "replay.scheduler"),
    ("orders-replay", 56, "07:00", "replay.scheduler"),
    ("orders-replay", 25, "07:00", "replay.scheduler"),
    ("billing-dunning", 61, "18:20", "marek.dvorak"),
    ("billing-dunning", 24, "19:31", "marek.dvorak"),
    ("imports-customs", 23, "02:17", "sanjay.rao"),
    ("imports-customs", 2, "04:11", "sanjay.rao"),
    ("telemetry-rollup", 6, "11:02", "tove.lindqvist"),
    ("devtools-db-migrate", 48, "13:05", "petra.okafor"),
    ("github-runner", 22, "21:30", "petra.okafor"),
)
_STOPS = (
    ("telemetry-ingest", 13, "02:55", "tove.lindqvist"),
    ("imports-customs", 23, "02:40", "sanjay.rao"),
    ("orders-fulfil", 9, "16:12", "nora.haddad"),
)
_READS_OF_SECRETS = (
    ("billing-dunning", 24, "19:08", "marek.dvorak"),
    ("imports-customs", 38, "20:02", "dana.whitlock"),
    ("telemetry-rollup", 14, "22:26", "nora.haddad"),
    ("github-runner", 22, "18:01", "petra.okafor"),
    ("orders-fulfil", 50, "09:56", "deploy.orders"),
)


def settle(world: World, ground: Foundation) -> None:  # noqa: ARG001  every part of the story is asked alike
    """Write the events of starts, stops, reads of secrets and refusals."""
    place = {body["name"]: body["id"] for body in world.estate.resources.values() if body["type"].endswith("/jobs")}
    for action, rows in (
        (events.JOB_START, _STARTS),
        (events.JOB_STOP, _STOPS),
        (events.JOB_SECRETS, _READS_OF_SECRETS),
    ):
        for name, days, clock, actor in rows:
            events.record(
                world,
                events.Operation(
                    when=world.before(days, clock),
                    actor=world.actors[actor],
                    action=action,
                    target=place[name],
                    steps=events.SHORT,
                    response={"value": []} if action == events.JOB_SECRETS else None,
                    response_key="responsebody",
                ),
            )
    refused(world, place["billing-invoices"], 20, "14:44", "dana.whitlock", events.JOB_WRITE)
    refused(world, place["orders-fulfil"], 20, "14:47", "dana.whitlock", events.JOB_SECRETS)
    refused(world, place["search-indexer"], 8, "03:33", "nightly.report", events.JOB_START)


def refused(world: World, target: str, days: int, clock: str, actor: str, action: str) -> None:  # noqa: PLR0917  a row
    """Write an attempt that Azure refused with 403."""
    who, when = world.actors[actor], world.before(days, clock)
    events.record(
        world,
        events.Operation(when=when, actor=who, action=action, target=target, steps=events.REFUSED),
    )
