"""The banner of a page that is open: asked for by its script, while the page stays as it is."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus
from pathlib import Path

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Person
from redirection.models import Tenant
from tests.conftest import Switch
from tests.test_settings_page import sign_in

ASKS = {
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    "accept": "*/*",
}
EIGHT = "2026-01-05T08:00:00Z"


def ask(browser: Client, tenant: Tenant, page: str = "/", **headers: str) -> HttpResponse:
    sent = ASKS | {name.replace("_", "-"): value for name, value in headers.items()}
    response = browser.get(
        "/redirection/here", {"tid": str(tenant.tid), "page": page}, headers=sent
    )
    assert isinstance(response, HttpResponse)
    return response


def text(response: HttpResponse) -> str:
    return " ".join(unescape(response.content.decode()).split())


def test_a_switch_shows_in_a_page_that_is_open_and_goes_with_the_next(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    with time_machine.travel(EIGHT, tick=False) as clock:
        legacy.get("/")
        before = text(ask(legacy, contoso))
        clock.shift(600)
        switch(contoso, "on")
        shown = text(ask(legacy, contoso))
        assert "Automatic redirection is on since" in shown
        assert 'datetime="2026-01-05T08:10:00+00:00"' in shown
        # Begun at eight, and the limit is twelve hours.
        assert 'datetime="2026-01-05T20:00:00+00:00"' in shown
        assert "After 60 minutes without activity" in shown
        assert "data-state=" in shown
        switch(contoso, "off")
        assert "is on since" not in text(ask(legacy, contoso))
        assert "is moving to" in before


def test_one_minute_is_one_minute(
    contoso: Tenant, legacy: Client, switch: Switch, settings: Settings
) -> None:
    settings.REDIRECTION_SESSION_IDLE = 60
    with time_machine.travel(EIGHT, tick=False) as clock:
        legacy.get("/")
        clock.shift(10)
        switch(contoso, "on")
        assert "After 1 minute without activity" in text(ask(legacy, contoso))


def test_a_stranger_is_told_nothing(contoso: Tenant, legacy: Client, switch: Switch) -> None:
    switch(contoso, "on")
    assert ask(legacy, contoso).status_code == HTTPStatus.NO_CONTENT


def test_a_browser_without_sec_fetch_headers_keeps_its_banner(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    sent = {"x-requested-with": "XMLHttpRequest", "accept": "*/*"}
    old = Client(headers={"host": "contoso.portal.localhost", "accept": "text/html"})
    old.get("/")
    switch(contoso, "on")
    shown = old.get(f"/redirection/here?tid={contoso.tid}&page=/", headers=sent)
    assert "Automatic redirection is on since" in text(shown)  # type: ignore[arg-type]
    script = Path(__file__).parent.parent / "redirection" / "static" / "redirection" / "portal.js"
    assert 'setRequestHeader("X-Requested-With", "XMLHttpRequest")' in script.read_text()


def test_asking_keeps_no_session_alive(contoso: Tenant, legacy: Client, switch: Switch) -> None:
    with time_machine.travel(EIGHT, tick=False) as clock:
        legacy.get("/")
        clock.shift(60)
        switch(contoso, "on")
        for _ in range(60):
            clock.shift(60)
            assert "legacy_session" not in str(ask(legacy, contoso).cookies)
        shown = text(ask(legacy, contoso))
        assert "Your session here has ended" in shown
        assert "can still be sent" in shown
        assert "at the latest" not in shown


def test_asking_keeps_nobody_signed_in(ada: Person, contoso: Tenant, legacy: Client) -> None:
    with time_machine.travel(EIGHT, tick=False) as clock:
        sign_in(legacy, ada)
        legacy.get("/")
        for _ in range(61):
            clock.shift(60)
            shown = text(ask(legacy, contoso))
        assert "Configure automatic redirection" not in shown


def test_nothing_to_say_is_said_with_nothing(contoso: Tenant, legacy: Client) -> None:
    legacy.post("/redirection/close-banner", {"variant": "inform", "next": "/"})
    response = ask(legacy, contoso)
    assert (response.status_code, response.content) == (HTTPStatus.NO_CONTENT, b"")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("site", ["same-site", "cross-site", "none"])
def test_only_a_page_of_the_same_origin_asks(site: str, contoso: Tenant, legacy: Client) -> None:
    assert ask(legacy, contoso, sec_fetch_site=site).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("page", ["//evil.example", "https://evil.example/", "/\\evil.example", ""])
def test_a_page_elsewhere_is_the_start_page(page: str, contoso: Tenant, legacy: Client) -> None:
    shown = text(ask(legacy, contoso, page))
    assert "evil.example" not in shown
    assert "from=/" in shown


def test_the_links_are_about_the_page_that_is_open(contoso: Tenant, legacy: Client) -> None:
    shown = text(ask(legacy, contoso, "/audits?a=1"))
    assert "from=/audits%3Fa%3D1" in shown
    assert 'name="next" value="/audits?a=1"' in shown


def test_while_it_is_on_nothing_is_looked_up(
    contoso: Tenant,
    legacy: Client,
    switch: Switch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    legacy.get("/")
    switch(contoso, "on")
    with django_assert_num_queries(0):
        assert ask(legacy, contoso).status_code == HTTPStatus.OK


def test_an_organisation_nobody_knows_has_no_banner(contoso: Tenant) -> None:
    stranger = Client(headers={"host": "nobody.portal.localhost"})
    response = stranger.get("/redirection/here", headers=ASKS)
    assert response.status_code == HTTPStatus.NO_CONTENT
