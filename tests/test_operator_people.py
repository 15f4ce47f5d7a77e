"""Whoever may change people makes nobody an operator, and takes over none."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from portal.models import Person
from tests.conftest import PAGE_LOAD

RIGHTS = ("add_person", "change_person", "delete_person", "view_person")
PASSWORDS = {"password1": "a walrus, two lamps", "password2": "a walrus, two lamps"}


def browser_of(person: Person) -> Client:
    browser = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    browser.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture
def olga(db: None) -> Person:
    """An operator who may do anything."""
    return Person.objects.create_superuser("olga", password="a-long-enough-password")


@pytest.fixture
def hugo(db: None) -> Person:
    """An operator of the help desk: may change people, and is no superuser."""
    hugo = Person.objects.create_user("hugo", password="a-long-enough-password", is_staff=True)
    rights = Permission.objects.filter(content_type__app_label="portal", codename__in=RIGHTS)
    hugo.user_permissions.set(rights)
    return hugo


def of(person: Person, page: str = "change/") -> str:
    return f"/admin/portal/person/{person.pk}/{page}"


def test_an_operator_who_is_no_superuser_makes_nobody_an_operator(
    hugo: Person, ada: Person
) -> None:
    fields = {"display_name": "Ada", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert browser_of(hugo).post(of(ada), fields).status_code == HTTPStatus.FOUND
    ada.refresh_from_db()
    assert (ada.display_name, ada.is_staff, ada.is_superuser) == ("Ada", False, False)


def test_nor_themselves_nor_changes_another_operator(hugo: Person, olga: Person) -> None:
    browser = browser_of(hugo)
    for operator in (hugo, olga):
        before = operator.password
        for page, data in (
            ("change/", {"is_superuser": "on"}),
            ("password/", PASSWORDS),
            ("delete/", {"post": "yes"}),
        ):
            answer = browser.post(of(operator, page), data)
            assert answer.status_code == HTTPStatus.FORBIDDEN, page
        operator.refresh_from_db()
        assert operator.password == before
    assert not hugo.is_superuser
    assert olga.is_active


def test_nor_deletes_one_among_others(hugo: Person, olga: Person, ada: Person) -> None:
    data = {"action": "delete_selected", "_selected_action": [ada.pk, olga.pk], "post": "yes"}
    browser_of(hugo).post("/admin/portal/person/", data)
    assert Person.objects.filter(pk=olga.pk).exists()


def test_a_superuser_makes_operators_and_gives_them_a_password(olga: Person, hugo: Person) -> None:
    browser = browser_of(olga)
    fields = {"display_name": "Hugo", "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert browser.post(of(hugo), fields).status_code == HTTPStatus.FOUND
    data = {**PASSWORDS, "usable_password": "true"}
    assert browser.post(of(hugo, "password/"), data).status_code == HTTPStatus.FOUND
    hugo.refresh_from_db()
    assert hugo.is_superuser
    assert hugo.check_password(PASSWORDS["password1"])


def test_people_of_organisations_are_turned_off_by_the_help_desk(hugo: Person, ada: Person) -> None:
    assert browser_of(hugo).post(of(ada), {"display_name": "Ada"}).status_code == HTTPStatus.FOUND
    ada.refresh_from_db()
    assert not ada.is_active
