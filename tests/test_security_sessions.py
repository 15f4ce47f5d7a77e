"""A session is made anew by each sign-in, counts on its own portal, and leaves no page behind."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import pytest
import responses
from django.conf import settings
from django.test import Client

from portal.models import Person
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD
from tests.entra_id import EntraId, is_signed_in

PAGE = "/cloudapps/settings?tabid=autoRedirection"
# Somebody who may switch is shown each of them.
PAGES = (
    PAGE,
    "/cloudapps/settings/redirection-history",
    "/cloudapps/settings/reported",
    "/cloudapps/settings/try-link",
    "/cloudapps/permissions/roles",
    "/cloudapps/settings/step-back?wanted=on",
    "/redirection/feedback",
    "/redirection/my-feedback",
    "/redirection/way-back?page=/alerts",
)


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def with_the_cookie_of(client: Client, host: str) -> Client:
    """Somebody else's client on ``host``, with the session cookie of ``client``."""
    thief = Client(headers={"host": host, **PAGE_LOAD})
    thief.cookies[settings.SESSION_COOKIE_NAME] = key_of(client)
    return thief


def test_a_session_of_the_legacy_portal_opens_nothing_on_the_destination(
    entra: EntraId, legacy: Client, ada: Person
) -> None:
    entra.sign_in(legacy, ada)
    assert legacy.get("/redirection/my-feedback").status_code == HTTPStatus.OK
    thief = with_the_cookie_of(legacy, "security.localhost")
    assert thief.get(PAGE)["Location"].startswith("/auth/sign-in")
    # Ada herself notices nothing.
    assert legacy.get("/redirection/my-feedback").status_code == HTTPStatus.OK


def test_a_session_of_the_destination_opens_nothing_on_the_legacy_portal(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)
    thief = with_the_cookie_of(destination, "contoso.portal.localhost")
    assert thief.get("/redirection/my-feedback")["Location"].startswith("/auth/sign-in")
    assert destination.get("/redirection/my-feedback").status_code == HTTPStatus.OK


def test_a_session_counts_on_all_hosts_of_the_legacy_portal(
    entra: EntraId, legacy: Client, ada: Person
) -> None:
    entra.sign_in(legacy, ada)
    elsewhere = with_the_cookie_of(legacy, "contoso.us2.portal.localhost")
    assert elsewhere.get("/redirection/my-feedback").status_code == HTTPStatus.OK


def test_a_sign_in_takes_no_session_along_from_before(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    entra.begin(destination)
    before = key_of(destination)
    entra.come_back(destination, entra.signed(entra.claims(ada)))
    assert is_signed_in(destination)
    after = key_of(destination)
    assert after != before
    # 32 of 36 characters: 165 bits.
    assert len(after) == 32
    thief = Client(headers={"host": "security.localhost", **PAGE_LOAD})
    thief.cookies[settings.SESSION_COOKIE_NAME] = before
    assert thief.get(PAGE)["Location"].startswith("/auth/sign-in")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_somebody_signed_in_is_kept_by_a_cache(
    destination: Client, ada: Person, page: str
) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")
    answer = destination.get(page)
    assert answer.status_code == HTTPStatus.OK
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_somebody_signed_in_offers_to_sign_out(
    destination: Client, ada: Person, page: str
) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")
    assert 'action="/auth/sign-out"' in destination.get(page).content.decode()
