"""The sign-in works with a provider that was written by others and shares no code with ours."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests
from django.test import Client

from portal.models import Person
from portal.sign_in.backend import EntraBackend
from redirection.models import RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER
from tests.entra_id import is_signed_in

with warnings.catch_warnings(record=True):
    # Its own dependencies find each other out of date.
    import oidc_provider_mock
    from oidc_provider_mock import _app as implementation

pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")

OID = "0f0f0f0f-1111-4222-8333-444444444444"
# Where Entra ID has what the other provider has elsewhere.
PATHS = {
    "/organizations/v2.0/.well-known/openid-configuration": "/.well-known/openid-configuration",
    "/organizations/oauth2/v2.0/authorize": "/oauth2/authorize",
    "/organizations/oauth2/v2.0/token": "/oauth2/token",
}
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Quiet(WSGIRequestHandler):
    """Writes no line a request."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        return


def at_entra_paths(app: WsgiApp) -> WsgiApp:
    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        return app({**environ, "PATH_INFO": PATHS.get(path, path)}, start_response)

    return serve


@pytest.fixture
def provider(contoso: Tenant, settings: Any) -> Iterator[dict[str, Any]]:
    """A running provider; the dict is what it says about the person ``ada``."""
    claims: dict[str, Any] = {
        "tid": str(contoso.tid),
        "oid": OID,
        "ver": "2.0",
        "name": "Ada Lovelace",
        "wids": [GLOBAL_READER],
    }
    user = oidc_provider_mock.User(sub="ada", claims=claims)
    app = oidc_provider_mock.app(user_claims=[user], require_nonce=True)
    server = make_server("localhost", 0, at_entra_paths(app), handler_class=Quiet)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    settings.ENTRA_AUTHORITY = f"http://localhost:{server.server_port}"
    EntraBackend.get_openid_configuration.invalidate()
    EntraBackend.get_jwks_keys_for_uri.invalidate()
    original = implementation.OpenIDCode.get_jwt_config

    def with_key_id(*arguments: Any, **named: Any) -> dict[str, Any]:
        config: dict[str, Any] = original(*arguments, **named)
        key = implementation.storage.jwk
        return {**config, "kid": key.thumbprint(), "aud": "client-id"}

    # Entra ID names the key and one audience that is no list; the provider could, too.
    with mock.patch.object(implementation.OpenIDCode, "get_jwt_config", with_key_id):
        yield claims
    server.shutdown()
    server.server_close()


def sign_in(client: Client, **changes: str) -> Any:
    """The whole way, with ``changes`` made to what the provider is asked."""
    with requests.Session() as browser:
        browser.trust_env = False
        begin = urlsplit(client.post("/auth/login/entra/", {"next": "/wanted"})["Location"])
        query = {**dict(parse_qsl(begin.query)), **changes}
        answer = browser.post(
            f"{begin.scheme}://{begin.netloc}{begin.path}",
            params=query,
            data={"sub": "ada"},
            allow_redirects=False,
        )
    back = urlsplit(answer.headers["Location"])
    return client.get(back.path, dict(parse_qsl(back.query)))


def test_somebody_signs_in_with_their_roles(
    provider: dict[str, Any], destination: Client, contoso: Tenant
) -> None:
    answer = sign_in(destination)

    assert answer["Location"] == "http://security.localhost/wanted"
    assert Person.objects.get().username == f"{contoso.tid}:{OID}"
    assert RoleSnapshot.objects.get().directory_roles == [GLOBAL_READER]


def test_a_nonce_changed_on_the_way_is_refused(
    provider: dict[str, Any], destination: Client
) -> None:
    answer = sign_in(destination, nonce="another")

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not is_signed_in(destination)


@pytest.mark.parametrize(
    "changes",
    [
        {"tid": "99999999-9999-4999-8999-999999999999"},
        {"oid": None},
        {"ver": "1.0"},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"azp": "another-client"},
        {"exp": 1_000_000_000},
    ],
)
def test_wrong_claims_are_refused(
    changes: dict[str, Any], provider: dict[str, Any], destination: Client
) -> None:
    provider.update(changes)
    answer = sign_in(destination)

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert not Person.objects.exists()
