"""The simulated estate: a company that runs event jobs, or any number of generated ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate import scale, story
from audit.sandbox.estate.exceptions import exception_files, exceptions_toml
from audit.sandbox.estate.model import Body, Estate
from audit.sandbox.estate.policy import policy_toml
from audit.sandbox.estate.register import register_files
from audit.sandbox.estate.tickets import changes_toml, ticket_files
from audit.sandbox.estate.world import World

if TYPE_CHECKING:
    from audit.sandbox.options import SandboxOptions

__all__ = [
    "Body",
    "Estate",
    "build",
    "changes_toml",
    "exception_files",
    "exceptions_toml",
    "planted_secrets",
    "policy_toml",
    "register_files",
    "ticket_files",
]


def build(options: SandboxOptions) -> Estate:
    """Return the estate of these options: the story where ``options.jobs`` is 0, else that many event jobs.

    Only ``seed``, ``now``, ``jobs``, ``subscriptions`` and ``caller_role`` matter; equal options give equal estates.
    """
    world = World(options.seed, options.now)
    if options.jobs:
        scale.fill(world, options.jobs, options.subscriptions, options.caller_role)
    else:
        story.tell(world, options.caller_role)
    for events in world.estate.activity.values():
        events.sort(key=lambda event: (event["eventTimestamp"], event["eventDataId"]), reverse=True)
    world.estate.planted = world.planted.values
    return world.estate


def planted_secrets(estate: Estate) -> tuple[str, ...]:
    """Return every fake secret that an estate plants: none of them may be seen in an output."""
    return estate.planted
