"""Giving feedback: about a page, stored with tenant and person, nothing typed lost."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from portal.models import Person
from redirection.models import Feedback, Tenant
from tests.conftest import MakePerson
from tests.test_settings_page import sign_in, unsent_owner

FORM = "/redirection/feedback"


def report(**changed: Any) -> dict[str, Any]:
    return {
        "rating": "2",
        "kind": "missing",
        "text": "Where are the exported reports?",
        "page": "/#/reports",
        "may_contact": "on",
        **changed,
    }


@pytest.mark.parametrize("portal", ["legacy", "destination"])
def test_an_ordinary_person_reports_from_either_portal(
    portal: str, otto: Person, contoso: Tenant, request: pytest.FixtureRequest
) -> None:
    browser: Client = request.getfixturevalue(portal)
    sign_in(browser, otto)
    response = browser.post(FORM, report(), follow=True)
    stored = Feedback.objects.get()
    assert (stored.tenant, stored.person, stored.portal) == (contoso, otto, portal)
    assert (stored.rating, stored.kind, stored.may_contact) == (2, "missing", True)
    assert "Thank you" in unescape(response.content.decode())


def test_the_page_it_is_about_is_filled_in(otto: Person, destination: Client) -> None:
    sign_in(destination, otto)
    page = destination.get(FORM, {"about": '/#/audits?a="1"'}).content.decode()
    assert 'value="/#/audits?a=&quot;1&quot;"' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rating", ""),
        ("rating", "6"),
        ("rating", "good"),
        ("kind", ""),
        ("kind", "rant"),
        ("text", "x" * 4001),
        ("text", "nul\x00"),
        ("page", "/" * 2001),
    ],
)
def test_an_error_loses_nothing(
    field: str, value: str, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    typed = report(text="All that I <typed>")
    response = destination.post(FORM, {**typed, field: value})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    page = response.content.decode()
    if field != "text":
        assert "All that I &lt;typed&gt;" in page
    if field != "page":
        assert 'value="/#/reports"' in page
    assert 'aria-invalid="true"' in page
    assert not Feedback.objects.exists()


def test_a_session_that_ended_meanwhile_loses_nothing(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    destination.logout()
    response = destination.post(FORM + "?about=/x", report(unsent_owner=made_for))
    assert response["Location"].startswith("/auth/sign-in?next=/redirection/feedback")
    sign_in(destination, otto)
    page = unescape(destination.get(FORM).content.decode())
    assert "Where are the exported reports?" in page
    assert 'value="/#/reports"' in page
    assert "Your text is still here" in page


def test_nobody_else_is_shown_it(
    otto: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, otto)
    made_for = unsent_owner(destination, FORM)
    for field in (made_for, made_for[:-1] + "x", ""):
        destination.logout()
        destination.post(FORM, report(unsent_owner=field))
        sign_in(destination, person(contoso, f"Paul {field}"))
        assert "exported reports" not in destination.get(FORM).content.decode()


def test_the_receipt_is_for_the_sender_only(
    otto: Person, contoso: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, otto)
    receipt = destination.post(FORM, report())["Location"]
    assert destination.get(receipt).status_code == HTTPStatus.OK
    sign_in(destination, person(contoso, "Paul"))
    assert destination.get(receipt).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("page", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_never_leads_elsewhere(
    page: str, otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    response = destination.post(FORM, report(page=page), follow=True)
    assert f'href="{page}' not in response.content.decode()


def test_operators_read_it_and_cannot_change_it(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, otto)
    destination.post(FORM, report(text="<script>alert(1)</script>"))
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    destination.force_login(olga, "django.contrib.auth.backends.ModelBackend")
    listed = destination.get("/admin/redirection/feedback/")
    assert "Missing" in listed.content.decode()
    stored = Feedback.objects.get()
    one = destination.get(f"/admin/redirection/feedback/{stored.pk}/change/").content.decode()
    assert "<script>alert(1)" not in one
    assert 'name="_save"' not in one


def test_on_another_tenants_host_a_person_gives_none(
    otto: Person, contoso: Tenant, fabrikam: Tenant
) -> None:
    browser = Client(headers={"host": "fabrikam.portal.localhost"})
    sign_in(browser, otto)
    assert browser.post(FORM, report()).status_code == HTTPStatus.NOT_FOUND
    assert not Feedback.objects.exists()
