"""A session at Entra ID that ends takes the sessions here along that came from it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import responses
from django.test import Client
from django.utils import timezone

from portal.models import Person, ProviderSession
from redirection.models import Tenant
from tests.conftest import MakePerson
from tests.entra_id import AUTHORITY, EntraId, is_signed_in

PATH = "/auth/front-channel-logout"
SID = "5f1e0d0c-0000-4000-8000-00000000a0da"


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


@pytest.fixture
def frame() -> Client:
    """What the provider's page opens: another site's frame, so no cookie comes along."""
    return Client(headers={"host": "security.localhost"})


def issuer(tenant: Tenant) -> str:
    return f"{AUTHORITY}/{tenant.tid}/v2.0"


def test_it_ends_the_sessions_of_both_portals_and_of_nobody_else(
    entra: EntraId,
    destination: Client,
    legacy: Client,
    frame: Client,
    ada: Person,
    contoso: Tenant,
    person: MakePerson,
) -> None:
    at_home, ritas = (Client(headers={"host": "security.localhost"}) for _ in range(2))
    entra.sign_in(destination, ada, sid=SID)
    entra.sign_in(legacy, ada, sid=SID)
    entra.sign_in(at_home, ada, sid="another session")
    entra.sign_in(ritas, person(contoso, "Rita"), sid="and another")

    answer = frame.get(PATH, {"sid": SID, "iss": issuer(contoso)})

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, b"")
    assert not is_signed_in(destination)
    assert not is_signed_in(legacy)
    assert is_signed_in(at_home)
    assert is_signed_in(ritas)
    assert ProviderSession.objects.count() == 2


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sid": SID},
        {"iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": "", "iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": "unknown", "iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": "\x00", "iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": "x" * 9999, "iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": SID, "iss": ""},
        {"sid": SID, "iss": AUTHORITY},
        {"sid": SID, "iss": f"{AUTHORITY}/organizations/v2.0"},
        {"sid": SID, "iss": f"{AUTHORITY}/22222222-2222-4222-8222-222222222222/v2.0"},
        {"sid": SID, "iss": "https://evil.example/11111111-1111-4111-8111-111111111111/v2.0"},
        {"sid": SID, "iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111"},
        {"sid": SID, "iss": "11111111-1111-4111-8111-111111111111"},
    ],
)
def test_what_does_not_fit_ends_nothing_and_says_nothing(
    query: dict[str, str], entra: EntraId, destination: Client, frame: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, sid=SID)

    answer = frame.get(PATH, query)

    assert (answer.status_code, answer.content) == (HTTPStatus.OK, b"")
    assert is_signed_in(destination)


def test_only_the_provider_may_frame_it_and_nobody_keeps_it(frame: Client, db: None) -> None:
    answer = frame.get(PATH)

    assert "X-Frame-Options" not in answer
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == AUTHORITY
    assert policy["default-src"] == "'none'"
    assert "no-store" in answer["Cache-Control"]


def test_every_other_page_stays_out_of_frames(destination: Client, db: None) -> None:
    answer = destination.get("/auth/sign-in")

    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("sid", [None, 1, "", "x" * 201, ["x"], "a\x00b"])
def test_a_sid_that_is_none_is_not_remembered(
    sid: Any, entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, sid=sid)

    assert is_signed_in(destination)
    assert not ProviderSession.objects.exists()


def test_a_sign_out_ends_the_session_of_the_other_portal(
    entra: EntraId, destination: Client, legacy: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, sid=SID)
    entra.sign_in(legacy, ada, sid=SID)

    destination.post("/auth/sign-out")

    assert not is_signed_in(legacy)
    assert not ProviderSession.objects.exists()


def test_a_sign_out_ends_nothing_of_another_tenant_with_the_same_sid(
    entra: EntraId,
    destination: Client,
    legacy: Client,
    ada: Person,
    fabrikam: Tenant,
    person: MakePerson,
) -> None:
    entra.sign_in(destination, ada, sid=SID)
    entra.sign_in(legacy, person(fabrikam, "Fay"), sid=SID)

    destination.post("/auth/sign-out")

    assert is_signed_in(legacy)


def test_a_sign_out_without_a_sid_ends_only_its_own(
    entra: EntraId, destination: Client, legacy: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)
    entra.sign_in(legacy, ada)

    destination.post("/auth/sign-out")

    assert not is_signed_in(destination)
    assert is_signed_in(legacy)


def test_a_check_of_roles_notes_the_session_it_went_through(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, sid="before")
    entra.check_roles(destination)
    entra.come_back(destination, entra.signed(entra.claims(ada, sid="after")))

    assert ProviderSession.objects.get().sid == "after"


def test_what_ran_out_is_cleared_away(
    entra: EntraId, destination: Client, legacy: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada, sid="long ago")
    ProviderSession.objects.update(created_at=timezone.now() - timedelta(hours=9))
    entra.sign_in(legacy, ada, sid=SID)

    assert ProviderSession.objects.get().sid == SID
