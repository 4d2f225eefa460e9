from __future__ import annotations

import pytest

from audit.model.endpoint import account_host, host_of, path_of


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://SB-Orders.servicebus.windows.net:443/", "sb-orders.servicebus.windows.net"),
        ("sb://sb-orders.servicebus.windows.net/", "sb-orders.servicebus.windows.net"),
        ("sb-orders.servicebus.windows.net:9093", "sb-orders.servicebus.windows.net"),
        ("amqps://me:[redacted:0123456789abcdef:url-password]@mq.example:5671/v", "mq.example"),
        ("broker", "broker"),
        ("mq.example.", "mq.example"),
        ("https://kv.vault.azure.net/secrets/a?b=c", "kv.vault.azure.net"),
        ("[redacted:0123456789abcdef]", None),
        ("amqp://me:[redacted:0123456789abcdef]", None),
        ("two words", None),
        ("", None),
        (None, None),
    ],
)
def test_the_host_of_an_address(address, host):
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://acct.queue.core.windows.net/", "acct.core.windows.net"),
        ("https://acct.blob.core.usgovcloudapi.net/", "acct.core.usgovcloudapi.net"),
        ("https://acct.dfs.core.chinacloudapi.cn/", "acct.core.chinacloudapi.cn"),
        ("https://acct.z12.blob.storage.azure.net/", "acct.z12.storage.azure.net"),
        ("acct.core.windows.net", "acct.core.windows.net"),
        (None, None),
    ],
)
def test_every_service_of_an_account_has_the_accounts_host_in_every_cloud(address, host):
    assert account_host(address) == host


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("amqps://u:p@mq.example:5671/customs?heartbeat=5", "customs"),
        ("https://dev.azure.com/norvane/", "norvane"),
        ("mq.example", ""),
        (None, ""),
    ],
)
def test_what_follows_the_host(address, path):
    assert path_of(address) == path
