"""How the portal proves who it is, whom it trusts, and which cloud it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import responses
from django.test import Client
from responses.matchers import request_kwargs_matcher

from portal.models import Person
from redirection.models import Tenant
from tests.entra_id import AUTHORITY, TOKEN, EntraId, is_signed_in, somebody

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def entra(mock: responses.RequestsMock) -> EntraId:
    return EntraId(mock)


@pytest.fixture
def assertion(tmp_path: Path, settings: Any) -> Path:
    """The file in which a federated credential is kept fresh."""
    file = tmp_path / "assertion"
    file.write_text("first.signed.assertion\n")
    settings.ENTRA_CLIENT_ASSERTION_FILE = str(file)
    settings.SOCIAL_AUTH_ENTRA_SECRET = ""
    return file


def sent(entra: EntraId) -> dict[str, str]:
    """The last token request."""
    bodies = [call.request.body for call in entra.mock.calls if call.request.url == TOKEN]
    return {name: values[0] for name, values in parse_qs(str(bodies[-1])).items()}


def test_a_signed_assertion_stands_in_for_the_secret(
    entra: EntraId, destination: Client, contoso: Tenant, assertion: Path
) -> None:
    entra.sign_in(destination, somebody(contoso))

    assert is_signed_in(destination)
    assert sent(entra)["client_assertion"] == "first.signed.assertion"
    assert sent(entra)["client_assertion_type"] == JWT_BEARER
    assert sent(entra)["client_id"] == "client-id"
    assert "client_secret" not in sent(entra)


def test_it_is_read_anew_for_each_sign_in(
    entra: EntraId, destination: Client, contoso: Tenant, assertion: Path
) -> None:
    entra.sign_in(destination, somebody(contoso))
    assertion.write_text("second.signed.assertion")
    entra.sign_in(destination, somebody(contoso))

    assert sent(entra)["client_assertion"] == "second.signed.assertion"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe", b"x" * 20_000])
def test_without_a_usable_assertion_the_log_says_which_file(
    content: bytes | None,
    entra: EntraId,
    destination: Client,
    contoso: Tenant,
    assertion: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if content is None:
        assertion.unlink()
    else:
        assertion.write_bytes(content)
    answer = entra.sign_in(destination, somebody(contoso))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "Your sign-in could not be verified." in answer.content.decode()
    assert f"ENTRA_CLIENT_ASSERTION_FILE: {assertion}" in caplog.text
    assert str(assertion) not in answer.content.decode()


def test_without_any_credential_the_log_says_so(
    entra: EntraId,
    destination: Client,
    contoso: Tenant,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.SOCIAL_AUTH_ENTRA_SECRET = ""
    answer = entra.sign_in(destination, somebody(contoso))

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "ENTRA_CLIENT_ASSERTION_FILE: not set, and ENTRA_CLIENT_SECRET" in caplog.text


def test_a_variable_of_the_machine_does_not_replace_the_assertion(
    entra: EntraId,
    destination: Client,
    contoso: Tenant,
    assertion: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "other").write_text("other.signed.assertion")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "other"))
    entra.sign_in(destination, somebody(contoso))

    assert sent(entra)["client_assertion"] == "first.signed.assertion"


@pytest.mark.parametrize(("file", "verified"), [("", True), ("/etc/own-ca.pem", "/etc/own-ca.pem")])
def test_the_authority_is_checked_against_the_certificates_configured(
    file: str,
    verified: bool | str,
    entra: EntraId,
    destination: Client,
    contoso: Tenant,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # They would take the place of the certificates of the public authorities.
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    settings.ENTRA_CA_FILE = file
    # No setting of the library turns it off.
    settings.SOCIAL_AUTH_ENTRA_VERIFY_SSL = False
    entra.begin(destination)
    token = entra.signed(entra.claims(somebody(contoso)))
    entra.mock.post(
        TOKEN,
        json={"access_token": "an-access-token", "id_token": token},
        match=[request_kwargs_matcher({"verify": verified})],
    )
    entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert is_signed_in(destination)


def test_certificates_that_vanished_are_no_500(
    destination: Client, contoso: Tenant, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ENTRA_CA_FILE = "/nowhere/ca.pem"
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        entra = EntraId(mock)
        entra.begin(destination)
        mock.post(TOKEN, body=OSError("Could not find a suitable TLS CA certificate bundle"))
        answer = entra.call_back(destination, code="a-code", state=entra.params["state"])

    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert "ENTRA_CA_FILE: Could not find a suitable TLS CA" in caplog.text


@pytest.mark.parametrize(
    "authority",
    ["https://login.microsoftonline.us", "https://login.partner.microsoftonline.cn"],
)
def test_a_sovereign_cloud_is_a_matter_of_the_authority(
    authority: str,
    mock: responses.RequestsMock,
    destination: Client,
    ada: Person,
    contoso: Tenant,
    settings: Any,
) -> None:
    settings.ENTRA_AUTHORITY = authority
    entra = EntraId(mock, authority)

    refused = entra.sign_in(destination, ada, iss=f"{AUTHORITY}/{contoso.tid}/v2.0")
    assert refused.status_code == HTTPStatus.FORBIDDEN
    assert not is_signed_in(destination)

    entra.sign_in(destination, ada)
    assert is_signed_in(destination)
    assert destination.post("/auth/sign-out")["Location"].startswith(f"{authority}/organizations/")


def test_the_public_cloud_takes_no_token_of_a_sovereign_one(
    entra: EntraId, destination: Client, ada: Person, contoso: Tenant
) -> None:
    issuer = f"https://login.microsoftonline.us/{contoso.tid}/v2.0"

    assert entra.sign_in(destination, ada, iss=issuer).status_code == HTTPStatus.FORBIDDEN
