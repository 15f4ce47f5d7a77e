"""Operators have a password, which is long, hard to guess, theirs alone, and a slow hash."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, override_settings

from portal.models import Person
from tests.conftest import PAGE_LOAD

PASSWORD = "correct horse battery staple"
BETTER = "a walrus, two lamps and 7 boats"
FORM = "/admin/password_change/"
# The tests of everything else take a quick one.
SLOW = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]


@pytest.fixture
def olga(db: None) -> Person:
    """An operator."""
    return Person.objects.create_superuser("olga", password=PASSWORD)


def browser_of(person: Person, password: str = PASSWORD) -> Client:
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    answer = browser.post("/admin/login/", {"username": person.username, "password": password})
    assert answer.status_code == HTTPStatus.FOUND
    return browser


def codes(password: str, person: Person | None = None) -> set[str | None]:
    """The codes of what is wrong with a password; none where it is taken."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        return {problem.code for problem in error.error_list}
    return set()


def test_there_is_no_account_until_somebody_makes_one(db: None) -> None:
    assert not Person.objects.exists()


def test_a_short_password_is_refused() -> None:
    assert codes("x7#Kq!vZw2&Lr9") == {"password_too_short"}
    assert not codes("x7#Kq!vZw2&Lr9m")


def test_a_common_password_is_refused() -> None:
    assert "password_too_common" in codes("123456789987654321")


@pytest.mark.parametrize(
    "password",
    [
        "portal-redirection-2026",
        "Operator.Password.1",
        "AdminAdminAdminAdmin",
        "microsoft 365 defender!",
        "olga@contoso.example",
        "legacydestination99",
    ],
)
def test_a_password_made_of_the_words_of_the_site_is_refused(password: str) -> None:
    olga = Person(username="olga", email="olga@contoso.example")
    assert codes(password, olga) == {"password_of_the_site"}


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "the portal of our whole village",
        "aaaabbbbccccdddd",
        "пароль из четырёх слов",
        "\N{GRINNING FACE}" * 15,
        "  leading and trailing  ",
        "x7" * 500,
    ],
)
def test_any_characters_will_do_and_none_is_cut_off(olga: Person, password: str) -> None:
    assert not codes(password, olga)
    olga.set_password(password)
    assert olga.check_password(password)
    assert not olga.check_password(password[:-1])
    assert not olga.check_password(password.strip()) or password == password.strip()
    assert not olga.check_password(password.upper()) or password == password.upper()


def test_an_operator_changes_the_own_password_with_the_old_one(olga: Person) -> None:
    browser = browser_of(olga)
    new = {"new_password1": BETTER, "new_password2": BETTER}
    wrong = browser.post(FORM, {"old_password": "not it", **new})
    assert wrong.status_code == HTTPStatus.OK
    right = browser.post(FORM, {"old_password": PASSWORD, **new})
    assert right.status_code == HTTPStatus.FOUND
    olga.refresh_from_db()
    assert olga.check_password(BETTER)


def test_a_new_password_ends_the_other_sessions(olga: Person) -> None:
    browser, elsewhere = browser_of(olga), browser_of(olga)
    fields = {"old_password": PASSWORD, "new_password1": BETTER, "new_password2": BETTER}
    assert browser.post(FORM, fields).status_code == HTTPStatus.FOUND
    assert browser.get("/admin/").status_code == HTTPStatus.OK
    assert elsewhere.get("/admin/").status_code == HTTPStatus.FOUND


def test_the_form_masks_the_password_and_leaves_it_to_a_password_manager(
    destination: Client,
) -> None:
    text = destination.get("/admin/login/").content.decode()
    assert 'type="password"' in text
    assert 'autocomplete="current-password"' in text
    assert "onpaste" not in text


@override_settings(PASSWORD_HASHERS=SLOW)
def test_a_password_is_stored_as_a_slow_hash_alone(olga: Person) -> None:
    olga.set_password(PASSWORD)
    algorithm, rounds, salt, _ = olga.password.split("$")
    assert algorithm == "pbkdf2_sha256"
    assert int(rounds) >= 600_000
    assert len(salt) >= 22
    assert PASSWORD not in olga.password


def test_no_setting_of_the_site_takes_another_hash() -> None:
    from portal import settings as site

    assert not hasattr(site, "PASSWORD_HASHERS")
    assert settings.AUTH_PASSWORD_VALIDATORS == site.AUTH_PASSWORD_VALIDATORS
