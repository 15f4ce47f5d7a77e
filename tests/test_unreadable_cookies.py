"""Cookies that a server did not hand over may hold a session: nobody moves, nothing begins."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from pytest_django import Settings

from redirection import traffic, visits
from redirection.door import with_door
from redirection.models import Tenant
from redirection.rare_logs import Rarely
from tests.conftest import PAGE_LOAD, Switch
from tests.test_door import Answered, header, play

HOST = "contoso.portal.localhost"


@pytest.fixture(params=["door", "middleware"])
def application(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Any:
    settings.MIDDLEWARE = ["redirection.middleware.RedirectionMiddleware"]
    settings.ROOT_URLCONF = "tests.vectors.urls"
    monkeypatch.setattr(visits, "_without_cookies", Rarely())
    return with_door(WSGIHandler()) if request.param == "door" else WSGIHandler()


def open_page(
    application: Any, cookie: str | None = "", target: str = "/audits", **headers: str
) -> Answered:
    """A page load over a server that names itself; ``cookie`` is what it hands over."""
    sent = {"host": HOST, **PAGE_LOAD, **headers}
    environ = RequestFactory().get(target, headers=sent, SERVER_SOFTWARE="a server").environ
    del environ["HTTP_COOKIE"]
    if cookie is not None:
        environ["HTTP_COOKIE"] = cookie
    return play(application, environ)


# Of two such headers granian leaves what joins them.
@pytest.mark.parametrize("cookie", ["", ";", "; ;"])
def test_whoever_may_have_a_session_stays(
    cookie: str, application: Any, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    answered = open_page(application, cookie)
    assert answered[0] == "200 OK"
    decision = f"cookies_unreadable;revision={contoso.revision}"
    assert header(answered, "Redirection-Decision") == decision
    assert header(answered, "Set-Cookie") is None
    assert [kept for kept, _ in traffic.counted().values()] == [1]


def test_while_off_no_session_begins_anew_over_one_that_runs(
    application: Any, contoso: Tenant
) -> None:
    assert header(open_page(application), "Set-Cookie") is None
    assert header(open_page(application, None), "Set-Cookie") is not None


@pytest.mark.parametrize("cookie", [None, "a=b", "a", "="])
def test_whoever_sent_none_or_others_goes(
    cookie: str | None, application: Any, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    assert open_page(application, cookie)[0] == "302 Found"


def test_nobody_is_sent_back_in_a_loop_unseen(
    application: Any, contoso: Tenant, switch: Switch
) -> None:
    """A count that cannot be read is not begun anew."""
    switch(contoso, "on")
    came_back = {"referer": "http://security.localhost/", "sec-fetch-user": ""}
    assert header(open_page(application, **came_back), "Set-Cookie") is None


def test_the_portal_script_moves_no_tab_that_may_have_stepped_back(
    application: Any, contoso: Tenant, switch: Switch, settings: Settings
) -> None:
    switch(contoso, "on")
    target = "/redirection/state?page=/audits&load=page_load+1767600000000"
    asked = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    moves, stays = (open_page(application, cookie, target, **asked)[2] for cookie in (None, ""))
    assert f'data-since="{int(contoso.since.timestamp() * 1000)}"'.encode() in moves
    assert b"data-since" not in stays


def test_the_log_says_once_a_minute_why_people_stay(
    application: Any, contoso: Tenant, switch: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    switch(contoso, "on")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            open_page(application)
            open_page(application, None)
    assert [record.getMessage() for record in caplog.records] == [
        "The server does not hand over cookies that are not plain ASCII: who has one stays"
    ]
