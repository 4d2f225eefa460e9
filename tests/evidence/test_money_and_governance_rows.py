"""Rows of costs, resource changes, deployments, locks, exemptions and management groups, from Azure's own words."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
import samples
from governance_samples import CHANGE, DEPLOYMENT, EXEMPTION, GROUP, JOB, LOCK
from samples import broken, changed, page, rows

from audit.evidence import (
    costs,
    deployments,
    kind,
    locks,
    management_groups,
    policy_exemptions,
    resource_changes,
)
from audit.evidence.jobs import Job
from audit.model import Row, Scope, Window
from audit.model.decode import decode

COLUMNS = ("Cost", "UsageDate", "ResourceId", "Meter", "Currency")
ACTUAL = {"type": "ActualCost"}


def table(*lines, columns=COLUMNS, link=None) -> bytes:
    """Return an answer with numbers spelled as given."""
    cells = ",".join("[" + ",".join(line) + "]" for line in lines)
    names = json.dumps([{"name": name, "type": "Number" if name == "Cost" else "String"} for name in columns])
    body = f'{{"id":"x","properties":{{"nextLink":{json.dumps(link)},"columns":{names},"rows":[{cells}]}}}}'
    return body.encode()


LINE = ("0.1234567890123456789", "20261031", json.dumps(JOB), '"Standard vCPU Active Usage"', '"EUR"')


class TestCosts:
    """The rows of Cost Management."""

    def test_a_line_is_read_by_the_names_of_its_columns(self):
        (row,) = rows(costs.KIND, page(table(LINE), asked=ACTUAL))
        turned = table(LINE[::-1], columns=COLUMNS[::-1])
        (other,) = rows(costs.KIND, page(turned, asked={"type": "AmortizedCost"}))
        assert (row.resource_id, row.day, row.meter) == (JOB, date(2026, 10, 31), "Standard vCPU Active Usage")
        assert (row.currency, row.basis, other.basis) == ("EUR", "actual", "amortised")
        assert (other.resource_id, other.day, other.amount) == (row.resource_id, row.day, row.amount)
        assert row.subscription_id == samples.SUBSCRIPTION
        assert row.row_id != other.row_id

    @pytest.mark.parametrize(
        "spelled", ["0.1234567890123456789", "1E-7", "12345678901234567890.12", "0", "-3.5", "0.1"]
    )
    def test_money_never_passes_through_a_float(self, spelled):
        (row,) = rows(costs.KIND, page(table((spelled, *LINE[1:])), asked=ACTUAL))
        assert row.amount == Decimal(spelled)

    def test_the_older_name_of_the_amount_is_understood_and_more_columns_are_not_in_the_way(self):
        columns = ("PreTaxCost", "CostUSD", *COLUMNS[1:])
        (row,) = rows(costs.KIND, page(table(("2.5", "2.7", *LINE[1:]), columns=columns), asked=ACTUAL))
        assert row.amount == Decimal("2.5")

    def test_the_same_numbers_as_the_store_keeps_them(self):
        """The spool writes a row as JSON: a number there would be a float's."""
        (row,) = rows(costs.KIND, page(table(LINE), asked=ACTUAL))
        (stored,) = samples.tables(row).sql("select amount::varchar from costs").fetchall()
        assert stored == ("0.123457",)

    def test_nothing_charged_is_no_row(self):
        assert rows(costs.KIND, page(table(), asked=ACTUAL)) == []
        assert rows(costs.KIND, msgspec.structs.replace(page(b"null", asked=ACTUAL), status=204)) == []

    def test_an_empty_body_under_another_status_confirms_nothing(self):
        assert broken(costs.KIND, page(b"null", asked=ACTUAL))

    @pytest.mark.parametrize(
        ("at", "value", "place"),
        [
            (0, '"much"', "$.properties.rows[1].Cost"),
            (0, "null", "$.properties.rows[1].Cost"),
            (1, "20261301", "$.properties.rows[1].UsageDate"),
            (1, '"2026-10-31"', "$.properties.rows[1].UsageDate"),
            (2, '""', "$.properties.rows[1].ResourceId"),
            (4, '""', "$.properties.rows[1].Currency"),
        ],
    )
    def test_a_malformed_line_is_named_and_the_others_stay(self, at, value, place):
        odd = (*LINE[:at], value, *LINE[at + 1 :])
        unit = page(table(LINE, odd, LINE), asked=ACTUAL)
        (item,) = broken(costs.KIND, unit)
        assert place in item.detail

    @pytest.mark.parametrize("spelled", ["1e22", "-1e22", "1E+400"])
    def test_an_amount_that_no_table_can_hold_is_one_malformed_line(self, spelled):
        unit = page(table(LINE, (spelled, *LINE[1:]), LINE), asked=ACTUAL)
        (item,) = broken(costs.KIND, unit)
        assert "amount is a number that no table can hold" in item.detail
        kept = [each.record for each in decode(costs.KIND, [unit]) if isinstance(each, Row)]
        assert len(kept) == 2
        assert samples.tables(kept[0]).sql("select count(*) from costs").fetchall() == [(1,)]

    def test_the_largest_amount_that_a_table_holds_is_kept(self):
        (row,) = rows(costs.KIND, page(table(("9999999999999999999999.999999", *LINE[1:])), asked=ACTUAL))
        (stored,) = samples.tables(row).sql("select amount::varchar from costs").fetchall()
        assert stored == ("9999999999999999999999.999999",)

    def test_a_row_that_is_too_short_spoils_the_page_and_is_no_shorter_list(self):
        (item,) = broken(costs.KIND, page(table(LINE, LINE[:3]), asked=ACTUAL))
        assert item.scope == samples.SUBSCRIPTION_ID

    async def test_whole_days_are_asked_for_at_most_a_month_at_once(self):
        asked = []

        class Door:
            async def cost_query(self, path, body, *, scope):
                asked.append((path, body))
                yield page(table(LINE), scope=scope, asked=body)

        scope = Scope(id=samples.SUBSCRIPTION_ID)
        window = Window(since=datetime(2026, 9, 15, 13, 5, tzinfo=UTC), until=datetime(2026, 11, 1, tzinfo=UTC))
        pages = [each async for each in costs.fetch(Door(), scope, window)]
        periods = [(body["type"], body["timePeriod"]["from"][:10], body["timePeriod"]["to"]) for _, body in asked]
        assert periods == [
            ("ActualCost", "2026-09-15", "2026-10-15T23:59:59+00:00"),
            ("ActualCost", "2026-10-16", "2026-10-31T23:59:59+00:00"),
            ("AmortizedCost", "2026-09-15", "2026-10-15T23:59:59+00:00"),
            ("AmortizedCost", "2026-10-16", "2026-10-31T23:59:59+00:00"),
        ]
        assert len(pages) == 4
        assert [len(body["dataset"]["grouping"]) for _, body in asked] == [2] * 4

    def test_a_recorded_answer_is_understood(self, recorded):
        """It has neither day nor meter: what is wrong is said, and nothing is guessed."""
        answers = json.loads((recorded / "cost-query-resource.recorded.json").read_text())["interactions"]
        body = answers[1]["response"]["body"]["data"]
        (line,) = list(costs.items(page(body)))
        assert json.loads(line) == {
            "PreTaxCost": 0.16403,
            "ResourceId": body["properties"]["rows"][0][1],
            "Currency": "USD",
        }
        (item,) = broken(costs.KIND, page(body, asked=ACTUAL))
        assert "UsageDate" in item.detail


class TestResourceChanges:
    """The rows of Resource Graph's changes."""

    def test_a_change_has_a_row_for_each_property(self):
        first, second = rows(resource_changes.KIND, page({"totalRecords": 1, "count": 1, "data": [CHANGE]}))
        assert (first.property, first.before, first.after, first.truncated) == ("properties.a", None, '{"x":[1]}', True)
        assert (second.property, second.before, second.after, second.truncated) == ("properties.b", "1", "2", None)
        assert (second.property_change_type, second.category) == ("Update", "User")
        assert second.at == datetime(2026, 10, 7, 4, 47, 5, 886000, tzinfo=UTC)
        assert (second.changed_by, second.changed_by_type) == ("ada@contoso.example", "User")
        assert first.row_id != second.row_id

    def test_a_change_of_no_known_property_has_one_row(self):
        for nothing in ({}, None):
            gone = {**CHANGE, "changeType": "Delete", "changes": nothing}
            (row,) = rows(resource_changes.KIND, page({"data": [gone]}))
            assert (row.change_type, row.property, row.before, row.after) == ("Delete", None, None, None)

    def test_a_change_in_the_background_has_no_client(self):
        attributes = {
            "timestamp": "2026-10-07T04:47:05.886Z",
            "changedBy": "System",
            "changedByType": "System",
            "clientType": "Unspecified",
            "operation": "Unspecified",
        }
        row, _ = rows(resource_changes.KIND, page({"data": [{**CHANGE, "changeAttributes": attributes}]}))
        assert (row.changed_by, row.client_type, row.operation) == ("System", None, None)

    def test_the_documented_sample_is_understood(self, recorded):
        sample = json.loads((recorded / "resource-change.sample.json").read_text())
        found = rows(resource_changes.KIND, page({"data": [{"id": "/c", **sample}]}))
        assert [row.property for row in found] == [
            "properties.macAddress",
            "properties.primary",
            "properties.virtualMachine.id",
        ]
        assert {row.client_type for row in found} == {"Azure Portal"}

    def test_a_change_without_its_moment_is_malformed(self):
        odd = changed(CHANGE, ("changeAttributes", "timestamp"), ...)
        (item,) = broken(resource_changes.KIND, page({"data": [CHANGE, odd]}))
        assert item.detail.startswith("$.data[1].changeAttributes")


class TestDeployments:
    """The rows of a resource group's deployments."""

    def test_a_deployment_says_what_it_wrote_and_how(self):
        (row,) = rows(deployments.KIND, page({"value": [DEPLOYMENT]}, scope=GROUP))
        assert (row.scope, row.state, row.mode, row.duration_s) == (GROUP, "Succeeded", "Incremental", 82.5)
        assert row.output_resources.value == [JOB]
        assert row.parameters.value["adminPassword"] == {"type": "SecureString"}
        assert row.template_link == "https://artifacts.contoso.example/orders.json"
        assert row.error is None

    def test_what_azure_does_not_say_is_null(self):
        bare = {"id": DEPLOYMENT["id"], "name": "orders-1", "properties": {"provisioningState": "Running"}}
        (row,) = rows(deployments.KIND, page({"value": [bare]}, scope=GROUP))
        assert (row.at, row.duration_s, row.parameters, row.output_resources, row.template_link) == (None,) * 5

    @pytest.mark.parametrize(
        ("text", "seconds"), [("PT0S", 0), ("P1DT2H", 93600), ("PT2M", 120), ("PT0.1234567S", 0.1234567), ("", None)]
    )
    def test_a_duration_is_seconds(self, text, seconds):
        item = changed(DEPLOYMENT, ("properties", "duration"), text)
        (row,) = rows(deployments.KIND, page({"value": [item]}))
        assert row.duration_s == seconds

    def test_another_duration_is_malformed(self):
        item = changed(DEPLOYMENT, ("properties", "duration"), "a while")
        (found,) = broken(deployments.KIND, page({"value": [item]}))
        assert "$.value[0].properties.duration" in found.detail

    def test_each_group_is_asked_once_whatever_its_casing(self):
        def job(group: str, name: str, *, in_scope: bool = True) -> Job:
            return Job(
                job_id=f"/subscriptions/{samples.SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.App/jobs/{name}",
                name=name,
                subscription_id=samples.SUBSCRIPTION,
                resource_group=group,
                trigger_type="Event" if in_scope else "Manual",
                in_scope=in_scope,
                secrets_count=0,
            )

        con = samples.tables(job("rg-orders", "a"), job("RG-Orders", "b"), job("rg-other", "c", in_scope=False))
        scopes = con.sql(kind("deployments").population).fetchall()
        assert [scope.lower() for (scope,) in scopes] == [GROUP.lower()]
        affected = con.sql(kind("deployments").affects).fetchall()
        assert {scope for scope, _ in affected} == {scope for (scope,) in scopes}
        assert len(affected) == 2


def test_a_lock_says_what_it_holds_and_how_hard():
    (row,) = rows(locks.KIND, page({"value": [LOCK]}))
    assert row.scope == f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/sb"
    assert (row.level, row.notes, row.owners.value) == ("CanNotDelete", None, [{"applicationId": "a"}])


def test_an_exemption_says_from_what_why_and_until_when():
    (row,) = rows(policy_exemptions.KIND, page({"value": [EXEMPTION]}))
    assert (row.scope, row.category, row.description) == (GROUP, "Waiver", None)
    assert row.expires == datetime(2026, 12, 12, 6, tzinfo=UTC)
    assert (row.created_by, row.modified_by) == ("ada@contoso.example", None)
    (for_ever,) = rows(policy_exemptions.KIND, page({"value": [changed(EXEMPTION, ("properties", "expiresOn"), ...)]}))
    assert for_ever.expires is None


def test_an_exemption_from_above_has_a_row_for_each_subscription_that_lists_it():
    other = "/subscriptions/22222222-2222-3333-4444-555555555555"
    one, two = (
        rows(policy_exemptions.KIND, page({"value": [EXEMPTION]}, scope=scope))[0]
        for scope in (samples.SUBSCRIPTION_ID, other)
    )
    assert one.exemption_id == two.exemption_id
    assert one.row_id != two.row_id


def test_the_groups_above_a_subscription_come_nearest_first():
    chain = [{"name": "landing", "displayName": "Landing zones"}, {"name": "root"}]
    scope = Scope(id="/", ids=("s1", "S2", "s3"))
    body = {"data": [{"id": "/subscriptions/s1", "subscriptionId": "s1", "chain": chain}, {"subscriptionId": "s2"}]}
    found = rows(management_groups.KIND, page(body, scope=scope, asked={}))
    assert [(row.subscription_id, row.name, row.depth) for row in found] == [
        ("s1", "landing", 1),
        ("s1", "root", 2),
        ("s2", None, None),
        ("s3", None, None),
    ]
    assert found[0].group_id == "/providers/Microsoft.Management/managementGroups/landing"
    assert found[1].display_name is None
