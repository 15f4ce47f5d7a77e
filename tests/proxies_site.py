"""This site as the shipped unit runs it, with the gate in a process of its own, and a portal."""

from __future__ import annotations

import json
import os
import shlex
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from tests import settings
from tests.demo_process import ROOT, certified, wait_until_open
from tests.proxies_exchange import KEY, exchange, gate_call
from tests.proxies_programs import kill, ports, start

UNITS = ROOT / "deploy" / "systemd"
TENANTS = {
    "contoso": "11111111-1111-4111-8111-111111111111",
    "fabrikam": "22222222-2222-4222-8222-222222222222",
}
NAMES = ("portal.localhost", "*.portal.localhost", "*.eu.portal.localhost")
_PREPARE = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
for name, tid in {tenants!r}.items():
    call_command("add_tenant", name, tid, "--reason", "A new customer")
for name in {on!r}:
    call_command("switch_redirection", name, "on", "--kind", "trial", "--reason", "The test asks")
"""


def shipped_command() -> list[str]:
    """What the shipped unit starts, in this environment."""
    text = (UNITS / "portal-redirection@.service").read_text().replace("\\\n", "")
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    program, *words = shlex.split(line.removeprefix("ExecStart="))
    return [sys.executable, "-m", Path(program).name, *words]


def shipped_variables(instance: str) -> dict[str, str]:
    """The variables of ``portal-redirection@instance`` that are its own."""
    lines = (UNITS / instance).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


@dataclass
class Site:
    """This site with the gate, its store, and the portal behind the proxy.

    ``pages_port`` is that of the process that serves the pages; without one, the gate does.
    """

    directory: Path
    port: int
    portal_port: int
    destination: str
    tls: ssl.SSLContext
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)
    pages_port: int = 0
    pages: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "site.log"

    def start(self) -> None:
        """Start the gate."""
        self.process = self._server("gate", self.port)

    def start_pages(self) -> None:
        self.pages = self._server("pages", self.pages_port)

    def _server(self, instance: str, port: int) -> subprocess.Popen[bytes]:
        changed = {"GRANIAN_PORT": str(port), "GRANIAN_WORKERS": "1"}
        variables = {**self.variables, **shipped_variables(instance), **changed}
        process = start(*shipped_command(), log=self.log, **variables)
        wait_until_open(port)
        return process

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the gate with kill -9."""
        if self.process is not None:
            kill(self.process)

    def stop_pages(self) -> None:
        """End the pages with kill -9."""
        if self.pages is not None:
            kill(self.pages)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the gate and its workers, if they are there."""
        if self.is_running:
            assert self.process is not None
            os.killpg(self.process.pid, number)

    @property
    def processes(self) -> list[int]:
        """The gate and its workers."""
        assert self.process is not None
        first = self.process.pid
        workers = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, workers)]

    def freeze(self) -> None:
        """Let the gate hang: it keeps its connections, and answers nothing any more."""
        self.send(signal.SIGSTOP)
        # A thread may still answer until it has been told.
        for process in self.processes:
            for thread in Path(f"/proc/{process}/task").iterdir():
                while thread.joinpath("stat").read_text().rpartition(") ")[2][0] != "T":
                    threading.Event().wait(0.01)

    def wait_until_ready(self) -> None:
        """Wait until the gate decides: until then it lets everything through."""
        self._wait_for(lambda reason: "nothing_known" not in reason)

    def wait_until_there(self) -> None:
        """Wait until the gate answers, whatever it says."""
        self._wait_for(lambda _: True)

    def _wait_for(self, wanted: Callable[[str], bool]) -> None:
        for _ in range(200):
            asked = gate_call("GET", "contoso.portal.localhost", "/")
            # The server listens before it has somebody to answer.
            with suppress(OSError, HTTPException):
                if wanted(exchange(self.port, asked, None).get("Redirection-Decision")):
                    return
            threading.Event().wait(0.05)
        raise AssertionError(self.log.read_text())

    def command(self, *words: str) -> None:
        """What an operator types in a shell."""
        subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **self.variables},
            check=True,
            capture_output=True,
            timeout=60,
        )

    def switch(self, tenant: str, wanted: str) -> None:
        """Switch, and wait until the gate knows."""
        self.command(
            *("switch_redirection", tenant, wanted, "--kind", "trial", "--reason", "The test asks")
        )
        for _ in range(200):
            asked = gate_call("GET", f"{tenant}.portal.localhost", "/")
            if (exchange(self.port, asked, None).status == 302) is (wanted == "on"):
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"{tenant} never was {wanted}")


def site_of(directory: Path, port: int, portal_port: int, pages_port: int = 0) -> Site:
    """What runs on these ports, with a certificate for the proxy; nothing is started."""
    authority = certified(directory, *NAMES, "security.localhost")
    tls = ssl.create_default_context(cafile=str(authority))
    tls.check_hostname = False
    [destination_port] = ports(1)
    destination = f"https://security.localhost:{destination_port}"
    site = Site(directory, port, portal_port, destination, tls)
    site.pages_port = pages_port or port
    return site


@contextmanager
def site_and_portal(
    directory: Path,
    *,
    tenants: dict[str, str] | None = None,
    on: tuple[str, ...] = ("contoso",),
    portal_port: int = 0,
    **variables: str,
) -> Iterator[Site]:
    """The site with these tenants, those in ``on`` switched on, and a portal; gone afterwards."""
    port, pages_port, own_portal_port = ports(3)
    site = site_of(directory, port, portal_port or own_portal_port, pages_port)
    clouds = {"commercial": {"legacy": ["portal.localhost"], "destination": site.destination}}
    site.variables.update(
        {
            "ENV_FILE": os.devnull,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "SECRET_KEY": settings._ENVIRONMENT["SECRET_KEY"],
            "DATABASE_URL": f"sqlite:///{directory / 'portal.sqlite3'}",
            "REDIRECTION_CLOUDS": json.dumps(clouds),
            "REDIRECTION_GATE_KEY": KEY,
            "BEHIND_PROXY": "on",
            "STATIC_URL": "/redirection/static/",
            "STATIC_ROOT": str(directory / "static"),
            "LOG_LEVEL": "ERROR",
            **variables,
        }
    )
    prepare = _PREPARE.format(tenants=tenants or TENANTS, on=on)
    site.command("shell", "--verbosity=0", "-c", prepare)
    try:
        if not portal_port:
            module = (sys.executable, "-m", "tests.proxies_portal", str(site.portal_port))
            site.others.append(start(*module, log=directory / "portal.log"))
            wait_until_open(site.portal_port)
        site.start()
        site.start_pages()
        site.wait_until_ready()
        yield site
    finally:
        site.stop()
        site.stop_pages()
        for process in site.others:
            kill(process)
