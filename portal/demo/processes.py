"""The demo's child processes: started, watched, and ended whatever happens."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from types import FrameType, TracebackType
from typing import Self

from portal.demo.environment import BASE_DIR
from portal.demo.errors import DemoError, DemoFailed

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_END_SECONDS = 10


class Children:
    """Processes that live no longer than the ``with`` block.

    ``stopping`` becomes true by Ctrl+C, SIGTERM or SIGHUP; nothing is interrupted in the middle.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.stopping = False
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            # Whatever a server left behind is in the session it was started with.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        # Nothing that takes a lock: the next signal may arrive in the middle of this one.
        self.stopping = True

    def stopped_after(self, seconds: float) -> bool:
        """Wait ``seconds``; whether the demo is to end."""
        if not self.stopping:
            time.sleep(seconds)
        return self.stopping

    def start(self, name: str, *arguments: str) -> None:
        """Start ``python -m`` with these arguments, away from the keyboard's Ctrl+C."""
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def serve(self, name: str, application: str, port: int, threads: int, workers: int = 1) -> None:
        """Start a web server for a WSGI application on loopback."""
        self.start(
            name, "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
            "--workers", str(workers), "--blocking-threads", str(threads), "--no-ws",
            "--log-level", "error", application,
        )  # fmt: skip

    def finish(self, *names: str) -> None:
        """Wait for these to end. Raises DemoFailed if one fails."""
        while names and not self.stopped_after(0.05):
            names = tuple(name for name in names if not self._succeeded(name))

    def _succeeded(self, name: str) -> bool:
        code = self.running[name].poll()
        if code is None:
            return False
        if code:
            raise DemoFailed(f"{name.capitalize()} failed, see above.")
        del self.running[name]
        return True

    def wait_for(self, port: int, host: str, path: str, seconds: float = 60) -> None:
        """Wait until the server on ``port`` serves ``path``. Raises DemoFailed if it does not."""
        until = time.monotonic() + seconds
        while not self.stopped_after(0.05):
            self.check()
            if _answers(port, host, path):
                return
            if time.monotonic() > until:
                raise DemoFailed(f"{host} does not answer on port {port}, see above.")

    def watch(self) -> None:
        """Wait for Ctrl+C. Raises DemoFailed if a server ends by itself."""
        while not self.stopped_after(0.2):
            self.check()

    def check(self) -> None:
        """Raises DemoFailed if one of them has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise DemoFailed(f"{name.capitalize()} ended by itself, see above.")


def require_free(port: int) -> None:
    """Raises DemoError if something listens on ``port`` already."""
    with socket.socket() as probe:
        # A connection that has just ended is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError as error:
            raise DemoError(
                f"Port {port} cannot be used ({error.strerror}). The demo needs two ports in a "
                "row; choose the first with --port, or make demo PORT=9000."
            ) from None


def _answers(port: int, host: str, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
