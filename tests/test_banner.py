"""The banner of the legacy portal says what the person before it can do."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import pytest
import time_machine
from django.test import Client

from portal.models import Person
from redirection.models import Tenant
from tests.conftest import Switch
from tests.test_settings_page import sign_in

CONFIGURE = "Configure automatic redirection"
OPEN = "Open this page in Microsoft 365 Defender"


def banner(browser: Client, path: str = "/") -> str:
    page = unescape(browser.get(path).content.decode())
    start = page.find('id="legacy-banner"')
    return "" if start < 0 else " ".join(page[start : page.index("</section>", start)].split())


def test_whoever_may_switch_can_configure(ada: Person, contoso: Tenant, legacy: Client) -> None:
    sign_in(legacy, ada)
    shown = banner(legacy)
    assert CONFIGURE in shown
    page = "http://security.localhost/cloudapps/settings?tabid=autoRedirection"
    assert f'href="{page}&tid={contoso.tid}"' in shown
    assert OPEN in shown
    assert "Give feedback" in shown


@pytest.mark.parametrize("who", ["rita", "otto", None])
def test_whoever_may_not_is_informed(
    who: str | None, contoso: Tenant, legacy: Client, request: pytest.FixtureRequest
) -> None:
    if who:
        sign_in(legacy, request.getfixturevalue(who))
    shown = banner(legacy)
    assert CONFIGURE not in shown
    assert OPEN in shown


def test_a_tab_that_stays_is_told_why(
    ada: Person, contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        sign_in(legacy, ada)
        legacy.get("/")
    with time_machine.travel("2026-01-05T08:10:00Z", tick=False):
        switch(contoso, "on")
        shown = banner(legacy)
    assert "sign out" in shown
    assert CONFIGURE not in shown
    assert OPEN in shown


def test_opening_the_page_over_there_goes_by_way_of_the_hand_over_page(
    contoso: Tenant, legacy: Client
) -> None:
    shown = banner(legacy, "/audits?a=1")
    assert f"/redirection/hand-over?tid={contoso.tid}&from=/audits%3Fa%3D1" in shown


def test_it_can_be_closed_for_the_session(contoso: Tenant, legacy: Client) -> None:
    assert banner(legacy)
    response = legacy.post("/redirection/close-banner", {"variant": "inform", "next": "/audits"})
    assert response["Location"] == "/audits"
    assert response.cookies["legacy_banner"]["max-age"] == ""
    assert not banner(legacy)


def test_a_closed_banner_comes_back_with_something_new_to_say(
    ada: Person, contoso: Tenant, legacy: Client
) -> None:
    legacy.post("/redirection/close-banner", {"variant": "inform", "next": "/"})
    sign_in(legacy, ada)
    assert CONFIGURE in banner(legacy)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
def test_closing_never_leads_elsewhere(back: str, contoso: Tenant, legacy: Client) -> None:
    response = legacy.post("/redirection/close-banner", {"variant": "x", "next": back})
    assert response["Location"] == "/"
    assert "legacy_banner" not in response.cookies


def test_an_unknown_organisation_gets_no_banner_and_nobodys_data(contoso: Tenant) -> None:
    browser = Client(headers={"host": "nobody.portal.localhost", "accept": "text/html"})
    response = browser.get("/")
    assert "legacy-banner" not in response.content.decode()
    assert "Contoso" not in response.content.decode()


def test_without_a_destination_no_script_sends_anybody_on(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    contoso.cloud = "lunar"
    contoso.provision(reason="Moved", channel="command", operator="a test")
    switch(contoso, "on")
    page = legacy.get("/").content.decode()
    assert "data-now=" in page
    assert "data-since=" not in page
    assert 'id="legacy-banner"' not in page


def test_an_error_page_lets_a_new_tab_go_on_and_is_counted_as_no_page(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        clock.shift(60)
        switch(contoso, "on")
        response = legacy.get("/nowhere")
    assert response.status_code == HTTPStatus.NOT_FOUND
    page = response.content.decode()
    assert "data-since=" in page
    assert "from=/nowhere" in page
    assert "data-counted" not in page
    assert "data-shell" not in page
    # Signing in and the like is no page of the legacy portal, and neither is the destination.
    assert "data-now=" not in legacy.get("/auth/sign-in").content.decode()
    other = legacy.get("/nowhere", headers={"host": "security.localhost"}).content.decode()
    assert "data-now=" not in other


def test_without_scripts_the_banner_does_not_promise_what_only_a_script_does(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        clock.shift(60)
        switch(contoso, "on")
        shown = banner(legacy)
    assert "<noscript>This browser runs no scripts, so new tabs stay as well.</noscript>" in shown
