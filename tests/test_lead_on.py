"""Where a proxy asks the gate, the page after a form is one of this project's own."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import pytest
from django.test import Client

from redirection import form_chains, switches, traffic
from redirection.conf import conf
from redirection.models import Tenant
from tests.conftest import Switch

DESTINATION = "http://security.localhost"


def test_it_leads_to_where_the_page_would_have_gone(
    contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    switch(contoso, "on")
    mark = form_chains.marking(conf())
    legacy.cookies[mark.name] = mark.value
    answered = legacy.get("/redirection/lead-on", {"page": "/files?a=1&b=%3C"})
    assert answered.status_code == HTTPStatus.OK
    address = f"{DESTINATION}/cloudapps/files?a=1&b=%3C"
    assert f'href="{address}"' in unescape(answered.content.decode())
    assert answered["Redirection-Decision"] == f"new_session;revision={contoso.revision}"
    assert answered["X-Frame-Options"] == "DENY"
    assert "no-store" in answered["Cache-Control"]
    assert legacy.cookies["legacy_form"]["max-age"] == 0
    assert legacy.cookies["legacy_tenant"].value == str(contoso.tid)
    # The gate has counted the load.
    assert traffic.counted() == {}


@pytest.mark.parametrize("known", [True, False])
def test_a_page_that_stays_is_opened_by_a_page_too(
    known: bool, contoso: Tenant, legacy: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A redirect would be asked again: the gate, a process of its own, may know more by now.
    if not known:
        monkeypatch.setattr(switches, "_held", switches.NOTHING)
    mark = form_chains.marking(conf())
    legacy.cookies[mark.name] = mark.value
    answered = legacy.get("/redirection/lead-on", {"page": "/files?a=1"})
    assert answered.status_code == HTTPStatus.OK
    assert 'href="/files?a=1"' in answered.content.decode()
    assert "Continue to Microsoft Defender for Cloud Apps" in answered.content.decode()
    # The next load is an ordinary one.
    assert legacy.cookies["legacy_form"]["max-age"] == 0


@pytest.mark.parametrize(
    "page",
    ["//evil.example", "/\\evil.example", "https://evil.example/", "", "/a\r\nb", "/api/v1/"],
)
def test_what_is_no_page_of_this_host_is_the_start_page(
    page: str, contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    answered = legacy.get("/redirection/lead-on", {"page": page})
    assert 'id="lead-on" href="/"' in answered.content.decode()
    switch(contoso, "on")
    moved = legacy.get("/redirection/lead-on", {"page": page}).content.decode()
    assert f"{DESTINATION}/redirection/hand-over?tid={contoso.tid}&from=/&" in unescape(moved)


def test_a_link_of_eight_kilobytes_is_led_on_whole(
    contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    switch(contoso, "on")
    query = "a" * 8000
    answered = legacy.get("/redirection/lead-on", {"page": f"/files?{query}"})
    assert f"{DESTINATION}/cloudapps/files?{query}" in answered.content.decode()


def test_ahead_of_time_it_is_refused(contoso: Tenant, switch: Switch, legacy: Client) -> None:
    switch(contoso, "on")
    answered = legacy.get(
        "/redirection/lead-on", {"page": "/files"}, headers={"sec-purpose": "prefetch"}
    )
    assert answered.status_code == HTTPStatus.SERVICE_UNAVAILABLE
