"""Who asks, over real connections: a certificate, a token, a header, a Unix socket; and where links lead."""

import datetime
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from decision_point import JSON, Server, bash, read, started
from test_identity import Provider, token
from test_serve import received

CONFIG = """\
serve:
  mode: observe
  places: resolved
  identity:
    certificate: {{}}
    token: {{jwks: '{jwks}', issuer: 'https://id.example.com', audience: policyloop}}
    headers: {{trusted: [192.0.2.1]}}
  audit: {{keep: {{decisions: 1d, content: all}}, anchors: [{{file: anchor.jsonl}}]}}
  tls: {{certificate: server.pem, key: server.key, client_ca: ca.pem, clients: optional}}
"""

pytestmark = pytest.mark.compiler


class Authority:
    """Issues certificates for this test alone."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self.name, self.key, ca=True)

    def issued(self, folder: Path, file: str, *fields: tuple[Any, str]) -> Path:
        """`FILE.pem` and `FILE.key` in a folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in fields])
        certificate = self._signed(subject, key, ca=False)
        (folder / f"{file}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        (folder / f"{file}.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return folder / f"{file}.pem"

    def write(self, place: Path) -> None:
        place.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(self, subject: x509.Name, key: Any, *, ca: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        local = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            made = made.add_extension(local, critical=False).add_extension(uses, critical=False)
        return made.sign(self.key, hashes.SHA256())


class _Published(BaseHTTPRequestHandler):
    keys = b""

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.keys)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server with TLS, and the folder with certificates of clients."""
    folder = tmp_path_factory.mktemp("guarded")
    project = folder / "project"
    project.mkdir()
    ours, theirs = Authority("ours"), Authority("ours")
    ours.write(project / "ca.pem")
    ours.issued(project, "server", (NameOID.COMMON_NAME, "localhost"))
    person = (NameOID.COMMON_NAME, "alex"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "engineer")
    ours.issued(folder, "alex", *person)
    theirs.issued(folder, "forged", *person)
    ours.issued(folder, "nobody", (NameOID.ORGANIZATIONAL_UNIT_NAME, "engineer"))
    _Published.keys = Provider().fetch("")
    published = ThreadingHTTPServer(("127.0.0.1", 0), _Published)
    threading.Thread(target=published.serve_forever, daemon=True).start()
    config = CONFIG.format(jwks=f"http://127.0.0.1:{published.server_address[1]}/keys")
    server = started(folder, config=config)
    try:
        yield server, folder
    finally:
        server.kill()
        published.shutdown()
        published.server_close()


def asked(guarded: tuple[Server, Path], certificate: str = "", **headers: str) -> dict[str, Any]:
    """The record of a call that somebody made with this certificate and these headers."""
    server, folder = guarded
    context = ssl.create_default_context(cafile=str(server.project / "ca.pem"))
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    connection = http.client.HTTPSConnection("localhost", server.port, timeout=30, context=context)
    connection.sock = context.wrap_socket(
        socket.create_connection(("127.0.0.1", server.port), timeout=30), server_hostname="localhost"
    )
    sent = json.dumps(bash("ls"))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", "/ext/claude", sent, {**JSON, **named})
    assert connection.getresponse().status == 200
    connection.close()
    return server.records()[-1]


def test_a_certificate_comes_before_a_token_and_a_token_before_nobody(guarded: tuple[Server, Path]) -> None:
    by_certificate = asked(guarded, "alex", authorization=f"Bearer {token()}")["who"]
    assert by_certificate == {"subject": "alex", "roles": ["engineer"], "verified": "certificate"}
    assert asked(guarded, authorization=f"Bearer {token()}")["who"]["verified"] == "token"
    for headers in ({"authorization": f"Bearer {token()}x"}, {"x_claude_user": "alex"}, {}):
        assert asked(guarded, **headers)["who"] == {"subject": "unknown", "roles": [], "verified": "none"}, headers
    assert asked(guarded, "nobody")["who"]["subject"] == "unknown"


def test_a_certificate_of_another_authority_does_not_even_connect(guarded: tuple[Server, Path]) -> None:
    with pytest.raises((ssl.SSLError, OSError)):
        asked(guarded, "forged")
    server, _ = guarded
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
        server.send(b"{}")


def test_at_the_unix_socket_headers_are_believed_where_the_configuration_says_so(tmp_path: Path) -> None:
    """And links are followed where the server sees the disk of the agent."""
    config = "serve: {places: resolved, listen: 'unix:s', identity: {headers: {unix_socket: true}}}\n"
    server = started(tmp_path, config=config, listen="unix:s")
    try:
        secret = tmp_path / "secret" / ".env"
        secret.parent.mkdir()
        secret.write_text("x")
        (tmp_path / "link").symlink_to(secret)
        for event in (read(str(tmp_path / "link")), bash("cat < link", cwd=str(tmp_path))):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(server.project / "s"))
                body = json.dumps(event).encode()
                head = b"POST /ext/claude HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                connection.sendall(
                    head + b"x-claude-user: mia\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
                )
                assert b"200 OK" in received(connection)
            record = server.records()[-1]
            assert record["who"] == {"subject": "mia", "roles": [], "verified": "header"}
            assert record["effects"]["places"] == "resolved"
            assert record["effects"]["reads"] == [str(tmp_path / "link"), str(secret)]
            assert "secret-read" in record["effects"]["does"]
        server.stop()
        assert not (server.project / "s").exists()
        server.verify()
    finally:
        server.kill()
