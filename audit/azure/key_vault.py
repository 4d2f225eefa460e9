"""Signing with a key that never leaves its Key Vault: the one thing that is asked of Azure besides collection.

It goes past the collector's read-only pipeline, over the Key Vault SDK's own, which asks the vault itself where tokens
for it come from, and takes that answer only from a vault of that very domain.
https://learn.microsoft.com/rest/api/keyvault/keys/sign/sign
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from audit.azure import credential as signing_in
from audit.azure.clouds import cloud_of
from audit.azure.faults import clean
from audit.azure.meter import Meter
from audit.azure.transport import USER_AGENT, open_session, share
from audit.errors import AzureUnreachable, ConfigError, SignInFailed

if TYPE_CHECKING:
    from azure.keyvault.keys import KeyVaultKey

    from audit.azure.clouds import Cloud
    from audit.config.settings import CloudSettings, CredentialSettings

T = TypeVar("T")
WHERE = "seal.key_vault_key"
ROLE = "Key Vault Crypto User"
_ADDRESS = re.compile(r"(?P<vault>https://[^/]+)/keys/(?P<name>[^/]+)(/(?P<version>[^/]+))?/?")
_SIZE = 32
"""Bytes of each half of a signature on P-256."""


class _Place(NamedTuple):
    """How to reach a key."""

    address: str
    cloud: Cloud
    credential: CredentialSettings


class VaultKey:
    """A P-256 key in a vault, pinned to the version that its public half was read of."""

    def __init__(self, place: _Place, key: KeyVaultKey, public: ec.EllipticCurvePublicKey) -> None:
        self._place, self._key = place, key
        der, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        self.keyid = hashlib.sha256(public.public_bytes(der, form)).hexdigest()
        """SHA-256 of the public key, hex."""
        self.public_pem = public.public_bytes(serialization.Encoding.PEM, form).decode()
        """The public key."""

    def sign(self, data: bytes) -> bytes:
        """Return the signature over the SHA-256 of the data, DER; each time another one.

        Raises ConfigError (refused), SignInFailed, AzureUnreachable.
        """
        digest = hashlib.sha256(data).digest()
        raw = _now(self._place, lambda session: _signed(session, self._key, digest))
        halves = (int.from_bytes(half, "big") for half in (raw[:_SIZE], raw[_SIZE:]))
        return encode_dss_signature(*halves)


def vault_key(address: str, cloud: CloudSettings, credential: CredentialSettings) -> VaultKey:
    """Read a key's public half from its vault and return what signs with it.

    ``address``: https://VAULT/keys/NAME, with /VERSION behind it or without for the present one.
    Raises ConfigError (the extra isn't installed, no such key, not P-256, refused), SignInFailed, AzureUnreachable.
    """
    try:
        import azure.keyvault.keys  # noqa: F401, PLC0415  an extra: most never sign so
    except ImportError:
        raise ConfigError(
            "signing with a key in Key Vault needs a package that is not installed: azure-keyvault-keys",
            where=WHERE,
            hint="pip install 'jobaudit[keyvault]', or sign with a key file: seal.key_file",
        ) from None
    place = _Place(address, cloud_of(cloud), credential)
    key = _now(place, lambda session: _read(session, address))
    return VaultKey(place, key, _public(address, key))


class _Session(NamedTuple):
    """What the SDK's clients are made with."""

    credential: Any
    options: dict[str, Any]


@asynccontextmanager
async def _session(place: _Place) -> AsyncIterator[_Session]:
    meter = Meter()
    async with (
        open_session(place.cloud, meter, connections=2) as entra,
        open_session(place.cloud, meter, connections=2, leads_to=place.cloud.vaults) as vault,
        signing_in.make(place.credential, place.cloud, entra) as credential,
    ):
        yield _Session(credential, {"transport": share(vault), "user_agent": USER_AGENT, "retry_total": 3})


async def _read(session: _Session, address: str) -> KeyVaultKey:
    from azure.keyvault.keys.aio import KeyClient  # noqa: PLC0415

    told = _ADDRESS.fullmatch(address)
    if told is None:
        raise ConfigError(
            f"this is not the address of a key: {address}", where=WHERE, hint="https://VAULT.vault.azure.net/keys/NAME"
        )
    async with KeyClient(told["vault"], session.credential, **session.options) as client:
        return await client.get_key(told["name"], told["version"])


async def _signed(session: _Session, key: KeyVaultKey, digest: bytes) -> bytes:
    from azure.keyvault.keys.crypto import SignatureAlgorithm  # noqa: PLC0415
    from azure.keyvault.keys.crypto.aio import CryptographyClient  # noqa: PLC0415

    async with CryptographyClient(key, session.credential, **session.options) as client:
        raw: bytes = (await client.sign(SignatureAlgorithm.es256, digest)).signature
    if len(raw) != 2 * _SIZE:
        raise ConfigError(f"the vault answered a signature of {len(raw)} bytes", where=WHERE, hint="use a P-256 key")
    return raw


def _public(address: str, key: KeyVaultKey) -> ec.EllipticCurvePublicKey:
    told: Any = key.key
    kind = " ".join(str(getattr(each, "value", each)) for each in (told.kty, told.crv) if each)
    if kind not in ("EC P-256", "EC-HSM P-256") or told.x is None or told.y is None:
        raise ConfigError(
            f"the key is {kind}, and packs are signed with ECDSA on P-256",
            where=f"{WHERE}: {address}",
            hint="az keyvault key create --kty EC --curve P-256 --ops sign verify makes one that fits",
        )
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(told.x, "big"), int.from_bytes(told.y, "big"), ec.SECP256R1()
    )
    return numbers.public_key()


def _now(place: _Place, asked: Callable[[_Session], Coroutine[Any, Any, T]]) -> T:
    """Ask the vault and wait for its answer, in a thread of its own: the caller may have a loop running."""

    async def ask() -> T:
        async with _session(place) as session:
            return await asked(session)

    with ThreadPoolExecutor(1, thread_name_prefix="key-vault") as pool:
        try:
            return pool.submit(asyncio.run, ask()).result()
        except HttpResponseError as error:
            raise _refused(place, error) from error
        except ValueError as error:  # of the SDK: a host that wants tokens of another domain than its own gets none
            raise ConfigError(
                f"this is no vault: {clean(str(error).partition('. ')[0])}",
                where=f"{WHERE}: {place.address}",
                hint="give the key's address as the vault has it: https://VAULT.vault.azure.net/keys/NAME",
            ) from error
        except (ServiceRequestError, ServiceResponseError) as error:
            raise AzureUnreachable(
                f"the vault can't be reached: {clean(str(error))}",
                where=f"{WHERE}: {place.address}",
                hint="check the vault's name and its network rules, then render the run again",
            ) from error
        except AzureError as error:
            raise SignInFailed(
                f"no token for the vault: {clean(str(error))}",
                where=f'credential.kind = "{place.credential.kind}"',
                hint=signing_in.HINTS[place.credential.kind],
            ) from error


def _refused(place: _Place, error: HttpResponseError) -> ConfigError | SignInFailed:
    where = f"{WHERE}: {place.address}"
    status = error.status_code
    if status == 403:  # noqa: PLR2004
        hint = f'give whoever signs the role "{ROLE}" on the key or its vault, and let the vault\'s firewall pass them'
        return ConfigError(f"the vault refuses: {clean(error.message)}", where=where, hint=hint)
    if status == 404:  # noqa: PLR2004
        return ConfigError("the vault has no such key, or no such version of it", where=where, hint="check the address")
    if isinstance(error, ClientAuthenticationError):
        hint = signing_in.HINTS[place.credential.kind]
        return SignInFailed(f"the sign-in was refused: {clean(error.message)}", where=where, hint=hint)
    return ConfigError(f"the vault answered {status}: {clean(error.message)}", where=where, hint="try again later")
