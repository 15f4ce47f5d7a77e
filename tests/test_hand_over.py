"""The hand-over page: a legacy address with its fragment becomes a destination page."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus

import ada_url
import pytest
from django.test import Client
from pytest_django import Settings

from portal.models import Person
from redirection.models import Tenant
from tests.test_deep_links import HOSTILE

TID = "11111111-1111-4111-8111-111111111111"
ORIGIN = "http://security.localhost"


def test_the_page_carries_what_the_script_sends_on(destination: Client, db: None) -> None:
    response = destination.get("/redirection/hand-over", {"tid": TID, "from": "/?a=1&b=<i>"})
    page = response.content.decode()
    assert response.status_code == HTTPStatus.OK
    assert f'name="tid" value="{TID}"' in page
    assert 'name="from" value="/?a=1&amp;b=&lt;i&gt;"' in page
    assert "redirection/hand_over.js" in page
    assert "no-store" in response["Cache-Control"]


def test_without_javascript_a_plain_link_leads_on(destination: Client, db: None) -> None:
    page = destination.get("/redirection/hand-over", {"tid": TID, "from": "/audits?a=1"})
    text = unescape(page.content.decode())
    start = text.index("/redirection/go?")
    link = text[start : text.index('"', start)]
    assert destination.get(link)["Location"] == "/cloudapps/activity-log?a=1"


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_fragment_decides_where_it_goes(method: str, destination: Client, db: None) -> None:
    data = {"tid": TID, "from": "/?tid=x", "fragment": "#/audits?activity.id=eq(abc123,)"}
    response = getattr(destination, method)("/redirection/go", data)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"] == "/cloudapps/activity-log?activity.id=eq(abc123,)&tid=x"
    assert "no-store" in response["Cache-Control"]


def test_a_lost_form_token_does_not_lose_the_link(db: None) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"host": "security.localhost"})
    response = browser.post("/redirection/go", {"from": "/", "fragment": "#/files"})
    assert response["Location"] == "/cloudapps/files"


def test_the_nearest_place_comes_with_a_word(destination: Client, db: None) -> None:
    data = {"tid": TID, "from": "/", "fragment": "#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e"}
    response = destination.post("/redirection/go", data, follow=True)
    assert response.redirect_chain == [(f"/alerts?tid={TID}", HTTPStatus.FOUND)]
    page = unescape(response.content.decode())
    assert "Alerts have new numbers here" in page
    assert "/redirection/feedback?about=%2F%23%2Falerts%2F5f2a1b3c4d5e6f7a8b9c0d1e" in page


def test_feedback_about_a_link_goes_to_the_organisation_it_was_about(
    ada: Person, contoso: Tenant, fabrikam: Tenant, destination: Client
) -> None:
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    for tenant, named in ((contoso, True), (fabrikam, False)):
        data = {"tid": str(tenant.tid), "from": "/", "fragment": "#/nowhere"}
        page = unescape(destination.get("/redirection/go", data).content.decode())
        assert (f"about=%2F%23%2Fnowhere&tid={tenant.tid}" in page) is named


def test_before_a_destination_of_others_the_word_comes_first(
    destination: Client, db: None, settings: Settings
) -> None:
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    data = {"tid": TID, "from": "/", "fragment": "#/alerts/5f2a"}
    response = destination.post("/redirection/go", data, follow=True)
    assert response.status_code == HTTPStatus.OK
    assert f'href="/alerts?tid={TID}"' in response.content.decode()


@pytest.mark.parametrize("fragment", ["#/security-configuration", "#/never-heard-of/<b>"])
def test_a_page_without_counterpart_says_so_and_asks(
    fragment: str, destination: Client, db: None
) -> None:
    response = destination.post("/redirection/go", {"from": "/", "fragment": fragment}, follow=True)
    # The page has an address of its own, which can be reloaded and gone back to.
    assert len(response.redirect_chain) == 1
    page = response.content.decode()
    assert response.status_code == HTTPStatus.OK
    assert "You asked for:" in unescape(page)
    assert "/redirection/feedback?about=" in page
    assert "<b>" not in page


@pytest.mark.parametrize("address", HOSTILE)
@pytest.mark.parametrize("field", ["from", "fragment", "tid"])
def test_no_hostile_address_leaves_the_destination(
    field: str, address: str, destination: Client, db: None
) -> None:
    data = {field: address.encode("utf-8", "replace").decode()}
    for response in (
        destination.post("/redirection/go", data),
        destination.get("/redirection/go", data),
        destination.get("/redirection/hand-over", data),
    ):
        assert response.status_code in (HTTPStatus.OK, HTTPStatus.FOUND)
        if response.status_code == HTTPStatus.FOUND:
            assert ada_url.URL(response["Location"], ORIGIN).origin == ORIGIN


def test_a_link_of_eight_kilobytes_arrives_and_a_huge_one_is_refused(
    destination: Client, db: None
) -> None:
    long = f"#/audits?id=eq({'a' * 8000},)"
    assert len(destination.post("/redirection/go", {"fragment": long})["Location"]) > 8000
    for filters in ("a" * 20_000, "é" * 6_000):
        response = destination.post("/redirection/go", {"fragment": f"#/audits?{filters}"})
        assert response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG
    unknown = destination.post("/redirection/go", {"fragment": "#/x/" + "y" * 20_000})
    assert unknown.status_code == HTTPStatus.OK


def test_it_is_not_on_the_legacy_host(legacy: Client, contoso: Tenant) -> None:
    assert legacy.get("/redirection/hand-over").status_code == HTTPStatus.NOT_FOUND
