"""Programs that a test starts beside itself, and free ports for them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
from pathlib import Path

from tests.demo_process import ROOT


def ports(count: int) -> list[int]:
    """Ports that are free, below those that the system gives to clients by itself."""
    found: list[int] = []
    while len(found) < count:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe:
            if port not in found and probe.connect_ex(("127.0.0.1", port)) != 0:
                found.append(port)
    return found


def start(*command: str, log: Path, **variables: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", **variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it has started, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
