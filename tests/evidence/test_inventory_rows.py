from __future__ import annotations

import pytest
import samples
from samples import changed, page

from audit.evidence import inventory


def read(**values):
    item = samples.INVENTORY_ITEM
    for name, value in values.items():
        item = changed(item, (name,), value)
    (row,) = samples.rows(inventory.KIND, page({"totalRecords": 1, "count": 1, "data": [item]}))
    return row


def test_a_resource_has_the_host_by_which_jobs_name_it():
    row = read()
    assert (row.host, row.sku, row.kind, row.customer_id) == ("sb-orders.servicebus.windows.net", "Premium", None, None)
    assert row.tags.value == {"owner": "orders"}


def test_a_grid_of_columns_and_rows_is_read_as_a_list_of_objects_is():
    item = samples.INVENTORY_ITEM
    grid = {"columns": [{"name": name, "type": "string"} for name in item], "rows": [list(item.values())]}
    assert samples.rows(inventory.KIND, page({"totalRecords": 1, "count": 1, "data": grid})) == [read()]


@pytest.mark.parametrize(
    ("address", "endpoints", "host"),
    [
        ("https://KV-a.vault.azure.net/", None, "kv-a.vault.azure.net"),
        ("acr.azurecr.io", None, "acr.azurecr.io"),
        ("pg.postgres.database.azure.com", None, "pg.postgres.database.azure.com"),
        ("", {"blob": "https://acct.blob.core.windows.net/", "queue": "https://acct.queue.core.windows.net/"},
         "acct.core.windows.net"),
        ("", {"queue": "https://acct.queue.core.usgovcloudapi.net/"}, "acct.core.usgovcloudapi.net"),
        ("", {"web": "https://acct.z6.web.core.windows.net/"}, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_hosts_of_every_type(address, endpoints, host):
    assert read(address=address, endpoints=endpoints).host == host


def test_a_workspace_is_known_by_its_customer_id():
    assert read(address="", customerId="eeeeeeee-0000-4000-8000-000000000003").customer_id.startswith("eeeeeeee")


def test_a_row_without_an_id_is_malformed_and_placed():
    items = [samples.INVENTORY_ITEM, changed(samples.INVENTORY_ITEM, ("id",), None)]
    (bad,) = samples.broken(inventory.KIND, page({"totalRecords": 2, "count": 2, "data": items}))
    assert bad.detail.startswith("$.data[1].id: ")
