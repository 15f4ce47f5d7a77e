"""A change needs roles that were asked for a short while ago; looking does not."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from portal.models import Person
from redirection.models import LocalRole, RoleSnapshot, Tenant
from redirection.permissions import RolesTooOld, require_fresh_roles
from redirection.roles import LocalRoleName
from tests.conftest import MakePerson
from tests.test_settings_page import PAGE, POST_TO, form, sign_in, text, unsent_owner


def asked(person: Person, **ago: float) -> None:
    RoleSnapshot.objects.filter(person=person).update(taken_at=timezone.now() - timedelta(**ago))


def switch(tenant: Tenant, person: Person) -> Any:
    return tenant.switch_redirection(
        "on", reason_kind="trial", reason="x", channel="page", author=person
    )


def test_roles_of_a_quarter_of_an_hour_are_fresh_and_older_ones_are_not(
    ada: Person, contoso: Tenant
) -> None:
    asked(ada, minutes=14)
    require_fresh_roles(ada, contoso)
    asked(ada, minutes=16)
    with pytest.raises(RolesTooOld):
        switch(contoso, ada)
    assert not Tenant.objects.get(pk=contoso.pk).is_on


def test_the_age_is_configured(ada: Person, contoso: Tenant, settings: Settings) -> None:
    settings.REDIRECTION_ROLES_MAX_AGE = 5
    asked(ada, seconds=10)
    with pytest.raises(RolesTooOld):
        switch(contoso, ada)


def test_a_local_admin_needs_them_as_well(contoso: Tenant, person: MakePerson) -> None:
    lena = person(contoso, "Lena", local=LocalRoleName.GLOBAL_ADMINISTRATOR)
    asked(lena, hours=1)
    with pytest.raises(RolesTooOld):
        switch(contoso, lena)


def test_whoever_may_not_switch_is_refused_and_not_asked_again(
    rita: Person, contoso: Tenant, destination: Client
) -> None:
    asked(rita, hours=1)
    sign_in(destination, rita)
    assert destination.post(POST_TO, form(contoso)).status_code == HTTPStatus.FORBIDDEN


def test_looking_needs_only_the_session(ada: Person, destination: Client) -> None:
    asked(ada, hours=7)
    sign_in(destination, ada)
    assert destination.get(PAGE).status_code == HTTPStatus.OK


def test_the_person_comes_back_to_what_they_had_typed(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    asked(ada, hours=1)
    sign_in(destination, ada)
    made_for = unsent_owner(destination, PAGE + "&confirm=on")
    typed = form(contoso, reason="Typed with care", unsent_owner=made_for)
    response = destination.post(POST_TO, typed)
    assert response.status_code == HTTPStatus.FOUND
    page, _, back = response["Location"].partition("?next=")
    assert page == "/auth/check-roles"
    assert not Tenant.objects.get(pk=contoso.pk).is_on
    asked(ada, seconds=0)
    again = text(destination.get(unquote(back)))
    assert "Typed with care" in again
    assert "You signed in again" in again
    assert 'name="wanted" value="on"' in again
    # It is offered once; a later visit begins empty.
    assert "Typed with care" not in text(destination.get(unquote(back)))


def test_without_a_page_that_checks_roles_a_new_sign_in_does(
    ada: Person, contoso: Tenant, destination: Client, settings: Settings
) -> None:
    settings.REDIRECTION_CHECK_ROLES_URL = ""
    asked(ada, hours=1)
    sign_in(destination, ada)
    response = destination.post(POST_TO, form(contoso))
    assert response["Location"].startswith("/auth/sign-in?next=/cloudapps/settings")


def test_roles_taken_away_meanwhile_are_refused(
    ada: Person, contoso: Tenant, destination: Client
) -> None:
    sign_in(destination, ada)
    RoleSnapshot.objects.filter(person=ada).update(directory_roles=[])
    assert destination.post(POST_TO, form(contoso)).status_code == HTTPStatus.FORBIDDEN
    assert not Tenant.objects.get(pk=contoso.pk).is_on


def test_what_a_directory_gives_must_be_fresh_in_its_own_tenant(
    ada: Person, contoso: Tenant, fabrikam: Tenant
) -> None:
    asked(ada, days=300)
    RoleSnapshot.objects.create(person=ada, tenant=fabrikam)
    with pytest.raises(RolesTooOld):
        switch(contoso, ada)


def test_a_local_role_in_another_tenant_needs_any_fresh_sign_in(
    ada: Person, fabrikam: Tenant
) -> None:
    LocalRole.objects.create(person=ada, tenant=fabrikam, role="global_administrator")
    assert switch(fabrikam, ada)
    asked(ada, hours=1)
    with pytest.raises(RolesTooOld):
        fabrikam.switch_redirection(
            "off", reason_kind="trial", reason="x", channel="page", author=ada
        )
