"""The registries' door: two exchanges of tokens, then reads, and only at the login server that ARM named."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs

import msgspec
import pytest
from azure.core.rest import HttpRequest
from scripted_azure import SCOPE, TENANT, Reply, Server

from audit.azure import registry
from audit.azure.clouds import CLOUDS
from audit.azure.guard import Guard, HostRefused, WriteRefused
from audit.model.outcome import GapReason, NotThere, ReadFailed

SERVER = "acrorders.azurecr.example"
DIGEST = "sha256:" + "0f" * 32
TAGS = "/acr/v1/orders/fulfil/_tags/3.2"
MANIFEST = f"/acr/v1/orders/fulfil/_manifests/{DIGEST}"
SECRETS = ("refresh-5e1f", "access-77ab")


@pytest.fixture
async def login_server(authority):
    """Return a registry on a port of its own, with a certificate of its name."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(SERVER).configure_cert(context)
    server = Server(context)
    server.on(registry.EXCHANGE, Reply({"refresh_token": SECRETS[0]}))
    server.on(registry.TOKEN, Reply({"access_token": SECRETS[1]}))
    server.on(TAGS, Reply({"registry": SERVER, "tag": {"name": "3.2", "digest": DIGEST}}))
    server.on(MANIFEST, Reply({"registry": SERVER, "manifest": {"digest": DIGEST, "imageSize": 7}}))
    async with server.running():
        yield server


@pytest.fixture
async def azure(sandbox, login_server):
    gateway = login_server.url.removeprefix("https://")
    cloud = msgspec.structs.replace(sandbox.cloud, registries=gateway)
    async with sandbox.connect(cloud) as connected:
        yield connected


def form(asked) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(asked.body.decode()).items()}


async def test_a_tag_is_read_with_tokens_for_one_repository(azure, login_server, sandbox):
    door = azure.registry(SERVER.upper())
    page = await door.tag("orders/fulfil", "3.2", scope=SCOPE)
    assert page.url == f"https://{SERVER}{TAGS}"
    assert msgspec.json.decode(page.body)["tag"]["digest"] == DIGEST

    exchange, token, tag = login_server.asked
    assert (form(exchange)["service"], form(exchange)["tenant"]) == (SERVER, TENANT)
    assert form(exchange)["grant_type"] == "access_token"
    assert form(token)["scope"] == "repository:orders/fulfil:metadata_read"
    assert form(token)["refresh_token"] == SECRETS[0]
    assert tag.headers["Authorization"] == f"Bearer {SECRETS[1]}"
    asked_for = [form(each).get("scope") for each in sandbox.asked if each.path.endswith("/token")]
    assert asked_for[-1].startswith(registry.TOKEN_SCOPE), "a token that opens registries and nothing else"
    assert azure.meter.requests["registry"] == 3


async def test_the_tokens_are_exchanged_once_for_many_reads_and_are_in_no_page(azure, login_server):
    door = azure.registry(SERVER)
    pages = [
        await door.tag("orders/fulfil", "3.2", scope=SCOPE),
        await door.manifest("orders/fulfil", DIGEST, scope=SCOPE),
    ]
    assert len(login_server.to(registry.EXCHANGE)) == len(login_server.to(registry.TOKEN)) == 1
    stored = msgspec.json.encode([(page.url, page.body, page.request_body) for page in pages]).decode()
    assert not [secret for secret in SECRETS if secret in stored]


@pytest.mark.parametrize("path", [registry.EXCHANGE, registry.TOKEN, TAGS])
@pytest.mark.parametrize(("status", "code"), [(401, "UNAUTHORIZED"), (403, "DENIED")])
async def test_a_refusal_is_forbidden_and_quotes_no_token(azure, login_server, path, status, code):
    login_server.on(path, Reply({"errors": [{"code": code, "message": "no", "detail": SECRETS[0]}]}, status=status))
    with pytest.raises(ReadFailed, match=code) as failed:
        await azure.registry(SERVER).tag("orders/fulfil", "3.2", scope=SCOPE)
    assert failed.value.reason is GapReason.FORBIDDEN
    assert not [secret for secret in SECRETS if secret in failed.value.detail]


async def test_an_exchange_without_a_token_is_malformed(azure, login_server):
    login_server.on(registry.EXCHANGE, Reply({"token": SECRETS[0]}))
    with pytest.raises(ReadFailed) as failed:
        await azure.registry(SERVER).tag("orders/fulfil", "3.2", scope=SCOPE)
    assert failed.value.reason is GapReason.MALFORMED
    assert SECRETS[0] not in failed.value.detail


async def test_only_the_registrys_own_word_confirms_that_a_tag_is_not_there(azure, login_server):
    door = azure.registry(SERVER)
    login_server.on(TAGS, Reply({"errors": [{"code": "TAG_UNKNOWN", "message": "no such tag"}]}, status=404))
    with pytest.raises(NotThere, match="TAG_UNKNOWN"):
        await door.tag("orders/fulfil", "3.2", scope=SCOPE)
    login_server.on(TAGS, Reply(raw=b"<html>gateway</html>", status=404))
    with pytest.raises(ReadFailed) as failed:
        await door.tag("orders/fulfil", "3.2", scope=SCOPE)
    assert failed.value.reason is GapReason.UNAVAILABLE


async def test_a_missing_exchange_confirms_nothing(azure, login_server):
    login_server.on(registry.EXCHANGE, Reply({"errors": [{"code": "NOT_FOUND"}]}, status=404))
    with pytest.raises(ReadFailed):
        await azure.registry(SERVER).tag("orders/fulfil", "3.2", scope=SCOPE)


async def test_a_host_without_a_certificate_of_the_name_gets_no_token(azure, login_server):
    with pytest.raises(ReadFailed) as failed:
        await azure.registry("acrothers.azurecr.example").tag("orders/fulfil", "3.2", scope=SCOPE)
    assert failed.value.reason is GapReason.UNAVAILABLE
    assert not login_server.asked


async def test_the_gateway_is_for_registries_only(azure, login_server, sandbox):
    assert azure.caller.tenant_id == TENANT  # the sign-in and ARM went their own way
    assert sandbox.asked
    assert not login_server.asked


@pytest.mark.parametrize(
    "name",
    [
        "",
        "acr",
        "acr.azurecr.io/x",
        "acr.azurecr.io:8443",
        "a@acr.azurecr.io",
        "https://acr.azurecr.io",
        "acr .io",
        ".io",
    ],
)
def test_what_is_no_plain_host_is_no_login_server(name):
    with pytest.raises(ReadFailed) as failed:
        registry.endpoint_of(name, "")
    assert failed.value.reason is GapReason.UNSUPPORTED


@pytest.mark.parametrize(
    "name", ["acr.azurecr.us", "acr.azurecr.io.evil.example", "azurecr.io", "evilazurecr.io", "acr.azurecr.io."]
)
def test_the_public_clouds_login_servers_end_as_microsoft_says(name):
    suffix = CLOUDS["public"].registry_suffix
    with pytest.raises(ReadFailed):
        registry.endpoint_of(name, suffix)
    assert registry.endpoint_of("Acr-abc123.azurecr.io", suffix) == "https://acr-abc123.azurecr.io"


@pytest.mark.parametrize(
    ("repository", "tag"),
    [("../x", "1"), ("Orders", "1"), ("orders//x", "1"), ("orders", "../../x"), ("orders", "1/2"), ("orders", "")],
)
async def test_a_reference_that_leads_elsewhere_is_not_asked_about(azure, login_server, repository, tag):
    with pytest.raises(ReadFailed) as failed:
        await azure.registry(SERVER).tag(repository, tag, scope=SCOPE)
    assert failed.value.reason is GapReason.UNSUPPORTED
    assert not login_server.asked


@pytest.mark.parametrize("path", [registry.EXCHANGE, registry.TOKEN])
def test_a_registry_may_be_sent_the_two_exchanges(path):
    guard = Guard(f"https://{SERVER}", registry.POSTS)
    guard.check("POST", f"https://{SERVER}{path}")
    with pytest.raises(HostRefused):
        guard.check("POST", f"https://evil.example{path}")
    with pytest.raises(HostRefused):
        guard.check("POST", f"http://{SERVER}{path}")
    with pytest.raises(WriteRefused):
        guard.check("POST", f"https://{SERVER}{path}", {"X-HTTP-Method-Override": "PUT"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth2/exchange/x"),
        ("POST", "/v2/orders/fulfil/blobs/uploads/"),
        ("POST", "/providers/Microsoft.ResourceGraph/resources"),
        ("PUT", "/v2/orders/fulfil/manifests/3.2"),
        ("DELETE", TAGS),
        ("PATCH", TAGS),
    ],
)
def test_nothing_else_is_sent_to_a_registry(method, path):
    with pytest.raises(WriteRefused):
        Guard(f"https://{SERVER}", registry.POSTS).check(method, f"https://{SERVER}{path}")


@pytest.mark.parametrize("path", [registry.EXCHANGE, registry.TOKEN])
async def test_the_exchanges_are_not_sent_anywhere_else(sandbox, azure, path):
    asked = len(sandbox.asked)
    with pytest.raises(WriteRefused):
        await azure.resources("s").send_request(HttpRequest("POST", sandbox.url + path))
    assert len(sandbox.asked) == asked
