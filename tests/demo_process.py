"""The demo as a program of its own, and a browser without a window."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.util import connection

ROOT = Path(__file__).resolve().parent.parent
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


def free_port() -> int:
    """A port that is free, and so is the next one; none that a connection gets by itself."""
    while True:
        # Linux takes those from 32768 on.
        port = 10_000 + 2 * secrets.randbelow(11_000)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def start(
    *arguments: str, stderr: int | None = subprocess.PIPE, **variables: str
) -> subprocess.Popen[str]:
    """Start the demo. What runs for long leaves its stderr alone: nobody empties the pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", "portal.demo", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def printed_until_ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line == "Ready.\n":
            return "".join(lines)
    _, errors = process.communicate()
    raise AssertionError(errors)


@contextmanager
def running(port: int, directory: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    # One worker: what is switched counts for the very next request.
    arguments = ("--port", str(port), "--directory", str(directory), "--workers", "1")
    process = start(*arguments, stderr=None, **variables)
    try:
        printed_until_ready(process)
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


@contextmanager
def loopback_names() -> Iterator[None]:
    """What browsers do by themselves: every name below localhost is this machine."""
    original = connection.create_connection

    def connect(address: tuple[str, int], *more: Any, **named: Any) -> socket.socket:
        return original(("127.0.0.1", address[1]), *more, **named)

    connection.create_connection = connect  # type: ignore[assignment]
    try:
        yield
    finally:
        connection.create_connection = original


class Browser(requests.Session):
    """Follows links and presses the buttons of the pages it is given."""

    def __init__(self) -> None:
        super().__init__()
        # A proxy of the machine has no business here.
        self.trust_env = False

    def press(self, page: requests.Response, button: str = "", **more: str) -> requests.Response:
        """Send the form of ``page``; ``button`` is the text on the account to pick."""
        form = re.search(r'<form[^>]*method="post"[^>]*>.*?</form>', page.text, re.DOTALL)
        assert form, page.text
        action = re.search(r'<form[^>]*action="([^"]*)"', form[0])
        fields = {
            name: unescape(value)
            for name, value in re.findall(
                r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]
            )
        }
        for value, inside in re.findall(r'value="([^"]*)">(.*?)</button>', form[0], re.DOTALL):
            if " ".join(re.sub(r"<[^>]*>", " ", inside).split()) == button:
                fields["person"] = value
        address = urljoin(page.url, unescape(action[1])) if action else page.url
        return self.post(address, {**fields, **more})

    def sign_in(self, address: str, account: str) -> requests.Response:
        """From a page that asks for it, by way of the list of accounts."""
        return self.press(self.press(self.get(address)), account)


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


@contextmanager
def provider_over_https(directory: Path, port: int) -> Iterator[None]:
    """A second server for the stand-in of the demo in ``directory``, with ``certified`` there."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(port), "--blocking-threads", "2", "--no-ws", "--log-level", "error"),
            *("--ssl-certificate", str(directory / "server.pem")),
            *("--ssl-keyfile", str(directory / "server-key.pem")),
            "portal.demo.provider.wsgi:application",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "ENV_FILE": str(directory / ".env"),
            "ENTRA_AUTHORITY": f"https://127.0.0.1:{port}",
        },
    )
    try:
        wait_until_open(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_open(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        threading.Event().wait(0.1)
    raise AssertionError(f"nothing listens on port {port}")


def certified(directory: Path) -> Path:
    """Write a certificate for 127.0.0.1 and its key; the file with the authority it is from."""
    now = datetime.now(UTC)
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "The authority")])
    server = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])

    def signed(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(
                extension, critical=isinstance(extension, x509.BasicConstraints)
            )
        certificate = builder.sign(authority_key, hashes.SHA256())
        return certificate.public_bytes(serialization.Encoding.PEM)

    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    its_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    is_authority = x509.BasicConstraints(ca=True, path_length=None)
    (directory / "server.pem").write_bytes(signed(server, server_key, address, its_key_id))
    (directory / "server-key.pem").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    file = directory / "authority.pem"
    file.write_bytes(signed(authority, authority_key, is_authority, key_id))
    return file
