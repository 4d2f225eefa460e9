"""The slim pipelines: one per endpoint and door, policies made fresh for each.

A policy instance holds the link to its successor, so sharing instances between pipelines would cross their wires;
what the pipelines share (buckets, meter, credential, session) hangs off the policies instead. The SDK's automatic
resource-provider registration, which writes, is in none of them, nor is a redirect policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azure.core.pipeline import AsyncPipeline
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from audit.azure.guard import Guard
from audit.azure.recorder import Recorder
from audit.azure.retry import Retry
from audit.azure.throttle import Gate
from audit.azure.transport import share

if TYPE_CHECKING:
    import re

    import aiohttp
    from azure.core.credentials_async import AsyncTokenCredential

    from audit.azure.throttle import Throttle


@dataclass(frozen=True, kw_only=True)
class Plumbing:
    """What every pipeline is made from. ``backoff``: seconds before the first retry."""

    session: aiohttp.ClientSession
    credential: AsyncTokenCredential
    throttle: Throttle
    backoff: float

    def pipeline(
        self, endpoint: str, token_scope: str, *, typed: bool, gets: tuple[re.Pattern[str], ...] | None = None
    ) -> AsyncPipeline[Any, Any]:
        """Return a pipeline that reaches ``endpoint`` only, with tokens for ``token_scope`` only.

        ``typed``: for an SDK client, which wants the JSON decoded beside the answer. ``gets``: see Guard.
        """
        return AsyncPipeline(
            share(self.session),
            policies=[
                Recorder(decode=typed),
                Guard(endpoint, gets=gets),
                Retry(self.throttle.meter, backoff=self.backoff),
                Gate(self.throttle),
                AsyncARMChallengeAuthenticationPolicy(self.credential, token_scope),
            ],
        )

    def unauthenticated(self, endpoint: str, posts: tuple[re.Pattern[str], ...]) -> AsyncPipeline[Any, Any]:
        """Return a pipeline that reaches ``endpoint`` only and adds no token of its own; ``posts``: see Guard."""
        return AsyncPipeline(
            share(self.session),
            policies=[
                Recorder(decode=False),
                Guard(endpoint, posts),
                Retry(self.throttle.meter, backoff=self.backoff),
                Gate(self.throttle),
            ],
        )
