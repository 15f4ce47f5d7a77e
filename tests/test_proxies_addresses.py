"""Where a request comes from, says the proxy alone: each of those that are shipped."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from tests.proxies import Proxy, nginx_of_destination, running
from tests.proxies_exchange import PAGE_LOAD, request
from tests.proxies_programs import ports
from tests.proxies_shared import new_fronts
from tests.proxies_site import Site

FORM = "/redirection/feedback"
# Whose address is neither that of a proxy nor of this project.
OTTO, FORGED = "127.0.0.9", "203.0.113.7"
FORGERIES = (
    (f"X-Forwarded-For: {FORGED}",),
    (f"X-Forwarded-For: {FORGED}", f"x-forwarded-for: {FORGED}"),
    (f"X-Forwarded-For: {FORGED}", "Connection: X-Forwarded-For"),
    (f"X_Forwarded_For: {FORGED}",),
    (f"X-Forwarded_For: {FORGED}", f"X-Forwarded-For: {FORGED}"),
)


def ask_from(front: Proxy, host: str, path: str, more: tuple[str, ...], method: str) -> bytes:
    """The answer to a request from Otto's address."""
    lines = [f"Host: {host}", *(f"{name}: {value}" for name, value in PAGE_LOAD.items()), *more]
    body = b"a=b" if method == "POST" else b""
    address = ("127.0.0.1", front.port)
    with (
        socket.create_connection(address, timeout=20, source_address=(OTTO, 0)) as plain,
        front.site.tls.wrap_socket(plain) as connection,
    ):
        connection.sendall(request(method, path, lines, body))
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def addresses(answer: bytes, unlike: str) -> list[str]:
    """All that may pass for the address of the client where this answer comes from."""
    [saw] = re.findall(rb"(?i)\r\nportal-saw: (.*)\r\n", answer)
    name = rf'(?i)\["(x{unlike}forwarded{unlike}for)", "(.*?)"\]'
    return [value for _, value in re.findall(name, saw.decode())]


def test_a_proxy_alone_says_where_a_request_comes_from(proxied_site: Site, tmp_path: Path) -> None:
    site = replace(proxied_site, pages_port=proxied_site.portal_port)
    (tmp_path / "of-destination").mkdir()
    with ExitStack() as stack:
        fronts = stack.enter_context(new_fronts(site, tmp_path))
        portal = site.portal_port
        destination = nginx_of_destination(site, tmp_path / "of-destination", portal)
        stack.enter_context(running(destination))
        wrong = {}
        asked = [(front, "fabrikam.portal.localhost") for front in fronts.values()]
        for front, host in [*asked, (destination, "security.localhost")]:
            for path in ("/alerts", FORM, f"{FORM}/1", "/redirection/portal-script.js"):
                for more in FORGERIES:
                    answer = ask_from(front, f"{host}:{front.port}", path, more, "GET")
                    # WSGI servers cannot tell an underscore from a hyphen; the portal may.
                    found = addresses(answer, "[-_]" if path.startswith("/redirection/") else "-")
                    if found != [OTTO]:
                        wrong[front.name, path, more] = found
    assert not wrong


def test_a_refusal_is_noted_with_the_address_it_came_from(
    proxied_site: Site, tmp_path: Path
) -> None:
    [port] = ports(1)
    # The other processes of the site write no refusals into their log.
    variables = {**proxied_site.variables, "LOG_LEVEL": "WARNING"}
    site = replace(proxied_site, pages_port=port, variables=variables, pages=None)
    before = len(site.log.read_text())
    try:
        site.start_pages()
        with new_fronts(site, tmp_path) as fronts:
            for front in fronts.values():
                for more in FORGERIES:
                    answer = ask_from(front, front.host("contoso"), FORM, more, "POST")
                    assert answer.split()[1] == b"403"
    finally:
        site.stop_pages()
    noted = re.findall(r"Refused: .*? from (\S+):", site.log.read_text()[before:])
    assert noted == [OTTO] * len(fronts) * len(FORGERIES)
