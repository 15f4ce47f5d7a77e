"""A sign-in lasts some hours at most, less without a request, and ends when an operator says so."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
import responses
import time_machine
from django.test import Client

from portal.models import Person
from portal.sign_in.session_limits import SEEN_AT, SIGNED_IN_AT
from redirection.models import Feedback, Tenant
from tests.entra_id import EntraId, is_signed_in
from tests.test_settings_page import unsent_owner

NOON = 1_800_000_000
HOUR = 3600
PAGE = "/cloudapps/settings?tabid=autoRedirection"
FEEDBACK = "/redirection/feedback"


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def signed_in(clock: time_machine.Coordinates, destination: Client, ada: Person) -> Client:
    """Ada's browser, signed in at noon."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        EntraId(mock).sign_in(destination, ada)
    return destination


def is_let_in(client: Client, path: str = PAGE) -> bool:
    return client.get(path).status_code in (HTTPStatus.OK, HTTPStatus.FORBIDDEN)


def test_the_moment_of_the_sign_in_is_kept(signed_in: Client) -> None:
    assert signed_in.session[SIGNED_IN_AT] == signed_in.session[SEEN_AT] == NOON


def test_it_ends_after_an_hour_without_a_request(
    clock: time_machine.Coordinates, signed_in: Client
) -> None:
    clock.move_to(NOON + HOUR)
    assert is_let_in(signed_in)

    clock.move_to(NOON + 2 * HOUR + 1)
    answer = signed_in.get(PAGE)

    assert answer["Location"].startswith("/auth/sign-in?next=/cloudapps/settings%3F")
    assert not is_signed_in(signed_in)


def test_it_ends_after_eight_hours_however_busy(
    clock: time_machine.Coordinates, signed_in: Client
) -> None:
    for minutes in range(0, 8 * 60 + 1, 30):
        clock.move_to(NOON + minutes * 60)
        assert is_let_in(signed_in), f"after {minutes} minutes"

    clock.move_to(NOON + 8 * HOUR + 1)

    assert not is_let_in(signed_in)


def test_asking_for_roles_again_makes_it_no_longer(
    clock: time_machine.Coordinates, signed_in: Client, ada: Person
) -> None:
    clock.move_to(NOON + HOUR)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        entra = EntraId(mock)
        entra.check_roles(signed_in)
        entra.come_back(signed_in, entra.signed(entra.claims(ada)))

    assert signed_in.session[SIGNED_IN_AT] == NOON


def test_limits_are_configured(
    clock: time_machine.Coordinates, signed_in: Client, settings: Any
) -> None:
    settings.PORTAL_SESSION_IDLE = 60
    clock.move_to(NOON + 61)

    assert not is_let_in(signed_in)


def test_the_session_is_written_once_a_minute_at_most(
    clock: time_machine.Coordinates, signed_in: Client
) -> None:
    clock.move_to(NOON + 59)
    assert "portal_session" not in signed_in.get(PAGE).cookies
    clock.move_to(NOON + 60)
    assert "portal_session" in signed_in.get(PAGE).cookies


def test_a_session_from_before_there_were_limits_has_them_from_now(
    clock: time_machine.Coordinates, destination: Client, ada: Person
) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")
    assert is_let_in(destination)

    assert destination.session[SIGNED_IN_AT] == NOON


def test_an_operators_session_ends_as_well(
    clock: time_machine.Coordinates, destination: Client, db: None
) -> None:
    operator = Person.objects.create_superuser("operator")
    destination.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    assert destination.get("/admin/").status_code == HTTPStatus.OK

    clock.move_to(NOON + HOUR + 1)

    assert destination.get("/admin/").status_code == HTTPStatus.FOUND


def test_a_visitor_gets_no_session(destination: Client, db: None) -> None:
    assert "portal_session" not in destination.get("/auth/sign-in").cookies


def test_text_sent_after_the_end_is_still_there_after_the_next_sign_in(
    clock: time_machine.Coordinates, signed_in: Client, ada: Person
) -> None:
    typed = {"text": "Typed for an hour", "page": "/"}
    typed["unsent_owner"] = unsent_owner(signed_in, FEEDBACK)
    clock.move_to(NOON + HOUR + 1)
    answer = signed_in.post(FEEDBACK, typed)

    assert answer["Location"].startswith("/auth/sign-in")
    assert not Feedback.objects.exists()

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        EntraId(mock).sign_in(signed_in, ada)

    assert "Typed for an hour" in signed_in.get(FEEDBACK).content.decode()
    assert signed_in.session[SIGNED_IN_AT] == NOON + HOUR + 1


def test_a_disabled_person_is_out_at_the_next_request(signed_in: Client, ada: Person) -> None:
    assert is_let_in(signed_in)
    Person.objects.filter(pk=ada.pk).update(is_active=False)

    assert not is_let_in(signed_in)


def test_the_people_of_a_disabled_tenant_are_out_at_the_next_request(
    signed_in: Client, contoso: Tenant
) -> None:
    assert is_let_in(signed_in)
    Tenant.objects.filter(pk=contoso.pk).update(enabled=False)

    assert not is_let_in(signed_in)
