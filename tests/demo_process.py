"""The demo as a program of its own, and a browser without a window."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from urllib3.util import connection

ROOT = Path(__file__).resolve().parent.parent
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


def free_port() -> int:
    """A port that is free, and so is the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
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
    arguments = ("--port", str(port), "--directory", str(directory))
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
