"""Which page loads are counted, under which route template, and what the browser adds."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import time_machine
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from redirection import counted_links, traffic
from redirection.deep_links import (
    UNKNOWN_PAGE,
    counterpart_of,
    destination_for,
    route_template,
)
from redirection.middleware import RedirectionMiddleware
from redirection.models import Tenant, Traffic
from redirection.routes import ROUTES
from tests.conftest import PAGE_LOAD, Switch
from tests.counting import counted, marked

SEEN = "/redirection/page-seen"
FORM = "application/x-www-form-urlencoded"
BACKGROUND = {
    "accept": "*/*",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-site": "same-origin",
}
SAME_ORIGIN = {**PAGE_LOAD, "sec-fetch-site": "same-origin"}
TEMPLATES = {
    UNKNOWN_PAGE,
    "/",
    "/*",
    "/users/{id}",
    *(f"/{route}{below}" for route in ROUTES for below in ("", "/*")),
}


def answering(status: int) -> RedirectionMiddleware:
    def get_response(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=status)

    return RedirectionMiddleware(get_response)


def load(path: str, status: int = HTTPStatus.OK, method: str = "GET", **headers: str) -> None:
    host = {"host": "contoso.portal.localhost"}
    request = RequestFactory().generic(method, path, headers={**host, **PAGE_LOAD, **headers})
    answering(status)(request)


def legacy_redirect(path: str = "/", method: str = "GET") -> str:
    """Where a new visit to contoso's legacy portal is sent."""
    browser = Client(headers={"host": "contoso.portal.localhost", **PAGE_LOAD})
    return browser.generic(method, path)["Location"]


def arrive(destination: Client, location: str, fragment: str) -> None:
    """What a browser with JavaScript does on the hand-over page."""
    fields = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    page = destination.get(location.removeprefix("http://security.localhost")).content.decode()
    assert f'name="counted" value="{fields.get("counted", "")}"' in page
    destination.post("/redirection/go", {**fields, "fragment": fragment}, headers=SAME_ORIGIN)


def tell(legacy: Client, tenant: Tenant, path: str = "/", fragment: str = "", **more: str) -> None:
    """What the portal script tells."""
    body = urlencode({"path": path, "fragment": fragment, "counted": "1", **more})
    response = legacy.post(f"{SEEN}?tid={tenant.tid}", body, FORM, headers=BACKGROUND)
    assert (response.status_code, response.content) == (HTTPStatus.NO_CONTENT, b"")


def test_a_page_of_the_legacy_portal_is_counted_under_its_template(contoso: Tenant) -> None:
    for path in ("/audits", "/Audits?user=ann", "/alerts/5f2a", "/never-heard-of/secret", "/"):
        load(path)
    assert counted(contoso) == {
        "/audits": (2, 0),
        "/alerts/*": (1, 0),
        "/*": (1, 0),
        UNKNOWN_PAGE: (1, 0),
    }


def test_a_redirect_is_counted_under_its_template(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    for path in ("/audits?user=ann", "/alerts/5f2a", "/"):
        load(path)
    assert counted(contoso) == {"/audits": (0, 1), "/alerts/*": (0, 1), UNKNOWN_PAGE: (0, 1)}


@pytest.mark.parametrize(
    ("status", "loads"),
    [
        (HTTPStatus.OK, 1), (HTTPStatus.NO_CONTENT, 1), (HTTPStatus.NOT_MODIFIED, 1),
        (HTTPStatus.FOUND, 0), (HTTPStatus.MOVED_PERMANENTLY, 0), (HTTPStatus.NOT_FOUND, 0),
        (HTTPStatus.FORBIDDEN, 0), (HTTPStatus.SERVICE_UNAVAILABLE, 0),
    ],
)  # fmt: skip
def test_only_an_answer_that_is_a_page_counts_as_kept(
    status: int, loads: int, contoso: Tenant
) -> None:
    load("/audits", status)
    assert counted(contoso) == ({"/audits": (1, 0)} if loads else {})


def test_what_is_no_page_load_is_not_counted(contoso: Tenant, switch: Switch) -> None:
    for wanted in ("off", "on"):
        switch(contoso, wanted)
        load("/api/v1/alerts/")
        load("/audits", method="POST")
        load("/audits", method="HEAD")
        load("/audits", **{"sec-fetch-dest": "empty", "sec-fetch-mode": "cors"})
        load("/audits", host="nobody.portal.localhost")
        load("/audits", host="security.localhost")
    traffic.write()
    assert not Traffic.objects.exists()


def test_each_tenant_and_day_has_counts_of_its_own(contoso: Tenant, fabrikam: Tenant) -> None:
    for moment in ("2026-01-05T23:59:59Z", "2026-01-06T00:00:00Z"):
        with time_machine.travel(moment, tick=False):
            load("/audits")
            load("/audits", host="fabrikam.portal.localhost")
            # Written at that moment: today, whenever that is, they may be too old to be kept.
            traffic.write()
    days = Traffic.objects.filter(tenant=contoso).order_by("day").values_list("day", flat=True)
    assert list(map(str, days)) == ["2026-01-05", "2026-01-06"]
    assert [row.kept for row in Traffic.objects.all()] == [1, 1, 1, 1]


def test_counting_asks_the_store_nothing(
    contoso: Tenant,
    switch: Switch,
    legacy: Client,
    destination: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    legacy.get("/")
    with django_assert_num_queries(0):
        load("/audits")
        tell(legacy, contoso, fragment="#/audits")
    switch(contoso, "on")
    with django_assert_num_queries(0):
        load("/audits")
        arrive(destination, legacy_redirect(), "#/files")


def test_the_hand_over_page_knows_which_page_a_redirect_was_about(
    contoso: Tenant, switch: Switch, legacy: Client, destination: Client
) -> None:
    switch(contoso, "on")
    for fragment in ("#/audits?activity.id=eq(abc123,)", "#/alerts/5f2a", ""):
        arrive(destination, legacy.get("/")["Location"], fragment)
    assert counted(contoso) == {"/audits": (0, 1), "/alerts/*": (0, 1), "/": (0, 1)}


def test_a_page_known_by_its_path_may_turn_out_to_be_another(
    contoso: Tenant, switch: Switch, legacy: Client, destination: Client
) -> None:
    switch(contoso, "on")
    arrive(destination, legacy.get("/index.html")["Location"], "#/files")
    arrive(destination, legacy.get("/alerts/5f2a")["Location"], "")
    assert counted(contoso) == {"/files": (0, 1), "/alerts/*": (0, 1)}


def test_without_javascript_the_page_stays_unknown(
    contoso: Tenant, switch: Switch, legacy: Client, destination: Client
) -> None:
    switch(contoso, "on")
    location = legacy.get("/")["Location"].removeprefix("http://security.localhost")
    page = destination.get(location).content.decode()
    assert '<a href="/redirection/go?' in page
    destination.get(location.replace("/hand-over?", "/go?") + "&fragment=%23/files")
    assert counted(contoso) == {UNKNOWN_PAGE: (0, 1)}


def test_opening_the_destination_on_purpose_moves_no_count(
    contoso: Tenant, legacy: Client, destination: Client
) -> None:
    page = legacy.get("/").content.decode()
    assert "/redirection/hand-over?" in page
    assert "counted=" not in page
    arrive(destination, f"/redirection/hand-over?tid={contoso.tid}&from=/", "#/audits")
    assert counted(contoso) == {UNKNOWN_PAGE: (1, 0)}


@pytest.mark.parametrize(
    "forged",
    [
        {"tid": "33333333-3333-4333-8333-333333333333"},
        {"tid": "22222222-2222-4222-8222-222222222222"},
        {"tid": "nonsense"},
        {"from": "/audits"},
        {"counted": "1"},
        {"counted": ""},
        {"counted": "."},
        {"counted": "\u00e9.\ud7ff"},
        {"counted": "9" * 50_000},
        {"counted": "fffffffffff.AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_a_forged_arrival_moves_nothing(
    forged: dict[str, str], contoso: Tenant, fabrikam: Tenant, switch: Switch, destination: Client
) -> None:
    switch(contoso, "on")
    fields = dict(parse_qsl(urlsplit(legacy_redirect()).query))
    fields["fragment"] = "#/security-configuration"
    assert fields["counted"]
    destination.post("/redirection/go", fields | forged, headers=SAME_ORIGIN)
    for site in ("cross-site", "same-site"):
        headers = {**PAGE_LOAD, "sec-fetch-site": site}
        destination.post("/redirection/go", fields, headers=headers)
    assert counted(contoso) == {UNKNOWN_PAGE: (0, 1)}
    assert counted(fabrikam) == {}


def test_a_legacy_session_is_no_claim(contoso: Tenant, legacy: Client, destination: Client) -> None:
    legacy.get("/")
    cookie = legacy.cookies[f"legacy_session_{contoso.tid.hex}"].value
    started, seen, signature = cookie.split(".")
    for path, claimed in (("/", cookie), (seen, f"{started}.{signature}")):
        fields = {"tid": str(contoso.tid), "from": path, "fragment": "#/audits", "counted": claimed}
        destination.post("/redirection/go", fields, headers=SAME_ORIGIN)
    assert counted(contoso) == {UNKNOWN_PAGE: (1, 0)}


def test_a_head_request_gives_no_claim(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert "counted" in legacy_redirect("/alerts/1")
    for path in ("/", "/alerts/1"):
        assert "counted" not in legacy_redirect(path, "HEAD")


@pytest.mark.parametrize(
    ("seconds", "loads"),
    [
        (299, {"/audits": (0, 1)}),
        (301, {UNKNOWN_PAGE: (0, 1)}),
        (86_400, {UNKNOWN_PAGE: (0, 1)}),
        # The destination's clock may be behind.
        (-5, {"/audits": (0, 1)}),
        (-301, {UNKNOWN_PAGE: (0, 1)}),
    ],
)
def test_a_claim_is_taken_for_five_minutes(
    seconds: int,
    loads: dict[str, tuple[int, int]],
    contoso: Tenant,
    switch: Switch,
    destination: Client,
) -> None:
    switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        location = legacy_redirect()
        clock.shift(seconds)
        arrive(destination, location, "#/audits")
        assert counted(contoso) == loads


def test_the_count_of_yesterday_is_moved_yesterday(
    contoso: Tenant, switch: Switch, destination: Client
) -> None:
    switch(contoso, "on")
    with time_machine.travel("2026-01-05T23:59:59Z", tick=False) as clock:
        location = legacy_redirect()
        clock.shift(2)
        arrive(destination, location, "#/audits")
        assert counted(contoso) == {"/audits": (0, 1)}
    assert {str(row.day) for row in Traffic.objects.all()} == {"2026-01-05"}


def test_a_claim_signed_with_an_older_key_is_taken(
    contoso: Tenant, switch: Switch, destination: Client, settings: Settings
) -> None:
    switch(contoso, "on")
    location, old = legacy_redirect(), settings.SECRET_KEY
    settings.SECRET_KEY = "a new key that nobody has seen before, and long enough"
    arrive(destination, location, "#/files")
    settings.SECRET_KEY_FALLBACKS = [old]
    arrive(destination, location, "#/audits")
    assert counted(contoso) == {"/audits": (0, 1)}


def test_the_portal_script_tells_which_page_a_tab_shows(contoso: Tenant, legacy: Client) -> None:
    legacy.get("/")
    tell(legacy, contoso, fragment="#/users/someone?x=1")
    legacy.get("/")
    tell(legacy, contoso)
    assert counted(contoso) == {"/users/*": (1, 0), "/": (1, 0)}


def test_a_new_tab_that_moved_on_is_one_redirected_load(
    contoso: Tenant, switch: Switch, legacy: Client, destination: Client
) -> None:
    legacy.get("/files")
    switch(contoso, "on")
    page = legacy.get("/").content.decode()
    tell(legacy, contoso, fragment="#/audits", moved_on="1")
    (address,) = [
        part.partition('"')[0].replace("&amp;", "&")
        for part in page.split('data-hand-over="http://security.localhost')[1:]
    ]
    arrive(destination, address, "#/audits")
    assert counted(contoso) == {"/files": (1, 0), "/audits": (0, 1)}


def test_a_new_tab_that_moved_on_from_an_error_is_one_redirected_load(
    contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    legacy.get("/files")
    switch(contoso, "on")
    assert legacy.get("/never-heard-of").status_code == HTTPStatus.NOT_FOUND
    tell(legacy, contoso, "/never-heard-of", moved_on="1", counted="")
    tell(legacy, contoso, "/never-heard-of", "#/audits", counted="")
    assert counted(contoso) == {"/files": (1, 0), "/*": (0, 1)}


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"host": "fabrikam.portal.localhost", "cookie": ""},
    ],
)
def test_only_a_page_of_a_running_session_tells(
    headers: dict[str, str], contoso: Tenant, fabrikam: Tenant, legacy: Client
) -> None:
    legacy.get("/")
    stranger = Client(headers={"host": "contoso.portal.localhost"})
    tell(stranger, contoso, fragment="#/audits")
    tell(legacy, fabrikam, fragment="#/audits")
    body = "path=/&fragment=%23/audits&counted=1"
    legacy.post(SEEN, body, FORM, headers={**BACKGROUND, **headers})
    assert counted(contoso) == {UNKNOWN_PAGE: (1, 0)}
    assert counted(fabrikam) == {}


def test_after_the_session_nobody_tells(contoso: Tenant, legacy: Client) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        legacy.get("/")
    with time_machine.travel("2026-01-05T09:00:01Z", tick=False):
        tell(legacy, contoso, fragment="#/audits")
        assert counted(contoso) == {UNKNOWN_PAGE: (1, 0)}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"path=/&counted=1&fragment=%23/audits", "text/plain; charset=utf-7"),
        (b"path=/&counted=1&fragment=" + b"a" * 9_000, "text/plain"),
        (b"&".join([b"path=/"] * 50), "text/plain"),
        (b"\xff\xfe\x00=\x00", "application/json"),
        (b"path=audits&counted=1", "text/plain"),
        (b"path=/%00%0d%0a/\xff&counted=1&fragment=%23/\xed\xa0\x80", "text/plain"),
    ],
)
def test_whatever_is_told_the_answer_is_the_same(
    body: bytes, content_type: str, contoso: Tenant, legacy: Client
) -> None:
    legacy.get("/")
    response = legacy.post(SEEN, body, content_type=content_type, headers=BACKGROUND)
    assert response.status_code == HTTPStatus.NO_CONTENT
    loads = counted(contoso)
    assert loads.keys() <= TEMPLATES
    assert sum(kept for kept, _ in loads.values()) == 1


def test_without_a_form_token_it_still_counts(contoso: Tenant) -> None:
    strict = Client(
        enforce_csrf_checks=True, headers={"host": "contoso.portal.localhost", **PAGE_LOAD}
    )
    strict.get("/")
    tell(strict, contoso, fragment="#/audits")
    assert counted(contoso) == {"/audits": (1, 0)}


def test_a_guest_tells_for_the_organisation_visited(
    contoso: Tenant, fabrikam: Tenant, legacy: Client
) -> None:
    page = legacy.get(f"/?tid={fabrikam.tid}").content.decode()
    assert f'data-page-seen="{SEEN}?tid={fabrikam.tid}" data-shell' in page
    tell(legacy, fabrikam, fragment="#/audits")
    assert counted(fabrikam) == {"/audits": (1, 0)}
    assert counted(contoso) == {}


def test_only_the_shell_page_says_that_its_address_is_not_all(
    contoso: Tenant, legacy: Client
) -> None:
    assert " data-shell" in legacy.get("/").content.decode()
    assert " data-shell" not in legacy.get("/audits").content.decode()


def test_a_session_is_marked_when_its_cookie_comes_back(contoso: Tenant, legacy: Client) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        assert marked(contoso.tid) == []
        clock.shift(30)
        legacy.get("/")
        began = 1_767_600_000_000
        assert marked(contoso.tid) == [(began, began)]
        clock.shift(31)
        legacy.get("/")
        assert marked(contoso.tid) == [(began, began + 61_000)]


def test_a_robot_that_keeps_no_cookie_is_no_session(contoso: Tenant) -> None:
    for _ in range(30):
        load("/audits")
    assert marked(contoso.tid) == []
    assert counted(contoso) == {"/audits": (30, 0)}


def test_one_page_whose_script_tells_is_a_session(contoso: Tenant, legacy: Client) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        clock.shift(1)
        tell(legacy, contoso, fragment="#/audits")
        assert marked(contoso.tid) == [(1_767_600_000_000, 1_767_600_000_000)]


def test_a_session_that_is_over_is_not_marked_again(contoso: Tenant, legacy: Client) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        clock.shift(3601)
        legacy.get("/")
        assert marked(contoso.tid) == []
        clock.shift(1)
        legacy.get("/")
        began = 1_767_600_000_000 + 3_601_000
        assert marked(contoso.tid) == [(began, began)]


@pytest.mark.parametrize("seconds", [10, 61, 1800])
def test_signing_out_ends_a_session_for_good(
    seconds: int, contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        clock.shift(seconds)
        # From now on only a session from before gets the page.
        switch(contoso, "on")
        legacy.post("/auth/sign-out")
        began = 1_767_600_000_000
        assert marked(contoso.tid) == [(began, -(began + seconds * 1000))]
        # What follows a form is a page that leads on.
        del legacy.cookies["legacy_form"]
        assert legacy.get("/").status_code == HTTPStatus.FOUND


def test_signing_out_ends_every_mark_of_the_browser(
    contoso: Tenant, fabrikam: Tenant, legacy: Client
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        legacy.get(f"/?tid={fabrikam.tid}")
        clock.shift(10)
        legacy.post("/auth/sign-out")
        began = 1_767_600_000_000
        for tid in (contoso.tid, fabrikam.tid):
            assert marked(tid) == [(began, -(began + 10_000))]


def test_signing_out_after_the_session_was_over_changes_no_mark(
    contoso: Tenant, legacy: Client
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        legacy.get("/")
        legacy.get("/")
        clock.shift(2 * 3600)
        legacy.post("/auth/sign-out")
        assert marked(contoso.tid) == [(1_767_600_000_000, 1_767_600_000_000)]


def test_a_session_that_goes_to_the_destination_is_not_marked(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    load("/")
    assert marked(contoso.tid) == []


@given(path=st.text(max_size=60), fragment=st.text(max_size=60))
def test_a_route_is_always_a_template_of_the_table(path: str, fragment: str) -> None:
    for address in (f"/{path}", f"/users/{path}", f"/policy/templates/{path}"):
        link = destination_for(address, "user=ann", fragment)
        assert route_template(link) in TEMPLATES
        assert counted_links.route_at_first(link) in TEMPLATES
        # What the page says about a template is what happened to the link.
        assert counterpart_of(route_template(link)) == (link.counterpart, link.feature)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(path=st.text(max_size=60), fragment=st.text(max_size=60))
def test_nothing_personal_is_ever_stored(
    path: str, fragment: str, contoso: Tenant, legacy: Client
) -> None:
    address = "/" + path.encode("utf-8", "replace").decode().replace("?", "").replace("#", "")
    legacy.get(address, query_params={"user": "ann"})
    legacy.get("/")
    tell(legacy, contoso, address, fragment.encode("utf-8", "replace").decode())
    assert counted(contoso).keys() <= TEMPLATES


@pytest.mark.parametrize("make", [destination_for, lambda path: destination_for("/", "", path)])
def test_a_very_deep_path_is_cheap(make: Callable[[str], object]) -> None:
    assert make("/x" * 200_000)
