"""Roles are asked for again without the person noticing, and with them where it must be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from django.test import Client

from portal.models import Person
from portal.sign_in.role_check import NEEDS_THE_PERSON
from redirection.models import RoleSnapshot, Tenant
from redirection.roles import CLOUD_APP_SECURITY_ADMINISTRATOR
from tests.conftest import MakePerson
from tests.entra_id import TOKEN, EntraId, is_signed_in
from tests.test_settings_page import unsent_owner

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = "/cloudapps/settings"
OPERATORS = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


@pytest.fixture
def signed_in(entra: EntraId, destination: Client, ada: Person) -> Client:
    """Ada's browser; her roles were asked for long ago."""
    entra.sign_in(destination, ada, wids=[CLOUD_APP_SECURITY_ADMINISTRATOR])
    RoleSnapshot.objects.update(taken_at=LONG_AGO)
    return destination


def turned_down(entra: EntraId, client: Client, error: str) -> Any:
    return entra.call_back(client, error=error, state=entra.params["state"])


def switch(client: Client, tenant: Tenant) -> Any:
    tenant.refresh_from_db()
    return client.post(
        f"{SETTINGS}/switch-redirection",
        {
            "tid": str(tenant.tid),
            "wanted": "on",
            "reason_kind": "ready",
            "reason": "Typed with care",
            "unsent_owner": unsent_owner(client, f"{SETTINGS}?confirm=on"),
            "seen_revision": tenant.revision,
        },
    )


def test_it_asks_silently_for_the_person_and_comes_back(
    entra: EntraId, signed_in: Client, ada: Person
) -> None:
    asked = entra.check_roles(signed_in, "/a?b=c#d")

    assert (asked["prompt"], asked["login_hint"]) == ("none", "ada@contoso.example")
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert len(asked["nonce"]) == 64

    answer = entra.come_back(signed_in, entra.signed(entra.claims(ada)))

    assert answer["Location"] == "http://security.localhost/a?b=c#d"
    assert RoleSnapshot.objects.get().taken_at > LONG_AGO


def test_without_an_address_there_is_no_hint(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, preferred_username=None)

    assert "login_hint" not in entra.check_roles(destination)


def test_a_change_with_old_roles_comes_back_to_the_form_and_is_made(
    entra: EntraId, signed_in: Client, ada: Person, contoso: Tenant
) -> None:
    entra.asked(signed_in.get(switch(signed_in, contoso)["Location"]))
    token = entra.signed(entra.claims(ada, wids=[CLOUD_APP_SECURITY_ADMINISTRATOR]))
    form = signed_in.get(entra.come_back(signed_in, token)["Location"])

    assert "Typed with care" in form.content.decode()
    assert switch(signed_in, contoso).status_code == HTTPStatus.FOUND
    contoso.refresh_from_db()
    assert contoso.is_on


def test_a_role_taken_away_at_the_provider_makes_no_change(
    entra: EntraId, signed_in: Client, ada: Person, contoso: Tenant
) -> None:
    entra.asked(signed_in.get(switch(signed_in, contoso)["Location"]))
    form = signed_in.get(
        entra.come_back(signed_in, entra.signed(entra.claims(ada, wids=[])))["Location"]
    )

    assert form.status_code == HTTPStatus.FORBIDDEN
    assert switch(signed_in, contoso).status_code == HTTPStatus.FORBIDDEN
    contoso.refresh_from_db()
    assert not contoso.is_on


@pytest.mark.parametrize("error", sorted(NEEDS_THE_PERSON))
def test_where_entra_id_needs_the_person_it_asks_them_and_the_form_survives(
    error: str, entra: EntraId, signed_in: Client, ada: Person, contoso: Tenant
) -> None:
    entra.asked(signed_in.get(switch(signed_in, contoso)["Location"]))
    first = entra.params
    second = entra.asked(turned_down(entra, signed_in, error))

    assert (second["prompt"], second["login_hint"]) == ("select_account", "ada@contoso.example")
    for name in ("state", "nonce", "code_challenge"):
        assert second[name] != first[name]

    token = entra.signed(entra.claims(ada, wids=[CLOUD_APP_SECURITY_ADMINISTRATOR]))
    form = signed_in.get(entra.come_back(signed_in, token)["Location"])

    assert "Typed with care" in form.content.decode()
    assert RoleSnapshot.objects.get().taken_at > LONG_AGO


@pytest.mark.parametrize("error", sorted(NEEDS_THE_PERSON))
def test_it_never_asks_a_third_time(error: str, entra: EntraId, signed_in: Client) -> None:
    entra.check_roles(signed_in, "/wanted")
    entra.asked(turned_down(entra, signed_in, error))
    answer = turned_down(entra, signed_in, error)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert 'href="http://security.localhost/auth/check-roles?next=%2Fwanted"' in (
        answer.content.decode()
    )
    assert is_signed_in(signed_in)
    assert RoleSnapshot.objects.get().taken_at == LONG_AGO


def test_the_first_round_cannot_be_answered_twice(entra: EntraId, signed_in: Client) -> None:
    first = entra.check_roles(signed_in)
    turned_down(entra, signed_in, "login_required")
    entra.params = first

    answer = turned_down(entra, signed_in, "login_required")

    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_an_error_of_no_sign_in_of_ours_asks_nobody(signed_in: Client, entra: EntraId) -> None:
    answer = entra.call_back(signed_in, error="login_required", state="made-up")

    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_a_plain_sign_in_is_not_asked_again(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)

    assert turned_down(entra, destination, "login_required").status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("round_of", ["first", "second"])
def test_the_answer_for_somebody_else_is_refused(
    round_of: str,
    entra: EntraId,
    signed_in: Client,
    ada: Person,
    contoso: Tenant,
    person: MakePerson,
) -> None:
    entra.check_roles(signed_in)
    if round_of == "second":
        entra.asked(turned_down(entra, signed_in, "login_required"))
    rita = person(contoso, "Rita")
    RoleSnapshot.objects.update(taken_at=LONG_AGO)
    answer = entra.come_back(signed_in, entra.signed(entra.claims(rita)))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "Somebody else is already signed in in this browser." in answer.content.decode()
    assert signed_in.session["_auth_user_id"] == str(ada.pk)
    assert set(RoleSnapshot.objects.values_list("taken_at", flat=True)) == {LONG_AGO}


def test_the_answer_for_somebody_else_is_refused_even_after_a_sign_out(
    entra: EntraId, signed_in: Client, contoso: Tenant, person: MakePerson
) -> None:
    entra.check_roles(signed_in)
    session = signed_in.session
    for name in ("_auth_user_id", "_auth_user_backend", "_auth_user_hash"):
        del session[name]
    session.save()
    rita = person(contoso, "Rita")
    answer = entra.come_back(signed_in, entra.signed(entra.claims(rita)))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not is_signed_in(signed_in)


def test_somebody_disabled_meanwhile_is_refused(
    entra: EntraId, signed_in: Client, ada: Person
) -> None:
    entra.check_roles(signed_in)
    Person.objects.update(is_active=False)
    answer = entra.come_back(signed_in, entra.signed(entra.claims(ada)))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert RoleSnapshot.objects.get().taken_at == LONG_AGO


def test_a_provider_out_of_reach_leaves_the_person_signed_in(
    entra: EntraId, signed_in: Client
) -> None:
    entra.check_roles(signed_in, "/wanted")
    entra.mock.replace(responses.POST, TOKEN, body=requests.ConnectionError("no route"))
    answer = entra.call_back(signed_in, code="a-code", state=entra.params["state"])

    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert "auth/check-roles?next=%2Fwanted" in answer.content.decode()
    assert is_signed_in(signed_in)


def test_somebody_signed_out_is_asked_to_sign_in_for_the_page_wanted(
    destination: Client, db: None
) -> None:
    answer = destination.get("/auth/check-roles", {"next": "/wanted"})

    assert answer["Location"] == "/auth/sign-in?next=/wanted"


def test_an_operator_is_told_plainly(destination: Client, db: None) -> None:
    destination.force_login(Person.objects.create_superuser("operator"), OPERATORS)
    answer = destination.get("/auth/check-roles", {"next": "/wanted"})

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "You signed in with a password" in answer.content.decode()


def test_it_changes_nothing_by_another_method(signed_in: Client) -> None:
    assert signed_in.post("/auth/check-roles").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_tenant_host_goes_over_the_address_of_its_domain_and_comes_back(
    entra: EntraId, ada: Person
) -> None:
    browser = Client(headers={"host": "contoso.portal.localhost"})
    entra.sign_in(browser, ada)
    asked = entra.check_roles(browser, "/#/alerts")

    assert asked["redirect_uri"] == "http://portal.localhost/auth/complete/entra/"

    again = entra.asked(turned_down(entra, browser, "interaction_required"))
    assert again["redirect_uri"] == "http://portal.localhost/auth/complete/entra/"
    answer = entra.come_back(browser, entra.signed(entra.claims(ada)))

    assert answer["Location"] == "http://contoso.portal.localhost/#/alerts"


def test_nothing_of_it_is_kept_by_a_cache(signed_in: Client) -> None:
    answer = signed_in.get("/auth/check-roles")

    assert "no-store" in answer["Cache-Control"]
    assert "client_secret" not in parse_qs(urlsplit(answer["Location"]).query)
