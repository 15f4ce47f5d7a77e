"""The pages that this project serves on legacy hosts: what befalls them harms no decision."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.proxies import PATIENCE, Proxy, nginx_of_destination, running
from tests.proxies_exchange import chunks, exchange, request
from tests.proxies_programs import ports
from tests.proxies_shared import new_fronts
from tests.proxies_site import Site

PATHS = ("/redirection/end-step-back", "/redirection/portal-script.js")
FORM = {
    "Content-Type": "application/x-www-form-urlencoded",
    # Without this one Django refuses a form before it has read it.
    "Cookie": f"__Secure-portal_csrf={'a' * 32}; portal_csrf={'a' * 32}",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
# Bytes.
LARGEST = {"caddy": 29_999, "haproxy": 32_768, "nginx": 32_768}
# Of a form of a thousand bytes.
BEGINNINGS = {
    "with a length": (b"Content-Length: 1000", b"csrf"),
    "in chunks": (b"Transfer-Encoding: chunked", b"3e8\r\ncsrf"),
}


@contextmanager
def slow_forms(front: Proxy, path: str, how: str, count: int = 8) -> Iterator[None]:
    """So many forms of which the beginning has been sent."""
    length, body = BEGINNINGS[how]
    named = {"Host": front.host("contoso"), "Origin": front.url("contoso", ""), **FORM}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    sent = b"\r\n".join([*(line.encode() for line in lines), length, b"", body])
    with ExitStack() as stack:
        for _ in range(count):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", front.port)))
            tls = stack.enter_context(front.site.tls.wrap_socket(plain))
            tls.sendall(sent)
        # Until they have arrived wherever they go.
        threading.Event().wait(0.3)
        yield


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("how", sorted(BEGINNINGS))
def test_forms_that_never_end_hold_up_neither_decisions_nor_pages(
    front: Proxy, path: str, how: str
) -> None:
    with slow_forms(front, path, how):
        decided = [front.ask(f"/alerts?{number}") for number in range(4)]
        pages = [front.ask("/redirection/health") for _ in range(2)]

    assert [answer.status for answer in decided] == [HTTPStatus.FOUND] * 4
    assert [answer.status for answer in pages] == [HTTPStatus.OK] * 2
    assert max(answer.seconds for answer in [*decided, *pages]) < PATIENCE / 2


@pytest.mark.parametrize("path", PATHS)
def test_a_form_larger_than_any_here_is_refused(front: Proxy, path: str) -> None:
    form = {**{name.replace("-", "_"): value for name, value in FORM.items()}, "method": "POST"}
    largest = b"a" * LARGEST[front.name]
    larger = largest + b"a"

    taken = front.ask(path, body=largest, **form)
    refused = front.ask(path, body=larger, **form)
    in_chunks = front.ask(path, body=chunks(larger), length="Transfer-Encoding: chunked", **form)

    by_django = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
    assert taken.status in by_django
    assert refused.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    # Caddy passes on what it has taken until then, or breaks off.
    broken_off = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.BAD_GATEWAY}
    assert in_chunks.status in {*broken_off, *by_django}


def test_decisions_go_on_while_the_pages_hang(proxied_site: Site, tmp_path: Path) -> None:
    with ExitStack() as stack:
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        site = replace(proxied_site, pages_port=silent.getsockname()[1])
        fronts = stack.enter_context(new_fronts(site, tmp_path))
        for front in fronts.values():
            for _ in range(8):
                plain = stack.enter_context(socket.create_connection(("127.0.0.1", front.port)))
                tls = stack.enter_context(site.tls.wrap_socket(plain))
                host = f"Host: {front.host('contoso')}"
                tls.sendall(request("GET", "/redirection/here", [host]))
        answers = [front.ask(f"/alerts?{at}") for front in fronts.values() for at in range(4)]

    assert [answer.status for answer in answers] == [HTTPStatus.FOUND] * 12
    assert max(answer.seconds for answer in answers) < PATIENCE / 2


def test_what_is_for_a_page_that_fails_never_reaches_the_portal(
    proxied_site: Site, tmp_path: Path
) -> None:
    """A grant in the address and a token in the body are not the portal's to see."""
    [nobody] = ports(1)
    with new_fronts(replace(proxied_site, pages_port=nobody), tmp_path) as fronts:
        answers = [
            answer
            for front in fronts.values()
            for answer in (
                front.ask("/redirection/step-back?grant=a"),
                front.ask("/redirection/portal-script.js"),
                front.ask("/redirection/feedback", method="POST", body=b"portal_csrf=a"),
            )
        ]

    failed = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}
    assert {answer.status for answer in answers} <= failed
    assert not [answer for answer in answers if answer.all("Portal-Saw")]


def test_pages_that_know_nothing_end_the_chain_after_a_form(
    proxied_site: Site, tmp_path: Path
) -> None:
    """Gate and pages are two processes, and the gate may be the one that knows of the switch."""
    [port] = ports(1)
    nowhere = {"DATABASE_URL": f"sqlite:///{tmp_path / 'nowhere' / 'portal.sqlite3'}"}
    pages = replace(
        proxied_site, port=port, variables={**proxied_site.variables, **nowhere}, process=None
    )
    site = replace(proxied_site, pages_port=port)
    try:
        pages.start()
        pages.wait_until_there()
        with new_fronts(site, tmp_path) as fronts:
            for front in fronts.values():
                posted = front.ask("/save", method="POST", body=b"text=a", host="contoso")
                marked = [each for each in posted.all("Set-Cookie") if "legacy_form=" in each]
                form = marked[0].split(";")[0]
                away = front.ask("/saved", Cookie=form)
                page = front.ask(away.get("Location"), Cookie=form)
                assert page.status == HTTPStatus.OK
                assert b'href="/saved"' in page.body
                ended = [each for each in page.all("Set-Cookie") if "legacy_form=" in each]
                assert "max-age=0" in ended[0].lower()
                assert front.ask("/saved").get("Location").startswith(site.destination)
    finally:
        pages.stop()


def test_the_portal_alone_says_whether_its_hosts_are_for_https_only(front: Proxy) -> None:
    lines = [f"Host: {front.host('contoso')}", "X-Forwarded-Proto: https"]
    page = "/redirection/portal-script.js"
    own = exchange(front.site.pages_port, request("GET", page, lines), None)
    assert own.all("Strict-Transport-Security")
    for path in (page, "/redirection/health"):
        assert not front.ask(path).all("Strict-Transport-Security")


def test_an_import_of_twenty_megabytes_reaches_the_pages_of_operators(
    proxied_site: Site, tmp_path: Path
) -> None:
    [nobody] = ports(1)
    path = "/admin/redirection/deeplinkrule/import/"
    with running(nginx_of_destination(proxied_site, tmp_path, nobody)) as destination:
        lines = ["Host: security.localhost"]
        sent = request("POST", path, lines, b"a" * 20_000_000)
        answered = exchange(destination.port, sent, destination.site.tls)
    # Nobody has signed in.
    assert answered.status in {HTTPStatus.FORBIDDEN, HTTPStatus.FOUND}
