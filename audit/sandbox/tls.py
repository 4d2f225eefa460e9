"""The sandbox's own certificate authority: real TLS on loopback, trusted by nobody but who is given the CA file."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


class Authority:
    """A CA and one server certificate for 127.0.0.1, localhost, registries and vaults; the CA file is for clients."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA(organization_name="jobaudit sandbox")
        certificate = authority.issue_cert("127.0.0.1", "localhost", "*.azurecr.io", "*.vault.azure.net")
        self.ca_file = folder / "sandbox-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.server_context)
