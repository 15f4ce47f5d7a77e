"""Load over a socket: wrk on one core, what it asks on the other."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

CONNECTIONS = 16
# Servers on the first core, the load on the second.
SERVERS, LOAD = "0", "1"


class Measured(NamedTuple):
    """Requests a second, and the milliseconds that half and 99 of 100 took at most."""

    rate: float
    half: float
    most: float


class Contender(NamedTuple):
    """``alone`` is the name of the contender that the rate is compared with.

    ``status`` is that of every answer.
    """

    name: str
    address: str
    headers: dict[str, str]
    alone: str
    status: int = 302


def pin(process: subprocess.Popen[bytes] | None, core: str = SERVERS) -> None:
    """Keep a program, and what it has started, on one core where there are two."""
    if process is None or (os.cpu_count() or 1) < 2:
        return
    time.sleep(1)
    for number in _run("pgrep", "-g", str(process.pid)).split():
        _run("taskset", "--all-tasks", "--cpu-list", "--pid", core, number)


def check(contender: Contender, tls: ssl.SSLContext) -> None:
    """Wait until it answers as it should. Raises SystemExit if it does not for long."""
    asked = urlsplit(contender.address)
    found: object = None
    for _ in range(100):
        if asked.scheme == "https":
            connection = HTTPSConnection(asked.netloc, timeout=10, context=tls)
        else:
            connection = HTTPConnection(asked.netloc, timeout=10)
        try:
            connection.request("GET", asked.path, headers=contender.headers)
            found = connection.getresponse().status
        except (OSError, HTTPException) as error:
            # A server may listen before its worker is there.
            found = error
        connection.close()
        if found == contender.status:
            return
        time.sleep(0.1)
    raise SystemExit(f"{contender.name} answered with {found}, not with {contender.status}.")


def measure(contender: Contender, seconds: int) -> Measured:
    """Ask as fast as it answers. Raises SystemExit if an answer is an error."""
    headers = contender.headers.items()
    said = _run(
        *("taskset", "--cpu-list", LOAD if (os.cpu_count() or 1) > 1 else SERVERS),
        *("wrk", "--latency", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s"),
        *(part for name, value in headers for part in ("-H", f"{name}: {value}")),
        contender.address,
    )
    if "Non-2xx or 3xx" in said or "Socket errors" in said:
        raise SystemExit(f"{contender.name}:\n{said}")
    rate = _number(r"Requests/sec:\s+([\d.]+)()", said)
    return Measured(rate, _latency(said, 50), _latency(said, 99))


def _run(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 (nobody else says what is run)
        command, capture_output=True, text=True, check=True
    )
    return done.stdout


def _latency(said: str, percent: int) -> float:
    """In milliseconds."""
    return _number(rf"\s{percent}%\s+([\d.]+)(us|ms|s)\b", said)


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    if not found:
        raise SystemExit(said)
    return float(found[1]) * {"": 1, "us": 0.001, "ms": 1, "s": 1000}[found[2]]
