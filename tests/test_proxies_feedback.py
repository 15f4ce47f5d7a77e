"""Feedback with a picture, through each of the shipped proxies."""

from __future__ import annotations

import hashlib
import re
import secrets
import select
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from redirection.feedback.screenshots import MOST_BYTES
from tests.demo_process import ROOT
from tests.proxies import PATIENCE, Proxy
from tests.proxies_exchange import Answer, chunks, request
from tests.proxies_shared import new_fronts
from tests.proxies_site import TENANTS, Site

FORM = "/redirection/feedback"
CSRF = "a" * 32
# In no noise.
BOUNDARY = "boundary-of-the-form"
ANONYMOUS = f"__Secure-portal_csrf={CSRF}; portal_csrf={CSRF}"
MEGABYTE = 1_000_000
TOO_LARGE = "This is too large: a picture may have 5 MB. Go back and choose another one.\n"
# None is answered as if it were the form.
NEIGHBOURS = ("/redirection/feedback/", "/redirection/feedback/1", "/redirection/feedbacks")
_SIGN_IN = f"""
from django.conf import settings
from django.test import Client
from portal.models import Person
from redirection.models import RoleSnapshot, Tenant
tenant = Tenant.objects.get(name="contoso")
otto = Person.objects.create_user(f"{{tenant.tid}}:{TENANTS["fabrikam"]}", display_name="Otto")
RoleSnapshot.objects.create(person=otto, tenant=tenant, directory_roles=[])
browser = Client()
browser.force_login(otto, "redirection.permissions.TenantRolesBackend")
print(settings.SESSION_COOKIE_NAME, browser.cookies[settings.SESSION_COOKIE_NAME].value)
"""


@pytest.fixture(scope="module")
def signed_in(proxied_site: Site) -> str:
    """The cookies of Otto, who has signed in."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", _SIGN_IN],
        cwd=ROOT,
        env=proxied_site.variables,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    name, value = done.stdout.split()
    return f"{name}={value}; {ANONYMOUS}"


@pytest.fixture(scope="module")
def screenshot() -> bytes:
    """As large as one may be."""
    side = 1315
    file = BytesIO()
    noise = Image.frombytes("RGB", (side, side), secrets.token_bytes(3 * side * side))
    noise.save(file, "PNG", compress_level=0)
    assert 0.98 * MOST_BYTES < len(file.getvalue()) <= MOST_BYTES
    return file.getvalue()


def form(picture: bytes = b"") -> bytes:
    said = {"csrfmiddlewaretoken": CSRF, "kind": "broken", "text": "See there", "page": "/alerts"}
    fields = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in said.items()
    )
    name = "a.png" if picture else ""
    file = f'Content-Disposition: form-data; name="screenshot"; filename="{name}"'
    head = f"{fields}--{BOUNDARY}\r\n{file}\r\nContent-Type: image/png\r\n\r\n"
    return head.encode() + picture + f"\r\n--{BOUNDARY}--\r\n".encode()


def headers(front: Proxy, cookie: str = ANONYMOUS) -> dict[str, str]:
    return {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Origin": front.url("contoso", ""),
        "Cookie": cookie,
    }


def post(front: Proxy, body: bytes, cookie: str = ANONYMOUS) -> Answer:
    return front.ask(FORM, method="POST", body=body, **headers(front, cookie))


def test_a_screenshot_of_five_megabytes_arrives(
    front: Proxy, signed_in: str, screenshot: bytes
) -> None:
    receipt = post(front, form(screenshot), signed_in)
    assert receipt.status == HTTPStatus.FOUND, receipt.body.decode()
    assert re.fullmatch(f"{FORM}/[0-9]+", receipt.get("Location"))

    kept = front.ask(f"{receipt.get('Location')}/screenshot", Cookie=signed_in)

    assert kept.status == HTTPStatus.OK
    with Image.open(BytesIO(kept.body)) as arrived, Image.open(BytesIO(screenshot)) as sent:
        assert arrived.tobytes() == sent.tobytes()


def test_larger_than_any_picture_the_app_itself_says_so(front: Proxy, signed_in: str) -> None:
    answer = post(front, form(b"\0" * 15 * MEGABYTE), signed_in)
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert b"The picture is larger than 5 MB." in answer.body
    assert b"See there</textarea>" in answer.body


def answer_while_sending(front: Proxy, size: int, path: str = FORM) -> tuple[int, str]:
    """Status and text that a browser shows, which reads while it sends a form of ``size`` bytes."""
    named = {"Host": front.host("contoso"), **headers(front)}
    lines = [f"{name}: {value}" for name, value in named.items()]
    head = request("POST", path, [*lines, f"Content-Length: {size}"])
    unsent, found = memoryview(head + b"a" * size), b""
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        front.site.tls.wrap_socket(plain) as connection,
    ):
        connection.setblocking(False)
        while not _is_whole(found):
            select.select([connection], [connection] if unsent else [], [], 10)
            with suppress(ssl.SSLWantReadError):
                part = connection.recv(65_536)
                assert part, f"{front.name} says nothing"
                found += part
            with suppress(ssl.SSLWantWriteError):
                try:
                    unsent = unsent[connection.send(unsent[:65_536]) :] if unsent else unsent
                except (ConnectionError, ssl.SSLEOFError):
                    # Nobody reads any more; what has been said still arrives.
                    unsent = unsent[:0]
    head, _, text = found.partition(b"\r\n\r\n")
    return int(head.split()[1]), text.decode()


def _is_whole(answer: bytes) -> bool:
    head, end, text = answer.partition(b"\r\n\r\n")
    return bool(end) and len(text) == int(*re.findall(rb"(?i)\r\ncontent-length: (\d+)", head))


def peak_memory(front: Proxy) -> int:
    """The most memory that the processes of a proxy have had so far, in bytes."""
    assert front.process is not None
    peak = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            group = int(process.joinpath("stat").read_text().rpartition(") ")[2].split()[2])
            if group == front.process.pid:
                status = process.joinpath("status").read_text()
                peak += 1024 * sum(map(int, re.findall(r"VmHWM:\s+(\d+) kB", status)))
    assert peak
    return peak


def test_what_is_too_large_never_reaches_the_app_nor_fills_memory(
    proxied_site: Site, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        app = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        app.setblocking(False)
        site = replace(proxied_site, pages_port=app.getsockname()[1])
        for front in stack.enter_context(new_fronts(site, tmp_path)).values():
            before = peak_memory(front)
            refusals = [answer_while_sending(front, size * MEGABYTE) for size in (20, 50)]
            grown = peak_memory(front) - before
            assert refusals == [(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)] * 2, front.name
            assert grown < 10 * MEGABYTE, front.name

            in_chunks = front.ask(
                FORM,
                method="POST",
                body=chunks(b"a" * 17 * MEGABYTE if front.name == "nginx" else b"a"),
                length="Transfer-Encoding: chunked",
                **headers(front),
            )
            refused = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.LENGTH_REQUIRED}
            assert in_chunks.status in refused
            elsewhere = [answer_while_sending(front, 33_000, path)[0] for path in NEIGHBOURS]
            assert elsewhere == [HTTPStatus.REQUEST_ENTITY_TOO_LARGE] * len(NEIGHBOURS), front.name
            with pytest.raises(BlockingIOError):
                app.accept()


def test_a_form_that_is_taken_arrives_whole_and_is_not_kept_in_memory(
    proxied_site: Site, tmp_path: Path
) -> None:
    body = form(secrets.token_bytes(15 * MEGABYTE))
    # The portal says what it saw.
    site = replace(proxied_site, pages_port=proxied_site.portal_port)
    with new_fronts(site, tmp_path) as fronts:
        for front in fronts.values():
            before = peak_memory(front)
            arrived = post(front, body).saw["body"]
            assert arrived == [len(body), hashlib.sha256(body).hexdigest()], front.name
            assert peak_memory(front) - before < 10 * MEGABYTE, front.name


def test_slow_pictures_hold_up_neither_decisions_nor_pages(front: Proxy, signed_in: str) -> None:
    named = {"Host": front.host("contoso"), **headers(front)}
    lines = [f"{name}: {value}" for name, value in named.items()]
    sent = request("POST", FORM, [*lines, "Content-Length: 5000000"]) + form()[:300]
    with ExitStack() as stack:
        for _ in range(8):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", front.port)))
            stack.enter_context(front.site.tls.wrap_socket(plain)).sendall(sent)
        # Until they have arrived wherever they go.
        threading.Event().wait(0.3)
        decided = [front.ask(f"/alerts?{number}") for number in range(4)]
        pages = [front.ask(FORM, Cookie=signed_in), post(front, form(), signed_in)]

    assert [answer.status for answer in decided] == [HTTPStatus.FOUND] * 4
    assert [answer.status for answer in pages] == [HTTPStatus.OK, HTTPStatus.FOUND]
    assert max(answer.seconds for answer in [*decided, *pages]) < PATIENCE / 2
