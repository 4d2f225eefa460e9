"""Budgets and the action groups that they, and nobody else, write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.sandbox.estate.moments import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.sandbox.estate.model import Body
    from audit.sandbox.estate.world import World


def budget(
    world: World,
    scope: str,
    name: str,
    amount: float,
    *,
    spent: float | None,
    forecast: float | None = None,
    grain: str = "Monthly",
    only: Body | None = None,
    notifications: Sequence[Body] = (),
) -> Body:
    """Add a budget to a subscription or resource group; ``spent`` and ``forecast`` in EUR, None: Azure has none."""
    start = (world.now.replace(day=1, month=1) if grain != "Monthly" else world.now.replace(day=1)).replace(
        year=world.now.year - 1,
    )
    body: Body = {
        "id": f"{scope}/providers/Microsoft.Consumption/budgets/{name}",
        "name": name,
        "type": "Microsoft.Consumption/budgets",
        "eTag": f'"{world.chance.digits(15, "etag", scope, name)}"',
        "properties": {
            "timePeriod": {"startDate": day(start), "endDate": day(start.replace(year=start.year + 10))},
            "timeGrain": grain,
            "amount": amount,
            "currentSpend": None if spent is None else {"amount": spent, "unit": "EUR"},
            **({} if forecast is None else {"forecastSpend": {"amount": forecast, "unit": "EUR"}}),
            "category": "Cost",
            "notifications": {_key(one): one for one in notifications},
            "filter": only or {},
        },
    }
    world.estate.budgets.setdefault(scope.lower(), []).append(body)
    return body


def warn(
    at: float,
    *,
    kind: str = "Actual",
    emails: Sequence[str] = (),
    roles: Sequence[str] = (),
    groups: Sequence[str] = (),
    enabled: bool = True,
) -> Body:
    """Return a notification at a percentage of the amount, to whoever is named."""
    return {
        "enabled": enabled,
        "operator": "GreaterThan",
        "threshold": at,
        "contactEmails": list(emails),
        "contactRoles": list(roles),
        "contactGroups": list(groups),
        "thresholdType": kind,
        "locale": "en-us",
    }


def _key(notification: Body) -> str:
    kind = str(notification["thresholdType"]).lower()
    return f"{kind}_{notification['operator']}_{notification['threshold']:g}_Percent"


def action_group(
    world: World,
    group: str,
    name: str,
    *,
    emails: dict[str, str] | None = None,
    webhook: str | None = None,
    enabled: bool = True,
    live: bool = True,
) -> str:
    """Add an action group and return its id. ``live`` False: every mail receiver was disabled."""
    place = f"{group}/providers/microsoft.insights/actionGroups/{name}"
    hook = {"name": "chat", "serviceUri": webhook, "useCommonAlertSchema": True, "useAadAuth": False}
    body: Body = {
        "id": place,
        "type": "Microsoft.Insights/ActionGroups",
        "name": name,
        "location": "Global",
        "kind": None,
        "tags": {},
        "properties": {
            "groupShortName": name[:12],
            "enabled": enabled,
            "emailReceivers": [
                {
                    "name": who,
                    "emailAddress": address,
                    "useCommonAlertSchema": True,
                    "status": "Enabled" if live else "Disabled",
                }
                for who, address in (emails or {}).items()
            ],
            "smsReceivers": [],
            "webhookReceivers": [hook] if webhook else [],
            "eventHubReceivers": [],
            "itsmReceivers": [],
            "azureAppPushReceivers": [],
            "automationRunbookReceivers": [],
            "voiceReceivers": [],
            "logicAppReceivers": [],
            "azureFunctionReceivers": [],
            "armRoleReceivers": [],
        },
        "identity": None,
    }
    world.estate.action_groups[group.split("/")[2]].append(body)
    return place
