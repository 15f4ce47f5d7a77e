"""What the portal script of a portal that is not ours is told, and who is told nothing."""

from __future__ import annotations

import gzip
import re
from html import unescape
from http import HTTPStatus
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from portal.models import Person
from redirection import gate, load_notes, switches
from redirection.conf import conf
from redirection.load_notes import LoadNote
from redirection.models import Tenant
from redirection.portal_script import script_context
from redirection.request_classes import RequestClass
from redirection.visits import Visit
from tests.conftest import PAGE_LOAD, Switch
from tests.portal_script_twin import attributes
from tests.test_settings_page import sign_in

ASKS = {
    "accept": "*/*",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    "x-requested-with": "XMLHttpRequest",
}
EIGHT = "2026-01-05T08:00:00Z"
AT_EIGHT = 1_767_600_000_000
LOADED = f"page_load {AT_EIGHT}"
SCRIPT = "/redirection/portal-script.js"


def ask(browser: Client, page: str = "/", load: str = LOADED, **rest: Any) -> HttpResponse:
    headers = {**ASKS, **rest.pop("headers", {})}
    query = {"page": page, "load": load, **rest}
    response = browser.get("/redirection/state", query, headers=headers)
    assert isinstance(response, HttpResponse)
    return response


def told(response: HttpResponse) -> dict[str, str]:
    """The attributes of the script in an answer."""
    found = attributes(response.content.decode())
    assert found is not None
    return found


def text(response: HttpResponse) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.fixture
def at_eight() -> Any:
    with time_machine.travel(EIGHT, tick=False) as clock:
        yield clock


def test_a_page_that_stays_is_told_what_a_page_of_this_project_says_itself(
    contoso: Tenant, legacy: Client, switch: Switch, at_eight: Any
) -> None:
    legacy.get("/")
    at_eight.shift(600)
    switch(contoso, "on")
    page = attributes(legacy.get("/audits?a=1").content.decode())
    found = told(ask(legacy, "/audits?a=1", f"page_load {AT_EIGHT + 600_000}"))
    assert found == page
    assert found["since"] == found["now"] == str(AT_EIGHT + 600_000)
    assert found["hand-over"] == (
        f"http://security.localhost/redirection/hand-over?tid={contoso.tid}&from=/audits%3Fa%3D1"
    )
    shown = text(ask(legacy, "/audits?a=1"))
    assert "Automatic redirection is on since" in shown
    assert 'name="next" value="/audits?a=1"' in shown
    assert '<html lang="en" dir="ltr">' in shown


def test_while_it_is_off_nothing_says_since_when(contoso: Tenant, legacy: Client) -> None:
    found = ask(legacy)
    assert "since" not in told(found)
    assert "is moving to" in text(found)


def test_only_what_is_known_to_be_a_page_load_may_move(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    legacy.get("/")
    switch(contoso, "on")
    assert {"since", "counted"} <= told(ask(legacy)).keys()
    others = [f"{kind} 1" for kind in ("form_post", "upload", "fetch", "nonsense")]
    broken = ["", "page_load", "page_load x", "page_load -1", f"page_load {'9' * 40}"]
    for load in (*others, *broken, f"{LOADED} more"):
        assert not {"since", "counted", "go"} & told(ask(legacy, load=load)).keys(), load


def test_a_page_loaded_ahead_of_time_may_move_and_is_not_counted(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    legacy.get("/")
    switch(contoso, "on")
    found = told(ask(legacy, load=f"ahead_of_time {AT_EIGHT}"))
    assert "since" in found
    assert "counted" not in found


def test_without_a_note_a_page_is_as_old_as_it_says(
    contoso: Tenant, legacy: Client, at_eight: Any
) -> None:
    assert told(ask(legacy, load="", age="1500"))["now"] == str(AT_EIGHT - 1500)
    for age in ("", "x", "-1", "9" * 30, "٣"):
        assert told(ask(legacy, load="", age=age))["now"] == str(AT_EIGHT)


def test_no_note_is_of_tomorrow(contoso: Tenant, legacy: Client, at_eight: Any) -> None:
    assert told(ask(legacy, load=f"page_load {AT_EIGHT + 9_999}"))["now"] == str(AT_EIGHT)


def test_what_a_service_worker_passed_on_goes_where_its_page_would(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    assert "go" in told(ask(legacy, load="passed_on 1"))
    assert "go" not in told(ask(legacy))
    assert "counted" not in told(ask(legacy, load="passed_on 1"))


def test_a_page_out_of_a_loop_says_so_and_moves_nobody(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    legacy.get("/")
    switch(contoso, "on")
    found = ask(legacy, load=f"{LOADED} loop")
    assert "since" not in told(found)
    assert "sent this browser back several times" in text(found)


def test_a_tab_that_comes_from_another_host_of_the_organisation_carries_on(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    assert "carries-on" in told(ask(legacy, referrer="http://contoso.eu.portal.localhost"))
    for elsewhere in ("", "http://fabrikam.portal.localhost", "http://[", "http://evil.example"):
        assert "carries-on" not in told(ask(legacy, referrer=elsewhere))


def test_nobody_carries_on_from_the_same_host_nor_from_another_domain(
    contoso: Tenant, legacy: Client, switch: Switch, settings: Settings
) -> None:
    """Of one host the browser knows the tab; the cookie of one domain is none of another."""
    switch(contoso, "on")
    assert "carries-on" not in told(ask(legacy, referrer="http://contoso.portal.localhost"))
    two = {"legacy": ["portal.localhost", "old.localhost"], "destination": "http://new.localhost"}
    settings.REDIRECTION_CLOUDS = {"commercial": two}
    assert "carries-on" not in told(ask(legacy, referrer="http://contoso.old.localhost"))
    assert "carries-on" in told(ask(legacy, referrer="http://contoso.eu.portal.localhost"))


def test_the_host_of_no_organisation_is_the_one_visited_last(
    contoso: Tenant, fabrikam: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    switch(fabrikam, "on")
    shared = "http://portal.localhost"
    assert "carries-on" not in told(ask(legacy, referrer=shared))
    legacy.get("/", headers={"referer": "http://security.localhost/"})
    assert "carries-on" not in told(ask(legacy, f"/?tid={fabrikam.tid}", referrer=shared))
    assert "carries-on" in told(ask(legacy, referrer=shared))


def test_a_page_inside_another_page_is_told_nothing(contoso: Tenant, legacy: Client) -> None:
    assert ask(legacy, load="embedded 1").status_code == HTTPStatus.NO_CONTENT


def test_a_long_page_keeps_its_filters(contoso: Tenant, legacy: Client, switch: Switch) -> None:
    switch(contoso, "on")
    page = f"/audits?{'a' * 1500}=1"
    assert "a" * 1500 in told(ask(legacy, page))["hand-over"]


def test_an_error_is_no_page_whatever_its_address(
    contoso: Tenant, legacy: Client, settings: Settings
) -> None:
    visit: Visit = legacy.get("/").wsgi_request.redirection
    settings.ROOT_URLCONF = "tests.host_project.urls"
    assert script_context(visit, "/", "")["is_shell"]
    assert not script_context(visit, "/", "", is_page=False)["is_shell"]


def test_the_tenant_is_the_one_that_is_visited(
    contoso: Tenant, fabrikam: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(fabrikam, "on")
    assert str(fabrikam.tid) in told(ask(legacy, f"/?tid={fabrikam.tid}"))["page-seen"]
    assert str(contoso.tid) in told(ask(legacy))["page-seen"]
    assert "Fabrikam" not in text(ask(legacy)) + text(ask(legacy, f"/?tid={fabrikam.tid}"))


def test_where_nobody_is_known_there_is_nothing_to_say(contoso: Tenant, db: None) -> None:
    for host in ("nobody.portal.localhost", "portal.localhost"):
        response = ask(Client(headers={"host": host}))
        assert (response.status_code, response.content) == (HTTPStatus.NO_CONTENT, b"")


def test_a_worker_that_knows_nothing_yet_says_nothing(contoso: Tenant, legacy: Client) -> None:
    with mock.patch.object(switches, "_held", switches.Held(0, loaded=False)):
        assert ask(legacy).status_code == HTTPStatus.NO_CONTENT


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
    ],
)
def test_no_other_origin_asks_nor_a_tab(
    headers: dict[str, str], contoso: Tenant, legacy: Client
) -> None:
    response = ask(legacy, headers=headers)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert "Contoso" not in response.content.decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-requested-with": "XMLHttpRequest"}, HTTPStatus.OK),
        ({"x-requested-with": "XMLHttpRequest", "origin": "http://contoso.portal.localhost"},
         HTTPStatus.OK),
        ({"x-requested-with": "XMLHttpRequest", "origin": "https://contoso.portal.localhost"},
         HTTPStatus.FORBIDDEN),
        ({"x-requested-with": "XMLHttpRequest", "origin": "http://evil.example"},
         HTTPStatus.FORBIDDEN),
        ({"x-requested-with": "XMLHttpRequest", "origin": "null"}, HTTPStatus.FORBIDDEN),
        ({}, HTTPStatus.FORBIDDEN),
    ],
)  # fmt: skip
def test_a_browser_without_fetch_metadata_shows_by_a_header_that_it_is_a_script(
    headers: dict[str, str], status: HTTPStatus, contoso: Tenant
) -> None:
    browser = Client(headers={"host": "contoso.portal.localhost", "accept": "*/*"})
    response = browser.get("/redirection/state?page=/", headers=headers)
    assert response.status_code == status


def test_nobody_else_can_read_or_keep_the_answer(contoso: Tenant, legacy: Client) -> None:
    response = ask(legacy, callback="f", headers={"origin": "http://evil.example"})
    assert "no-store" in response["Cache-Control"]
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert not [name for name in response.headers if name.startswith("Access-Control-")]
    assert response.content.startswith(b"<!doctype html>")
    for method in ("post", "put", "options", "head"):
        answer = getattr(legacy, method)("/redirection/state", headers=ASKS)
        assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_asking_keeps_no_session_alive_and_nobody_signed_in(
    ada: Person, contoso: Tenant, legacy: Client, switch: Switch, at_eight: Any
) -> None:
    sign_in(legacy, ada)
    legacy.get("/")
    assert "Configure automatic redirection" in text(ask(legacy))
    for _ in range(61):
        at_eight.shift(60)
        response = ask(legacy)
        assert "legacy_session" not in str(response.cookies)
    assert "Configure automatic redirection" not in text(response)
    switch(contoso, "on")
    assert "Your session here has ended" in text(ask(legacy))


def test_while_it_is_on_nothing_is_looked_up(
    contoso: Tenant, legacy: Client, switch: Switch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:  # fmt: skip
    legacy.get("/")
    switch(contoso, "on")
    with django_assert_num_queries(0):
        assert ask(legacy).status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    "page", ["//evil.example", "https://evil.example/", "/\\evil.example", "", "javascript:1"]
)
def test_a_page_elsewhere_is_the_start_page(page: str, contoso: Tenant, legacy: Client) -> None:
    assert told(ask(legacy, page))["hand-over"].endswith("&from=/")
    assert "evil" not in text(ask(legacy, page))


def test_a_closed_banner_stays_closed(contoso: Tenant, legacy: Client) -> None:
    browser = Client(
        headers={"host": "contoso.portal.localhost", **PAGE_LOAD}, enforce_csrf_checks=True
    )
    shown = ask(browser)
    form = {"variant": "inform", "next": "/"}
    refused = browser.post("/redirection/close-banner", form)
    assert refused.status_code == HTTPStatus.FORBIDDEN
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown.content.decode())
    assert token is not None
    browser.post("/redirection/close-banner", {**form, "csrfmiddlewaretoken": token[1]})
    assert 'id="legacy-banner"' not in text(ask(browser))
    assert 'id="legacy-banner-place"' in text(ask(browser))


def test_no_cookie_of_a_portal_is_taken_for_one_of_this_project(
    contoso: Tenant, legacy: Client
) -> None:
    """A portal has a cookie for its own forms, by the name that most have."""
    legacy.cookies["csrftoken"] = "not-the-shape-of-any-token-of-this-project"
    assert "csrftoken" not in ask(legacy).cookies


def test_the_gate_leaves_a_note_for_the_script_on_each_page_that_stays(
    contoso: Tenant, legacy: Client, switch: Switch, settings: Settings, at_eight: Any
) -> None:
    settings.REDIRECTION_GATE_KEY = "k" * 32

    def note(method: str = "GET", target: str = "/files", **headers: str) -> str | None:
        environ = {
            "REQUEST_METHOD": "GET", "HTTP_GATEKEY": "k" * 32, "HTTP_GATEMETHOD": method,
            "HTTP_GATEHOST": "contoso.portal.localhost", "HTTP_GATETARGET": target,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }  # fmt: skip
        return dict(gate.answer_call(environ).headers).get("Redirection-Server-Timing")

    begun = legacy.get("/").cookies
    session = "; ".join(f"{name}={morsel.value}" for name, morsel in begun.items())
    assert note(**PAGE_LOAD) == f'redirection;desc="{LOADED}"'
    worker = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "empty"}
    assert note(**worker) == f'redirection;desc="passed_on {AT_EIGHT}"'
    ahead = {**PAGE_LOAD, "sec-purpose": "prefetch", "cookie": session}
    assert note(**ahead) == f'redirection;desc="ahead_of_time {AT_EIGHT}"'
    assert note(target="/api/docs", **PAGE_LOAD) is None
    assert note(target="/api/docs", **worker) is None
    assert note("POST", **PAGE_LOAD) is None
    assert note(**{"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}) is None
    switch(contoso, "on")
    assert note(**PAGE_LOAD) is None


@pytest.mark.parametrize("kind", RequestClass)
def test_a_note_is_read_as_it_was_written(kind: RequestClass) -> None:
    for in_a_loop in (False, True):
        note = LoadNote(kind, AT_EIGHT, in_a_loop)
        assert load_notes.read(note.text) == note


def test_the_script_is_one_small_file_that_leads_to_configured_destinations(
    contoso: Tenant, legacy: Client
) -> None:
    response = legacy.get(SCRIPT, headers={"accept-encoding": "gzip", "sec-fetch-dest": "script"})
    assert response["Content-Encoding"] == "gzip"
    assert len(response.content) < 10_000
    script = gzip.decompress(response.content).decode("ascii")
    assert '["http://security.gov.localhost", "http://security.localhost"]' in script
    assert conf().legacy_name not in script


def test_the_script_is_kept_for_minutes_and_then_asked_for_again(legacy: Client, db: None) -> None:
    response = legacy.get(SCRIPT)
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age=300" in response["Cache-Control"]
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert not response.cookies
    # A shared cache has one copy for everybody.
    assert response["Vary"] == "Accept-Encoding"
    again = legacy.get(SCRIPT, headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (HTTPStatus.NOT_MODIFIED, b"")


def test_the_script_needs_no_store_and_takes_no_other_method(
    legacy: Client, django_assert_num_queries: DjangoAssertNumQueries, db: None
) -> None:
    with django_assert_num_queries(0):
        response = legacy.get(SCRIPT, headers={"cookie": "portal_session=abc"})
    assert response.status_code == HTTPStatus.OK
    assert legacy.post(SCRIPT).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_another_destination_is_another_script(legacy: Client, settings: Settings) -> None:
    before = legacy.get(SCRIPT)["ETag"]
    clouds = {"commercial": {"legacy": ["portal.localhost"], "destination": "https://new.example"}}
    settings.REDIRECTION_CLOUDS = clouds
    assert legacy.get(SCRIPT)["ETag"] != before
