"""The gate tells a proxy what the middleware would have done, and trusts nobody without its key."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path
from pytest_django import DjangoAssertNumQueries, Settings

from redirection import gate, switches, traffic
from redirection.door import with_door
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch
from tests.executed_calls import calls_of
from tests.test_door import Answered, header, play

KEY = "k" * 31 + "1"
OTHER_KEY = "k" * 31 + "2"
HOST = "contoso.portal.localhost"
DESTINATION = "http://security.localhost"
Ask = Callable[..., Answered]


@pytest.fixture(autouse=True)
def gate_is_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.REDIRECTION_GATE_KEY = KEY
    # Each test may find the first failure of a minute.
    monkeypatch.setattr(gate, "_without_key", gate.Rarely())
    monkeypatch.setattr(gate, "_failures", gate.Rarely())


def nobody(environ: dict[str, Any], start_response: Any) -> Any:
    raise AssertionError("Django was asked")


@pytest.fixture(params=["door", "middleware"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """One call: the client's headers, and those of the proxy by their names in lower case."""
    application = with_door(nobody) if request.param == "door" else WSGIHandler()

    def call(target: str = "/audits", method: str = "GET", **headers: str) -> Answered:
        sent = {
            "host": "127.0.0.1:8000",
            "gatekey": KEY,
            "gatemethod": method,
            "gatehost": HOST,
            "gatetarget": target,
            **PAGE_LOAD,
        } | headers
        sent = {name: value for name, value in sent.items() if value != "-"}
        server = {"SERVER_SOFTWARE": sent.pop("server_software", "")}
        environ = RequestFactory().get("/redirection/gate", headers=sent).environ
        environ |= {name: value for name, value in server.items() if value}
        # Whoever reads a body that a proxy holds back waits for ever.
        return play(application, {**environ, "wsgi.input": _Unread()})

    return call


class _Unread:
    """A body nobody may read."""

    def read(self, *_: int) -> bytes:
        raise AssertionError("The body was read")

    readline = read


def status(answered: Answered) -> int:
    return int(answered[0].partition(" ")[0])


def cookies(answered: Answered, name: str = "Set-Cookie") -> list[str]:
    """Names of the cookies in headers whose name begins so."""
    return [value.partition("=")[0] for key, value in answered[1] if key.startswith(name)]


def test_go_is_a_redirect(contoso: Tenant, switch: Switch, ask: Ask) -> None:
    switch(contoso, "on")
    answered = ask("/audits?activity.id=eq(abc123,)")
    assert status(answered) == HTTPStatus.FOUND
    address = f"{DESTINATION}/cloudapps/activity-log?activity.id=eq(abc123,)"
    assert header(answered, "Location") == header(answered, "Redirection-Location") == address
    assert header(answered, "Redirection-Decision") == f"new_session;revision={contoso.revision}"
    assert header(answered, "Cache-Control") == "no-store"
    assert cookies(answered) == cookies(answered, "Redirection-Cookie-1") == ["legacy_tenant"]
    assert answered[2] == b""


def test_a_proxy_that_knows_no_302_gets_401_with_the_same_headers(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        plain, answered = ask(), ask(gateanswer="401")
    assert (status(plain), status(answered)) == (302, 401)
    assert answered[1] == plain[1]


def test_stay_is_an_empty_answer_with_what_the_page_gets(contoso: Tenant, ask: Ask) -> None:
    answered = ask("/")
    assert status(answered) == HTTPStatus.NO_CONTENT
    assert header(answered, "Redirection-Decision") == f"off;revision={contoso.revision}"
    assert header(answered, "Redirection-Page-Decision") == f"off;revision={contoso.revision}"
    assert header(answered, "Redirection-Cache-Control") == "private, no-cache"
    session = f"legacy_session_{contoso.tid.hex}"
    assert cookies(answered) == ["legacy_tenant", session]
    numbered = [value for name, value in answered[1] if name.startswith("Redirection-Cookie-")]
    assert numbered == [value for name, value in answered[1] if name == "Set-Cookie"]
    assert header(answered, "Location") is None
    assert header(answered, "Content-Type") is header(answered, "Content-Length") is None


@pytest.mark.parametrize(
    ("target", "headers", "decision"),
    [
        ("/api/v1/alerts", {}, "exempt"),
        ("/", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, "not_page_load"),
        ("/", {"gatehost": "security.localhost"}, "not_legacy"),
        ("/", {"gatehost": "evil.example"}, "not_legacy"),
        ("/", {"gatehost": "nobody.portal.localhost"}, "unknown_tenant"),
    ],
)
def test_what_is_let_through_says_why_and_gets_nothing(
    target: str,
    headers: dict[str, str],
    decision: str,
    contoso: Tenant,
    switch: Switch,
    ask: Ask,
) -> None:
    switch(contoso, "on")
    answered = ask(target, **headers)
    assert status(answered) == HTTPStatus.NO_CONTENT
    assert header(answered, "Redirection-Decision") == decision
    assert header(answered, "Redirection-Page-Decision") is None
    assert header(answered, "Redirection-Cache-Control") is None
    assert cookies(answered) == []


def test_a_refusal_is_a_clear_answer_for_every_proxy(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    answered = ask(**{"sec-purpose": "prefetch;prerender"})
    assert status(answered) == HTTPStatus.FORBIDDEN
    assert header(answered, "Redirection-Decision") == f"ahead_of_time;revision={contoso.revision}"
    assert header(answered, "Cache-Control") == "no-store"


@pytest.mark.parametrize("key", ["-", "", "k", OTHER_KEY, f"{KEY},{KEY}", KEY[:-1], "é" * 32])
def test_without_the_key_nothing_is_said(
    key: str,
    contoso: Tenant,
    switch: Switch,
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    switch(contoso, "on")
    with caplog.at_level(logging.WARNING):
        answered = [ask(gatekey=key) for _ in range(3)][-1]
    assert status(answered) == HTTPStatus.FORBIDDEN
    assert header(answered, "Redirection-Decision") is None
    assert header(answered, "Location") is None
    assert answered[2] == b""
    # One line a minute, and never the key.
    assert [record.getMessage() for record in caplog.records] == [
        "A call of the gate without its key was refused"
    ]


def test_while_a_key_is_replaced_both_count(contoso: Tenant, ask: Ask, settings: Settings) -> None:
    for keys in (f"{OTHER_KEY},{KEY}", [OTHER_KEY, KEY], f"{KEY} , {OTHER_KEY}"):
        settings.REDIRECTION_GATE_KEY = keys
        assert status(ask()) == status(ask(gatekey=OTHER_KEY)) == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize("key", ["", (), []])
def test_without_a_configured_key_there_is_no_gate(
    key: object, contoso: Tenant, legacy: Any, settings: Settings
) -> None:
    settings.REDIRECTION_GATE_KEY = key
    response = legacy.get("/redirection/gate", headers={"gatekey": ""})
    assert response.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(
    "headers",
    [
        {"gatemethod": "-"},
        {"gatehost": "-"},
        {"gatetarget": "-"},
        {"gatehost": ""},
        {"gatehost": f"{HOST},fabrikam.portal.localhost"},
        {"gatemethod": "GET,POST"},
        {"gatescheme": "https,http"},
        {"gatescheme": "ftp"},
        {"gateanswer": "401,401"},
        {"gateanswer": "500"},
    ],
)
def test_a_call_that_is_incomplete_or_doubled_is_no_answer(
    headers: dict[str, str], contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    answered = ask(**headers)
    assert status(answered) == HTTPStatus.BAD_REQUEST
    assert header(answered, "Redirection-Decision") == "bad_call"
    assert header(answered, "Location") is None


@pytest.mark.parametrize(
    "forged",
    [
        {"x-forwarded-host": "security.localhost", "x-forwarded-uri": "/api/"},
        {"x-forwarded-method": "POST", "x-forwarded-proto": "http"},
        {"x-original-uri": "/api/", "x-original-url": "/api/", "x-original-method": "POST"},
        {"forwarded": "host=evil.example;proto=http", "x-rewrite-url": "/api/"},
        {"gate-host": "evil.example", "gate-target": "/api/", "gate-method": "POST"},
        {"x-http-method-override": "POST", "x-real-ip": "1.2.3.4"},
    ],
)
def test_forwarding_headers_of_a_client_never_count(
    forged: dict[str, str], contoso: Tenant, switch: Switch, ask: Ask, settings: Settings
) -> None:
    settings.USE_X_FORWARDED_HOST = True
    switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        assert ask(**forged) == ask()


def test_a_link_of_eight_kilobytes_arrives(contoso: Tenant, switch: Switch, ask: Ask) -> None:
    switch(contoso, "on")
    query = "activity.id=eq(" + "a" * 8_000 + ",)"
    address = f"{DESTINATION}/cloudapps/activity-log?{query}"
    assert header(ask(f"/audits?{query}"), "Location") == address


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "/\\evil.example",
        "@evil.example",
        "http://evil.example/audits",
        "https://evil.example",
        "/%2f%2fevil.example",
        "/%0d%0aLocation:%20//evil",
        "*",
        "evil.example:443",
    ],
)
def test_whatever_the_target_the_answer_points_at_the_destination(
    target: str, contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    address = header(ask(target), "Location")
    assert address is not None
    assert address.startswith(f"{DESTINATION}/")
    assert not address.startswith(f"{DESTINATION}//")


def test_over_plain_http_no_session_can_be_known_so_nobody_moves(
    contoso: Tenant, switch: Switch, ask: Ask, settings: Settings
) -> None:
    switch(contoso, "on")
    assert status(ask(gatescheme="http")) == HTTPStatus.FOUND
    settings.REDIRECTION_SESSION_COOKIE_SECURE = True
    answered = ask(gatescheme="http")
    assert status(answered) == HTTPStatus.NO_CONTENT
    assert header(answered, "Redirection-Decision") == "plain_http"
    assert status(ask(gatescheme="https")) == status(ask()) == HTTPStatus.FOUND


def test_an_https_site_answers_its_proxy_over_plain_http(
    contoso: Tenant, switch: Switch, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    sent = {"gatekey": KEY, "gatemethod": "GET", "gatehost": HOST, "gatetarget": "/", **PAGE_LOAD}
    for application in (with_door(nobody), WSGIHandler()):
        environ = RequestFactory().get("/redirection/gate", headers=sent).environ
        assert status(play(application, dict(environ))) == HTTPStatus.NO_CONTENT


def test_a_form_leaves_its_mark_only_where_the_portal_sends_on(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    assert header(ask("/save", "POST"), "Redirection-Form-Cookie") is None
    switch(contoso, "on")
    posted = ask("/save", "POST")
    assert status(posted) == HTTPStatus.NO_CONTENT
    assert cookies(posted) == []
    mark = str(header(posted, "Redirection-Form-Cookie")).partition(";")[0]
    assert mark.startswith("legacy_form=")
    target = "/saved?a=1&b=%20"
    answered = ask(target, cookie=mark)
    assert status(answered) == HTTPStatus.FOUND
    page = f"/redirection/lead-on?page={quote(target, safe='/')}"
    assert header(answered, "Location") == header(answered, "Redirection-Location") == page


def test_after_a_form_a_link_too_long_loses_its_filters_only(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    mark = str(header(ask("/save", "POST"), "Redirection-Form-Cookie")).partition(";")[0]
    answered = ask("/saved?" + "%20" * 4000, cookie=mark)
    assert header(answered, "Location") == "/redirection/lead-on?page=/saved"
    answered = ask("/" + "[" * 8000, cookie=mark)
    assert header(answered, "Location") == "/redirection/lead-on"


def test_every_page_load_is_counted_once_whatever_the_portal_answers(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    for _ in range(2):
        ask()
    ask("/api/v1/")
    switch(contoso, "on")
    ask()
    assert list(traffic.counted().values()) == [[2, 1]]


def test_a_session_that_is_seen_is_marked(contoso: Tenant, ask: Ask) -> None:
    begun = ask("/")
    assert traffic._marks == {}
    cookie = "; ".join(value.partition(";")[0] for name, value in begun[1] if name == "Set-Cookie")
    again = ask("/", cookie=cookie)
    assert cookies(again) == []
    assert len(traffic._marks) == 1


def test_a_gate_that_fails_lets_everybody_through(
    contoso: Tenant,
    switch: Switch,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("not this time")

    switch(contoso, "on")
    monkeypatch.setattr("redirection.gate.visit_now", fails)
    for _ in range(3):
        answered = ask()
        # A proxy that keeps answers takes its last one.
        assert status(answered) == HTTPStatus.SERVICE_UNAVAILABLE
        assert header(answered, "Redirection-Decision") == "gate_error"
        assert header(answered, "Cache-Control") == "no-store"
    assert [record.getMessage() for record in caplog.records] == [
        "The gate failed, requests are let through"
    ]


def test_a_worker_that_knows_nothing_gives_no_answer_that_could_be_kept(
    contoso: Tenant, ask: Ask
) -> None:
    switches.forget()
    answered = ask()
    assert status(answered) == HTTPStatus.SERVICE_UNAVAILABLE
    assert header(answered, "Redirection-Decision") == "nothing_known"
    assert header(answered, "Cache-Control") == "no-store"
    # What never moves is known all the same.
    assert status(ask("/api/v1/alerts")) == HTTPStatus.NO_CONTENT
    assert status(ask(**{"sec-fetch-mode": "cors"})) == HTTPStatus.NO_CONTENT


def test_a_worker_that_knows_nothing_counts_nothing(contoso: Tenant, ask: Ask) -> None:
    switches.forget()
    ask()
    assert traffic.counted() == {}


def test_a_target_that_the_server_left_out_stays(contoso: Tenant, switch: Switch, ask: Ask) -> None:
    switch(contoso, "on")
    answered = ask("")
    assert status(answered) == HTTPStatus.NO_CONTENT
    assert header(answered, "Redirection-Decision") == "bad_target"
    assert cookies(answered) == []
    assert traffic.counted() == {}


def test_a_target_too_long_to_be_read_stays(contoso: Tenant, switch: Switch, ask: Ask) -> None:
    switch(contoso, "on")
    longest = "/" + "a" * 32_767
    assert status(ask(longest)) == HTTPStatus.FOUND
    answered = ask(f"{longest}a")
    assert status(answered) == HTTPStatus.NO_CONTENT
    assert header(answered, "Redirection-Decision") == "bad_target"


def test_a_target_too_long_to_be_read_costs_what_a_short_one_does(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")

    def calls(target: str) -> int:
        environ = {
            "REQUEST_METHOD": "GET",
            "HTTP_GATEKEY": KEY,
            "HTTP_GATEMETHOD": "GET",
            "HTTP_GATEHOST": HOST,
            "HTTP_GATETARGET": target,
        }
        gate.answer_call(environ)
        return calls_of(lambda: gate.answer_call(environ))

    assert calls("/" + "%ff" * 100_000) < calls("/audits")


def test_cookies_that_the_server_left_out_eject_nobody(
    contoso: Tenant, switch: Switch, ask: Ask
) -> None:
    switch(contoso, "on")
    # The test client says so of every request; a server names itself.
    assert status(ask(cookie="")) == HTTPStatus.FOUND
    answered = ask(cookie="", server_software="a server")
    assert status(answered) == HTTPStatus.NO_CONTENT
    decision = f"cookies_unreadable;revision={contoso.revision}"
    assert header(answered, "Redirection-Decision") == decision
    assert header(answered, "Redirection-Page-Decision") == decision
    assert header(answered, "Redirection-Cache-Control") == "private, no-cache"
    assert cookies(answered) == cookies(answered, "Redirection-Cookie-") == []


def test_the_gate_asks_no_store(
    contoso: Tenant, switch: Switch, ask: Ask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    switch(contoso, "on")
    with django_assert_num_queries(0):
        ask()
        ask("/save", "POST")


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_it_is_asked_with_get(method: str, contoso: Tenant) -> None:
    call = getattr(RequestFactory(), method)
    environ = call("/redirection/gate", headers={"gatekey": KEY, "gatehost": HOST}).environ
    answered = play(with_door(nobody), dict(environ))
    assert status(answered) == HTTPStatus.METHOD_NOT_ALLOWED
    assert header(answered, "Allow") == "GET, HEAD"


@pytest.mark.parametrize("value", ["short", ["k" * 32, "short"], "k" * 20 + " " + "k" * 20, 7])
def test_a_wrong_key_stops_the_start(value: object, settings: Settings) -> None:
    settings.REDIRECTION_GATE_KEY = value
    with pytest.raises(ImproperlyConfigured, match=r"^REDIRECTION_GATE_KEY: ") as refused:
        WSGIHandler()
    assert "kkk" not in str(refused.value)


@pytest.mark.parametrize("is_call", [True, False])
def test_an_asynchronous_stack_answers_without_a_thread(
    is_call: bool,
    contoso: Tenant,
    switch: Switch,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.MIDDLEWARE = ["redirection.middleware.RedirectionMiddleware"]
    settings.ROOT_URLCONF = "tests.test_gate"
    hops: list[object] = []

    async def hop(self: Any, *given: Any, **named: Any) -> None:
        hops.append(self.func)

    switch(contoso, "on")
    monkeypatch.setattr("asgiref.sync.SyncToAsync.__call__", hop)
    told = {"gatekey": KEY, "gatemethod": "GET", "gatehost": HOST, "gatetarget": "/audits"}
    for page, status_code in (("/audits", 302), ("/api/v1/", 200)):
        headers = {"host": HOST, **PAGE_LOAD} | (told if is_call else {})
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/redirection/gate" if is_call else page,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

        async def answered(scope: dict[str, Any] = scope) -> Any:
            handler = BaseHandler()
            handler.load_middleware(is_async=True)
            return await handler.get_response_async(ASGIRequest(scope, io.BytesIO()))

        response = asyncio.run(answered())
        assert response.status_code == (302 if is_call else status_code)
    assert hops == []


async def served(request: HttpRequest, route: str) -> HttpResponse:
    return HttpResponse("the legacy page")


urlpatterns = [path("", include("redirection.urls")), path("<path:route>", served)]
