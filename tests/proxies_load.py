"""Many requests at once through a proxy, over connections that are kept."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

# What is wrong with an answer (status, head, body); empty where nothing is.
Judge = Callable[[int, bytes, bytes], str]

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Load:
    """What came of it: how many answers of each kind, what was wrong, and how long each took."""

    kinds: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        return max(self.seconds)


def load(
    port: int,
    tls: ssl.SSLContext,
    requests: Iterator[tuple[bytes, Judge]],
    *,
    connections: int = 16,
    pause: float = 0,
) -> Load:
    """Send all requests; each connection waits ``pause`` seconds after an answer."""
    found = Load()

    async def run() -> None:
        workers = (_work(port, tls, requests, found, pause) for _ in range(connections))
        await asyncio.gather(*workers)

    asyncio.run(run())
    return found


async def _work(
    port: int,
    tls: ssl.SSLContext,
    requests: Iterator[tuple[bytes, Judge]],
    found: Load,
    pause: float,
) -> None:
    stream: Stream | None = None
    for sent, judge in requests:
        began = time.perf_counter()
        for attempt in range(2):
            if stream is None:
                stream = await asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=1 << 20)
            try:
                status, head, body = await _exchange(*stream, sent)
            except (OSError, asyncio.IncompleteReadError) as error:
                # A server may close a kept connection before it has read anything, and a browser
                # then asks again (RFC 9110, 9.2.2); not twice.
                await _close(stream)
                stream = None
                if attempt or getattr(error, "partial", b""):
                    found.wrong[f"no answer: {error!r}"] += 1
                    break
                continue
            found.kinds[str(status)] += 1
            if wrong := judge(status, head, body):
                found.wrong[wrong] += 1
            if b"\r\nconnection: close" in head.lower():
                await _close(stream)
                stream = None
            break
        found.seconds.append(time.perf_counter() - began)
        await asyncio.sleep(pause)
    if stream is not None:
        await _close(stream)


async def _close(stream: Stream) -> None:
    stream[1].close()
    with suppress(OSError):
        await stream[1].wait_closed()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> tuple[int, bytes, bytes]:
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    lower = head.lower()
    if status == 304 or sent.startswith(b"HEAD"):
        return status, head, b""
    if b"\r\ntransfer-encoding: chunked" in lower:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return status, head, body
    _, _, rest = lower.partition(b"\r\ncontent-length:")
    return status, head, await reader.readexactly(int(rest.split(b"\r\n", 1)[0] or 0))
