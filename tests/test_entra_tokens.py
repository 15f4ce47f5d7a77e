"""Only a token that is right in every respect signs anybody in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from social_django.models import UserSocialAuth

from portal.models import Person
from portal.sign_in.identity import PERSONAL_TENANT
from redirection.models import RoleSnapshot, Tenant
from tests.entra_id import (
    AUTHORITY,
    CONSUMER_KID,
    KID,
    PRIVATE_PEM,
    PUBLIC_PEM,
    EntraId,
    is_signed_in,
    somebody,
)

OTHER_TENANT = "99999999-9999-4999-8999-999999999999"


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


def refuses(client: Client, answer: Any) -> bool:
    """Nobody is signed in and nothing is written."""
    return (
        answer.status_code == HTTPStatus.FORBIDDEN
        and not is_signed_in(client)
        and not Person.objects.exists()
        and not UserSocialAuth.objects.exists()
        and not RoleSnapshot.objects.exists()
    )


def test_a_good_token_signs_in(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    answer = entra.sign_in(destination, somebody(contoso))

    assert answer.status_code == HTTPStatus.FOUND
    assert is_signed_in(destination)


def test_our_own_azp_is_fine(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.sign_in(destination, somebody(contoso), azp="client-id")

    assert is_signed_in(destination)


def test_the_code_is_exchanged_with_secret_and_proof_key(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.sign_in(destination, somebody(contoso))

    body = dict(pair.split("=") for pair in str(entra.mock.calls[0].request.body).split("&"))
    digest = hashlib.sha256(body["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert body["client_secret"] == "client-secret"
    assert entra.params["code_challenge"] == challenge
    assert entra.params["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": None}, id="no exp"),
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"exp": "soon"}, id="exp is text"),
        pytest.param({"iat": None}, id="no iat"),
        pytest.param({"iat": True}, id="iat is a boolean"),
        pytest.param({"nbf": 4_000_000_000}, id="not valid yet"),
        pytest.param({"sub": None}, id="no sub"),
        pytest.param({"sub": ""}, id="empty sub"),
        pytest.param({"tid": None}, id="no tid"),
        pytest.param({"tid": "contoso"}, id="tid is no UUID"),
        pytest.param({"oid": None}, id="no oid"),
        pytest.param({"oid": ""}, id="empty oid"),
        pytest.param({"oid": ["0f0f0f0f-1111-4222-8333-444444444444"]}, id="oid is a list"),
        pytest.param({"oid": "{0f0f0f0f-1111-4222-8333-444444444444}"}, id="oid in braces"),
        pytest.param({"ver": None}, id="no ver"),
        pytest.param({"ver": "1.0"}, id="ver 1.0"),
        pytest.param({"aud": None}, id="no aud"),
        pytest.param({"aud": "another-client"}, id="wrong aud"),
        pytest.param({"aud": ["client-id"]}, id="aud is a list"),
        pytest.param({"aud": ["client-id", "another-client"]}, id="aud lists another app"),
        pytest.param({"azp": "another-client"}, id="foreign azp"),
        pytest.param({"azp": ""}, id="empty azp"),
        pytest.param({"nonce": None}, id="no nonce"),
        pytest.param({"nonce": "another"}, id="wrong nonce"),
        pytest.param({"nonce": "ünïcode"}, id="nonce beyond ASCII"),
        pytest.param({"nonce": 1}, id="nonce is a number"),
        pytest.param({"iss": None}, id="no iss"),
        pytest.param({"iss": f"{AUTHORITY}/{OTHER_TENANT}/v2.0"}, id="issuer of another tenant"),
        pytest.param({"tid": OTHER_TENANT}, id="tid of another tenant"),
        pytest.param({"iss": "https://evil.example/v2.0"}, id="foreign issuer"),
        pytest.param(
            {"iss": "https://login.microsoftonline.us/11111111-1111-4111-8111-111111111111/v2.0"},
            id="issuer on another host",
        ),
        pytest.param(
            {"iss": "https://sts.windows.net/11111111-1111-4111-8111-111111111111/"},
            id="issuer of version 1",
        ),
        pytest.param(
            {"iss": f"{AUTHORITY}/11111111-1111-4111-8111-111111111111"}, id="issuer cut short"
        ),
        pytest.param({"iat": 4_000_000_000}, id="issued in the future"),
    ],
)
def test_a_wrong_claim_is_refused(
    changes: dict[str, Any], entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    answer = entra.sign_in(destination, somebody(contoso), **changes)

    assert refuses(destination, answer)


def test_a_token_issued_an_hour_ago_is_refused(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    answer = entra.sign_in(destination, somebody(contoso), iat=int(time.time()) - 3600)

    assert refuses(destination, answer)


@pytest.mark.parametrize(
    "seconds",
    [{"iat": -601}, {"exp": -11}, {"iat": 60}, {"nbf": 60}],
    ids=["issued long ago", "just expired", "issued soon", "valid soon"],
)
def test_time_limits_are_kept_to_the_second(
    seconds: dict[str, int], entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    now = int(time.time())
    changes = {name: now + offset for name, offset in seconds.items()}
    assert refuses(destination, entra.sign_in(destination, somebody(contoso), **changes))


def test_a_token_within_its_time_limits_is_taken(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    now = int(time.time())
    changes = {"iat": now - 590, "nbf": now - 590, "exp": now + 10}
    answer = entra.sign_in(destination, somebody(contoso), **changes)
    assert not refuses(destination, answer)


def test_an_access_token_does_not_stand_in(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso)))

    answer = entra.come_back(destination, None, access_token=token)

    assert refuses(destination, answer)


def test_an_unsigned_token_is_refused(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.begin(destination)
    claims = entra.claims(somebody(contoso))
    token = jwt.encode(claims, None, algorithm="none", headers={"kid": KID})

    assert refuses(destination, entra.come_back(destination, token))


def test_the_public_key_is_no_shared_secret(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)

    def part(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    header = {"alg": "HS256", "typ": "JWT", "kid": KID}
    claims = entra.claims(somebody(contoso))
    text = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    token = text + b"." + part(hmac.digest(PUBLIC_PEM, text, "sha256"))

    assert refuses(destination, entra.come_back(destination, token.decode()))


def test_an_unknown_key_is_refused(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso)), kid="another-key")

    assert refuses(destination, entra.come_back(destination, token))


def test_a_missing_key_id_is_refused(entra: EntraId, destination: Client, contoso: Tenant) -> None:
    entra.begin(destination)
    token = jwt.encode(entra.claims(somebody(contoso)), PRIVATE_PEM, algorithm="RS256")

    assert refuses(destination, entra.come_back(destination, token))


def test_the_signature_of_another_key_is_refused(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    strange = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(
        entra.claims(somebody(contoso)), strange, algorithm="RS256", headers={"kid": KID}
    )

    assert refuses(destination, entra.come_back(destination, token))


def test_the_key_of_personal_accounts_does_not_sign_for_an_organisation(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso)), kid=CONSUMER_KID)

    assert refuses(destination, entra.come_back(destination, token))


@pytest.mark.parametrize("tid", [OTHER_TENANT, PERSONAL_TENANT])
@pytest.mark.parametrize("kid", [KID, CONSUMER_KID])
def test_a_valid_token_of_a_tenant_not_set_up_is_refused(
    tid: str, kid: str, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    uid = f"{tid}:0f0f0f0f-1111-4222-8333-444444444444"

    assert refuses(
        destination, entra.come_back(destination, entra.signed(entra.claims(uid), kid=kid))
    )


def test_a_valid_token_of_a_disabled_tenant_is_refused(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    Tenant.objects.update(enabled=False)

    assert refuses(destination, entra.sign_in(destination, somebody(contoso)))


def test_a_token_changed_on_the_way_is_refused(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    head, _, signature = entra.signed(entra.claims(somebody(contoso))).split(".")
    claims = entra.claims(somebody(contoso), name="Mallory")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert refuses(destination, entra.come_back(destination, f"{head}.{body}.{signature}"))


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "e30.e30.", "\x00", "..", "é.é.é"])
def test_no_token_at_all_is_refused(
    token: str, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)

    assert refuses(destination, entra.come_back(destination, token))


def test_a_token_counts_for_its_own_sign_in_only(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination)
    first = entra.params["state"]
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso)))
    entra.params["state"] = first

    assert refuses(destination, entra.come_back(destination, token))


def test_no_setting_makes_it_weaker(
    entra: EntraId, destination: Client, contoso: Tenant, settings: Any
) -> None:
    settings.SOCIAL_AUTH_ENTRA_USE_PKCE = False
    settings.SOCIAL_AUTH_ENTRA_PKCE_CODE_CHALLENGE_METHOD = "plain"
    settings.SOCIAL_AUTH_ENTRA_JWT_LEEWAY = 10**9
    settings.SOCIAL_AUTH_ENTRA_ID_KEY = "preferred_username"
    settings.SOCIAL_AUTH_ENTRA_EXTRA_DATA = ["access_token", "id_token"]
    entra.sign_in(destination, somebody(contoso))

    link = UserSocialAuth.objects.get()
    assert entra.params["code_challenge_method"] == "S256"
    assert (link.id_key, link.uid) == ("tid:oid", somebody(contoso))
    assert link.extra_data.keys() == {"auth_time"}
    assert link.user.username == somebody(contoso)
