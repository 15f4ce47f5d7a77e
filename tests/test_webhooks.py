"""Webhook calls: signed as Standard Webhooks has it, to where they may go, and bounded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import responses
from django.core.exceptions import ValidationError
from django.test import Client
from standardwebhooks import Webhook, WebhookVerificationError

from portal.models import Person
from redirection.models import OutgoingMessage, Tenant
from redirection.outbox.webhooks import (
    Call,
    call_of,
    checked_url,
    deliver,
    headers_of,
    secrets_of,
    session,
)
from tests.outbox import HOOK, given, hook

FORMER = "a-former-secret-key-that-was-replaced-some-time-ago-by-operators"
CALL = Call(HOOK, "msg_1", "{}", ("whsec_" + "A" * 43 + "=",))


@pytest.fixture
def call(contoso: Tenant, otto: Person) -> Call:
    hook(contoso)
    given(contoso, otto, text="Grüße \u2028 <b>")
    return call_of(OutgoingMessage.objects.select_related("endpoint").get())


def test_the_official_library_accepts_a_call(call: Call) -> None:
    headers = headers_of(call, datetime.now(UTC))
    found = Webhook(call.secrets[0]).verify(call.body.encode(), headers)
    assert found["data"]["text"].startswith("Grüße")


def test_the_signature_is_the_one_of_the_specification() -> None:
    """Computed by hand: HMAC-SHA256 over id, time and body, with the secret as it is decoded."""
    now = datetime(2026, 1, 31, 14, tzinfo=UTC)
    headers = headers_of(CALL, now)
    signed = f"msg_1.{int(now.timestamp())}.{{}}".encode()
    expected = hmac.new(bytes(32), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert headers["webhook-timestamp"] == "1769868000"


@pytest.mark.parametrize("part", ["body", "webhook-id", "webhook-timestamp"])
def test_what_was_changed_on_the_way_is_not_accepted(call: Call, part: str) -> None:
    headers, body = headers_of(call, datetime.now(UTC)), call.body
    if part == "body":
        body = body.replace("missing", "praise")
    else:
        headers[part] = str(int(datetime.now(UTC).timestamp()) - 60)
    with pytest.raises(WebhookVerificationError):
        Webhook(call.secrets[0]).verify(body, headers)


def test_each_endpoint_has_a_secret_of_its_own_that_is_not_the_sites(contoso: Tenant) -> None:
    one, other = hook(contoso), hook(contoso)
    assert secrets_of(one) != secrets_of(other)
    assert secrets_of(one) == secrets_of(one)


def test_after_a_change_of_the_sites_key_the_former_secret_goes_on(
    contoso: Tenant, settings: Any
) -> None:
    endpoint = hook(contoso)
    former_secret = secrets_of(endpoint)[0]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = FORMER, [settings.SECRET_KEY]
    now = secrets_of(endpoint)
    assert now[1] == former_secret
    headers = headers_of(Call(HOOK, "msg_1", "{}", now), datetime.now(UTC))
    for secret in now:
        assert Webhook(secret).verify("{}", headers) == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https:///path",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:port/",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        checked_url(url)
    with session() as by:
        assert deliver(Call(url, "msg_1", "{}", CALL.secrets), by).problem


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "224.0.0.1", "::127.0.0.1", "::ffff:0:7f00:1", "fec0::1", "4000::1", "::", "ff02::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with session() as by:
        outcome = deliver(CALL, by)
    assert outcome.problem == "The address leads into a private network."


@pytest.mark.parametrize("address", ["203.0.114.5", "2606:4700::1111"])
def test_the_very_address_that_was_checked_is_connected_to(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connected = []

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(family, socket.SOCK_STREAM, 6, "", (address, 443))]

    def connect(to: tuple[str, int], *_: Any, **__: Any) -> None:
        connected.append(to)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with session() as by:
        assert deliver(CALL, by).problem == "ConnectionError"
    assert {host.strip("[]") for host, _ in connected} == {address}


@responses.activate
def test_no_redirect_is_followed() -> None:
    responses.post(HOOK, status=302, headers={"Location": "http://169.254.169.254/"})
    with session() as by:
        assert deliver(CALL, by).problem == "HTTP 302"
    assert len(responses.calls) == 1


@responses.activate
@pytest.mark.parametrize(
    ("header", "wait"), [("120", 120), ("soon", 0), ("-1", 0), ("9" * 50, 0), ("", 0)]
)
def test_only_a_plain_number_of_seconds_is_waited(header: str, wait: int) -> None:
    responses.post(HOOK, status=503, headers={"Retry-After": header})
    with session() as by:
        outcome = deliver(CALL, by)
    assert (outcome.problem, outcome.wait, outcome.is_over) == ("HTTP 503", wait, False)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Callable[..., str]]:
    """A server on this machine that answers as told: ``receiver(body)`` is its address."""
    settings.REDIRECTION_WEBHOOKS_INSIDE = True
    servers = []

    def start(answer: Callable[[BaseHTTPRequestHandler], None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_inside_is_called_where_the_operator_allows_it(receiver: Callable[..., str]) -> None:
    seen: dict[str, str] = {}

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.update(handler.headers)
        handler.send_response(HTTPStatus.NO_CONTENT)
        handler.end_headers()

    with session() as by:
        outcome = deliver(Call(receiver(note), "msg_1", "{}", CALL.secrets), by)
    assert outcome.problem == ""
    assert seen["webhook-id"] == "msg_1"
    assert seen["User-Agent"] == "portal-redirection"


def test_neither_a_proxy_nor_a_password_of_the_environment_is_used(
    receiver: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passwords = tmp_path / "netrc"
    passwords.write_text("machine 127.0.0.1 login somebody password secret\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("NETRC", str(passwords))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # Nobody listens there.
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    seen: dict[str, str] = {}

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.update(handler.headers)
        handler.send_response(HTTPStatus.NO_CONTENT)
        handler.end_headers()

    with session() as by:
        outcome = deliver(Call(receiver(note), "msg_1", "{}", CALL.secrets), by)
    assert outcome.problem == ""
    assert "Authorization" not in seen


def test_an_answer_without_end_is_not_read(receiver: Callable[..., str]) -> None:
    sent = []

    def talk(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(HTTPStatus.OK)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 100_000)
                sent.append(100_000)
        except OSError:
            return

    with session() as by:
        outcome = deliver(Call(receiver(talk), "msg_1", "{}", CALL.secrets), by)
    assert outcome.problem == ""
    assert sum(sent) < 50_000_000


def test_a_receiver_that_says_nothing_is_left(
    receiver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = threading.Event()
    monkeypatch.setattr("redirection.outbox.webhooks.TIMEOUT", (0.2, 0.2))
    try:
        url = receiver(lambda _: ready.wait(10))
        with session() as by:
            outcome = deliver(Call(url, "msg_1", "{}", CALL.secrets), by)
    finally:
        ready.set()
    assert outcome.problem == "ReadTimeout"


def test_an_operator_adds_a_webhook_and_gets_its_secret(
    contoso: Tenant, destination: Client
) -> None:
    olga = Person.objects.create_superuser("olga", password="x")
    destination.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    page = "/admin/redirection/webhookendpoint/"
    wrong = destination.post(f"{page}add/", {"url": "http://hooks.example.com/", "is_active": "on"})
    assert wrong.status_code == HTTPStatus.OK
    assert "Use https" in wrong.content.decode()
    destination.post(f"{page}add/", {"url": HOOK, "tenant": contoso.pk, "is_active": "on"})
    endpoint = contoso.webhooks.get()
    shown = destination.get(f"{page}{endpoint.pk}/change/").content.decode()
    assert secrets_of(endpoint)[0] in shown
    assert HOOK in destination.get(page).content.decode()


def test_the_body_says_what_is_documented(call: Call) -> None:
    body = json.loads(call.body)
    text = (Path(__file__).parent.parent / "docs" / "messages.md").read_text()
    for name in [*body, *body["data"], *body["data"]["trouble"]]:
        assert f'"{name}"' in text
