"""The files of deploy/ as they are shipped, each started in front of a portal that is not ours.

A test changes what an operator changes: addresses, ports and paths, each by a word that stands in
the file. What is started here: the portal, this site with the gate, and the proxy, all as
programs of their own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.demo_process import ROOT
from tests.proxies_exchange import KEY, PAGE_LOAD, Answer, exchange, request
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import NAMES, Site, shipped_variables

DEPLOY = ROOT / "deploy"
# Where the shipped units serve.
GATE, PAGES = (
    "{GRANIAN_HOST}:{GRANIAN_PORT}".format(**shipped_variables(instance))
    for instance in ("gate", "pages")
)
# Seconds: no request may take longer, whatever has failed.
PATIENCE = 2.0


def changed(file: Path, changes: dict[str, str]) -> str:
    """The text of a shipped file with an operator's changes, each of which it must know."""
    text = file.read_text()
    for word, wanted in changes.items():
        assert word in text, f"{file.name} does not say {word}"
        text = text.replace(word, wanted)
    return text


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


def nginx(site: Site, directory: Path) -> Proxy:
    """deploy/nginx/redirection.conf, in the frame of a main file such as Debian's."""
    port, plain_port = ports(2)
    (directory / "key").write_text(f'default "{KEY}";\n')
    text = changed(
        DEPLOY / "nginx" / "redirection.conf",
        {
            "127.0.0.1:8080": f"127.0.0.1:{site.portal_port}",
            GATE: f"127.0.0.1:{site.port}",
            PAGES: f"127.0.0.1:{site.pages_port}",
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
            PAGES: f"127.0.0.1:{site.pages_port}",
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
            GATE: f"127.0.0.1:{site.port}",
            PAGES: f"127.0.0.1:{site.pages_port}",
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
            f"server pages {PAGES}": f"server pages 127.0.0.1:{site.pages_port}",
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
