"""Entra ID without a network: one key, the three documents a sign-in fetches, and its tokens."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import responses
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.http import HttpResponse
from django.test import Client
from jwt.algorithms import RSAAlgorithm

from portal.models import Person
from portal.sign_in.backend import EntraBackend
from portal.sign_in.identity import PERSONAL_TENANT
from redirection.models import Tenant

AUTHORITY = "https://login.microsoftonline.com"
BASE = f"{AUTHORITY}/organizations"
TOKEN = f"{BASE}/oauth2/v2.0/token"
KID = "the-one-key"
# Signs for personal accounts only.
CONSUMER_KID = "the-key-of-personal-accounts"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_PEM = _KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
PUBLIC_PEM = _KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class EntraId:
    """Answers ``requests`` of the portal as Entra ID would."""

    def __init__(self, mock: responses.RequestsMock, authority: str = AUTHORITY) -> None:
        self.mock = mock
        self.authority = authority
        self.token_address = f"{authority}/organizations/oauth2/v2.0/token"
        self.params: dict[str, str] = {}
        # The library remembers the documents for a day.
        EntraBackend.get_openid_configuration.invalidate()
        EntraBackend.get_jwks_keys_for_uri.invalidate()
        public = json.loads(RSAAlgorithm.to_jwk(_KEY.public_key()))
        base = f"{authority}/organizations"
        mock.get(
            f"{base}/v2.0/.well-known/openid-configuration",
            json={
                "issuer": f"{authority}/{{tenantid}}/v2.0",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
            },
        )
        issuers = {KID: "{tenantid}", CONSUMER_KID: PERSONAL_TENANT}
        keys = [
            {**public, "kid": kid, "issuer": f"{authority}/{tid}/v2.0"}
            for kid, tid in issuers.items()
        ]
        mock.get(f"{base}/discovery/v2.0/keys", json={"keys": keys})

    def begin(self, client: Client, path: str = "/") -> dict[str, str]:
        """Press the sign-in button; what Entra ID is told."""
        return self.asked(client.post("/auth/login/entra/", {"next": path}))

    def check_roles(self, client: Client, path: str = "/") -> dict[str, str]:
        """Ask for the roles of whoever is signed in; what Entra ID is told."""
        return self.asked(client.get("/auth/check-roles", {"next": path}))

    def asked(self, answer: Any) -> dict[str, str]:
        """What Entra ID is told by an answer of the portal that leads there."""
        address = urlsplit(answer["Location"])
        assert f"{address.scheme}://{address.netloc}" == self.authority
        self.params = {name: values[0] for name, values in parse_qs(address.query).items()}
        return self.params

    def claims(self, person: Person | str, **changes: Any) -> dict[str, Any]:
        """The claims of a good token for a person or ``tid:oid``; None takes a claim away."""
        uid = person if isinstance(person, str) else person.username
        tid, oid = uid.split(":")
        now = int(time.time())
        claims = {
            "iss": f"{self.authority}/{tid}/v2.0",
            "aud": "client-id",
            "exp": now + 3600,
            "iat": now,
            "nbf": now,
            "sub": "pairwise",
            "tid": tid,
            "oid": oid,
            "nonce": self.params.get("nonce"),
            "ver": "2.0",
            "name": "Ada Lovelace",
            "preferred_username": "ada@contoso.example",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def signed(self, claims: dict[str, Any], kid: str = KID) -> str:
        return jwt.encode(claims, PRIVATE_PEM, algorithm="RS256", headers={"kid": kid})

    def come_back(self, client: Client, id_token: str | None, **more: Any) -> HttpResponse:
        """Back to the callback, whose portal then fetches ``id_token``."""
        self.mock.upsert(
            responses.POST,
            self.token_address,
            json={"access_token": "an-access-token", "id_token": id_token, **more},
        )
        return self.call_back(client, code="a-code", state=self.params["state"])

    def call_back(self, client: Client, **query: str) -> HttpResponse:
        host = urlsplit(self.params["redirect_uri"]).netloc
        address = urlsplit(self.params["redirect_uri"]).path
        answer: HttpResponse = client.get(address, query, headers={"host": host})
        return answer

    def sign_in(self, client: Client, person: Person | str, **changes: Any) -> HttpResponse:
        """The whole way; ``changes`` are claims of the token."""
        self.begin(client)
        return self.come_back(client, self.signed(self.claims(person, **changes)))


def somebody(tenant: Tenant) -> str:
    """``tid:oid`` of somebody who has never been here."""
    return f"{tenant.tid}:0f0f0f0f-1111-4222-8333-444444444444"


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session
