"""Who a token makes somebody, and which roles it brings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
import responses
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path
from social_django.models import UserSocialAuth

from portal.models import Person
from portal.sign_in.pipeline import MOST_ROLES, directory_roles
from redirection.models import RoleSnapshot, Tenant
from redirection.roles import GLOBAL_ADMINISTRATOR, GLOBAL_READER, ORDINARY_MEMBER
from tests.entra_id import EntraId, is_signed_in, somebody

OPERATORS = "django.contrib.auth.backends.ModelBackend"


@login_not_required
def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [path("auth/", include("portal.sign_in.urls")), path("who", who)]


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


def test_a_person_is_tenant_and_object_id(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    uid = somebody(contoso)
    tid, oid = uid.split(":")
    entra.sign_in(destination, uid, oid=oid.upper())

    person = Person.objects.get()
    assert person.username == f"{tid}:{oid}"
    assert person.display_name == "Ada Lovelace"
    assert not person.has_usable_password()
    assert not person.is_staff
    assert UserSocialAuth.objects.get().extra_data.keys() == {"auth_time"}


def test_an_address_used_by_somebody_else_is_no_way_in(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    Person.objects.filter(pk=ada.pk).update(email="ada@contoso.example")
    entra.sign_in(destination, somebody(contoso), preferred_username="ada@contoso.example")

    assert destination.session["_auth_user_id"] != str(ada.pk)


def test_the_same_object_id_in_another_tenant_is_somebody_else(
    entra: EntraId, destination: Client, ada: Person, fabrikam: Tenant
) -> None:
    entra.sign_in(destination, f"{fabrikam.tid}:{ada.username.split(':')[1]}")

    assert destination.session["_auth_user_id"] != str(ada.pk)


def test_one_human_in_two_tenants_is_two_people_with_their_own_roles(
    entra: EntraId, destination: Client, legacy: Client, contoso: Tenant, fabrikam: Tenant
) -> None:
    oid = "0f0f0f0f-1111-4222-8333-444444444444"
    upn = "ada@contoso.example"
    entra.sign_in(destination, f"{contoso.tid}:{oid}", preferred_username=upn, sub="the-same")
    entra.sign_in(
        legacy,
        f"{fabrikam.tid}:{oid}",
        preferred_username=upn,
        sub="the-same",
        wids=[GLOBAL_ADMINISTRATOR],
    )

    at_contoso = Person.objects.get(username=f"{contoso.tid}:{oid}")
    at_fabrikam = Person.objects.get(username=f"{fabrikam.tid}:{oid}")
    assert destination.session["_auth_user_id"] == str(at_contoso.pk)
    assert legacy.session["_auth_user_id"] == str(at_fabrikam.pk)
    for tenant in (contoso, fabrikam):
        assert not at_contoso.has_perm("redirection.switch_redirection", tenant)
    assert not at_fabrikam.has_perm("redirection.switch_redirection", contoso)
    assert at_fabrikam.has_perm("redirection.switch_redirection", fabrikam)


def test_a_changed_address_stays_the_same_person_and_its_old_one_is_nobodys(
    entra: EntraId, destination: Client, legacy: Client, ada: Person, contoso: Tenant
) -> None:
    entra.sign_in(destination, ada, preferred_username="ada@contoso.example")
    entra.sign_in(destination, ada, preferred_username="lovelace@contoso.example")
    # Somebody new is given the address that became free.
    entra.sign_in(legacy, somebody(contoso), preferred_username="ada@contoso.example")

    assert destination.session["_auth_user_id"] == str(ada.pk)
    newcomer = Person.objects.get(username=somebody(contoso))
    assert legacy.session["_auth_user_id"] == str(newcomer.pk)
    assert RoleSnapshot.objects.filter(person=newcomer).count() == 1
    assert UserSocialAuth.objects.count() == 2


def test_name_and_address_follow_the_provider(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(
        destination, ada, name="Ada\x00 King\n", preferred_username="king@contoso.example"
    )

    ada.refresh_from_db()
    assert (ada.display_name, ada.email) == ("Ada King", "king@contoso.example")


@pytest.mark.parametrize("value", [None, 1, ["Ada"], {"a": 1}, "x" * 5000])
def test_a_strange_name_does_not_keep_anybody_out(
    value: Any, entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, name=value, preferred_username=value)

    assert is_signed_in(destination)


def test_roles_come_from_wids_with_their_time(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    RoleSnapshot.objects.update(taken_at=datetime(2020, 1, 1, tzinfo=UTC))
    entra.sign_in(destination, ada, wids=[GLOBAL_READER.upper(), ORDINARY_MEMBER])

    snapshot = RoleSnapshot.objects.get(person=ada, tenant=contoso)
    assert snapshot.directory_roles == sorted([GLOBAL_READER, ORDINARY_MEMBER])
    assert snapshot.taken_at.year > 2020


def test_a_role_taken_away_is_gone_after_the_next_sign_in(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)

    assert RoleSnapshot.objects.get(person=ada).directory_roles == []


@pytest.mark.parametrize(
    "wids",
    [None, "", GLOBAL_ADMINISTRATOR, 1, {}, {GLOBAL_ADMINISTRATOR: True}, [None], [1], [[]], ["x"]],
)
def test_malformed_roles_are_no_roles(wids: object) -> None:
    assert directory_roles(wids) == []


def test_roles_among_rubbish_count() -> None:
    assert directory_roles([1, GLOBAL_READER, None, GLOBAL_READER]) == [GLOBAL_READER]


def test_there_is_an_end_to_roles() -> None:
    assert directory_roles(["x"] * MOST_ROLES + [GLOBAL_ADMINISTRATOR]) == []


def test_what_the_token_endpoint_says_beside_the_token_gives_no_roles(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.begin(destination)
    token = entra.signed(entra.claims(ada))
    entra.come_back(destination, token, wids=[GLOBAL_ADMINISTRATOR])

    assert RoleSnapshot.objects.get(person=ada).directory_roles == []


def test_signing_in_sets_up_no_tenant(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.sign_in(destination, somebody(contoso))

    assert list(Tenant.objects.all()) == [contoso]


@override_settings(ROOT_URLCONF=__name__)
def test_a_disabled_person_is_out_at_the_next_request(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)
    assert destination.get("/who").content.decode() == ada.username

    Person.objects.update(is_active=False)

    assert destination.get("/who").content == b""


@override_settings(ROOT_URLCONF=__name__)
def test_the_people_of_a_disabled_tenant_are_out_at_the_next_request(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    entra.sign_in(destination, ada)
    contoso.enabled = False
    contoso.save()

    assert destination.get("/who").content == b""


@override_settings(ROOT_URLCONF=__name__)
def test_an_operator_needs_no_tenant(destination: Client, db: None) -> None:
    destination.force_login(Person.objects.create_superuser("operator"), OPERATORS)

    answer = destination.get("/who")

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, b"operator")


@override_settings(ROOT_URLCONF=__name__)
def test_an_operator_is_not_let_in_by_the_sign_in_of_tenants(destination: Client, db: None) -> None:
    operator = Person.objects.create_superuser("operator")
    destination.force_login(operator, "portal.sign_in.backend.EntraBackend")

    assert destination.get("/who").content == b""
