"""A request is the same, whoever received it: Django, the WSGI server, or a proxy."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from django.core.handlers.wsgi import WSGIRequest
from hypothesis import given, strategies as st
from pytest_django import Settings

from redirection.conf import conf
from redirection.legacy_requests import LegacyRequest
from redirection.received_requests import of_django, of_environ, of_target
from tests.executed_calls import calls_of

HOSTS = (
    "contoso.portal.localhost",
    "CONTOSO.Portal.localhost:8000",
    "contoso.portal.localhost.",
    ".portal.localhost",
    "a..b.portal.localhost",
    "contoso.portal.localhost:",
    "contoso.portal.localhost:99999999",
    "evil.example",
    "contoso.portal.localhost@evil.example",
    "contoso.portal.localhost,evil.example",
    "[::1]",
    "",
    " contoso.portal.localhost",
    "x" * 250 + ".portal.localhost",
    "x" * 9000,
)
TARGETS = (
    "/",
    "/audits?activity.id=eq(abc123,)",
    "//evil.example/a",
    "/\\evil.example",
    "/@evil.example",
    "/%2f%2fevil.example?x=%2f",
    "/%0d%0aSet-Cookie:x=1?%0d%0a",
    "/%00",
    "/%C3%A9t%C3%A9?q=%C3%A9",
    "/\xc3\xa9?q=\xc3\xa9",
    "/%ff%fe?%ff",
    "/%e2%82/%c3%28%ED%A0%80%f0%9f%98a%c3%a9%80",
    "/a%3Fb%23c?d?e",
    "/a;b=c/d e?f g",
    "/?tid=11111111-1111-4111-8111-111111111111",
    "/" + "a" * 8000 + "?" + "b" * 8000,
    "/?",
    "@evil.example/x",
    "*",
    "",
)


def environ_of(target: str, host: str = "contoso.portal.localhost", **more: str) -> dict[str, Any]:
    """What a WSGI server makes of a request line and a Host header (PEP 3333)."""
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": host,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        **more,
    }


def seen(request: LegacyRequest) -> tuple[object, ...]:
    """All that the decision may ask of it."""
    host = conf().legacy_hosts.parse(request.host)
    return host, request.method, request.path, request.page, request.target, request.cookies


@pytest.mark.parametrize("target", TARGETS)
def test_the_door_reads_a_target_as_django_does(target: str) -> None:
    environ = environ_of(target)
    django = WSGIRequest(dict(environ))
    received = of_environ(environ)
    assert received.path == django.path_info
    assert received.target == django.get_full_path()
    assert seen(received) == seen(of_django(django))


@pytest.mark.parametrize("target", TARGETS)
def test_the_gate_reads_a_target_as_a_server_does(target: str) -> None:
    environ = environ_of(target)
    told = of_target("GET", environ["HTTP_HOST"], target, environ)
    assert seen(told) == seen(of_environ(environ))


@pytest.mark.parametrize("host", HOSTS)
def test_all_of_them_take_the_same_hosts_for_legacy_hosts(host: str) -> None:
    environ = environ_of("/", host)
    wanted = seen(of_django(WSGIRequest(dict(environ))))
    assert seen(of_environ(environ)) == wanted
    assert seen(of_target("GET", host, "/", environ)) == wanted


@given(
    host=st.sampled_from(HOSTS) | st.text(st.characters(max_codepoint=255), max_size=40),
    target=st.sampled_from(TARGETS) | st.text(st.characters(max_codepoint=255), max_size=60),
    cookie=st.text(st.characters(max_codepoint=255), max_size=60),
)
def test_whatever_arrives_all_of_them_read_the_same(host: str, target: str, cookie: str) -> None:
    environ = environ_of(target, host, HTTP_COOKIE=cookie)
    django = WSGIRequest(dict(environ))
    wanted = seen(of_django(django))
    assert seen(of_environ(environ)) == wanted
    assert of_environ(environ).target == django.get_full_path()
    if "://" not in target:
        assert seen(of_target("GET", host, target, environ)) == wanted


@pytest.mark.parametrize(
    "read",
    [
        lambda target: of_target("GET", "contoso.portal.localhost", target, {}).path,
        lambda target: of_environ(environ_of(target)).path,
    ],
    ids=["gate", "door"],
)
@pytest.mark.parametrize("part", ["%ff", "%c3", "%e2%82a", "%c3%a9%ff"])
def test_what_is_no_text_is_read_in_one_go(read: Callable[[str], str], part: str) -> None:
    assert read(f"/{part}")
    short, long = f"/{part}", "/" + part * 33_000
    assert calls_of(lambda: read(long)) <= calls_of(lambda: read(short)) + 10


def test_below_a_prefix_the_path_is_the_sites_and_the_address_is_whole() -> None:
    environ = environ_of("/api/x") | {"SCRIPT_NAME": "/portal"}
    received = of_environ(environ)
    assert (received.path, received.target) == ("/api/x", "/portal/api/x")
    assert seen(received) == seen(of_django(WSGIRequest(dict(environ))))


def test_a_forwarded_host_counts_where_django_is_told_so(settings: Settings) -> None:
    environ = environ_of("/") | {"HTTP_X_FORWARDED_HOST": "fabrikam.portal.localhost"}
    assert of_environ(environ).host == "contoso.portal.localhost"
    settings.USE_X_FORWARDED_HOST = True
    assert of_environ(environ).host == "fabrikam.portal.localhost"


def test_a_request_without_a_host_has_the_servers_name(settings: Settings) -> None:
    environ = environ_of("/") | {"SERVER_NAME": "contoso.portal.localhost"}
    del environ["HTTP_HOST"]
    assert of_environ(environ).host == "contoso.portal.localhost"


def test_a_host_that_is_no_longer_served_is_forgotten(settings: Settings) -> None:
    assert of_environ(environ_of("/")).host
    settings.ALLOWED_HOSTS = ["security.localhost"]
    assert not of_environ(environ_of("/")).host


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/audits?a=1",
        "HTTPS://evil.example:8443/audits?a=1",
        "http://user@evil.example/audits?a=1",
    ],
)
def test_of_an_absolute_target_only_the_path_counts(target: str) -> None:
    told = of_target("GET", "contoso.portal.localhost", target, {})
    assert (told.host, told.target) == ("contoso.portal.localhost", "/audits?a=1")


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("http://evil.example", "/"),
        ("http://evil.example?a=1", "/?a=1"),
        ("ftp://x/y", "/ftp:/x/y"),
    ],
)
def test_an_absolute_target_without_a_path_is_the_start_page(target: str, found: str) -> None:
    assert of_target("GET", "contoso.portal.localhost", target, {}).target == found


def test_cookies_are_read_once_and_only_when_asked_for() -> None:
    asked = []

    def read() -> dict[str, str]:
        asked.append(1)
        return {"a": "b"}

    request = LegacyRequest("GET", "/", "/", "", {}, lambda: "", read)
    assert asked == []
    assert (request.cookies, request.cookies) == ({"a": "b"}, {"a": "b"})
    assert asked == [1]
