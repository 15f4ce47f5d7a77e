"""A request in the bytes a test wants, and the answer that comes back."""

from __future__ import annotations

import json
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from tests.vectors.in_process import GATE_KEY

KEY = GATE_KEY
PAGE_LOAD = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}


@dataclass
class Answer:
    """What a client got, after how many seconds."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    seconds: float = 0.0

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The one value of a header; empty where there is none."""
        values = self.all(name)
        assert len(values) < 2, (name, values)
        return values[0] if values else ""

    @property
    def saw(self) -> dict[str, Any]:
        """What the portal saw."""
        return dict(json.loads(self.get("Portal-Saw")))

    @property
    def portal_saw(self) -> dict[str, str]:
        """The headers that the portal saw, in lower case."""
        return {name.lower(): value for name, value in self.saw["headers"]}

    @property
    def decision(self) -> tuple[str, ...]:
        """What was decided, without what differs from request to request."""
        location = self.get("Location").partition("&counted=")[0]
        reason = self.get("Redirection-Decision")
        by_portal = "the portal" if self.all("Portal-Saw") else "not the portal"
        return (str(self.status), location, reason, by_portal)


def request(
    method: str, target: str, lines: list[str], body: bytes = b"", length: str = ""
) -> bytes:
    """The bytes of a request that is the last one of its connection."""
    if body:
        lines = [*lines, length or f"Content-Length: {len(body)}"]
    lines = [f"{method} {target} HTTP/1.1", *lines]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


def chunks(body: bytes) -> bytes:
    """``body`` as ``Transfer-Encoding: chunked`` sends it."""
    parts = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])


def gate_call(method: str, host: str, target: str, **headers: str) -> bytes:
    """The bytes of a call of the gate, as a proxy makes it."""
    told = {"Gatekey": KEY, "Gatemethod": method, "Gatehost": host, "Gatetarget": target}
    named = {"Host": "gate", **told, **PAGE_LOAD, **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    return request("GET", "/redirection/gate", lines)


def exchange(port: int, sent: bytes, tls: ssl.SSLContext | None) -> Answer:
    """Send bytes, and read the answer up to its end."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        # A few bytes of a handshake wait for nothing.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wrapped = tls.wrap_socket(plain) if tls else plain
        with wrapped as connection:
            connection.sendall(sent)
            # The library does not read a body after HEAD.
            method = sent.split(b" ", 1)[0].decode()
            with closing(HTTPResponse(connection, method=method)) as response:
                response.begin()
                body = response.read()
    seconds = time.perf_counter() - began
    return Answer(response.status, response.getheaders(), body, seconds)
