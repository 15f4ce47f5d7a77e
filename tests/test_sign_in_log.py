"""Who signed in and out stands in the log, either way, and so does a wrong password."""

from __future__ import annotations

import logging
from http import HTTPStatus

import pytest
import responses
from django.test import Client

from portal.models import Person
from tests.entra_id import EntraId

PASSWORD = "correct horse battery staple"
LOGGER = "portal.sign_in.journal"
FORM = "/admin/login/"


@pytest.fixture
def olga(db: None) -> Person:
    """An operator."""
    return Person.objects.create_superuser("olga", password=PASSWORD)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_a_sign_in_is_logged_with_the_way_and_the_address(
    destination: Client, ada: Person, olga: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        EntraId(mock).sign_in(destination, ada)
    destination.post("/auth/sign-out")
    answer = destination.post(FORM, {"username": "olga", "password": PASSWORD})
    assert answer.status_code == HTTPStatus.FOUND
    assert lines(caplog) == [
        f"Signed in: {ada.username} by EntraBackend from 127.0.0.1",
        f"Signed out: {ada.username} from 127.0.0.1",
        "Signed in: olga by ModelBackend from 127.0.0.1",
    ]


def test_a_wrong_password_is_logged(
    destination: Client, olga: Person, caplog: pytest.LogCaptureFixture
) -> None:
    answer = destination.post(FORM, {"username": "olga", "password": "wrong-one"})
    assert answer.status_code == HTTPStatus.OK
    assert lines(caplog) == ["Sign-in with a password failed: olga from 127.0.0.1"]
    assert "wrong-one" not in caplog.text


def test_a_password_typed_as_a_name_is_not_written_out(
    destination: Client, olga: Person, caplog: pytest.LogCaptureFixture
) -> None:
    destination.post(FORM, {"username": PASSWORD, "password": "x"})
    assert lines(caplog) == ["Sign-in with a password failed: a name nobody has from 127.0.0.1"]
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("name", ["olga\nSigned in: ada", "olga\0", "\x1b[2J"])
def test_no_name_makes_a_line_of_its_own(
    destination: Client, olga: Person, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    answer = destination.post(FORM, {"username": name, "password": "x"})
    assert answer.status_code == HTTPStatus.OK
    assert all(line.isprintable() and "ada" not in line for line in lines(caplog))
