"""The files of deploy/ as they are shipped, each started in front of a portal that is not ours.

A test changes what an operator changes: addresses, ports and paths, each by a word that stands in
the file. What is started here: the portal, this site with the gate, and the proxy, all as
programs of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests import settings
from tests.demo_process import ROOT, certified, wait_until_open
from tests.vectors.in_process import GATE_KEY

DEPLOY = ROOT / "deploy"
KEY = GATE_KEY
# Seconds: no request may take longer, whatever has failed.
PATIENCE = 2.0
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


def changed(file: Path, changes: dict[str, str]) -> str:
    """The text of a shipped file with an operator's changes, each of which it must know."""
    text = file.read_text()
    for word, wanted in changes.items():
        assert word in text, f"{file.name} does not say {word}"
        text = text.replace(word, wanted)
    return text


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


PAGE_LOAD = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-User": "?1",
}


@dataclass
class Site:
    """This site with the gate, its store, and the portal behind the proxy."""

    directory: Path
    port: int
    portal_port: int
    destination: str
    tls: ssl.SSLContext
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    others: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.directory / "site.log"

    def start(self) -> None:
        self.process = start(
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--blocking-threads", "1", "--no-ws"),
            *("--log-level", "error", "portal.wsgi:application"),
            log=self.log,
            **self.variables,
        )
        wait_until_open(self.port)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End it with kill -9."""
        if self.process is not None:
            kill(self.process)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the server and its workers, if they are there."""
        if self.is_running:
            assert self.process is not None
            os.killpg(self.process.pid, number)

    @property
    def processes(self) -> list[int]:
        """The server and its workers."""
        assert self.process is not None
        first = self.process.pid
        workers = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, workers)]

    def freeze(self) -> None:
        """Let it hang: it keeps its connections, and answers nothing any more."""
        self.send(signal.SIGSTOP)
        # A thread may still answer until it has been told.
        for process in self.processes:
            for thread in Path(f"/proc/{process}/task").iterdir():
                while thread.joinpath("stat").read_text().rpartition(") ")[2][0] != "T":
                    threading.Event().wait(0.01)

    def wait_until_ready(self) -> None:
        """Wait until the gate decides: until then it lets everything through."""
        for _ in range(200):
            asked = gate_call("GET", "contoso.portal.localhost", "/")
            # The server listens before it has somebody to answer.
            with suppress(OSError, HTTPException):
                answer = exchange(self.port, asked, None)
                if "nothing_known" not in answer.get("Redirection-Decision"):
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


def site_of(directory: Path, port: int, portal_port: int) -> Site:
    """What runs on these ports, with a certificate for the proxy; nothing is started."""
    authority = certified(directory, *NAMES, "security.localhost")
    tls = ssl.create_default_context(cafile=str(authority))
    tls.check_hostname = False
    [destination_port] = ports(1)
    destination = f"https://security.localhost:{destination_port}"
    return Site(directory, port, portal_port, destination, tls)


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
    port, own_portal_port = ports(2)
    site = site_of(directory, port, portal_port or own_portal_port)
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
        site.wait_until_ready()
        yield site
    finally:
        site.stop()
        for process in site.others:
            kill(process)


@dataclass
class Proxy:
    """A proxy in front of the portal, on a port for https and one for plain http."""

    name: str
    site: Site
    directory: Path
    port: int
    plain_port: int
    command: tuple[str, ...]
    variables: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.directory / "proxy.log"

    def start(self) -> None:
        self.process = start(*self.command, log=self.log, **self.variables)
        for _ in range(400):
            if self.process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            threading.Event().wait(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> None:
        if self.process is not None:
            kill(self.process)

    def host(self, tenant: str) -> str:
        return f"{tenant}.portal.localhost:{self.port}"

    def url(self, tenant: str, path: str = "/") -> str:
        return f"https://{self.host(tenant)}{path}"

    def ask(
        self,
        target: str = "/",
        *,
        host: str = "contoso",
        method: str = "GET",
        body: bytes = b"",
        length: str = "",
        more: tuple[str, ...] = (),
        **headers: str,
    ) -> Answer:
        """One request as a browser makes it that opens a page, but for what is named here.

        ``more`` are further lines of the head, as they are.
        """
        named = {**PAGE_LOAD, **{name.replace("_", "-"): headers[name] for name in headers}}
        lines = [f"{name}: {value}" for name, value in named.items() if value]
        sent = request(method, target, [f"Host: {self.host(host)}", *lines, *more], body, length)
        return exchange(self.port, sent, self.site.tls)


def request(
    method: str, target: str, lines: list[str], body: bytes = b"", length: str = ""
) -> bytes:
    """The bytes of a request that is the last one of its connection."""
    if body:
        lines = [*lines, length or f"Content-Length: {len(body)}"]
    lines = [f"{method} {target} HTTP/1.1", *lines]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


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


def nginx(site: Site, directory: Path) -> Proxy:
    """deploy/nginx/redirection.conf, in the frame of a main file such as Debian's."""
    port, plain_port = ports(2)
    (directory / "key").write_text(f'default "{KEY}";\n')
    text = changed(
        DEPLOY / "nginx" / "redirection.conf",
        {
            "127.0.0.1:8080": f"127.0.0.1:{site.portal_port}",
            "127.0.0.1:8000": f"127.0.0.1:{site.port}",
            "/etc/nginx/redirection-gate-key": str(directory / "key"),
            "/run/nginx-redirection": str(directory / "answers"),
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "portal.example.com *.portal.example.com *.eu.portal.example.com": (" ".join(NAMES)),
            "/etc/ssl/portal.example.com.pem": str(site.directory / "server.pem"),
            "/etc/ssl/private/portal.example.com.key": str(site.directory / "server-key.pem"),
        },
    )
    return _nginx(site, directory, text, port, plain_port)


def _nginx(site: Site, directory: Path, text: str, port: int, plain_port: int) -> Proxy:
    (directory / "site.conf").write_text(text)
    temporary = "".join(
        f"{kind}_temp_path {directory / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Its workers would give up what the folders of a test ask for.
    user = "user root;" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 2;"
        f"pid {directory / 'pid'}; error_log {directory / 'error'};"
        f"events {{ worker_connections 1024; }} http {{ access_log off; {temporary}"
        f"include {directory / 'site.conf'}; }}\n"
    )
    command = ("nginx", "-p", str(directory), "-c", str(directory / "nginx.conf"))
    return Proxy("nginx", site, directory, port, plain_port, command, {})


def nginx_of_destination(site: Site, directory: Path, destination_port: int) -> Proxy:
    """deploy/nginx/destination.conf in front of what listens on this port."""
    [plain_port] = ports(1)
    port = urlsplit(site.destination).port or 443
    text = changed(
        DEPLOY / "nginx" / "destination.conf",
        {
            "127.0.0.1:8090": f"127.0.0.1:{destination_port}",
            "127.0.0.1:8000": f"127.0.0.1:{site.port}",
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
            "server_name security.example.com;": "server_name security.localhost;",
            "/etc/ssl/security.example.com.pem": str(site.directory / "server.pem"),
            "/etc/ssl/private/security.example.com.key": str(site.directory / "server-key.pem"),
        },
    )
    return _nginx(site, directory, text, port, plain_port)


def caddy(site: Site, directory: Path) -> Proxy:
    """deploy/caddy/Caddyfile."""
    port, plain_port = ports(2)
    text = changed(
        DEPLOY / "caddy" / "Caddyfile",
        {
            "http_port 80\n": f"http_port {plain_port}\n\tdefault_bind 127.0.0.1\n\tadmin off\n",
            "https_port 443\n": f"https_port {port}\n",
            "127.0.0.1:8080": f"127.0.0.1:{site.portal_port}",
            "127.0.0.1:8000": f"127.0.0.1:{site.port}",
            "/etc/ssl/portal.example.com.pem": str(site.directory / "server.pem"),
            "/etc/ssl/private/portal.example.com.key": str(site.directory / "server-key.pem"),
        },
    )
    (directory / "Caddyfile").write_text(text)
    command = ("caddy", "run", "--adapter", "caddyfile", "--config", str(directory / "Caddyfile"))
    # Where it keeps things of its own.
    variables = {"HOME": str(directory), "REDIRECTION_GATE_KEY": KEY}
    return Proxy("caddy", site, directory, port, plain_port, command, variables)


def haproxy(site: Site, directory: Path) -> Proxy:
    """deploy/haproxy/haproxy.cfg and the script beside it."""
    port, plain_port = ports(2)
    both = [site.directory / name for name in ("server.pem", "server-key.pem")]
    (directory / "certificate.pem").write_bytes(b"".join(file.read_bytes() for file in both))
    text = changed(
        DEPLOY / "haproxy" / "haproxy.cfg",
        {
            "/etc/haproxy/redirection.lua": str(DEPLOY / "haproxy" / "redirection.lua"),
            "bind :80\n": f"bind 127.0.0.1:{plain_port}\n",
            "bind :443 ssl": f"bind 127.0.0.1:{port} ssl",
            "/etc/ssl/private/portal.example.com.pem": str(directory / "certificate.pem"),
            "server portal 127.0.0.1:8080": f"server portal 127.0.0.1:{site.portal_port}",
            "server redirection 127.0.0.1:8000": f"server redirection 127.0.0.1:{site.port}",
        },
    )
    (directory / "haproxy.cfg").write_text(text)
    command = ("haproxy", "-db", "-f", str(directory / "haproxy.cfg"))
    variables = {
        "REDIRECTION_GATE_KEY": KEY,
        "REDIRECTION_GATE_PORT": str(site.port),
    }
    return Proxy("haproxy", site, directory, port, plain_port, command, variables)


PROXIES = {"nginx": nginx, "caddy": caddy, "haproxy": haproxy}


@contextmanager
def proxy(name: str, site: Site, directory: Path) -> Iterator[Proxy]:
    """The proxy ``name`` in front of the portal of ``site``; gone afterwards."""
    assert shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin"), (
        f"{name} is not installed; make test installs it."
    )
    with running(PROXIES[name](site, directory)) as found:
        yield found


@contextmanager
def running(found: Proxy) -> Iterator[Proxy]:
    try:
        found.start()
        yield found
    finally:
        found.stop()
