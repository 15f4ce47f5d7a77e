"""A refused sign-in says what happened and what to do next, and gives nothing away."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest
import requests
import responses
from django.test import Client

from portal.models import Person
from portal.sign_in.identity import PERSONAL_TENANT
from redirection.models import Tenant
from tests.conftest import MakePerson
from tests.entra_id import BASE, TOKEN, EntraId, is_signed_in, somebody

OID = "0f0f0f0f-1111-4222-8333-444444444444"


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


def says(answer: object, text: str) -> bool:
    return text in answer.content.decode()  # type: ignore[attr-defined]


def test_an_unknown_tenant_is_refused_before_anything_is_written(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    answer = entra.sign_in(destination, f"99999999-9999-4999-8999-999999999999:{OID}")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Your organisation is not set up in this portal.")
    assert not Person.objects.exists()
    assert Tenant.objects.count() == 1


def test_a_disabled_tenant_is_refused(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    contoso.enabled = False
    contoso.save()
    answer = entra.sign_in(destination, somebody(contoso))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Your organisation is turned off in this portal.")
    assert not Person.objects.exists()


def test_a_personal_account_is_refused_even_if_somebody_set_up_its_tenant(
    entra: EntraId, destination: Client, db: None
) -> None:
    Tenant.objects.create(tid=PERSONAL_TENANT, name="personal", title="Personal")
    answer = entra.sign_in(destination, f"{PERSONAL_TENANT}:{OID}")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Personal Microsoft accounts cannot be used here.")
    assert not Person.objects.exists()


def test_a_disabled_person_is_refused(entra: EntraId, destination: Client, ada: Person) -> None:
    Person.objects.update(is_active=False)
    answer = entra.sign_in(destination, ada)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Your account is turned off in this portal.")
    assert not is_signed_in(destination)


def test_a_second_identity_is_refused_and_can_sign_out(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant, person: MakePerson
) -> None:
    entra.sign_in(destination, ada)
    answer = entra.sign_in(destination, person(contoso, "Rita"))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Somebody else is already signed in in this browser.")
    assert says(answer, 'action="/auth/sign-out"')
    assert destination.session["_auth_user_id"] == str(ada.pk)


def test_a_stranger_refused_in_somebody_elses_browser_leaves_no_trace(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    entra.sign_in(destination, ada)
    before = Person.objects.count()
    answer = entra.sign_in(destination, f"{contoso.tid}:0f0f0f0f-1111-4222-8333-444444444444")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert Person.objects.count() == before


def test_an_operator_is_not_linked_to_a_person(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    operator = Person.objects.create_superuser("operator")
    destination.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    answer = entra.sign_in(destination, ada)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not operator.social_auth.exists()


def test_the_same_person_may_sign_in_again(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)

    assert entra.sign_in(destination, ada).status_code == HTTPStatus.FOUND


@pytest.mark.parametrize(
    "trouble",
    [
        requests.ConnectionError("no route"),
        requests.Timeout("too slow"),
        requests.exceptions.SSLError("wrong certificate"),
    ],
)
def test_a_provider_out_of_reach_is_no_error_of_ours(
    trouble: Exception, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    entra.mock.post(TOKEN, body=trouble)
    answer = entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert answer.status_code == HTTPStatus.BAD_GATEWAY
    assert says(answer, "Microsoft Entra ID did not answer.")


@pytest.mark.parametrize("status", [HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.OK])
def test_a_provider_that_answers_nonsense_is_no_error_of_ours(
    status: HTTPStatus, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    entra.mock.post(TOKEN, body="<html>", status=status)
    answer = entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert answer.status_code == HTTPStatus.BAD_GATEWAY


def test_missing_keys_are_no_error_of_ours(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.mock.replace(responses.GET, f"{BASE}/discovery/v2.0/keys", status=503)
    answer = entra.sign_in(destination, somebody(contoso))

    assert answer.status_code == HTTPStatus.BAD_GATEWAY


@pytest.mark.parametrize(
    "changes",
    [
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"exp": 1_000_000_000},
        {"iat": 1_000_000_000},
    ],
    ids=["issued in our future", "valid in our future", "expired on arrival", "issued long ago"],
)
def test_a_wrong_clock_is_named(
    changes: dict[str, int],
    entra: EntraId,
    destination: Client,
    contoso: Tenant,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = entra.sign_in(destination, somebody(contoso), **changes)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "its clock and ours disagree")
    assert "refusal=clock" in caplog.text


@pytest.mark.parametrize("error", ["access_denied", "consent_required", "interaction_required"])
def test_a_missing_consent_is_explained(
    error: str, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    answer = entra.call_back(destination, error=error, state=entra.params["state"])

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "your organisation has not approved this portal")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "a-code"},
        {"code": "a-code", "state": "another"},
        {"code": "a-code", "state": "x" * 5000},
        {"code": "a-code", "state": "\x00"},
    ],
)
def test_a_lost_state_asks_to_begin_again(
    query: dict[str, str], entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    answer = entra.call_back(destination, **query)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "This sign-in began too long ago")
    assert says(answer, 'href="/auth/sign-in"')


def test_a_state_serves_once(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.sign_in(destination, somebody(contoso))
    answer = entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert says(answer, "This sign-in began too long ago")


def test_a_state_of_another_browser_is_refused(
    entra: EntraId, destination: Client, legacy: Client, contoso: Tenant
) -> None:
    entra.begin(destination)

    answer = entra.come_back(legacy, entra.signed(entra.claims(somebody(contoso))))

    assert says(answer, "This sign-in began too long ago")
    assert not is_signed_in(legacy)


def test_a_code_already_used_asks_to_begin_again_where_it_began(
    entra: EntraId, legacy: Client, contoso: Tenant
) -> None:
    entra.begin(legacy, "/#/alerts")
    entra.mock.post(TOKEN, json={"error": "invalid_grant"}, status=400)
    answer = entra.call_back(legacy, code="a-code", state=entra.params["state"])

    address = "http://contoso.portal.localhost/auth/sign-in?next=%2F%23%2Falerts"
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, f'href="{address}"')


def test_a_wrong_client_secret_is_no_500(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    entra.mock.post(TOKEN, json={"error": "invalid_client"}, status=401)
    answer = entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert says(answer, "Your sign-in could not be verified.")


def test_an_error_code_of_the_provider_is_refused_without_repeating_it(
    entra: EntraId, destination: Client, contoso: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    entra.begin(destination)
    answer = entra.call_back(destination, error="<b>\n2026 INFO forged", error_description="x")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "forged" not in caplog.text
    assert not says(answer, "forged")


def test_page_and_log_share_a_reference_and_no_secret(
    entra: EntraId, destination: Client, contoso: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso), nonce="another"))
    answer = entra.come_back(destination, token)

    page = answer.content.decode()
    reference = page.partition("<code>")[2].partition("</code>")[0]
    assert f"reference={reference} refusal=failed code=nonce_mismatch" in caplog.text
    for secret in (token, "a-code", "an-access-token", "client-secret", entra.params["state"]):
        assert secret not in caplog.text
        assert secret not in page


def test_another_provider_does_not_exist(destination: Client, db: None) -> None:
    answer = destination.post("/auth/login/google/", {"next": "/"})

    assert answer.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", ["/auth/disconnect/entra/", "/auth/idp-launch/entra/"])
def test_addresses_nobody_needs_are_not_there(path: str, destination: Client, ada: Person) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")

    assert destination.post(path).status_code == HTTPStatus.NOT_FOUND
