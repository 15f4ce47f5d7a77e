"""Signing out ends the sessions here and at Entra ID, and comes back to the host it began on."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.test import Client, override_settings

from portal.models import Person
from redirection import legacy_sessions
from redirection.conf import conf
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch
from tests.entra_id import AUTHORITY, is_signed_in

ENTRA = "portal.sign_in.backend.EntraBackend"
SALT = "portal.sign_in.signed_out"


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_it_goes_on_to_entra_id(destination: Client, ada: Person) -> None:
    destination.force_login(ada, ENTRA)
    answer = destination.post("/auth/sign-out")

    assert not is_signed_in(destination)
    assert answer["Location"].startswith(f"{AUTHORITY}/organizations/oauth2/v2.0/logout?")
    back = query_of(answer["Location"])["post_logout_redirect_uri"]
    assert back == "http://security.localhost/auth/signed-out"


def test_a_tenant_host_comes_back_over_the_registered_address(ada: Person) -> None:
    browser = Client(headers={"host": "contoso.us.portal.localhost:8000"})
    browser.force_login(ada, ENTRA)
    query = query_of(browser.post("/auth/sign-out")["Location"])

    assert query["post_logout_redirect_uri"] == "http://portal.localhost:8000/auth/signed-out"

    bare = Client(headers={"host": "portal.localhost:8000"})
    answer = bare.get("/auth/signed-out", {"state": query["state"]})

    assert answer["Location"] == "http://contoso.us.portal.localhost:8000/"


def test_it_ends_the_legacy_sessions_of_all_tenants(legacy: Client, ada: Person) -> None:
    legacy.force_login(ada, ENTRA)
    names = [
        legacy_sessions.cookie_name(conf(), f"{digit * 8}-1111-4111-8111-111111111111")
        for digit in "12"
    ]
    for name in names:
        legacy.cookies[name] = "anything"
    answer = legacy.post("/auth/sign-out")

    for name in names:
        assert answer.cookies[name]["max-age"] == 0
        assert answer.cookies[name]["domain"] == "portal.localhost"
    assert answer.cookies["portal_session"]["max-age"] == 0
    assert answer.cookies["portal_session"]["domain"] == "portal.localhost"


@pytest.mark.parametrize("wanted", ["on", "off"])
def test_while_a_tenant_is_redirected_its_old_portal_says_what_comes_next(
    wanted: str, ada: Person, contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    switch(contoso, wanted)
    legacy.force_login(ada, ENTRA)
    state = query_of(legacy.post("/auth/sign-out")["Location"])["state"]
    bare = Client(headers={"host": "portal.localhost", **PAGE_LOAD})
    back = bare.get("/auth/signed-out", {"state": state})["Location"]
    # Nobody was signed in, so nobody has to end that at Entra ID.
    straight = legacy.post("/auth/sign-out")["Location"]
    if wanted == "off":
        assert (back, straight) == ("http://contoso.portal.localhost/", "/")
        return
    assert back == "http://contoso.portal.localhost/auth/signed-out"
    assert straight == "/auth/signed-out"
    page = legacy.get(straight).content.decode()
    assert "Your work in Microsoft Defender for Cloud Apps has ended." in page
    assert "Continue to Microsoft 365 Defender" in page
    assert legacy.get("/")["Redirection-Decision"].startswith("new_session;")


def test_without_a_destination_a_sign_out_ends_on_the_old_portal(
    contoso: Tenant, switch: Switch, legacy: Client
) -> None:
    contoso.cloud = "lunar"
    contoso.provision(reason="Moved", channel="command", operator="a test")
    switch(contoso, "on")
    assert legacy.post("/auth/sign-out")["Location"] == "/"


def test_an_operator_is_not_sent_to_entra_id(destination: Client, db: None) -> None:
    operator = Person.objects.create_superuser("operator")
    destination.force_login(operator, "django.contrib.auth.backends.ModelBackend")

    assert destination.post("/auth/sign-out")["Location"] == "/"


def test_somebody_not_signed_in_may_sign_out(legacy: Client, db: None) -> None:
    assert legacy.post("/auth/sign-out")["Location"] == "/"


def test_a_link_signs_nobody_out(destination: Client, ada: Person) -> None:
    destination.force_login(ada, ENTRA)
    answer = destination.get("/auth/sign-out")

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert is_signed_in(destination)


def test_the_form_needs_its_token(ada: Person) -> None:
    browser = Client(headers={"host": "security.localhost"}, enforce_csrf_checks=True)
    browser.force_login(ada, ENTRA)

    assert browser.post("/auth/sign-out").status_code == HTTPStatus.FORBIDDEN
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    "state",
    [
        "",
        "evil.example",
        "x" * 5000,
        "\x00",
        "a:b:c",
        signing.dumps("evil.example", key="another key"),
        signing.dumps("contoso.portal.localhost", salt="another purpose"),
    ],
    # A signed text holds its time, and each process has to find the same tests.
    ids=["empty", "bare", "long", "NUL", "no signature", "another key", "another purpose"],
)
@override_settings(SECRET_KEY="the key of this test, which is long enough for any use of it")
def test_a_forged_state_leads_nowhere(state: str, destination: Client, db: None) -> None:
    answer = destination.get("/auth/signed-out", {"state": state})

    assert answer.status_code == HTTPStatus.OK
    assert "You are signed out" in answer.content.decode()


@pytest.mark.parametrize("host", ["evil.example", "portal.localhost.evil.example", ["x"], None])
def test_a_signed_state_with_another_host_leads_nowhere(
    host: object, destination: Client, db: None
) -> None:
    state = signing.dumps(host, salt=SALT)

    assert destination.get("/auth/signed-out", {"state": state}).status_code == HTTPStatus.OK


def test_without_a_state_the_page_says_so(destination: Client, db: None) -> None:
    answer = destination.get("/auth/signed-out")

    assert "You are signed out" in answer.content.decode()
