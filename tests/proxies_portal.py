"""A legacy portal in front of which a proxy stands: ``python -m tests.proxies_portal PORT``.

With the further word ``vectors`` it is the portal of the conformance vectors.
A program of its own that knows nothing of redirection. Every answer says in ``Portal-Saw`` what
arrived, as JSON, and every page names the host it was asked for.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
from dataclasses import dataclass

Headers = list[tuple[str, str]]

PAGE = (
    "<!doctype html><html lang='en'><head><title>Portal</title></head>"
    "<body><main>This is the portal of {host}.</main></body></html>"
)
FILE = b"<html><head></head><body>" + bytes(range(256)) * 40 + b"</body></html>"
VECTORS = "vectors" in sys.argv
ETAG = '"version-1"'
# What a portal says to an nginx of its own, which stands behind the shipped proxy.
FOR_A_PROXY = [
    ("X-Accel-Redirect", "/redirection/gate-asked"),
    ("X-Accel-Expires", "60"),
    ("X-Accel-Limit-Rate", "1000000"),
    ("X-Accel-Buffering", "yes"),
    ("X-Accel-Charset", "koi8-r"),
]
_HANDSHAKE = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _CLOSE = 1, 8
_LONGEST_LINE = 1 << 20


@dataclass
class Request:
    """What arrived. ``body`` is its length and the SHA-256 of it."""

    method: str
    target: str
    headers: Headers
    body: tuple[int, str]

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, with as many requests as the proxy sends."""
    try:
        while request := await _read(reader):
            if request.header("upgrade").lower() == "websocket" and not VECTORS:
                await _echo(request, reader, writer)
                return
            if request.path == "/events":
                await _events(request, writer)
                return
            status, headers, body = _vectors(request) if VECTORS else answer(request)
            if status == 304:
                body = b""
            else:
                headers.append(("Content-Length", str(len(body))))
            _write_head(writer, status, [*headers, ("Portal-Saw", _saw(request))])
            writer.write(b"" if request.method == "HEAD" else body)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        # The proxy has gone.
        return
    finally:
        writer.close()


def answer(request: Request) -> tuple[int, Headers, bytes]:
    """Whatever a legacy portal does: status, headers and body."""
    page = PAGE.format(host=request.header("host")).encode()
    html = ("Content-Type", "text/html; charset=utf-8")
    match request.path:
        case "/cookies":
            return 200, [html, ("Set-Cookie", "first=1; Path=/"), ("Set-Cookie", "second=2")], page
        case "/etag":
            known = request.header("if-none-match").removeprefix("W/") == ETAG
            validators = [("ETag", ETAG), ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")]
            return (304 if known else 200), [html, *validators], page
        case "/secret":
            return 200, [html, ("Cache-Control", "no-store")], page
        case "/shared":
            return 200, [html, ("Cache-Control", "public, max-age=60")], page
        case "/save":
            return 303, [html, ("Location", "/saved"), ("Set-Cookie", "saved=1")], b""
        case "/export":
            return 200, [html, ("Content-Disposition", 'attachment; filename="export.html"')], FILE
        case "/for-a-proxy":
            return 200, [html, *FOR_A_PROXY], page
        case "/large":
            return 200, [("Content-Type", "application/octet-stream")], FILE * 400
    if request.path.startswith("/status/"):
        return int(request.path.removeprefix("/status/")), [html], page
    return 200, [html], page


def _vectors(request: Request) -> tuple[int, Headers, bytes]:
    """The legacy page for everything, and an answer that sends a form on."""
    if (request.method, request.target) == ("POST", "/save"):
        return 303, [("Location", "/saved")], b""
    return 200, [("Cache-Control", "no-transform")], b"the legacy page"


def _saw(request: Request) -> str:
    return json.dumps(
        {
            "method": request.method,
            "target": request.target,
            "headers": request.headers,
            "body": request.body,
        }
    )


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = [(name, value.strip()) for name, _, value in pairs]
    request = Request(method, target, headers, (0, ""))
    digest, length = hashlib.sha256(), 0
    if "chunked" in request.header("transfer-encoding").lower():
        while size := int((await reader.readline()).split(b";")[0], 16):
            digest.update(await reader.readexactly(size))
            await reader.readexactly(2)
            length += size
        await reader.readexactly(2)
    else:
        length = missing = int(request.header("content-length") or 0)
        while missing:
            part = await reader.read(min(missing, 1 << 16))
            if not part:
                return None
            digest.update(part)
            missing -= len(part)
    request.body = (length, digest.hexdigest())
    return request


def _write_head(writer: asyncio.StreamWriter, status: int, headers: Headers) -> None:
    lines = [f"HTTP/1.1 {status} Answer", *(f"{name}: {value}" for name, value in headers)]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


async def _events(request: Request, writer: asyncio.StreamWriter) -> None:
    """A stream whose first event must arrive while the second is not yet there."""
    headers = [("Content-Type", "text/event-stream"), ("Connection", "close")]
    _write_head(writer, 200, [*headers, ("Portal-Saw", _saw(request))])
    for event in (b"data: first\n\n", b"data: second\n\n"):
        writer.write(event)
        await writer.drain()
        await asyncio.sleep(1)


async def _echo(
    request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """A socket that says everything back (RFC 6455), in frames of less than 126 bytes."""
    key = request.header("sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1((key + _HANDSHAKE).encode()).digest()).decode()
    switching = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
    _write_head(writer, 101, [*switching, ("Sec-WebSocket-Accept", accept)])
    while True:
        first, second = await reader.readexactly(2)
        length = second & 0x7F
        mask = await reader.readexactly(4)
        masked = await reader.readexactly(length)
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        writer.write(bytes([first, length]) + data)
        await writer.drain()
        if first & 0x0F == _CLOSE:
            return


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=_LONGEST_LINE)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
