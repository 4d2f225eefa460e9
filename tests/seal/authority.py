"""A timestamp authority for tests: OpenSSL signs, a server over TLS asks it. Nothing of it is trusted by itself."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import trustme

_CONFIG = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[req]
distinguished_name = dn
[dn]
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
"""


class Authority:
    """An authority in a folder. ``root``: the certificate that a reader trusts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.root = folder, folder / "ca.pem"
        self.status = 200
        (folder / "config").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-config", "config"]
        self._openssl("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test root",
                      "-extensions", "root", "-days", "30")  # fmt: skip
        self._openssl("req", "-x509", *ec, "-keyout", "tsa.key", "-out", "tsa.pem", "-subj", "/CN=Test TSA", "-days",
                      "30", "-extensions", "leaf", "-CA", "ca.pem", "-CAkey", "ca.key")  # fmt: skip

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], cwd=self.folder, check=True, capture_output=True)

    def answer(self, question: bytes) -> bytes:
        (self.folder / "question").write_bytes(question)
        self._openssl("ts", "-reply", "-config", "config", "-queryfile", "question", "-out", "answer")
        return (self.folder / "answer").read_bytes()


@contextlib.contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """Serve an authority on loopback and give its address; ``authority.folder/tls.pem`` signed its certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            content = authority.answer(question) if authority.status == 200 else b""
            self.send_response(authority.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(authority.folder / "tls.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_address[1]}/tsa"
        finally:
            server.shutdown()
            thread.join()
