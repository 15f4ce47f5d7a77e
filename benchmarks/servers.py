"""PostgreSQL and Redis servers of our own, for as long as something is measured or tested."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty store."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    port, data = free_port(), folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(  # noqa: S603
            [*as_user, str(binaries / program), "--pgdata", str(data), *arguments],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    try:
        run("initdb", "--username=portal", "--auth=trust", "--encoding=UTF8", "--locale=C")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -k {folder}"
        run("pg_ctl", "start", "--wait", "--silent", "-l", str(folder / "log"), "-o", options)
        try:
            yield f"postgresql://portal@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--silent", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


@contextmanager
def redis(port: int = 0) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of an empty Redis that keeps nothing, and its process."""
    port = port or free_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(  # noqa: S603
        [shutil.which("redis-server") or "redis-server", *words, "--loglevel", "warning"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    """Return as soon as something answers there. Raises TimeoutError after some seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(port)
