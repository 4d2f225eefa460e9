"""Microsoft.Insights and Microsoft.AlertsManagement: alert rules of three kinds, and the alerts that fired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from audit.model import ids
from audit.sandbox.call import Call, Route
from audit.sandbox.wire import Answer, Refused, encode, listing
from audit.sandbox.world import Item, moment

if TYPE_CHECKING:
    from audit.sandbox.estate.model import Body

_KEPT = timedelta(days=30)
_SLACK = timedelta(minutes=5)
_RANGES = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_MOST = 250
_READ_FIRED = "Microsoft.AlertsManagement/alerts/read"
_READ = {
    "microsoft.insights/metricalerts": "Microsoft.Insights/metricAlerts/read",
    "microsoft.insights/scheduledqueryrules": "Microsoft.Insights/scheduledQueryRules/read",
    "microsoft.insights/activitylogalerts": "Microsoft.Insights/activityLogAlerts/read",
}


def list_rules(call: Call) -> Answer:
    """Answer the rules of one kind in a subscription or resource group: all on one page, as Azure does."""
    kind = call.target.kind
    found = [each for each in _of(call, call.world.estate.alerts) if each["type"].lower() == kind]
    items = [Item(ids.key(each["id"]), encode(each)) for each in found]
    items = [item for item in items if item.key.startswith(call.parent + "/")]
    return Answer(200, listing(call.readable(items, _READ[kind])))


def list_fired(call: Call) -> Answer:
    """Answer the alerts that fired in ``timeRange`` (default: a day) or ``customTimeRange``, in the order asked for."""
    since, until = _range(call)
    size = min(_page(call), call.options.page_sizes.fired_alerts)

    def found() -> list[bytes]:
        alerts = [
            each
            for each in _of(call, call.world.estate.fired_alerts)
            if since <= moment(each["properties"]["essentials"]["startDateTime"]) < until
        ]
        newest_first = call.query.get("sortorder", "desc").lower() == "desc"
        alerts.sort(key=lambda each: each["properties"]["essentials"]["startDateTime"], reverse=newest_first)
        return call.readable([Item(ids.key(each["id"]), encode(each)) for each in alerts], _READ_FIRED)

    return call.page(call.whole(found), size)


def _of(call: Call, listed: dict[str, list[Body]]) -> list[Body]:
    subscription = (ids.subscription_of(call.path) or "").lower()
    return [each for guid, found in listed.items() if guid.lower() == subscription for each in found]


def _range(call: Call) -> tuple[datetime, datetime]:
    now, custom, named = call.world.estate.now, call.query.get("customtimerange"), call.query.get("timerange")
    if custom is not None and named is not None:
        raise _refused("Either timeRange or customTimeRange can be used but not both.")
    if custom is None:
        if (named or "1d") not in _RANGES:
            raise _refused(f"timeRange '{named}' is not one of {', '.join(_RANGES)}.")
        return now - _RANGES[named or "1d"], now
    try:
        since, until = (moment(each).astimezone(UTC) for each in custom.split("/"))
    except ValueError as error:
        raise _refused(f"customTimeRange '{custom}' is not <start>/<end>.") from error
    if since >= until or since < now - _KEPT - _SLACK:
        raise _refused("customTimeRange must lie within 30 days from query time.")
    return since, until


def _page(call: Call) -> int:
    text = call.query.get("pagecount", "25")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        raise _refused(f"pageCount '{text}' is not from 1 to {_MOST}.")
    return int(text)


def _refused(message: str) -> Refused:
    return Refused(400, "BadRequest", message)


ROUTES = (
    Route(
        "microsoft.insights/metricalerts",
        False,
        ("2018-03-01",),
        (_READ["microsoft.insights/metricalerts"],),
        list_rules,
    ),
    Route(
        "microsoft.insights/scheduledqueryrules",
        False,
        ("2021-08-01", "2022-06-15", "2023-03-15-preview", "2023-12-01"),
        (_READ["microsoft.insights/scheduledqueryrules"],),
        list_rules,
    ),
    Route(
        "microsoft.insights/activitylogalerts",
        False,
        ("2017-04-01", "2020-10-01"),
        (_READ["microsoft.insights/activitylogalerts"],),
        list_rules,
    ),
    Route(
        "microsoft.alertsmanagement/alerts",
        False,
        ("2018-05-05", "2019-03-01", "2019-05-05-preview"),
        (_READ_FIRED,),
        list_fired,
    ),
)
