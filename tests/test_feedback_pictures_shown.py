"""Who sees a screenshot, and how it is served: nothing in it can run."""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from portal.models import Person
from redirection.feedback.giving import record
from redirection.feedback.screenshots import picture_of
from redirection.models import Feedback, Screenshot, Tenant
from tests.conftest import PAGE_LOAD
from tests.test_feedback_pictures import picture
from tests.test_settings_page import sign_in, text

FORM = "/redirection/feedback"


@pytest.fixture
def reported(otto: Person, contoso: Tenant) -> str:
    """The address of the picture of Otto's report."""
    said = {"kind": "broken", "text": "See there", "page": "/audits", "portal": "legacy"}
    kept = picture_of(BytesIO(picture()))
    feedback = record(contoso, otto, source="banner", screenshot=kept, **said)
    return f"{FORM}/{feedback.pk}/screenshot"


def test_a_picture_comes_from_where_it_cannot_run(
    reported: str, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    answer = destination.get(reported)
    assert answer.content == bytes(Screenshot.objects.get().png)
    shown = {name: answer[name] for name in answer.headers}
    assert shown["Content-Type"] == "image/png"
    assert shown["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "no-store" in shown["Cache-Control"]
    number = Feedback.objects.get().pk
    assert shown["Content-Disposition"] == f'inline; filename="feedback-{number}.png"'


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("otto", HTTPStatus.OK),
        ("rita", HTTPStatus.OK),
        ("colleague", HTTPStatus.NOT_FOUND),
        ("admin of another organisation", HTTPStatus.NOT_FOUND),
        ("operator", HTTPStatus.OK),
        ("operator without the permission", HTTPStatus.NOT_FOUND),
        ("nobody", HTTPStatus.FOUND),
    ],
)
def test_whoever_may_not_see_it_finds_nothing(
    who: str,
    status: HTTPStatus,
    reported: str,
    otto: Person,
    rita: Person,
    contoso: Tenant,
    fabrikam: Tenant,
    person: Any,
    destination: Client,
) -> None:
    people = {
        "otto": otto,
        "rita": rita,
        "colleague": person(contoso, "Paul"),
        "admin of another organisation": person(
            fabrikam, "Fay", roles=["62e90394-69f5-4237-9190-012177145e10"]
        ),
        "operator": Person.objects.create_superuser("olga"),
        "operator without the permission": Person.objects.create_user("oleg", is_staff=True),
    }
    if who in people:
        sign_in(destination, people[who])
    assert destination.get(reported).status_code == status


def test_on_the_host_of_another_organisation_there_is_none(
    reported: str, otto: Person, fabrikam: Tenant
) -> None:
    operator = Person.objects.create_superuser("olga")
    browser = Client(headers={"host": "fabrikam.portal.localhost", **PAGE_LOAD})
    for somebody in (otto, operator):
        sign_in(browser, somebody)
        assert browser.get(reported).status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("number", [0, 2**63, 10**19, 10**40])
def test_a_number_that_no_report_can_have_is_not_found(
    number: int, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    for address in (f"{FORM}/{number}/screenshot", f"{FORM}/{number}"):
        assert destination.get(address).status_code == HTTPStatus.NOT_FOUND


def test_a_report_without_a_picture_has_none(
    otto: Person, contoso: Tenant, destination: Client
) -> None:
    said = {"kind": "other", "text": "x", "page": "/", "portal": "legacy", "source": "banner"}
    feedback = record(contoso, otto, **said)
    sign_in(destination, otto)
    answer = destination.get(f"{FORM}/{feedback.pk}/screenshot")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert "Look at the picture" not in text(destination.get(f"{FORM}/{feedback.pk}"))
