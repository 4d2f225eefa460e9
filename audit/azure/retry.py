"""A few bounded attempts for what may pass by itself: 408, 500, 502, 503, 504 and broken connections.

429 is not among them; the gate handles it (throttle.py). Every request is a read, so repeating one is harmless.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import aiohttp
from azure.core.exceptions import AzureError, IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline.policies import AsyncHTTPPolicy

from audit.azure.hints import retry_after
from audit.azure.meter import current_unit

if TYPE_CHECKING:
    from azure.core.pipeline import PipelineRequest, PipelineResponse

    from audit.azure.meter import Meter

PASSING = frozenset({408, 500, 502, 503, 504})
RETRIES = 3


class Retry(AsyncHTTPPolicy[Any, Any]):
    """Tries again, at most three times, ``backoff`` seconds apart, then twice and four times that."""

    def __init__(self, meter: Meter, *, backoff: float) -> None:
        super().__init__()
        self._meter = meter
        self._backoff = backoff

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Return the last answer, whatever it is, or raise the last connection error."""
        unit = current_unit()
        attempt = 0
        while True:
            asked: float | None = None
            try:
                response = await self.next.send(request)
            except (ServiceRequestError, ServiceResponseError, IncompleteReadError) as error:
                if attempt == RETRIES or unit.left <= 0 or _lasting(error):
                    raise
            else:
                if response.http_response.status_code not in PASSING or attempt == RETRIES or unit.left <= 0:
                    return response
                asked = retry_after(response.http_response.headers)
            pause = self._backoff * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311  spreads retries, guards nothing
            pause = min(max(pause, asked or 0.0), unit.left)
            await asyncio.sleep(pause)
            unit.waited += pause
            self._meter.retries += 1
            attempt += 1


def _lasting(error: AzureError) -> bool:
    """Tell whether a connection error will be the same next time: a certificate that isn't trusted."""
    return isinstance(error.inner_exception, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError)
