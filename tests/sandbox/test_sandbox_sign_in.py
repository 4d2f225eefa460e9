from __future__ import annotations

import base64
import json

import pytest
import tiny_estate as at
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential
from azure.identity import ManagedIdentityCredential as BlockingManagedIdentity
from azure.identity.aio import ClientSecretCredential as AsyncClientSecret

JOBS = f"/subscriptions/{at.ONE}/providers/Microsoft.App/jobs?api-version=2025-07-01"


def claims(token: str) -> dict:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


async def test_the_stock_managed_identity_credential_signs_in(serve):
    async with serve() as client:
        endpoints = client.sandbox.endpoints
        token = await client.credential.get_token(endpoints.audience + "/.default")
        said = claims(token.token)
        assert said["aud"] == endpoints.audience
        assert said["oid"] == at.COLLECTOR
        assert said["tid"] == at.TENANT
        assert said["idtyp"] == "app"
        assert said["exp"] == token.expires_on
        assert said["appid"]
        assert (await client.ask(JOBS, token=token.token)).status == 200


async def test_the_blocking_managed_identity_credential_signs_in_too(serve):
    import asyncio

    async with serve() as client:
        audience = client.sandbox.endpoints.audience
        token = await asyncio.to_thread(lambda: BlockingManagedIdentity().get_token(audience + "/.default"))
        assert claims(token.token)["aud"] == audience


@pytest.mark.parametrize("wrong", [{"X-IDENTITY-HEADER": "guess"}, {}])
async def test_the_identity_endpoint_wants_its_header(serve, wrong):
    async with serve() as client:
        endpoint = client.sandbox.endpoints.identity_endpoint
        async with client.session.get(
            endpoint, params={"api-version": "2019-08-01", "resource": client.sandbox.endpoints.audience}, headers=wrong
        ) as reply:
            assert reply.status == 401
            assert b"access_token" not in await reply.read()


def secret_credential(client, kind, secret=None, tenant=at.TENANT, **more):
    environment, application = client.sandbox.environment(), client.sandbox._application
    return kind(
        tenant,
        application.app_id,
        secret or environment["JOBAUDIT_SANDBOX_SECRET"],
        authority=client.sandbox.endpoints.authority,
        disable_instance_discovery=True,
        **more,
    )


async def test_the_stock_client_secret_credential_signs_in(serve):
    async with serve() as client:
        credential = secret_credential(client, AsyncClientSecret, transport=client.sdk["transport"])
        token = await credential.get_token(client.sandbox.endpoints.audience + "/.default")
        assert claims(token.token)["oid"] == at.COLLECTOR
        assert (await client.ask(JOBS, token=token.token)).status == 200


async def test_the_blocking_client_secret_credential_discovers_the_authority(serve):
    import asyncio

    async with serve() as client:
        transport = RequestsTransport(connection_verify=str(client.sandbox.ca_file))
        credential = secret_credential(client, ClientSecretCredential, transport=transport)
        scope = client.sandbox.endpoints.audience + "/.default"
        token = await asyncio.to_thread(credential.get_token, scope)
        assert (await client.ask(JOBS, token=token.token)).status == 200
        assert any(each.path.endswith("/oauth2/v2.0/token") for each in client.sandbox.requests)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"secret": "wrong"}, "AADSTS7000215"),
        ({"tenant": "99999999-0000-4000-8000-000000000000"}, "AADSTS90002"),
    ],
)
async def test_a_wrong_secret_or_tenant_is_refused(serve, changed, complaint):
    async with serve() as client:
        credential = secret_credential(client, AsyncClientSecret, transport=client.sdk["transport"], **changed)
        with pytest.raises(ClientAuthenticationError, match=complaint):
            await credential.get_token(client.sandbox.endpoints.audience + "/.default")


async def test_no_token_is_issued_for_a_resource_of_someone_else(serve):
    async with serve() as client:
        credential = secret_credential(client, AsyncClientSecret, transport=client.sdk["transport"])
        with pytest.raises(ClientAuthenticationError, match="AADSTS500011"):
            await credential.get_token("https://elsewhere.test/.default")


async def test_arm_says_what_is_wrong_with_a_token(serve):
    async with serve() as client:
        token = await client.sign_in()
        graph_token = await client.sign_in(client.sandbox.endpoints.graph)
        expected = {"": "AuthenticationFailed", "x.y.z": "InvalidAuthenticationToken"}
        for given, code in expected.items():
            reply = await client.ask(JOBS, token=given)
            assert (reply.status, reply.body["error"]["code"]) == (401, code)
            assert "Bearer" in reply.headers["WWW-Authenticate"]
        wrong = await client.ask(JOBS, token=graph_token)
        assert (wrong.status, wrong.body["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
        client.sandbox.tokens.expire()
        expired = await client.ask(JOBS, token=token)
        assert (expired.status, expired.body["error"]["code"]) == (401, "ExpiredAuthenticationToken")


async def test_a_token_of_another_sandbox_is_unknown(serve):
    async with serve(seed=8) as other:
        foreign = await other.sign_in()
    async with serve() as client:
        assert (await client.ask(JOBS, token=foreign)).body["error"]["code"] == "InvalidAuthenticationToken"
