"""What a request to a legacy host gets, and what it costs."""

from __future__ import annotations

import asyncio
import io
import re
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from redirection import legacy_sessions, switches
from redirection.conf import conf
from redirection.decisions import Reason
from redirection.middleware import RedirectionMiddleware
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch

DESTINATION = "http://security.localhost"


def served(request: HttpRequest) -> HttpResponse:
    return HttpResponse("the legacy page")


middleware = RedirectionMiddleware(served)


def open_page(
    path: str = "/",
    host: str = "contoso.portal.localhost",
    cookies: dict[str, str] | None = None,
    **headers: str,
) -> tuple[HttpRequest, HttpResponse]:
    """One page load, as Chromium asks for it."""
    request = RequestFactory().get(path, headers={"host": host, **PAGE_LOAD, **headers})
    request.COOKIES.update(cookies or {})
    response = middleware(request)
    assert isinstance(response, HttpResponse)
    return request, response


def sent_back(response: HttpResponse) -> dict[str, str]:
    return {name: morsel.value for name, morsel in response.cookies.items()}


def test_a_new_session_goes_to_the_destination(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    _, response = open_page("/audits?activity.id=eq(abc123,)")
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == (f"{DESTINATION}/cloudapps/activity-log?activity.id=eq(abc123,)")
    assert response["Cache-Control"] == "no-store"
    assert response["Redirection-Decision"] == f"new_session;revision={contoso.revision}"


def test_a_shell_page_goes_by_way_of_the_hand_over_page(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    _, response = open_page("/?x=1")
    where, _, claim = response["Location"].partition("&counted=")
    assert where == f"{DESTINATION}/redirection/hand-over?tid={contoso.tid}&from=/%3Fx%3D1"
    assert re.fullmatch(r"[0-9a-f]{11}\.[\w-]{22}", claim)


def test_a_page_without_an_exact_counterpart_goes_that_way_too(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    for path in ("/alerts/5f2a", "/never-heard-of", "/security-configuration"):
        assert "/redirection/hand-over?" in open_page(path)[1]["Location"]


def test_while_off_the_page_is_served_and_a_session_begins(contoso: Tenant) -> None:
    request, response = open_page()
    assert response.content == b"the legacy page"
    assert response["Redirection-Decision"] == f"off;revision={contoso.revision}"
    assert request.redirection.decision.reason is Reason.OFF  # type: ignore[attr-defined]
    assert set(sent_back(response)) == {f"legacy_session_{contoso.tid.hex}", "legacy_tenant"}


def test_a_session_from_before_the_switch_goes_on(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:10:00Z", tick=False):
        switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:20:00Z", tick=False):
        _, response = open_page(cookies=cookies)
        assert response.content == b"the legacy page"
        assert response["Redirection-Decision"].startswith("session_continues;")
        # Being seen keeps it running.
        assert sent_back(response)
        cookies |= sent_back(response)
    with time_machine.travel("2026-01-05T09:15:00Z", tick=False):
        assert open_page(cookies=cookies)[1].status_code == HTTPStatus.OK


def test_it_moves_after_the_idle_time_out(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:10:00Z", tick=False):
        switch(contoso, "on")
    with time_machine.travel("2026-01-05T09:00:01Z", tick=False):
        _, response = open_page(cookies=cookies)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Redirection-Decision"].startswith("session_ended;")


def test_it_moves_at_the_absolute_limit(
    contoso: Tenant, switch: Switch, settings: Settings
) -> None:
    settings.REDIRECTION_SESSION_LIMIT = 30 * 60
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
        switch(contoso, "on")
        # Switched in the very millisecond the session began: it did not begin before.
        assert open_page(cookies=cookies)[1].status_code == HTTPStatus.FOUND
        switch(contoso, "off")
    with time_machine.travel("2026-01-05T08:00:01Z", tick=False):
        switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:29:00Z", tick=False):
        _, response = open_page(cookies=cookies)
        cookies |= sent_back(response)
        assert response.status_code == HTTPStatus.OK
    with time_machine.travel("2026-01-05T08:30:01Z", tick=False):
        assert open_page(cookies=cookies)[1].status_code == HTTPStatus.FOUND


def test_switching_off_stops_it_at_once_and_on_again_works(contoso: Tenant, switch: Switch) -> None:
    for wanted, status in (("on", HTTPStatus.FOUND), ("off", HTTPStatus.OK)) * 2:
        switch(contoso, wanted)
        assert open_page()[1].status_code == status


def test_switching_off_does_not_end_a_session_either(contoso: Tenant, switch: Switch) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:00:10Z", tick=False):
        switch(contoso, "on")
        switch(contoso, "off")
        assert sent_back(open_page(cookies=cookies)[1]) == {}
        switch(contoso, "on")
        assert open_page(cookies=cookies)[1].status_code == HTTPStatus.OK


def test_the_cookie_is_renewed_at_most_once_a_minute(contoso: Tenant) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:01:00Z", tick=False):
        assert sent_back(open_page(cookies=cookies)[1]) == {}
    with time_machine.travel("2026-01-05T08:01:01Z", tick=False):
        assert sent_back(open_page(cookies=cookies)[1]) != {}


BACKGROUND_CALL = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}
AN_OLD_CALL = {**BACKGROUND_CALL, "x-requested-with": "XMLHttpRequest"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/v1/alerts/", BACKGROUND_CALL), ("/", BACKGROUND_CALL), ("/", AN_OLD_CALL)],
)
def test_working_in_an_open_page_keeps_the_session_running(
    path: str, headers: dict[str, str], contoso: Tenant, switch: Switch
) -> None:
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:10:00Z", tick=False):
        switch(contoso, "on")
    with time_machine.travel("2026-01-05T08:50:00Z", tick=False):
        _, response = open_page(path, cookies=cookies, **headers)
        assert response.content == b"the legacy page"
        assert "Redirection-Decision" not in response
        cookies |= sent_back(response)
    with time_machine.travel("2026-01-05T09:45:00Z", tick=False):
        assert open_page(cookies=cookies)[1].status_code == HTTPStatus.OK


def test_a_background_call_begins_no_session_and_revives_none(contoso: Tenant) -> None:
    assert sent_back(open_page("/api/v1/", **BACKGROUND_CALL)[1]) == {}
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T09:00:01Z", tick=False):
        assert sent_back(open_page("/api/v1/", cookies=cookies, **BACKGROUND_CALL)[1]) == {}


def test_a_short_idle_time_out_counts_from_the_last_page(
    contoso: Tenant, switch: Switch, settings: Settings
) -> None:
    settings.REDIRECTION_SESSION_IDLE = 30
    with time_machine.travel("2026-01-05T08:00:00Z", tick=False) as clock:
        cookies = sent_back(open_page()[1])
        clock.shift(1)
        switch(contoso, "on")
        for _ in range(12):
            clock.shift(10)
            _, response = open_page(cookies=cookies)
            assert response.status_code == HTTPStatus.OK
            cookies |= sent_back(response)


def test_a_sign_out_has_the_last_word(contoso: Tenant) -> None:
    def signs_out(request: HttpRequest) -> HttpResponse:
        response = HttpResponse()
        legacy_sessions.end(conf(), request.COOKIES, response, "portal.localhost")
        return response

    with time_machine.travel("2026-01-05T08:00:00Z", tick=False):
        cookies = sent_back(open_page()[1])
    with time_machine.travel("2026-01-05T08:30:00Z", tick=False):
        headers = {"host": "contoso.portal.localhost", **PAGE_LOAD}
        request = RequestFactory().post("/auth/sign-out", headers=headers)
        request.COOKIES.update(cookies)
        response = RedirectionMiddleware(signs_out)(request)
    assert isinstance(response, HttpResponse)
    cookie = response.cookies[f"legacy_session_{contoso.tid.hex}"]
    assert (cookie["max-age"], cookie.value) == (0, "")
    assert cookie["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"


def test_no_cache_keeps_a_page_that_knows_when_redirection_was_switched(contoso: Tenant) -> None:
    def kept(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Cache-Control": "public, max-age=600"})

    headers = {"host": "contoso.portal.localhost", **PAGE_LOAD}
    response = RedirectionMiddleware(kept)(RequestFactory().get("/", headers=headers))
    assert isinstance(response, HttpResponse)
    assert {"private", "no-cache"} <= set(response["Cache-Control"].split(", "))
    assert "public" not in response["Cache-Control"]


@pytest.mark.parametrize("query", ["q=" + "[" * 6000, "%C3%A9" * 4000, "a" * 20_000])
def test_a_link_too_long_for_a_redirect_loses_its_filters_only(
    query: str, contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    _, response = open_page(f"/audits?{query}")
    assert response.status_code == HTTPStatus.FOUND
    where, _, claim = response["Location"].partition("&counted=")
    assert where == f"{DESTINATION}/redirection/hand-over?tid={contoso.tid}&from=/audits"
    assert claim
    assert open_page("/" + "[" * 20_000)[1]["Location"].endswith("&from=/")


def test_another_tenant_is_untouched(contoso: Tenant, fabrikam: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    _, response = open_page(host="fabrikam.portal.localhost")
    assert response.content == b"the legacy page"
    assert response["Redirection-Decision"] == f"off;revision={fabrikam.revision}"


@pytest.mark.parametrize(
    "host",
    [
        "contoso.portal.localhost",
        "contoso.us2.portal.localhost:8000",
        "contoso.old.localhost",
        "CONTOSO.portal.localhost",
    ],
)
def test_every_host_of_the_tenant_redirects(host: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    assert open_page(host=host)[1]["Location"].startswith(f"{DESTINATION}/")


def test_on_the_bare_domain_tid_names_the_tenant(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    tid = str(contoso.tid).upper()
    _, response = open_page(f"/audits?tid={tid}", host="portal.localhost")
    assert response["Location"] == f"{DESTINATION}/cloudapps/activity-log?tid={tid}"
    assert open_page("/?tid=nobody", host="portal.localhost")[1].status_code == HTTPStatus.OK


def test_on_the_bare_domain_the_tenant_visited_last_counts(
    contoso: Tenant, fabrikam: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    cookies = sent_back(open_page("/audits")[1])
    # Also after the browser was closed, and for whoever never had a session.
    assert cookies == {"legacy_tenant": str(contoso.tid)}
    _, response = open_page("/audits", host="portal.localhost", cookies=cookies)
    assert response.status_code == HTTPStatus.FOUND
    cookies |= sent_back(open_page(host="fabrikam.portal.localhost", cookies=cookies)[1])
    request, response = open_page("/audits", host="portal.localhost", cookies=cookies)
    assert response.content == b"the legacy page"
    assert request.redirection.tenant.name == "fabrikam"  # type: ignore[attr-defined]
    cookies |= sent_back(open_page("/audits", cookies=cookies)[1])
    assert open_page(host="portal.localhost", cookies=cookies)[1].status_code == HTTPStatus.FOUND
    # Remembered once, it is not written again.
    assert sent_back(open_page("/audits", cookies=cookies)[1]) == {}


@pytest.mark.parametrize("value", ["", "nobody", "é", "22222222-0000-4000-8000-000000000000"])
def test_a_remembered_tenant_nobody_knows_is_none(value: str, contoso: Tenant) -> None:
    request, _ = open_page(host="portal.localhost", cookies={"legacy_tenant": value})
    assert request.redirection.decision.reason is Reason.UNKNOWN_TENANT  # type: ignore[attr-defined]


def test_the_case_of_tid_does_not_matter(db: None, switch: Switch) -> None:
    tenant = Tenant(tid="abcdefab-cdef-4bcd-8fab-cdefabcdefab", name="adatum", title="Adatum")
    tenant.provision(reason="New", channel="command", operator="a test")
    switch(tenant, "on")
    for tid in (str(tenant.tid), str(tenant.tid).upper()):
        answer = open_page(f"/audits?tid={tid}", host="portal.localhost")[1]
        assert answer.status_code == HTTPStatus.FOUND


def test_tid_names_the_tenant_visited_on_every_host(
    contoso: Tenant, fabrikam: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    assert open_page(f"/?tid={fabrikam.tid}")[1].content == b"the legacy page"
    host = "fabrikam.portal.localhost"
    assert open_page(f"/?tid={contoso.tid}", host=host)[1].status_code == HTTPStatus.FOUND
    # Unknown here, it may still mean something over there: the host decides.
    assert open_page("/audits?tid=elsewhere")[1].status_code == HTTPStatus.FOUND


def test_the_answer_points_at_the_destination_of_the_tenants_own_cloud(
    contoso: Tenant, switch: Switch
) -> None:
    contoso.cloud = "gcc-high"
    contoso.provision(reason="Moved", channel="command", operator="a test")
    switch(contoso, "on")
    assert open_page()[1]["Location"].startswith("http://security.gov.localhost/")


def test_without_a_configured_destination_nobody_is_moved(contoso: Tenant, switch: Switch) -> None:
    contoso.cloud = "lunar"
    contoso.provision(reason="Moved", channel="command", operator="a test")
    switch(contoso, "on")
    request, response = open_page()
    assert response.content == b"the legacy page"
    assert request.redirection.decision.reason is Reason.NO_DESTINATION  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}),
        ("/", {"sec-fetch-dest": "iframe"}),
        ("/", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}),
        ("/api/v1/alerts/", {}),
        ("/cas/api/v1/alerts/", {}),
        ("/api/oauth/saga", {}),
        ("/oauth2/login", {}),
        ("/saml/consumer", {}),
        ("/auth/complete/entra/", {}),
        ("/static/redirection/portal.js", {}),
    ],
)
def test_what_is_no_page_load_is_let_through(
    path: str, headers: dict[str, str], contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    _, response = open_page(path, **headers)
    assert response.content == b"the legacy page"
    assert sent_back(response) == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_no_other_method_is_redirected(method: str, contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    headers = {"host": "contoso.portal.localhost", **PAGE_LOAD}
    response = middleware(RequestFactory().generic(method, "/audits", headers=headers))
    assert isinstance(response, HttpResponse)
    assert response.content == b"the legacy page"


def test_a_tenant_nobody_knows_is_let_through(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    request, response = open_page(host="nobody.portal.localhost")
    assert response.content == b"the legacy page"
    assert request.redirection.decision.reason is Reason.UNKNOWN_TENANT  # type: ignore[attr-defined]
    assert sent_back(response) == {}


def test_a_disabled_tenant_is_not_redirected(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    contoso.enabled = False
    contoso.provision(reason="Contract ended", channel="command", operator="a test")
    switches.refresh()
    assert open_page()[1].content == b"the legacy page"


def test_the_destination_is_none_of_its_business(contoso: Tenant, switch: Switch) -> None:
    switch(contoso, "on")
    for host in ("security.localhost", "evil.example", "contoso.portal.localhost.evil.example"):
        request, response = open_page(host=host)
        assert response.content == b"the legacy page"
        assert request.redirection.decision.reason is Reason.NOT_LEGACY  # type: ignore[attr-defined]


def test_a_worker_that_knows_nothing_lets_everything_through(contoso: Tenant) -> None:
    switches.forget()
    request, response = open_page()
    assert response.content == b"the legacy page"
    assert request.redirection.decision.reason is Reason.NOTHING_KNOWN  # type: ignore[attr-defined]


def test_a_warm_worker_makes_no_query(
    contoso: Tenant, switch: Switch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    cookies = sent_back(open_page()[1])
    switch(contoso, "on")
    with django_assert_num_queries(0):
        open_page()
        open_page("/audits?a=1")
        open_page(cookies=cookies)
        open_page(f"/?tid={contoso.tid}", host="portal.localhost")
        open_page(host="portal.localhost", cookies=cookies)
        open_page(host="nobody.portal.localhost")
        open_page("/api/v1/alerts/")


def test_an_asynchronous_stack_decides_the_same(contoso: Tenant, switch: Switch) -> None:
    async def served_later(request: HttpRequest) -> HttpResponse:
        return HttpResponse("the legacy page")

    def ask(path: str) -> Any:
        route, _, query = path.partition("?")
        headers = {"host": "contoso.portal.localhost", **PAGE_LOAD}
        scope = {
            "type": "http",
            "method": "GET",
            "path": route,
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        request = ASGIRequest(scope, io.BytesIO())
        return asyncio.run(RedirectionMiddleware(served_later)(request))  # type: ignore[arg-type]

    switch(contoso, "on")
    answer = ask("/audits?a=1")
    assert answer["Location"] == open_page("/audits?a=1")[1]["Location"]
    assert ask("/api/v1/").content == b"the legacy page"


def test_a_stale_worker_says_so(contoso: Tenant, switch: Switch) -> None:
    from django.db import DatabaseError

    switch(contoso, "on")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("redirection.models.Revision.newest", _failing(DatabaseError("gone")))
        switches.refresh()
    assert open_page()[1]["Redirection-Decision"].endswith(";stale")
    switches.refresh()
    assert not open_page()[1]["Redirection-Decision"].endswith(";stale")


def _failing(error: Exception) -> Any:
    def fail(*args: object) -> None:
        raise error

    return fail
