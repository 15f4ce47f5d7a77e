"""The sample legacy portal: every old link opens a page, and nobody's data is shown."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from portal.models import Person
from portal.samples.legacy_sections import MENU, SECTIONS
from redirection.models import RoleSnapshot, Tenant
from redirection.routes import ROUTES
from tests.conftest import MakePerson, Switch

SHOWN = 'class="route shown" id="/{route}"'
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "accept": "*/*"}


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.mark.parametrize("route", ROUTES)
def test_every_known_route_opens_as_a_path(contoso: Tenant, legacy: Client, route: str) -> None:
    response = legacy.get(f"/{route}")
    assert response.status_code == HTTPStatus.OK
    assert SHOWN.format(route=route) in response.content.decode()


def test_every_known_route_is_a_section_of_the_one_document(
    contoso: Tenant, legacy: Client
) -> None:
    document = legacy.get("/").content.decode()
    assert [route for route in ROUTES if f'id="/{route}"' not in document] == []


def test_the_start_page_shows_the_dashboard(contoso: Tenant, legacy: Client) -> None:
    assert SHOWN.format(route="dashboard") in legacy.get("/").content.decode()


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/alerts/5f3e9c2ab1d04e7788990a1b", "alerts"),
        ("/users/eyJpZCI6IC/x==", "users"),
        ("/policy/templates", "policy/templates"),
        ("/policy/?id=eq(1,)", "policy"),
        ("/AUDITS", "audits"),
    ],
)
def test_ids_and_filters_open_their_section(
    contoso: Tenant, legacy: Client, path: str, route: str
) -> None:
    assert SHOWN.format(route=route) in legacy.get(path).content.decode()


@pytest.mark.parametrize("path", ["/nowhere", "/notes/1", "/cloudapps/settings"])
def test_an_unknown_path_is_a_plain_404(contoso: Tenant, legacy: Client, path: str) -> None:
    response = legacy.get(path)
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "There is no such page." in text(response)


def test_parameters_that_arrived_are_listed_escaped(contoso: Tenant, legacy: Client) -> None:
    page = legacy.get("/audits", {"activity.id": "eq(<b>,)"}).content.decode()
    assert "activity.id = eq(&lt;b&gt;,)" in page
    assert "<b>" not in page


def test_it_says_that_it_is_a_sample(contoso: Tenant, legacy: Client) -> None:
    assert '<span class="mark">Sample</span>' in legacy.get("/").content.decode()


def test_the_portal_script_is_the_first_thing_in_the_head(contoso: Tenant, legacy: Client) -> None:
    _, _, head = text(legacy.get("/")).partition("<head>")
    assert head.lstrip().startswith('<script src="/static/redirection/portal.js"')


def test_the_menu_names_only_sections_that_exist() -> None:
    assert {section.route for group in MENU for section in group.sections} <= SECTIONS.keys()


def test_a_note_comes_back_escaped_on_its_page(contoso: Tenant, legacy: Client) -> None:
    response = legacy.post("/notes", {"text": "<i>Look</i> here", "page": "/audits?x=1"})
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"] == "/audits?x=1"
    page = legacy.get("/audits?x=1").content.decode()
    assert "&lt;i&gt;Look&lt;/i&gt; here" in page


@pytest.mark.parametrize(
    ("note", "says"),
    [("", "Write something first."), ("x" * 501, "at most 500 characters"), ("a\0b", "Null")],
)
def test_a_wrong_note_is_explained_and_kept(
    contoso: Tenant, legacy: Client, note: str, says: str
) -> None:
    response = legacy.post("/notes", {"text": note, "page": "/files"})
    assert response.status_code == HTTPStatus.BAD_REQUEST
    page = response.content.decode()
    assert says in page
    assert note in page
    assert SHOWN.format(route="files") in page


@pytest.mark.parametrize(
    "page",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "@evil.example",
        "/nowhere",
        "/" + "a" * 3000,
        "/\t/evil.example",
        "",
    ],
)
def test_a_note_never_leads_to_another_origin(contoso: Tenant, legacy: Client, page: str) -> None:
    response = legacy.post("/notes", {"text": "Look", "page": page})
    assert response["Location"] == "/"


def test_only_the_latest_notes_are_kept(contoso: Tenant, legacy: Client) -> None:
    for number in range(25):
        legacy.post("/notes", {"text": f"note {number}.", "page": "/"})
    page = text(legacy.get("/"))
    assert "note 24." in page
    assert "note 4." not in page


def test_notes_of_one_organisation_do_not_show_in_another(
    contoso: Tenant, fabrikam: Tenant, legacy: Client
) -> None:
    legacy.post("/notes", {"text": "Contoso only", "page": "/"})
    other = legacy.get("/", headers={"host": "fabrikam.portal.localhost"})
    assert "Contoso only" not in text(other)
    assert "Contoso only" in text(legacy.get("/"))


def test_the_programming_interface_answers_in_place_while_redirection_is_on(
    contoso: Tenant, legacy: Client, switch: Switch
) -> None:
    switch(contoso, "on")
    response = legacy.get("/api/v1/alerts/", headers=FETCH)
    assert response.status_code == HTTPStatus.OK
    assert response.json()["organisation"] == "contoso"


@pytest.mark.parametrize(
    "path",
    [
        "/api/oauth/saga",
        "/cas/api/v1/alerts/",
        "/oauth2/login",
        "/saml/consumer",
        "/cas/static/files/MSLogos.zip",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_callbacks_of_other_sites_stay_in_place(
    contoso: Tenant, switch: Switch, path: str, method: str
) -> None:
    switch(contoso, "on")
    other_site = Client(enforce_csrf_checks=True, headers={"host": "contoso.portal.localhost"})
    assert getattr(other_site, method)(path).status_code == HTTPStatus.OK


def test_an_unknown_organisation_gets_a_plain_page(contoso: Tenant, legacy: Client) -> None:
    nobody = {"host": "nobody.portal.localhost"}
    for response in (
        legacy.get("/", headers=nobody),
        legacy.get("/audits", headers=nobody | FETCH),
        legacy.post("/notes", {"text": "x"}, headers=nobody),
    ):
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert "There is no such organisation here." in text(response)
        assert "contoso" not in text(response).lower()


def test_the_programming_interface_knows_no_unknown_organisation(
    contoso: Tenant, legacy: Client
) -> None:
    response = legacy.get("/api/v1/alerts/", headers={"host": "nobody.portal.localhost"})
    assert response.status_code == HTTPStatus.NOT_FOUND
    assert response.json() == {"error": "unknown organisation"}


def test_the_bare_domain_asks_for_the_organisations_address(
    contoso: Tenant, legacy: Client
) -> None:
    response = legacy.get("/", headers={"host": "portal.localhost"})
    assert response.status_code == HTTPStatus.OK
    assert "Use your organisation's own address" in text(response)
    assert "contoso" not in text(response).lower()


def test_ada_finds_her_own_organisation_on_the_bare_domain(
    ada: Person, fabrikam: Tenant, legacy: Client
) -> None:
    legacy.force_login(ada, "redirection.permissions.TenantRolesBackend")
    there = "http://contoso.portal.localhost:8000/audits?x=1"
    response = legacy.get("/audits?x=1", headers={"host": "portal.localhost:8000"})
    assert response["Location"] == there
    RoleSnapshot.objects.create(person=ada, tenant=fabrikam)
    page = text(legacy.get("/audits?x=1", headers={"host": "portal.localhost:8000"}))
    assert f'href="{there}"' in page
    assert 'href="http://fabrikam.portal.localhost:8000/audits?x=1"' in page


def test_somebody_without_an_organisation_is_told_so(
    contoso: Tenant, person: MakePerson, legacy: Client
) -> None:
    stray = person(contoso, "Stray")
    contoso.enabled = False
    contoso.provision(reason="Left", channel="command", operator="a test")
    legacy.force_login(stray, "redirection.permissions.TenantRolesBackend")
    page = text(legacy.get("/", headers={"host": "portal.localhost"}))
    assert "belongs to no organisation here" in page


def test_a_worker_that_knows_nothing_yet_shows_the_portal(db: None, legacy: Client) -> None:
    assert legacy.get("/").status_code == HTTPStatus.OK
    assert legacy.get("/api/v1/alerts/").status_code == HTTPStatus.OK
