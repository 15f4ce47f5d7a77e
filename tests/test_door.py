"""The WSGI door answers what Django would answer, without asking it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.validate import validator

import pytest
import time_machine
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from redirection import form_chains, legacy_sessions, traffic
from redirection.conf import conf
from redirection.decisions import LegacySession
from redirection.door import with_door
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch

HOST = "contoso.portal.localhost"
Answered = tuple[str, list[tuple[str, str]], bytes]


def play(application: Any, environ: dict[str, Any]) -> Answered:
    """Status line, headers and body."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        # White space around a value is none of it (RFC 9110, 5.5).
        started.append((status, [(name, value.strip()) for name, value in headers]))

    body = application(environ, start_response)
    content = b"".join(body)
    getattr(body, "close", lambda: None)()
    [(status, headers)] = started
    return status, headers, content


def environ_of(
    target: str = "/audits", method: str = "GET", secure: bool = False, **headers: str
) -> dict[str, Any]:
    sent = {"host": HOST, **PAGE_LOAD} | headers
    request = RequestFactory().generic(method, target, secure=secure, headers=sent)
    return dict(request.environ)


def header(answered: Answered, name: str) -> str | None:
    return dict(answered[1]).get(name)


@pytest.fixture
def django() -> Any:
    return WSGIHandler()


@pytest.fixture
def unasked() -> Callable[..., Iterable[bytes]]:
    """A site that knows its headers, and must not be asked for anything else."""

    class Unasked:
        def __init__(self) -> None:
            self.site = WSGIHandler()

        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            assert "redirection.probe" in environ
            return self.site(environ, start_response)

    return Unasked()


def session_cookie(tenant: Tenant, started: int, seen: int) -> str:
    response = HttpResponse()
    session = LegacySession(str(tenant.tid), started, seen)
    legacy_sessions.write(conf(), response, session, "portal.localhost")
    return "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())


TARGETS = [
    "/audits?activity.id=eq(abc123,)",
    "/",
    "/?x=1&tid=22222222-2222-4222-8222-222222222222",
    "/alerts/5f2a",
    "/never-heard-of",
    "//evil.example/x",
    "/\\evil.example",
    "/@evil.example",
    "/%2f%2fevil.example",
    "/%0d%0aSet-Cookie:%20a=b?%0d%0aX:%20y",
    "/%C3%A9t%C3%A9?q=%E2%9C%93",
    "/%ff?%ff",
    "/audits?" + "a" * 8000,
    "/audits?" + "[" * 6000,
    "/" + "[" * 20_000,
    "/api/v1/alerts/",
    "/redirection/feedback",
]
HEADERS: list[dict[str, str]] = [
    {},
    {"sec-fetch-dest": "iframe"},
    {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"},
    {"sec-purpose": "prefetch;prerender"},
    {"sec-fetch-user": "", "sec-fetch-site": "cross-site", "referer": "http://security.localhost/"},
    {"cookie": "legacy_tenant=11111111-1111-4111-8111-111111111111"},
    {"cookie": 'legacy_returns=2; broken; =; a=b=c; legacy_tenant="x"'},
    {"host": "portal.localhost", "cookie": "legacy_tenant=11111111-1111-4111-8111-111111111111"},
    {"host": "contoso.eu.portal.localhost:8000"},
    {"host": "nobody.portal.localhost"},
    {"host": "security.localhost"},
    {"host": "evil.example"},
    {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil"},
]  # fmt: skip


def unmasked(answered: Answered) -> Answered:
    """Without what is never the same twice: the token of a form, the number of a refusal."""
    status, headers, body = answered
    kept = [
        (name, re.sub("(?:csrftoken|portal_csrf)=[^;]+|sessionid=[^;]+", "token", value))
        for name, value in headers
    ]
    return status, kept, re.sub(rb'value="\w{64}"|Reference: \w+', b"", body)


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize("headers", HEADERS)
def test_the_same_requests_get_the_same_answers_byte_for_byte(
    headers: dict[str, str],
    https: bool,
    contoso: Tenant,
    fabrikam: Tenant,
    switch: Switch,
    settings: Settings,
) -> None:
    if https:
        settings.SECURE_SSL_REDIRECT = settings.REDIRECTION_SESSION_COOKIE_SECURE = True
        settings.SECURE_HSTS_SECONDS = 31_536_000
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    django, behind_the_door = WSGIHandler(), with_door(WSGIHandler())
    redirects = 0
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        switch(contoso, "on")
        few = TARGETS[:4]
        plays = [("GET", https, TARGETS), ("GET", not https, few), ("HEAD", https, few)]
        for method, secure, targets in [*plays, ("POST", https, few)]:
            for target in targets:
                environ = environ_of(target, method, secure, **headers)
                wanted = unmasked(play(django, dict(environ)))
                assert unmasked(play(behind_the_door, dict(environ))) == wanted, target
                redirects += wanted[0].startswith("302")
    assert redirects or headers


def test_a_redirect_does_not_ask_django(
    contoso: Tenant,
    switch: Switch,
    unasked: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    switch(contoso, "on")
    behind_the_door = with_door(unasked)
    with django_assert_num_queries(0):
        for target in ("/audits?a=1", "/", "/alerts/5f2a"):
            assert play(behind_the_door, environ_of(target))[0] == "302 Found"
        ahead = play(behind_the_door, environ_of(**{"sec-purpose": "prefetch"}))
    assert ahead[0] == "503 Service Unavailable"
    assert header(ahead, "Redirection-Decision") == f"ahead_of_time;revision={contoso.revision}"


def test_the_door_speaks_wsgi_by_the_letter(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    environ = environ_of("/audits")
    environ |= {"QUERY_STRING": "", "wsgi.errors": __import__("sys").stderr}

    class Input:
        def __getattr__(self, name: str) -> Any:
            return lambda *_: b""

    environ["wsgi.input"] = Input()
    # What a server may rely on, except that both hands over the very dictionary.
    answered = play(validator(with_door(WSGIHandler())), environ)
    assert answered[0] == "302 Found"


def test_it_counts_what_the_middleware_counts(contoso: Tenant, switch: Switch) -> None:
    def counted(application: Any) -> Any:
        traffic.forget()
        with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
            for target in ("/audits", "/", "/never-heard-of"):
                play(application, environ_of(target))
                play(application, environ_of(target, **{"sec-purpose": "prefetch"}))
                play(application, environ_of(target, "HEAD"))
        return traffic.counted()

    # While it is off, the sample portal answers an unknown page with an error.
    for wanted, loads in (("on", 3), ("off", 2)):
        switch(contoso, wanted)
        through_django = counted(WSGIHandler())
        assert sum(map(sum, through_django.values())) == loads
        # The probe for the site's headers counts nothing.
        assert counted(with_door(WSGIHandler())) == through_django


def test_what_stays_is_decided_once(
    contoso: Tenant, django: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = []
    from redirection import visits

    whole = visits.visit_at
    monkeypatch.setattr(visits, "visit_at", lambda *given: decided.append(given) or whole(*given))
    answered = play(with_door(django), environ_of("/"))
    assert answered[0] == "200 OK"
    assert header(answered, "Redirection-Decision") == f"off;revision={contoso.revision}"
    assert len(decided) == 1


def test_a_client_cannot_bring_a_visit_along(contoso: Tenant, django: Any) -> None:
    sent = {"redirection.visit": "x", "redirection.probe": "x", "redirection-visit": "x"}
    assert play(with_door(django), environ_of("/", **sent))[0] == "200 OK"


def test_plain_http_goes_to_https_first(
    contoso: Tenant, switch: Switch, settings: Settings
) -> None:
    switch(contoso, "on")
    settings.SECURE_SSL_REDIRECT = True
    answered = play(with_door(WSGIHandler()), environ_of("/audits"))
    assert answered[0].startswith("301")
    assert header(answered, "Location") == f"https://{HOST}/audits"


def test_the_page_after_a_form_is_djangos(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    mark = form_chains.marking(conf())
    environ = environ_of("/files", cookie=f"{mark.name}={mark.value}")
    answered = play(with_door(WSGIHandler()), environ)
    assert answered[0] == "200 OK"
    assert b"Continue to Microsoft 365 Defender" in answered[2]


def test_where_the_door_fails_django_answers(
    contoso: Tenant,
    switch: Switch,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("not this time")

    switch(contoso, "on")
    monkeypatch.setattr("redirection.door.of_environ", fails)
    behind_the_door = with_door(WSGIHandler())
    for _ in range(3):
        assert play(behind_the_door, environ_of("/audits"))[0] == "302 Found"
    lines = [record for record in caplog.records if record.name == "redirection.door"]
    assert [line.getMessage() for line in lines] == ["The door failed, Django answers"]


class AddsANonce:
    """A middleware whose header is never the same twice."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.count = 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        self.count += 1
        response["X-Request-Number"] = str(self.count)
        return response


class SetsACookie(AddsANonce):
    """A middleware that gives everybody a cookie."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.set_cookie("everybody", "1")
        return response


class SaysNo(AddsANonce):
    """A middleware that answers in front of everything."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)


@pytest.mark.parametrize(
    ("name", "status"),
    [("AddsANonce", "302 Found"), ("SetsACookie", "302 Found"), ("SaysNo", "401 Unauthorized")],
)
def test_where_headers_cannot_be_told_beforehand_django_answers(
    name: str,
    status: str,
    contoso: Tenant,
    switch: Switch,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.MIDDLEWARE = [f"tests.test_door.{name}", *settings.MIDDLEWARE]
    switch(contoso, "on")
    behind_the_door = with_door(WSGIHandler())
    with caplog.at_level(logging.WARNING, "redirection.door"):
        for _ in range(2):
            assert play(behind_the_door, environ_of("/audits"))[0] == status
    assert len([record for record in caplog.records if record.name == "redirection.door"]) == 1


def test_a_session_from_before_the_switch_goes_on(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        now = 1_767_600_000_000
        cookie = session_cookie(contoso, now - 60_000, now - 1000)
        switch(contoso, "on")
        behind_the_door = with_door(WSGIHandler())
        assert play(behind_the_door, environ_of("/", cookie=cookie))[0] == "200 OK"
        clock.shift(3601)
        ended = play(behind_the_door, environ_of("/", cookie=cookie))
    assert ended[0] == "302 Found"
    assert str(header(ended, "Redirection-Decision")).startswith("session_ended;")
