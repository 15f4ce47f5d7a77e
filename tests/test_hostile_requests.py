"""Whatever arrives: never a 500, never a redirect to another origin, never a change."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import ada_url
import pytest
from django.test import Client, RequestFactory

from portal.models import Person
from portal.wsgi import application
from redirection.models import Change, Tenant
from tests.conftest import PAGE_LOAD, Switch
from tests.test_deep_links import HOSTILE
from tests.test_settings_page import sign_in

DESTINATION = "http://security.localhost"
TARGETS = [
    "/",
    "//",
    "//evil.example",
    "///evil.example/%2f..",
    "/\\evil.example",
    "/%5cevil.example",
    "/@evil.example",
    "@evil.example",
    "/%2f%2fevil.example",
    "/.evil.example",
    "/;@evil.example",
    "/%00",
    "/%0d%0aLocation:%20https://evil.example",
    "/%0aSet-Cookie:%20a=b",
    "/%ff%fe",
    "/%c0%af%c0%af",
    "/%e2%80%a8",
    "/..%2f..%2fetc/passwd",
    "/?tid=%00",
    "/?tid=" + "a" * 5000,
    "/?" + "a=1&" * 2000,
    "/?%ff=%fe",
    "/?next=//evil.example",
    "/audits?x=%0d%0aSet-Cookie:a=b",
    "/redirection/hand-over?from=//evil.example&tid=%00",
    "/redirection/go?from=//evil.example&fragment=//evil.example",
    "/redirection/feedback?about=%00%ff",
    "/cloudapps/settings?tabid=%00&tid=%ff",
    "/auth/sign-in?next=//evil.example",
    "/auth/signed-out?state=x",
    "/" + "a" * 8000,
    "*",
    "http://evil.example/",
]
HOSTS = [
    "contoso.portal.localhost",
    "portal.localhost",
    "security.localhost",
    "nobody.portal.localhost",
    "evil.example",
    ".portal.localhost",
    "a..b.portal.localhost",
    "contoso.portal.localhost:99999",
    "contoso.portal.localhost:80:80",
    "contoso.portal.localhost@evil.example",
    "contoso.portal.localhost evil.example",
    "contoso.portal.localhost,evil.example",
    "CONTOSO.PORTAL.LOCALHOST.",
    "[::1]",
    "",
    "\xff",
    "x" * 300,
]


def ask(method: str, target: str, host: str, body: bytes = b"", **environ: Any) -> dict[str, Any]:
    """One request as a WSGI server hands it over, with its target not tidied up."""
    path, _, query = target.partition("?")
    environ = {
        **RequestFactory()._base_environ(),
        "REQUEST_METHOD": method,
        # WSGI servers decode the path into latin-1 (PEP 3333).
        "PATH_INFO": _decoded(path),
        "QUERY_STRING": query,
        "HTTP_HOST": host,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in PAGE_LOAD.items()},
        **environ,
    }
    answer: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        answer.update(status=int(status[:3]), headers=headers)

    import io

    environ["wsgi.input"] = io.BytesIO(body)
    response = application(environ, start)
    answer["body"] = b"".join(response)
    getattr(response, "close", lambda: None)()
    return answer


def _decoded(path: str) -> str:
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(path).decode("latin-1")


def check(answer: dict[str, Any], host: str) -> None:
    assert answer["status"] < HTTPStatus.INTERNAL_SERVER_ERROR, answer
    for name, value in answer["headers"]:
        assert value.isprintable(), (name, value)
        if name == "Location":
            origin = ada_url.URL(value, f"http://{host}").origin
            assert origin in (DESTINATION, ada_url.URL(f"http://{host}").origin)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("wanted", ["on", "off"])
def test_no_request_target_breaks_it(
    target: str, wanted: str, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, wanted)
    for host in ("contoso.portal.localhost", "portal.localhost", "security.localhost"):
        check(ask("GET", target, host), host)


@pytest.mark.parametrize("host", HOSTS)
def test_no_host_breaks_it(host: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    answer = ask("GET", "/audits", host)
    assert answer["status"] < HTTPStatus.INTERNAL_SERVER_ERROR
    for name, value in answer["headers"]:
        if name == "Location":
            assert value.startswith(f"{DESTINATION}/")


@pytest.mark.parametrize(
    "name",
    ["HTTP_X_FORWARDED_HOST", "HTTP_X_ORIGINAL_URL", "HTTP_X_REWRITE_URL", "HTTP_FORWARDED"],
)
def test_a_forwarding_header_of_the_client_changes_nothing(
    name: str, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    plain = ask("GET", "/audits", "contoso.portal.localhost")
    forged = ask("GET", "/audits", "contoso.portal.localhost", **{name: "evil.example"})
    assert forged["headers"] == plain["headers"]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=nonsense",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\xff",
        "multipart/form-data; boundary=x; charset=utf-7",
        "application/json",
        "text/plain",
        "",
        "x" * 1000,
    ],
)
@pytest.mark.parametrize("path", ["/redirection/go", "/redirection/feedback", "/auth/sign-out"])
def test_no_content_type_breaks_it(content_type: str, path: str, db: None) -> None:
    body = b"from=%2B/v8&fragment=\xff\xfe+AD0-&tid=x"
    for host in ("security.localhost", "contoso.portal.localhost"):
        answer = ask(
            "POST", path, host, body, CONTENT_TYPE=content_type, CONTENT_LENGTH=str(len(body))
        )
        check(answer, host)


@pytest.mark.parametrize("length", ["-1", "x", "99999999999", ""])
def test_no_content_length_breaks_it(length: str, db: None) -> None:
    check(ask("POST", "/redirection/go", "security.localhost", b"a", CONTENT_LENGTH=length), "a")


@pytest.mark.parametrize(
    "cookie", ["\xff\xfe", "=;=;=", "a" * 9000, "portal_session=\x00", "messages=x; csrftoken=y"]
)
def test_no_cookie_breaks_it(cookie: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    for host in ("contoso.portal.localhost", "security.localhost"):
        check(ask("GET", "/", host, HTTP_COOKIE=cookie), host)


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "HEAD", "PUT", "DELETE", "PROPFIND", "x y"])
def test_no_method_breaks_it(method: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    for target in ("/", "/audits", "/redirection/go", "/cloudapps/settings"):
        for host in ("contoso.portal.localhost", "security.localhost"):
            check(ask(method, target, host), host)


@pytest.mark.parametrize("value", HOSTILE)
def test_no_form_value_breaks_the_switch(
    value: str, ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    before = Change.objects.count()
    value = value.encode("utf-8", "replace").decode()
    good = {
        "wanted": "on",
        "reason_kind": "ready",
        "reason": "x",
        "seen_revision": contoso.revision,
        "tid": contoso.tid,
    }
    for field in ("wanted", "reason_kind", "seen_revision", "tid"):
        posted = destination.post("/cloudapps/settings/switch-redirection", {**good, field: value})
        assert posted.status_code in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)
    assert Change.objects.count() == before
