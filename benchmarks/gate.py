"""The gate behind nginx with the shipped file, beside a plain Django view as its gate.

``benchmarks.sockets`` asks both, in turn with nginx alone.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.load import LOAD, Contender, pin
from redirection.decisions import LegacySession
from tests import proxies
from tests.demo_process import wait_until_open
from tests.proxies import nginx, running
from tests.proxies_exchange import PAGE_LOAD
from tests.proxies_programs import kill, ports, start
from tests.proxies_site import TENANTS, Site, shipped_command, shipped_variables
from tests.vectors.cookies import session_value

_PORTAL = "user root; daemon off; pid {0}/pid; error_log {0}/error; events {{}} http {{ access_log off; {1} server {{ listen 127.0.0.1:{2}; location / {{ default_type text/html; return 200 page; }} }} }}"  # fmt: skip # noqa: E501
_ALONE = "upstream portal {{ server 127.0.0.1:{0}; keepalive 32; }} server {{ listen 127.0.0.1:{1} ssl; ssl_certificate {2}/server.pem; ssl_certificate_key {2}/server-key.pem; location /go {{ return 302 https://security.localhost/; }} location / {{ proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://portal; }} }}"  # fmt: skip # noqa: E501
ALONE = "nginx alone over TLS, constant redirect"
_PAGE_ALONE = "nginx alone over TLS, page of the portal"
GATE, VIEW = "auth_request to our gate, redirect", "auth_request to a plain view, redirect"


def contenders(stack: ExitStack, directory: Path, site: Site) -> list[Contender]:
    """Start what stands before and beside ``site``; ``stack`` ends it."""
    plain_port, portal_port, alone_port = ports(3)
    _start_plain_view(stack, site, plain_port)
    _start_portal(stack, directory, portal_port)
    fronts = []
    for name, port in (("gate", site.port), ("view", plain_port)):
        folder = directory / name
        folder.mkdir()
        other = replace(site, port=port, portal_port=portal_port)
        front = stack.enter_context(running(nginx(other, folder)))
        pin(front.process)
        fronts.append(f"https://127.0.0.1:{front.port}/alerts")
    text = _ALONE.format(portal_port, alone_port, site.directory)
    start_nginx(stack, site, directory / "alone", text, alone_port)
    alone = f"https://127.0.0.1:{alone_port}"
    gate, view = fronts
    going = page_load("contoso")
    staying = going | {"Cookie": f"{going['Cookie']}; {_running_session(site)}"}
    fabrikam = staying | {"Host": "fabrikam.portal.localhost"}
    return [
        Contender(ALONE, f"{alone}/go", going, ALONE),
        Contender(_PAGE_ALONE, f"{alone}/a", going, _PAGE_ALONE, 200),
        Contender(GATE, gate, going, ALONE),
        Contender(VIEW, view, going, ALONE),
        Contender("auth_request to our gate, session continues", gate, staying, _PAGE_ALONE, 200),
        Contender("auth_request to a plain view, stays", view, fabrikam, _PAGE_ALONE, 200),
    ]


def page_load(tenant: str) -> dict[str, str]:
    """The headers of a browser that has been at this tenant before, without a legacy session."""
    cookie = f"__Secure-legacy_tenant={TENANTS[tenant]}"
    return {**PAGE_LOAD, "Host": f"{tenant}.portal.localhost", "Cookie": cookie}


def start_nginx(stack: ExitStack, site: Site, folder: Path, text: str, port: int) -> None:
    """An nginx with these servers, of which one listens on ``port``."""
    folder.mkdir()
    alone = proxies._nginx(site, folder, text, port, 0)  # noqa: SLF001 (the same frame)
    stack.enter_context(running(alone))
    pin(alone.process)


def _running_session(site: Site) -> str:
    """A session that began before the switch, and need not be written anew."""
    now, tid = time.time_ns() // 1_000_000, TENANTS["contoso"]
    session = LegacySession(tid, now - 3_600_000, now)
    value = session_value(tid, session.started, session.seen, site.variables["SECRET_KEY"])
    return f"__Secure-legacy_session_{tid.replace('-', '')}={value}"


def _start_plain_view(stack: ExitStack, site: Site, port: int) -> None:
    """One Django view without any middleware, on the same server."""
    own = {"GRANIAN_PORT": str(port), "GRANIAN_WORKERS": "1"}
    process = start(
        *(*shipped_command()[:-1], "benchmarks.plain_gate:application"),
        log=site.directory / "view.log",
        **{**site.variables, **shipped_variables("gate"), **own},
    )
    stack.callback(kill, process)
    wait_until_open(port)
    pin(process)


def _start_portal(stack: ExitStack, directory: Path, port: int) -> None:
    folder = directory / "portal"
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(_PORTAL.format(folder, temporary, port))
    command = ("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    process = start(*command, log=folder / "log")
    stack.callback(kill, process)
    wait_until_open(port)
    pin(process, LOAD)
