"""A pack is signed with a key that never leaves its vault: real SDK, real TLS, the vault's own challenge."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from audit.azure.key_vault import vault_key
from audit.config import Settings, parse
from audit.errors import AzureUnreachable, ConfigError, ExitCode, JobauditError
from audit.pipeline.signing import signing_key
from audit.sandbox import Sandbox
from audit.sandbox.front import Incoming
from audit.sandbox.key_vault import READ, SIGN, VAULT, KeyVault
from audit.seal import keys
from audit.seal.verify import sealed
from tests.conftest import needs, serving
from tests.seal import sealed_pack

SEAL = f"https://{VAULT}/keys/seal"


def settings(sandbox: Sandbox, address: str = SEAL, credential: str | None = None) -> Settings:
    return parse(sandbox.config_toml(credential) + f'\n[seal]\nkey_vault_key = "{address}"\n')


async def made(sandbox: Sandbox, address: str = SEAL, credential: str | None = None) -> keys.Signing:
    found = await asyncio.to_thread(signing_key, settings(sandbox, address, credential), Path(), {})
    assert found
    return found


async def failure(sandbox: Sandbox, address: str = SEAL) -> JobauditError:
    with pytest.raises(JobauditError) as refused:
        await made(sandbox, address)
    return refused.value


@pytest.fixture
async def unsigning(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    async with serving(key_vault_actions=(READ,)) as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        yield served


@needs("openssl")
@pytest.mark.parametrize("credential", ["managed_identity", "client_secret"])
async def test_openssl_accepts_a_pack_that_a_vault_signed(sandbox: Sandbox, tmp_path: Path, credential: str) -> None:
    key = await made(sandbox, credential=credential)
    pack = await asyncio.to_thread(sealed_pack.make, tmp_path / "packs", key)
    (tmp_path / "pub.pem").write_text(key.public_pem)
    command = ["openssl", "dgst", "-sha256", "-verify", str(tmp_path / "pub.pem"), "-signature", "SHA256SUMS.sig"]
    ran = await asyncio.to_thread(
        subprocess.run, [*command, "SHA256SUMS"], cwd=pack, capture_output=True, text=True, check=False
    )
    assert ran.stdout == "Verified OK\n", ran.stderr
    checks, signed = sealed(pack, [keys.public(tmp_path / "pub.pem")])
    assert signed.standing == "authentic", checks
    asked = [each for each in sandbox.requests if each.host == "vaults"]
    assert all(each.caller for each in asked if each.status == 200)
    assert [each.path.rpartition("/")[2] for each in asked if each.method == "POST" and each.status == 200] == [
        "sign", "sign",
    ]  # fmt: skip
    assert sandbox.violations == []


async def test_a_vault_says_first_where_its_tokens_come_from(sandbox: Sandbox) -> None:
    served = KeyVault(sandbox.tokens, (READ, SIGN))
    told, caller = served.answer(Incoming("GET", "/keys/seal", b"", {"Host": VAULT}, "", "r"))
    assert (told.status, caller) == (401, "")
    authority = f"{sandbox.endpoints.authority}/{sandbox.estate.tenant_id}"
    challenge = f'Bearer authorization="{authority}", resource="https://vault.azure.net"'
    assert told.headers == {"WWW-Authenticate": challenge}
    other, _ = sandbox.tokens.issue(object_id="o", app_id="a", audience="https://graph.microsoft.com")
    headers = {"Host": VAULT, "Authorization": f"Bearer {other}"}
    assert served.answer(Incoming("GET", "/keys/seal", b"", headers, "", "r"))[0].status == 401


async def test_a_key_of_another_kind_is_refused(sandbox: Sandbox) -> None:
    error = await failure(sandbox, f"https://{VAULT}/keys/other")
    assert isinstance(error, ConfigError)
    assert error.message == "the key is EC P-384, and packs are signed with ECDSA on P-256"


async def test_a_key_or_version_that_is_not_there_is_said(sandbox: Sandbox) -> None:
    for address in (f"https://{VAULT}/keys/none", f"{SEAL}/{'0' * 32}"):
        assert "no such key" in (await failure(sandbox, address)).message
    assert (await made(sandbox, f"{SEAL}/{'5ea1' * 8}")).keyid == (await made(sandbox)).keyid


async def test_who_may_not_sign_is_told_what_is_lacking_and_no_pack_is_left(unsigning: Sandbox, tmp_path: Path) -> None:
    key = await made(unsigning)
    with pytest.raises(ConfigError, match="the vault refuses") as refused:
        await asyncio.to_thread(key.sign, b"x")
    assert SIGN in refused.value.message
    assert 'the role "Key Vault Crypto User"' in refused.value.hint


async def test_a_vault_that_is_not_there_is_unreachable(sandbox: Sandbox) -> None:
    told = settings(sandbox)
    cloud = msgspec.structs.replace(told.cloud, vaults="127.0.0.1:9")
    with pytest.raises(AzureUnreachable, match="the vault can't be reached") as refused:
        await asyncio.to_thread(vault_key, SEAL, cloud, told.credential)
    assert refused.value.exit_code is ExitCode.UNREACHABLE


async def test_a_token_goes_to_no_host_that_is_not_a_vault(sandbox: Sandbox) -> None:
    """A host gets tokens of its own domain alone, and its certificate has to bear the name that was asked for."""
    error = await failure(sandbox, "https://localhost/keys/seal")
    assert error.message.startswith("this is no vault: The challenge resource 'vault.azure.net'")
    await failure(sandbox, "https://kv.vault.example/keys/seal")
    assert [(each.status, each.caller) for each in sandbox.requests if each.host == "vaults"] == [(401, "")]


async def test_two_keys_are_one_too_many_and_without_the_extra_it_is_said(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = settings(sandbox)
    both = msgspec.structs.replace(told, seal=msgspec.structs.replace(told.seal, key_file="seal.pem"))
    with pytest.raises(ConfigError, match="two keys"):
        signing_key(both, Path(), {})
    monkeypatch.setitem(sys.modules, "azure.keyvault.keys", None)
    with pytest.raises(ConfigError, match="not installed: azure-keyvault-keys"):
        signing_key(told, Path(), {})


def test_an_address_that_is_none_is_refused_by_name() -> None:
    for wrong in ("http://v.vault.azure.net/keys/a", "https://v.vault.azure.net/secrets/a", "https://u@v/keys/a"):
        with pytest.raises(ConfigError, match="key_vault_key"):
            parse(f'[seal]\nkey_vault_key = "{wrong}"\n')
