"""What Azure Monitor is asked about each type of resource: which metrics, which of their figures, how finely.

https://learn.microsoft.com/azure/azure-monitor/reference/metrics-index lists what each type has.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from audit.model import duration

if TYPE_CHECKING:
    from audit.model.window import Window

ENTITIES = 20
"""Entities in one request: the answer stays in single megabytes, the address of names of thirty letters below 2,000."""
_DAY = timedelta(days=1)


class Metric(NamedTuple):
    """A metric that is asked for, and the aggregations that become rows.

    ``depth``: it says how much there is, so 0 is a statement; of any other 0 says that nothing happened.
    """

    name: str
    aggregations: tuple[str, ...]
    depth: bool = False


class Question(NamedTuple):
    """How a type of resource is asked.

    ``steps``: (longest window, interval), finest first. ``split``: by entity. ``below``: the path of the part of the
    resource that has the metrics.
    """

    metrics: tuple[Metric, ...]
    steps: tuple[tuple[timedelta, str], ...]
    split: bool = False
    below: str = ""

    def step(self, window: Window, entities: int) -> str:
        """Return the interval for a window of this length, a coarser one where there are many series."""
        length = window.until - window.since
        place = next(place for place, (longest, _) in enumerate(self.steps) if length <= longest)
        return self.steps[min(place + (self.split and entities > ENTITIES), len(self.steps) - 1)][1]

    def metric(self, name: str) -> Metric | None:
        """Return the metric of a name, in any casing."""
        return next((each for each in self.metrics if each.name.lower() == name.lower()), None)


_SOURCE_STEPS = ((2 * _DAY, "PT5M"), (32 * _DAY, "PT1H"), (timedelta.max, "PT6H"))
_QUESTIONS = {
    "microsoft.app/jobs": Question(
        metrics=(
            Metric("Executions", ("total", "maximum")),
            Metric("RestartCount", ("total", "maximum")),
            Metric("UsageNanoCores", ("average", "maximum")),
            Metric("UsageBytes", ("average", "maximum")),
            Metric("RxBytes", ("total",)),
            Metric("TxBytes", ("total",)),
            Metric("RequestedCores", ("maximum",)),
            Metric("RequestedBytes", ("maximum",)),
        ),
        steps=((2 * _DAY, "PT5M"), (8 * _DAY, "PT1H"), (32 * _DAY, "PT6H"), (timedelta.max, "P1D")),
    ),
    "microsoft.servicebus/namespaces": Question(
        metrics=(
            Metric("ActiveMessages", ("average", "maximum"), depth=True),
            Metric("DeadletteredMessages", ("maximum",), depth=True),
            Metric("IncomingMessages", ("total",)),
            Metric("CompleteMessage", ("total",)),
        ),
        steps=_SOURCE_STEPS,
        split=True,
    ),
    "microsoft.eventhub/namespaces": Question(
        metrics=(Metric("IncomingMessages", ("total",)), Metric("OutgoingMessages", ("total",))),
        steps=_SOURCE_STEPS,
        split=True,
    ),
    "microsoft.storage/storageaccounts": Question(
        metrics=(Metric("QueueMessageCount", ("average",), depth=True),),
        steps=_SOURCE_STEPS[1:],
        below="/queueServices/default",
    ),
}


def question(resource_id: str) -> Question:
    """Return what is asked of a resource. Raises KeyError for one of another type."""
    provider, _, rest = resource_id.lower().rpartition("/providers/")[2].partition("/")
    return _QUESTIONS[f"{provider}/{rest.partition('/')[0]}"]


def whole(since: datetime, step: str) -> datetime:
    """Return the start of the step that ``since`` lies in: two runs over one time then speak of the same intervals."""
    length = duration.seconds(step)
    return datetime.fromtimestamp(since.timestamp() // length * length, UTC)
