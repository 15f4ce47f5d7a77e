"""Every kind of request, what it may do, and the document that says so."""

from __future__ import annotations

import io
from http import HTTPStatus
from pathlib import Path

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from hypothesis import given, strategies as st

from redirection import traffic
from redirection.accept_headers import accepts_html
from redirection.conf import DEFAULT_EXEMPT_PATHS
from redirection.decisions import is_exempt
from redirection.middleware import RedirectionMiddleware
from redirection.models import Tenant
from redirection.request_classes import (
    TREATMENTS,
    PageLoadHints,
    RequestClass,
    Treatment,
    is_page_load,
    request_class,
)
from tests.conftest import PAGE_LOAD, Switch

DOCUMENT = Path(__file__).parent.parent / "docs" / "requests.md"
HTML = PAGE_LOAD["accept"]
C = RequestClass
EXAMPLES = [
    (C.PAGE_LOAD, PageLoadHints("GET", "navigate", "document", accept=HTML)),
    # Navigation preload of a service worker, which a header of its own marks.
    (C.PAGE_LOAD, PageLoadHints("GET", "navigate", "document", service_worker="")),
    (C.OLD_BROWSER, PageLoadHints("GET", accept=HTML)),
    (C.OLD_BROWSER, PageLoadHints("GET", accept="application/xhtml+xml, */*")),
    (C.COMMAND_LINE, PageLoadHints("GET", accept="*/*")),
    (C.HEAD, PageLoadHints("HEAD", "navigate", "document")),
    (C.HEAD, PageLoadHints("HEAD", accept="*/*")),
    (C.AHEAD_OF_TIME, PageLoadHints("GET", "navigate", "document", purposes="prefetch")),
    (C.AHEAD_OF_TIME, PageLoadHints("GET", "navigate", "document", purposes="Prefetch;Prerender")),
    (C.AHEAD_OF_TIME, PageLoadHints("GET", "no-cors", "empty", accept=HTML, purposes="prefetch")),
    (C.AHEAD_OF_TIME, PageLoadHints("GET", accept=HTML, purposes="preview")),
    (C.PASSED_ON, PageLoadHints("GET", "navigate", "empty", accept=HTML)),
    *((C.EMBEDDED, PageLoadHints("GET", "navigate", dest, accept=HTML))
      for dest in ("iframe", "frame", "embed", "object", "fencedframe")),
    (C.FORM_POST, PageLoadHints("POST", "navigate", "document", accept=HTML)),
    (C.FORM_POST, PageLoadHints("POST", "navigate", "iframe", accept=HTML)),
    (C.FORM_POST, PageLoadHints("POST", accept=HTML)),
    (C.UPLOAD, PageLoadHints("POST", "navigate", "document", content_type="multipart/form-data")),
    (C.UPLOAD, PageLoadHints("POST", "cors", "empty", content_type="Multipart/form-data; b=1")),
    (C.UPLOAD, PageLoadHints("PUT", "cors", "empty")),
    (C.FETCH, PageLoadHints("GET", "cors", "empty", accept="*/*")),
    (C.FETCH, PageLoadHints("HEAD", "same-origin", "empty", accept="*/*")),
    (C.FETCH, PageLoadHints("POST", "no-cors", "empty", accept="*/*")),
    (C.FETCH, PageLoadHints("DELETE", "cors", "empty")),
    (C.FETCH, PageLoadHints("PATCH")),
    (C.FETCH, PageLoadHints("POST", requested_with="XMLHttpRequest")),
    (C.FETCH, PageLoadHints("GET", requested_with="XMLHttpRequest", accept=HTML)),
    (C.FETCH, PageLoadHints("GET", "cors", "image", requested_with="XMLHttpRequest")),
    (C.EVENT_STREAM, PageLoadHints("GET", "cors", "empty", accept="text/event-stream")),
    (C.EVENT_STREAM, PageLoadHints("GET", accept="text/event-stream")),
    (C.WEB_SOCKET, PageLoadHints("GET", upgrade="websocket")),
    (C.WEB_SOCKET, PageLoadHints("GET", "websocket", "empty", upgrade="WebSocket", accept=HTML)),
    (C.WEB_SOCKET, PageLoadHints("GET", "websocket", "empty", accept=HTML)),
    (C.WORKER_SCRIPT, PageLoadHints("GET", "same-origin", "serviceworker", accept="*/*")),
    (C.WORKER_SCRIPT, PageLoadHints("GET", accept="*/*", service_worker="script")),
    (C.WORKER_SCRIPT, PageLoadHints("GET", "same-origin", "worker", accept="*/*")),
    (C.SUBRESOURCE, PageLoadHints("GET", "no-cors", "image", accept="image/*,*/*;q=0.8")),
    (C.SUBRESOURCE, PageLoadHints("GET", "no-cors", "script", accept="*/*")),
    (C.SUBRESOURCE, PageLoadHints("GET", "no-cors", "script", accept="*/*", purposes="prefetch")),
    # Neither half of Fetch Metadata says enough.
    (C.SUBRESOURCE, PageLoadHints("GET", "navigate", None, accept=HTML)),
    (C.SUBRESOURCE, PageLoadHints("GET", None, "document", accept=HTML)),
    (C.SUBRESOURCE, PageLoadHints("GET", "navigate", "never-heard-of", accept=HTML)),
    (C.API_CLIENT, PageLoadHints("GET", accept="application/json")),
    (C.API_CLIENT, PageLoadHints("GET")),
    (C.API_CLIENT, PageLoadHints("HEAD", accept="image/png")),
    (C.OTHER_METHOD, PageLoadHints("OPTIONS", accept=HTML)),
    (C.OTHER_METHOD, PageLoadHints("get", "navigate", "document")),
    (C.OTHER_METHOD, PageLoadHints("PROPFIND", accept=HTML)),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "hints"), EXAMPLES)
def test_every_request_has_its_class(expected: RequestClass, hints: PageLoadHints) -> None:
    assert request_class(hints) is expected


def test_every_class_has_an_example_and_a_treatment() -> None:
    assert {expected for expected, _ in EXAMPLES} == set(RequestClass) == set(TREATMENTS)


def test_the_document_says_what_the_code_does() -> None:
    rows = [
        [cell.strip() for cell in line.strip("| \n").split(" | ")]
        for line in DOCUMENT.read_text().splitlines()
        if line.startswith("| `")
    ]
    said = {
        row[0].strip("`"): Treatment(*(cell.partition(" ")[0] == "yes" for cell in row[2:]))
        for row in rows
    }
    assert said == {str(name): treatment for name, treatment in TREATMENTS.items()}


def test_the_document_names_every_exempt_path() -> None:
    text = DOCUMENT.read_text()
    assert [path for path in DEFAULT_EXEMPT_PATHS if f"`{path}`" not in text] == []


@given(
    st.builds(
        PageLoadHints,
        st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "TRACE"]),
        st.none() | st.sampled_from(["navigate", "cors", "no-cors", "websocket"]) | st.text(),
        st.none() | st.sampled_from(["document", "empty", "iframe", "image"]) | st.text(),
        st.none() | st.text(),
        st.none() | st.text(),
        st.text(),
        st.none() | st.text(),
        st.none() | st.text(),
        st.text(),
    )
)
def test_whatever_a_request_says_only_a_page_of_a_tab_moves(hints: PageLoadHints) -> None:
    if not TREATMENTS[request_class(hints)].moves:
        return
    assert hints.method in ("GET", "HEAD")
    if (hints.fetch_mode or hints.fetch_dest) and not hints.purposes:
        assert (hints.fetch_mode, hints.fetch_dest) == ("navigate", "document")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/alerts/", "/api/oauth/saga", "/api/oauth/connect", "/api/docs", "/cas/api/v1/alerts",
     "/oauth2/login", "/saml/consumer", "/downloads/agent.msi", "/robots.txt", "/favicon.ico",
     "/.well-known/security.txt"],
)  # fmt: skip
def test_what_is_no_page_is_exempt_from_the_beginning(path: str) -> None:
    assert is_exempt(path, DEFAULT_EXEMPT_PATHS)


# --- The same through the middleware -------------------------------------------------------

PREFETCH = {**PAGE_LOAD, "sec-purpose": "prefetch"}
PRERENDER = {**PAGE_LOAD, "sec-purpose": "prefetch;prerender"}
EIGHT = "2026-01-05T08:00:00Z"


def ask(
    path: str = "/", *, method: str = "GET", cookies: dict[str, str] | None = None, **headers: str
) -> HttpResponse:
    """What a request to contoso's legacy host is answered."""

    def served(request: HttpRequest) -> HttpResponse:
        return HttpResponse("the legacy page")

    sent = {"host": "contoso.portal.localhost"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = RequestFactory().generic(method, path, headers=sent)
    request.COOKIES.update(cookies or {})
    response = RedirectionMiddleware(served)(request)
    assert isinstance(response, HttpResponse)
    return response


def cookies_of(response: HttpResponse) -> dict[str, str]:
    return {name: morsel.value for name, morsel in response.cookies.items()}


@pytest.mark.parametrize("headers", [PREFETCH, PRERENDER])
def test_a_prefetch_that_would_go_is_refused_and_leaves_no_trace(
    headers: dict[str, str], contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    response = ask(**headers)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert (response.content, response["Cache-Control"]) == (b"", "no-store")
    assert response["Redirection-Decision"] == f"ahead_of_time;revision={contoso.revision}"
    assert "Location" not in response
    assert not response.cookies
    assert not traffic.counted()


def test_a_prefetch_that_would_begin_a_session_is_refused(contoso: Tenant) -> None:
    response = ask(**PREFETCH)
    assert response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert not response.cookies


def test_a_prefetch_in_a_running_session_touches_nothing(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel(EIGHT, tick=False) as clock:
        cookies = cookies_of(ask(**PAGE_LOAD))
        traffic.forget()
        clock.shift(600)
        switch(contoso, "on")
        clock.shift(600)
        response = ask(cookies=cookies, **PREFETCH)
        assert response.content == b"the legacy page"
        assert not response.cookies
        assert not traffic.counted()
        # The session is as old as it was: half an hour later it is idle.
        clock.shift(2_401)
        assert ask(cookies=cookies, **PAGE_LOAD).status_code == HTTPStatus.FOUND


def test_a_prefetch_of_what_is_no_page_is_let_through(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert ask("/static/redirection/portal.js", **PREFETCH).content == b"the legacy page"


@pytest.mark.parametrize(
    ("method", "headers", "renews"),
    [
        ("GET", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, True),
        ("GET", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}, True),
        ("POST", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, True),
        ("PUT", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, True),
        ("GET", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, True),
        ("GET", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, False),
        ("GET", {"accept": "text/event-stream", "sec-fetch-mode": "cors"}, False),
        ("GET", {"upgrade": "websocket"}, False),
        ("GET", {"service-worker": "script", "sec-fetch-dest": "serviceworker"}, False),
        ("OPTIONS", {"accept": "*/*"}, False),
        ("HEAD", PAGE_LOAD, False),
    ],
)
def test_who_is_at_work_keeps_the_session_alive(
    method: str, headers: dict[str, str], renews: bool, contoso: Tenant, switch: Switch
) -> None:
    with time_machine.travel(EIGHT, tick=False) as clock:
        cookies = cookies_of(ask(**PAGE_LOAD))
        clock.shift(60)
        switch(contoso, "on")
        clock.shift(1_800)
        response = ask(method=method, cookies=cookies, **headers)
        assert response.status_code == HTTPStatus.OK
        assert bool(response.cookies) is renews
        # Nobody else may be given the cookie by a cache.
        assert not renews or "private" in response["Cache-Control"]


@pytest.mark.parametrize("headers", [{"accept": "*/*"}, {"accept": HTML}, PAGE_LOAD])
def test_a_head_request_is_told_the_way_and_begins_nothing(
    headers: dict[str, str], contoso: Tenant, switch: Switch
) -> None:
    assert "legacy_session" not in str(ask(method="HEAD", **headers).cookies)
    switch(contoso, "on")
    assert ask(method="HEAD", **headers).status_code == HTTPStatus.FOUND
    assert not traffic.counted()


def test_curl_is_told_the_way(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    response = ask("/files", accept="*/*", user_agent="curl/8.5.0")
    assert response["Location"] == "http://security.localhost/cloudapps/files"


def test_no_program_is_known_by_its_name(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    for name in ("Googlebot/2.1", "Slackbot-LinkExpanding 1.0", "kube-probe/1.30", "Mozilla/5.0"):
        assert ask(accept="*/*", user_agent=name).status_code == HTTPStatus.FOUND


def test_a_navigation_passed_on_by_a_service_worker_begins_a_session(
    contoso: Tenant, switch: Switch
) -> None:
    passed_on = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty", "accept": HTML}
    with time_machine.travel(EIGHT, tick=False) as clock:
        cookies = cookies_of(ask(**passed_on))
        clock.shift(60)
        switch(contoso, "on")
        # A reload that goes around the worker finds it.
        assert ask(cookies=cookies, **PAGE_LOAD).status_code == HTTPStatus.OK
        assert ask(**passed_on).status_code == HTTPStatus.OK


def test_an_upload_of_any_size_is_not_read_here(contoso: Tenant, switch: Switch) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("somebody read the body")

    switch(contoso, "on")
    request = RequestFactory().post("/files", headers={"host": "contoso.portal.localhost"})
    request.META |= {"CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": Unread()}
    response = RedirectionMiddleware(lambda _: HttpResponse("taken"))(request)
    assert isinstance(response, HttpResponse)
    assert response.content == b"taken"


# --- What the classes rest on --------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_navigation_of_a_tab_is_a_page_load(method: str) -> None:
    assert is_page_load(PageLoadHints(method, "navigate", "document", "XMLHttpRequest", None))


@pytest.mark.parametrize(
    "hints",
    [
        PageLoadHints("POST", "navigate", "document", None, "text/html"),
        PageLoadHints("PUT", "cors", "empty", None, "*/*"),
        PageLoadHints("OPTIONS", None, None, None, "text/html"),
        PageLoadHints("get", "navigate", "document"),
        PageLoadHints("GET", "navigate", "iframe", None, "text/html"),
        PageLoadHints("GET", "navigate", None, None, "text/html"),
        PageLoadHints("GET", None, "document", None, "text/html"),
        PageLoadHints("GET", "cors", "empty", None, "text/html"),
        PageLoadHints("GET", "no-cors", "image", None, "image/png"),
        PageLoadHints("GET", "websocket", "empty"),
        PageLoadHints("GET", None, None, "XMLHttpRequest", "text/html"),
        PageLoadHints("GET", None, None, None, "application/json"),
        PageLoadHints("GET", None, None, None, "text/event-stream"),
        PageLoadHints("GET", None, None, None, None),
    ],
)
def test_everything_else_is_no_page_load(hints: PageLoadHints) -> None:
    assert not is_page_load(hints)


def test_an_old_browser_is_known_by_what_it_accepts() -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert is_page_load(PageLoadHints("GET", accept=accept))


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("text/html", True),
        ("TEXT/HTML; q=0.1", True),
        ("*/*", True),
        ("text/*;q=0.5", True),
        ("application/xhtml+xml", True),
        ("application/json, */*;q=0", False),
        ("text/html;q=0, */*", False),
        ("*/*, text/html;q=0", False),
        ("text/html;q=high", False),
        ("text/html;level=1;q=0.3", True),
        ("application/json", False),
        ("", False),
        (None, False),
    ],
)
def test_accept_is_read_as_the_standard_says(accept: str | None, takes: bool) -> None:
    assert accepts_html(accept) is takes


@given(st.text())
def test_no_accept_header_breaks_it(accept: str) -> None:
    assert accepts_html(accept) in (True, False)
