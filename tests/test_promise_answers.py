"""Where the promise needs an answer of its own: after a form, and out of a loop."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory
from pytest_django import Settings

from redirection.middleware import RedirectionMiddleware
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch

DESTINATION = "http://security.localhost"
SENT_BACK = {
    **{name: value for name, value in PAGE_LOAD.items() if name != "sec-fetch-user"},
    "sec-fetch-site": "cross-site",
    "referer": f"{DESTINATION}/",
}


class Browser:
    """Cookies of one browser on contoso's legacy host."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.forms_get = HTTPStatus.FOUND

    def ask(self, path: str, method: str = "GET", **headers: str) -> HttpResponse:
        def portal(request: HttpRequest) -> HttpResponse:
            if request.method != "GET":
                return HttpResponseRedirect("/files", status=self.forms_get)
            return HttpResponse("the legacy page")

        sent = {"host": "contoso.portal.localhost"} | headers
        request = RequestFactory().generic(method, path, headers=sent)
        request.COOKIES.update(self.cookies)
        response = RedirectionMiddleware(portal)(request)
        assert isinstance(response, HttpResponse)
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
        return response


def test_the_load_after_a_form_leads_on_by_a_page(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    posted = browser.ask("/save", "POST", **PAGE_LOAD)
    assert posted["Location"] == "/files"
    assert posted.cookies["legacy_form"]["httponly"]
    response = browser.ask("/files?a=1&b=<", **PAGE_LOAD)
    assert response.status_code == HTTPStatus.OK
    page = response.content.decode()
    address = f"{DESTINATION}/cloudapps/files?a=1&b=%3C"
    assert f'content="0;url={address}"' in unescape(page)
    assert f'href="{address}"' in unescape(page)
    assert "Continue to Microsoft 365 Defender" in page
    assert response["Redirection-Decision"].startswith("new_session;")
    assert response["Cache-Control"] == "no-store"
    assert "Location" not in response
    # Once only.
    assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.FOUND


def test_the_page_that_leads_on_speaks_the_readers_language(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.ask("/save", "POST", **PAGE_LOAD)
    page = browser.ask("/files", **PAGE_LOAD, **{"accept-language": "ar"}).content.decode()
    assert '<html lang="ar" dir="rtl">' in page


def test_the_page_that_leads_on_keeps_the_part_behind_the_hash_and_is_in_no_frame(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.ask("/save", "POST", **PAGE_LOAD)
    response = browser.ask("/files", **PAGE_LOAD)
    page = response.content.decode()
    # Without JavaScript only: a refresh loses what stands behind "#".
    assert '<noscript><meta http-equiv="refresh"' in page
    assert "redirection/lead_on.js" in page
    assert response["X-Frame-Options"] == "DENY"
    # What the redirect would have left in the browser.
    assert "legacy_tenant" in browser.cookies


@pytest.mark.parametrize("value", ["", "1", "form:x:y", "x" * 9000])
def test_a_mark_nobody_wrote_says_nothing(value: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.cookies["legacy_form"] = value
    assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.FOUND


def test_ten_seconds_later_it_is_a_load_like_any_other(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        switch(contoso, "on")
        browser = Browser()
        posted = browser.ask("/save", "POST", **PAGE_LOAD)
        assert posted.cookies["legacy_form"]["max-age"] == 10
        clock.shift(11)
        assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.FOUND


def test_while_it_is_off_a_form_leaves_nothing_behind(contoso: Tenant) -> None:
    browser = Browser()
    browser.ask("/save", "POST", **PAGE_LOAD)
    assert "legacy_form" not in browser.cookies


def test_a_background_call_is_no_form(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.ask("/save", "POST", **{"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"})
    assert "legacy_form" not in browser.cookies


@pytest.mark.parametrize(
    ("status", "leads_on"),
    [
        (HTTPStatus.OK, False),
        (HTTPStatus.CREATED, False),
        (HTTPStatus.MULTIPLE_CHOICES, True),
        (HTTPStatus.SEE_OTHER, True),
        (HTTPStatus.PERMANENT_REDIRECT, True),
        (HTTPStatus.BAD_REQUEST, False),
        (HTTPStatus.INTERNAL_SERVER_ERROR, False),
    ],
)
def test_only_a_form_that_is_sent_on_is_part_of_a_chain(
    status: HTTPStatus, leads_on: bool, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.forms_get = status
    browser.ask("/save", "POST", **PAGE_LOAD)
    assert ("legacy_form" in browser.cookies) is leads_on


@pytest.mark.parametrize(
    ("method", "content_type"), [("POST", "multipart/form-data; boundary=x"), ("PUT", "text/csv")]
)
def test_an_upload_is_sent_on_as_a_form_is(
    method: str, content_type: str, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.ask("/save", method, **PAGE_LOAD, **{"content-type": content_type})
    assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("name", "method", "headers", "seconds"),
    [("legacy_form", "POST", PAGE_LOAD, 10), ("legacy_returns", "GET", SENT_BACK, 30)],
)
@pytest.mark.parametrize("secure", [True, False])
def test_what_a_browser_keeps_for_seconds_is_for_this_host_and_no_script(
    name: str,
    method: str,
    headers: dict[str, str],
    seconds: int,
    secure: bool,
    contoso: Tenant,
    switch: Switch,
    settings: Settings,
) -> None:
    settings.REDIRECTION_SESSION_COOKIE_SECURE = secure
    switch(contoso, "on")
    cookie = Browser().ask("/files", method, **headers).cookies[f"{'__Host-' * secure}{name}"]
    kept = {key: value for key, value in cookie.items() if value and key != "expires"}
    more = {"secure": True} if secure else {}
    assert kept == {
        "path": "/", "max-age": seconds, "httponly": True, "samesite": "Lax", **more,
    }  # fmt: skip


def test_a_loop_stays_stopped_however_often_it_comes_back(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    answers = [browser.ask("/files", **SENT_BACK).status_code for _ in range(15)]
    assert answers == [HTTPStatus.FOUND] * 2 + [HTTPStatus.OK] * 13


def test_the_third_time_in_a_row_the_legacy_page_is_shown(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.FOUND
    for _ in range(2):
        assert browser.ask("/files", **SENT_BACK).status_code == HTTPStatus.FOUND
    response = browser.ask("/files", **SENT_BACK)
    assert response.content == b"the legacy page"
    assert response["Redirection-Decision"] == f"loop_stopped;revision={contoso.revision}"
    # It begins no session, and whoever clicks goes.
    assert not [name for name in browser.cookies if name.startswith("legacy_session")]
    assert browser.ask("/files", **PAGE_LOAD).status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    ("headers", "is_return"),
    [
        ({}, True),
        ({"referer": f"{DESTINATION}/alerts?x=1"}, True),
        ({"referer": f"{DESTINATION}.evil.example/"}, False),
        ({"referer": "https://login.example/"}, False),
        ({"referer": ""}, True),
        ({"referer": "", "sec-fetch-site": "same-site"}, True),
        ({"referer": "", "sec-fetch-site": "none"}, False),
        ({"referer": "", "sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-user": "?1"}, False),
    ],
)
def test_a_return_is_what_nobody_clicked_for(
    headers: dict[str, str], is_return: bool, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.ask("/files", **{**SENT_BACK, **headers})
    assert ("legacy_returns" in browser.cookies) is is_return


@pytest.mark.parametrize("value", ["", "0", "10", "x", "²", "-1"])
def test_a_count_nobody_wrote_counts_nothing(value: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    browser.cookies["legacy_returns"] = value
    assert browser.ask("/files", **SENT_BACK).status_code == HTTPStatus.FOUND
    assert browser.cookies["legacy_returns"] == "1"


def test_many_tabs_restored_at_once_are_no_loop(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    browser = Browser()
    restored = {name: value for name, value in PAGE_LOAD.items() if name != "sec-fetch-user"}
    for _ in range(20):
        assert browser.ask("/files", **restored).status_code == HTTPStatus.FOUND


def test_while_it_is_off_nobody_counts_returns(contoso: Tenant) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        browser = Browser()
        browser.ask("/files", **SENT_BACK)
    assert "legacy_returns" not in browser.cookies
