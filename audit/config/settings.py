"""The settings as types: each class is a table of audit.toml, each field a key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from audit.model.approval import ApprovalRules
from audit.model.review import ReviewSettings
from audit.model.stated import Line, VerifiedScaler

Guid = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
HostAndPort = Annotated[
    str, Meta(pattern=r"^([A-Za-z0-9.-]+:([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?$")
]
KeyAddress = Annotated[str, Meta(pattern=r"^(https://[^/?#\s@]+/keys/[0-9A-Za-z-]{1,127}(/[0-9a-f]{32})?)?$")]
TimestampUrl = Annotated[str, Meta(pattern=r"^(https?://[^/?#\s@]+(/[^?#\s]*)?)?$")]
HttpsUrl = Annotated[str, Meta(pattern=r"^(https://[^/?#\s@]+(/[^?#\s]*)?)?$")]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of audit.toml."""


class CloudSettings(_Table, frozen=True, kw_only=True):
    """[cloud]: which Azure. With ``name = "custom"`` every endpoint is given here."""

    name: Literal["public", "usgov", "china", "custom"] = "public"
    """Which Azure cloud; ``custom`` = the endpoints below."""
    resource_manager: HttpsUrl = ""
    """Azure Resource Manager, e.g. https://management.azure.com"""
    audience: str = ""
    """The resource that a token is asked for; empty = resource_manager."""
    authority: HttpsUrl = ""
    """Where tokens come from, e.g. https://login.microsoftonline.com"""
    graph: HttpsUrl = ""
    """Microsoft Graph, e.g. https://graph.microsoft.com"""
    logs: HttpsUrl = ""
    """Log Analytics queries, e.g. https://api.loganalytics.azure.com"""
    registries: HostAndPort = ""
    """``host:port`` to which the login servers of container registries lead, whatever DNS says of their names.

    For a custom cloud whose registries stand behind a gateway; their certificates still have to bear the login servers'
    own names. Empty = by DNS."""
    vaults: HostAndPort = ""
    """``host:port`` to which the names of key vaults lead, as for registries: only where a key in one signs packs."""
    ca_file: str = ""
    """A PEM file with the CA that signed the endpoints' certificates; empty = the system's."""
    proxy_from_environment: bool = False
    """Honour HTTPS_PROXY and NO_PROXY."""


class CredentialSettings(_Table, frozen=True, kw_only=True):
    """[credential]: how to sign in. A secret never stands here, only the name of the variable that holds it."""

    kind: Literal["default", "managed_identity", "workload_identity", "client_secret", "azure_cli"] = "default"
    """How: the chain of azure-identity, a managed identity, a federated workload, a secret, or the az client."""
    tenant_id: str = ""
    """The directory, where the kind needs to be told."""
    client_id: str = ""
    """The application, or the user-assigned managed identity; empty = the system-assigned one."""
    client_secret_env: str = "AZURE_CLIENT_SECRET"  # noqa: S105  a variable's name
    """Name of the environment variable that holds the secret, for ``client_secret``."""


class ScopeSettings(_Table, frozen=True, kw_only=True):
    """[scope]: what to look at; everything empty = every subscription that the caller can see."""

    subscriptions: tuple[Guid, ...] = ()
    """Read these; one that can't be seen is refused."""
    management_groups: tuple[str, ...] = ()
    """Names of management groups; every subscription below them is read."""
    expected_subscriptions: tuple[Guid, ...] = ()
    """The population that the owner vouches for: one that is missing is a gap."""
    resource_groups: tuple[str, ...] = ()
    """Only jobs in these resource groups (names, in any of the subscriptions)."""
    tags: dict[str, str] = {}
    """Only jobs that carry all these tags themselves."""


class WindowSettings(_Table, frozen=True, kw_only=True):
    """[window]: how far back events are read, when the command line doesn't say."""

    days: Annotated[int, Meta(ge=1, le=89)] = 30
    """Days back from now; Azure keeps the Activity Log for 90, and the 90th is going while it is read."""


class CollectSettings(_Table, frozen=True, kw_only=True):
    """[collect]: how hard to pull."""

    concurrency: Annotated[int, Meta(ge=1, le=256)] = 48
    """Units in flight at once."""
    wait_seconds: Annotated[float, Meta(ge=0, le=3600)] = 120.0
    """The longest that one unit waits for throttling to pass; then it is a gap."""


class StoreSettings(_Table, frozen=True, kw_only=True):
    """[store]: where runs and packs go."""

    output: str = "output"
    """A folder, relative to audit.toml's."""
    redaction_key_file: str = ""
    """The key of the redaction digests; empty = history/redaction.key below the output folder."""
    controls: tuple[str, ...] = ()
    """Folders with controls of your own, relative to audit.toml's."""
    templates: tuple[str, ...] = ()
    """Folders with report templates of your own, relative to audit.toml's."""
    scalers: str = ""
    """A scaler catalogue of your own, relative to audit.toml's folder: what it lists wins, scaler by scaler."""
    exceptions: str = ""
    """The failures that are borne for a time, a file relative to audit.toml's folder; empty = none."""
    capabilities: str = ""
    """Capabilities of your own, relative to audit.toml's folder: what it lists is added, or wins by name."""


class CostSettings(_Table, frozen=True, kw_only=True):
    """[cost]: what estimates are made with."""

    prices: str = ""
    """A price list of your own, relative to audit.toml's folder; empty = the one that travels with the program."""


class ChangesSettings(_Table, frozen=True, kw_only=True):
    """[changes]: what was approved, as a ticket system exports it; the run keeps it as it was when it began."""

    files: tuple[Line, ...] = ()
    """CSV or JSON files of approved changes, relative to audit.toml's folder; none = no change is held against any."""


class SealSettings(_Table, frozen=True, kw_only=True):
    """[seal]: with which key packs are signed, and whose signatures are trusted. Without a key packs are unsigned."""

    key_file: str = ""
    """A private key (PEM, ECDSA P-256; `jobaudit keygen` makes one), relative to audit.toml's folder."""
    passphrase_env: str = ""
    """Name of the environment variable that holds the key's passphrase; empty = the key is not encrypted."""
    key_vault_key: KeyAddress = ""
    """Instead of a key file: a P-256 key in Azure Key Vault, https://VAULT.vault.azure.net/keys/NAME[/VERSION].

    The key never leaves the vault; whoever [credential] signs in needs the role Key Vault Crypto User on it. Needs
    `pip install jobaudit[keyvault]`."""
    timestamp_url: TimestampUrl = ""
    """A timestamp authority (RFC 3161) that is asked to confirm when a pack was signed; it sees a digest, no more.

    Needs `pip install jobaudit[timestamp]`."""
    timestamp_roots: tuple[str, ...] = ()
    """PEM files, relative to audit.toml's folder: the roots of the timestamp authorities that `verify` trusts."""
    trusted_keys: tuple[str, ...] = ()
    """Public keys (PEM), relative to audit.toml's folder: `verify` calls a pack authentic where one of them signed."""


class Settings(_Table, frozen=True, kw_only=True):
    """The whole of audit.toml."""

    cloud: CloudSettings = CloudSettings()
    credential: CredentialSettings = CredentialSettings()
    scope: ScopeSettings = ScopeSettings()
    window: WindowSettings = WindowSettings()
    collect: CollectSettings = CollectSettings()
    store: StoreSettings = StoreSettings()
    cost: CostSettings = CostSettings()
    review: ReviewSettings = ReviewSettings()
    """[review]: who reviews which access, and until when; a run keeps it as it was when it began."""
    changes: ChangesSettings = ChangesSettings()
    seal: SealSettings = SealSettings()
    approval: ApprovalRules = ApprovalRules()
    scalers: tuple[VerifiedScaler, ...] = ()
    """[[scalers]]: scalers that somebody tried with event-driven jobs, each with who and when."""
    policy: dict[str, Any] = {}
    """[policy]: baselines that controls read; each key is a parameter of a control, checked against the controls."""
