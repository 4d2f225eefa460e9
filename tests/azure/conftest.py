from __future__ import annotations

import ssl

import pytest
import trustme
from scripted_azure import SECRET, Reply, Sandbox, Server


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
async def sandbox(tls, ca_file, monkeypatch):
    monkeypatch.setenv("TEST_CLIENT_SECRET", SECRET)
    server = Sandbox(tls)
    server.ca_file = ca_file
    server.on("/metadata/endpoints", Reply({}))
    server.grants_tokens()
    async with server.running():
        yield server


@pytest.fixture
async def elsewhere(tls):
    """Return another host, which must never be asked anything."""
    server = Server(tls)
    async with server.running():
        yield server


@pytest.fixture
async def azure(sandbox):
    async with sandbox.connect() as connected:
        yield connected
