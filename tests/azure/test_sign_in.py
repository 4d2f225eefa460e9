"""Signing in: each kind of credential over the shared transport, and what a person is told when it fails."""

from __future__ import annotations

import asyncio
import json
import logging
import socket

import pytest
from scripted_azure import JOBS, OBJECT, SCOPE, SECRET, TENANT, Reply, Server, error, jobs, read, token

from audit.azure.caller import caller_of
from audit.azure.clouds import cloud_of
from audit.config.settings import CloudSettings, CredentialSettings
from audit.errors import AzureUnreachable, ConfigError, ExitCode, SignInFailed

TOKEN = f"/{TENANT}/oauth2/v2.0/token"


async def enter(connection):
    async with connection as azure:
        return azure.caller


def nobody_listens() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{probe.getsockname()[1]}"


async def test_a_client_secret_signs_in_at_the_custom_authority(sandbox):
    caller = await enter(sandbox.connect())
    assert caller.object_id == OBJECT
    (asked,) = sandbox.to(TOKEN)
    assert f"client_secret={SECRET}".encode() in asked.body
    assert b"scope=https%3A%2F%2F127.0.0.1" in asked.body
    assert "jobaudit/" in asked.headers["User-Agent"]


async def test_the_audience_is_what_the_token_is_for(sandbox):
    cloud = CloudSettings(
        name="custom",
        resource_manager=sandbox.url,
        audience="https://arm.audience/",
        authority=sandbox.url,
        ca_file=sandbox.ca_file,
    )
    await enter(sandbox.connect(cloud))
    assert b"scope=https%3A%2F%2Farm.audience%2F.default" in sandbox.to(TOKEN)[0].body


async def test_a_managed_identity_signs_in(sandbox, monkeypatch):
    host = Server(None)
    granted = {"access_token": token(), "expires_on": "4000000000", "resource": "x", "token_type": "Bearer"}
    host.on("/msi/token", Reply(granted))
    async with host.running():
        monkeypatch.setenv("IDENTITY_ENDPOINT", host.url + "/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "xyz")
        caller = await enter(sandbox.connect(credential=CredentialSettings(kind="managed_identity", client_id="mine")))
    assert caller.object_id == OBJECT
    assert host.asked[0].headers["X-IDENTITY-HEADER"] == "xyz"
    assert "mine" in host.asked[0].query


async def test_a_workload_identity_signs_in(sandbox, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("projected")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    settings = CredentialSettings(kind="workload_identity", tenant_id=TENANT, client_id="app-1")
    assert (await enter(sandbox.connect(credential=settings))).object_id == OBJECT
    assert b"client_assertion=projected" in sandbox.to(TOKEN)[0].body


async def test_the_azure_cli_signs_in(sandbox, monkeypatch, tmp_path):
    az = tmp_path / "az"
    granted = {"accessToken": token(upn="ada@example.org", idtyp="user"), "expires_on": 4000000000}
    az.write_text(f"#!/bin/sh\necho '{json.dumps(granted)}'\n")
    az.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    caller = await enter(sandbox.connect(credential=CredentialSettings(kind="azure_cli")))
    assert (caller.kind, caller.name) == ("user", "ada@example.org")


async def test_the_default_chain_takes_what_it_finds(sandbox, monkeypatch):
    monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
    monkeypatch.setenv("AZURE_CLIENT_ID", "app-1")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", SECRET)
    assert (await enter(sandbox.connect(credential=CredentialSettings()))).object_id == OBJECT


async def test_a_wrong_secret_is_told_with_the_remedy(sandbox, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    refused = {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}
    sandbox.on(TOKEN, Reply(refused, status=401))
    with pytest.raises(SignInFailed, match="AADSTS7000215") as failed:
        await enter(sandbox.connect())
    assert "client_secret_env" in failed.value.hint
    assert failed.value.exit_code is ExitCode.UNREACHABLE
    assert SECRET not in str(failed.value)
    assert SECRET not in caplog.text
    assert capfd.readouterr().err == "", "the SDK's own warnings reached the terminal"


async def test_no_token_is_in_any_log(sandbox, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox.on(JOBS, jobs("a"), error(403, "No"))
    async with sandbox.connect() as azure:
        await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
    assert token() not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("kind", ["managed_identity", "azure_cli", "default"])
async def test_no_sign_in_on_this_machine_is_told_with_the_remedy(sandbox, monkeypatch, tmp_path, kind):
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", nobody_listens().replace("https", "http"))
    async with asyncio.timeout(20):
        with pytest.raises(SignInFailed) as failed:
            await enter(sandbox.connect(credential=CredentialSettings(kind=kind)))
    assert failed.value.hint
    assert kind in failed.value.where


async def test_a_missing_variable_is_a_configuration_error(sandbox, monkeypatch):
    monkeypatch.delenv("TEST_CLIENT_SECRET")
    with pytest.raises(ConfigError, match="TEST_CLIENT_SECRET is not set") as failed:
        await enter(sandbox.connect())
    assert failed.value.where == "credential.client_secret_env"
    assert not sandbox.asked


async def test_a_workload_identity_without_its_file_is_a_configuration_error(sandbox, monkeypatch):
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    with pytest.raises(ConfigError) as failed:
        await enter(sandbox.connect(credential=CredentialSettings(kind="workload_identity", tenant_id=TENANT)))
    assert "AZURE_FEDERATED_TOKEN_FILE" in failed.value.hint


class TestUnreachable:
    """No connection: the endpoint is named."""

    def elsewhere(self, sandbox, **changed):
        known = {name: getattr(sandbox.cloud, name) for name in sandbox.cloud.__struct_fields__}
        return sandbox.connect(CloudSettings(**{**known, **changed}))

    async def test_nobody_listens_at_arm(self, sandbox):
        there = nobody_listens()
        with pytest.raises(AzureUnreachable, match=there) as failed:
            await enter(self.elsewhere(sandbox, resource_manager=there))
        assert not isinstance(failed.value, SignInFailed)
        assert failed.value.exit_code is ExitCode.UNREACHABLE

    async def test_nobody_listens_at_the_authority(self, sandbox):
        there = nobody_listens()
        async with asyncio.timeout(30):
            with pytest.raises(AzureUnreachable, match=there) as failed:
                await enter(self.elsewhere(sandbox, authority=there))
        assert not isinstance(failed.value, SignInFailed)

    async def test_a_name_that_does_not_exist(self, sandbox):
        with pytest.raises(AzureUnreachable, match="can't be resolved"):
            await enter(self.elsewhere(sandbox, resource_manager="https://arm.invalid"))

    async def test_a_certificate_that_is_not_trusted(self, sandbox):
        with pytest.raises(AzureUnreachable, match="certificate isn't trusted") as failed:
            await enter(self.elsewhere(sandbox, ca_file=""))
        assert "cloud.ca_file" in failed.value.hint
        assert not sandbox.asked

    @pytest.mark.parametrize("content", [None, "not a certificate"])
    async def test_a_ca_file_that_is_none(self, sandbox, tmp_path, content):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        with pytest.raises(ConfigError) as failed:
            await enter(self.elsewhere(sandbox, ca_file=str(path)))
        assert "cloud.ca_file" in failed.value.where
        assert str(path) in failed.value.where


class TestProxy:
    """HTTPS_PROXY counts only when the settings ask for it."""

    @pytest.fixture
    async def proxy(self, monkeypatch):
        """Speak just enough CONNECT to be seen."""
        seen = []

        async def tunnel(reader, writer):
            line = (await reader.readline()).decode()
            seen.append(line.split()[1])
            while (await reader.readline()).strip():
                pass
            host, port = line.split()[1].split(":")
            there = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

            async def pump(source, target):
                while data := await source.read(65536):
                    target.write(data)
                target.close()

            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer), return_exceptions=True)

        server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with server:
            yield seen

    @pytest.mark.parametrize("asked", [True, False])
    async def test_only_when_asked(self, sandbox, proxy, asked):
        known = {name: getattr(sandbox.cloud, name) for name in sandbox.cloud.__struct_fields__}
        sandbox.on(JOBS, jobs("a"))
        async with sandbox.connect(CloudSettings(**{**known, "proxy_from_environment": asked})) as azure:
            await read(azure.pages(JOBS, api_version="1", scope=SCOPE))
        assert set(proxy) == ({sandbox.url.removeprefix("https://")} if asked else set())


class TestClouds:
    """Which Azure."""

    @pytest.mark.parametrize("name", ["public", "usgov", "china"])
    def test_the_sdk_s_endpoints_are_ours(self, name):
        from azure.core import AzureClouds
        from azure.identity import AzureAuthorityHosts
        from azure.mgmt.core.tools import get_arm_endpoints

        cloud = cloud_of(CloudSettings(name=name))
        theirs = {
            "public": (AzureClouds.AZURE_PUBLIC_CLOUD, AzureAuthorityHosts.AZURE_PUBLIC_CLOUD),
            "usgov": (AzureClouds.AZURE_US_GOVERNMENT, AzureAuthorityHosts.AZURE_GOVERNMENT),
            "china": (AzureClouds.AZURE_CHINA_CLOUD, AzureAuthorityHosts.AZURE_CHINA),
        }[name]
        endpoints = get_arm_endpoints(theirs[0])
        assert cloud.resource_manager == endpoints["resource_manager"].rstrip("/")
        assert cloud.arm_scope in endpoints["credential_scopes"]
        assert cloud.authority == f"https://{theirs[1]}"
        assert cloud.known_to_entra

    def test_a_known_cloud_keeps_the_ca_file_and_the_proxy_switch(self):
        cloud = cloud_of(CloudSettings(ca_file="corporate.pem", proxy_from_environment=True))
        assert (cloud.ca_file, cloud.proxy_from_environment) == ("corporate.pem", True)

    @pytest.mark.parametrize(
        ("changed", "key"),
        [
            ({"resource_manager": ""}, "cloud.resource_manager"),
            ({"authority": "http://plain"}, "cloud.authority"),
            ({"graph": "https://user@graph"}, "cloud.graph"),
        ],
    )
    def test_a_custom_cloud_names_https_endpoints(self, changed, key):
        given = {"resource_manager": "https://arm/", "authority": "https://login"}
        with pytest.raises(ConfigError) as failed:
            cloud_of(CloudSettings(name="custom", **{**given, **changed}))
        assert failed.value.where == key

    def test_a_custom_cloud_s_audience_is_its_resource_manager(self):
        cloud = cloud_of(CloudSettings(name="custom", resource_manager="https://arm/", authority="https://login/"))
        assert cloud.arm_scope == "https://arm/.default"
        assert not cloud.known_to_entra


@pytest.mark.parametrize(
    ("claims", "kind", "name"),
    [
        ({"idtyp": "user", "upn": "ada@example.org", "name": "Ada"}, "user", "ada@example.org"),
        ({"idtyp": "", "scp": "user_impersonation", "unique_name": "bob@example.org"}, "user", "bob@example.org"),
        ({"idtyp": "", "app_displayname": "collector"}, "app", "collector"),
    ],
)
def test_who_a_token_speaks_of(claims, kind, name):
    caller = caller_of(token(**claims))
    assert (caller.kind, caller.name) == (kind, name)


@pytest.mark.parametrize("opaque", ["", "opaque", "a.b.c", "a.W10.c", "a.eyJvaWQiOjF9.c", "é.é.é"])
def test_a_token_that_cannot_be_read_names_nobody(opaque):
    assert caller_of(opaque).object_id == ""
