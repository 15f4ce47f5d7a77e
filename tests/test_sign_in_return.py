"""A sign-in leads back to where it began, and never to somebody else's host."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import unquote

import pytest
import responses
from django.test import Client

from portal.models import Person
from portal.sign_in.addresses import own_path
from redirection.models import Tenant
from tests.entra_id import EntraId, somebody

HOSTILE = [
    "//evil.example",
    "//evil.example/",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\r\nSet-Cookie: a=b",
    "/page\x00",
    "https://evil.example",
    "http://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "HTTPS://evil.example",
    "http://security.localhost@evil.example",
    "http://security.localhost.evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "@evil.example",
    "evil.example",
    ".evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/\u202e//evil.example",
    "/\ud800",
    "",
    "/" + "a" * 5000,
    "//evil.example:80/path",
    "//evil.example?x=/",
    "//evil.example#/",
    "//@evil.example",
    "//user:word@evil.example",
    "//security.localhost@evil.example",
    "//security.localhost.evil.example",
    "//[::1]/",
    "//[",
    "//127.0.0.1",
    "//evil%2eexample",
    "//\u3002evil.example",
    "//evil\u3002example",
    "///\tevil.example",
    "/\v/evil.example",
    "/\f/evil.example",
    "/\x1f/evil.example",
    "/\x7f/evil.example",
    "/\u0085/evil.example",
    "/\u200b/evil.example",
    "/\ufeff/evil.example",
    "/\u2066//evil.example",
    "/a\\..\\//evil.example",
    "/\\/evil.example",
    "/\\\\evil.example",
    "\\evil.example",
    "\u2028//evil.example",
    "\x00//evil.example",
    "\u00a0//evil.example",
    "\uff0f\uff0fevil.example",
    "%2f%2fevil.example",
    "%5cevil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "hTtP://evil.example",
    "http:evil.example",
    "//security.localhost",
    "http://security.localhost/",
    "ftp://evil.example",
    "file:///etc/passwd",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    " javascript:alert(1)",
    "vbscript:x",
    "blob:https://evil.example/x",
    "mailto:eve@evil.example",
    "./evil.example",
    "../evil.example",
    ";//evil.example",
    ":80//evil.example",
    "*",
    "~//evil.example",
    "/page\r\n\r\n<script>",
    "/page\nLocation: //evil.example",
]
OWN = [
    "/",
    "/cloudapps/settings?tabid=autoRedirection",
    "/#/audits?activity.id=eq(abc123,)",
    "/%2f%2fevil.example",
    "/a?next=//evil.example",
    "/@evil.example",
    "/http://evil.example",
    "/;//evil.example",
    "/:80",
    "/.//evil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/%E2%80%AE",
    "/ä?ö=ü#ß",
    "/" + "a" * 1999,
]


@pytest.fixture
def entra() -> Iterator[EntraId]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield EntraId(mock)


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_next_leads_to_the_start_page(path: str) -> None:
    assert own_path(path) == "/"


@pytest.mark.parametrize("value", [None, 1, ["/"], b"/"])
def test_a_next_that_is_no_text_leads_to_the_start_page(value: object) -> None:
    assert own_path(value) == "/"


@pytest.mark.parametrize("path", OWN)
def test_an_own_path_is_kept(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize("path", [path for path in HOSTILE if path != "/\ud800"])
def test_the_button_takes_no_hostile_next(
    path: str, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination, path)
    answer = entra.come_back(destination, entra.signed(entra.claims(somebody(contoso))))

    assert answer["Location"] == "http://security.localhost/"


@pytest.mark.parametrize("path", [path for path in HOSTILE if path != "/\ud800"])
def test_the_page_takes_no_hostile_next(path: str, destination: Client, ada: Person) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")

    answer = destination.get("/auth/sign-in", {"next": path})

    assert answer["Location"] == "/"


@pytest.mark.parametrize("path", [path for path in HOSTILE if path != "/\ud800"])
def test_the_check_of_roles_takes_no_hostile_next(
    path: str, entra: EntraId, destination: Client, ada: Person
) -> None:
    entra.sign_in(destination, ada)
    entra.check_roles(destination, path)
    answer = entra.come_back(destination, entra.signed(entra.claims(ada)))

    assert answer["Location"] == "http://security.localhost/"


@pytest.mark.parametrize("path", OWN)
def test_an_own_path_is_kept_all_the_way(
    path: str, entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination, path)
    answer = entra.come_back(destination, entra.signed(entra.claims(somebody(contoso))))

    assert unquote(answer["Location"]) == f"http://security.localhost{unquote(path)}"


def test_the_callback_takes_no_next_of_its_own(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    entra.begin(destination, "/feedback")
    token = entra.signed(entra.claims(somebody(contoso)))
    entra.params["redirect_uri"] += "?next=//evil.example"
    answer = entra.come_back(destination, token)

    assert answer["Location"] == "http://security.localhost/feedback"


def test_a_forged_host_header_gets_no_sign_in(contoso: Tenant) -> None:
    stranger = Client(headers={"host": "evil.example"})

    answer = stranger.post("/auth/login/entra/", {"next": "/"})

    assert answer.status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    "host", ["contoso.portal.localhost", "contoso.us.portal.localhost", "portal.localhost"]
)
def test_tenant_hosts_share_one_callback(host: str, entra: EntraId, contoso: Tenant) -> None:
    browser = Client(headers={"host": f"{host}:8000"})
    entra.begin(browser, "/#/alerts?x=eq(1,)")

    assert entra.params["redirect_uri"] == "http://portal.localhost:8000/auth/complete/entra/"

    answer = entra.come_back(browser, entra.signed(entra.claims(somebody(contoso))))

    assert answer["Location"] == f"http://{host}:8000/#/alerts?x=eq(1,)"
    assert answer.cookies["portal_session"]["domain"] == "portal.localhost"


def test_another_legacy_domain_has_its_own_callback(entra: EntraId, contoso: Tenant) -> None:
    entra.begin(Client(headers={"host": "contoso.old.localhost"}))

    assert entra.params["redirect_uri"] == "http://old.localhost/auth/complete/entra/"


def test_two_sign_ins_at_once_each_lead_back_to_their_own_page(
    entra: EntraId, destination: Client, contoso: Tenant
) -> None:
    first = entra.begin(destination, "/first")
    entra.begin(destination, "/second")
    entra.params = first
    answer = entra.come_back(destination, entra.signed(entra.claims(somebody(contoso))))

    assert answer["Location"] == "http://security.localhost/first"


def test_the_page_offers_a_form_that_keeps_the_page_wanted(destination: Client, db: None) -> None:
    answer = destination.get("/auth/sign-in", {"next": '/a"b<'})

    assert '<input type="hidden" name="next" value="/a&quot;b&lt;">' in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_somebody_signed_in_goes_on_at_once(destination: Client, ada: Person) -> None:
    destination.force_login(ada, "portal.sign_in.backend.EntraBackend")

    answer = destination.get("/auth/sign-in", {"next": "/feedback"})

    assert answer["Location"] == "/feedback"


def test_signing_in_begins_with_a_form_only(destination: Client, db: None) -> None:
    answer = destination.get("/auth/login/entra/")

    assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_form_needs_its_token(db: None) -> None:
    browser = Client(headers={"host": "security.localhost"}, enforce_csrf_checks=True)

    answer = browser.post("/auth/login/entra/", {"next": "/"})

    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_entra_id_lets_the_person_choose_an_account(
    entra: EntraId, destination: Client, db: None
) -> None:
    assert entra.begin(destination)["prompt"] == "select_account"
