"""Metadata that names another issuer than the configured authority lets nobody in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import responses
from django.test import Client
from jwt.algorithms import RSAAlgorithm

from portal.models import Person
from portal.sign_in.backend import EntraBackend
from tests.entra_id import AUTHORITY, BASE, KID, PUBLIC_PEM, EntraId, is_signed_in

PUBLIC_KEY = json.loads(
    RSAAlgorithm.to_jwk(RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(PUBLIC_PEM))
)
WELL_KNOWN = f"{BASE}/v2.0/.well-known/openid-configuration"


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)
    EntraBackend.get_openid_configuration.invalidate()


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com/{tenantid}/v2.0",
        "https://login.microsoftonline.us/{tenantid}/v2.0",
        f"{AUTHORITY}.example.com/{{tenantid}}/v2.0",
        f"{AUTHORITY}@example.com/{{tenantid}}/v2.0",
    ],
)
def test_metadata_of_another_issuer_is_refused(
    entra: EntraId, destination: Client, ada: Person, issuer: str
) -> None:
    document = {"issuer": issuer, "jwks_uri": f"{BASE}/discovery/v2.0/keys"}
    entra.mock.upsert(responses.GET, WELL_KNOWN, json=document)
    # Keys of the same hand.
    keys = [{**PUBLIC_KEY, "kid": KID, "issuer": issuer}]
    entra.mock.upsert(responses.GET, f"{BASE}/discovery/v2.0/keys", json={"keys": keys})
    tid = ada.username.partition(":")[0]
    entra.sign_in(destination, ada, iss=issuer.replace("{tenantid}", tid))
    assert not is_signed_in(destination)


def test_that_of_the_configured_authority_is_taken(
    entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)
    assert is_signed_in(destination)
