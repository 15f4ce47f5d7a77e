"""The sample destination: a page for every place the route table leads to."""

from __future__ import annotations

from html import unescape
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from portal.models import Person
from redirection.deep_links import Counterpart
from redirection.routes import ROUTES, Route

REDIRECTION_PAGE = "/cloudapps/settings?tabid=autoRedirection"
SAMPLES = {
    route.target: route
    for route in reversed(ROUTES.values())
    if route.counterpart is not Counterpart.NONE
    and route.target
    not in (REDIRECTION_PAGE, "/cloudapps/settings", "/cloudapps/permissions/roles")
}


def text(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


@pytest.mark.parametrize("route", SAMPLES.values(), ids=SAMPLES.keys())
def test_every_place_has_a_page_that_names_its_feature(
    db: None, destination: Client, route: Route
) -> None:
    response = destination.get(route.target)
    assert response.status_code == HTTPStatus.OK
    assert f"<h1>{route.feature}</h1>" in text(response)
    assert '<span class="mark">Sample</span>' in text(response)


def test_the_page_of_one_user_exists(db: None, destination: Client) -> None:
    assert "<h1>User page</h1>" in text(destination.get("/user/?aad=x"))


def test_parameters_that_arrived_are_listed_escaped(db: None, destination: Client) -> None:
    page = destination.get("/cloudapps/activity-log?activity.id=eq(abc123,)&a=1&a=<b>").content
    assert b"eq(abc123,)" in page
    assert page.count(b"<code>a</code>") == 2
    assert b"&lt;b&gt;" in page
    assert b"<b>" not in page


@pytest.mark.parametrize("address", [REDIRECTION_PAGE, "/cloudapps/settings"])
def test_the_redirection_page_still_asks_who_is_there(
    db: None, destination: Client, address: str
) -> None:
    response = destination.get(address)
    assert response.status_code == HTTPStatus.FOUND
    assert response["Location"].startswith("/auth/sign-in?next=/cloudapps/settings")


@pytest.mark.parametrize("address", [REDIRECTION_PAGE, "/cloudapps/settings"])
def test_ada_opens_the_redirection_page(ada: Person, destination: Client, address: str) -> None:
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    assert "Automatic redirection" in text(destination.get(address))


def test_an_unknown_tab_is_a_404(ada: Person, destination: Client) -> None:
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    response = destination.get("/cloudapps/settings?tabid=nonsense")
    assert response.status_code == HTTPStatus.NOT_FOUND


def test_every_entry_of_the_menu_works(ada: Person, destination: Client) -> None:
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    page = text(destination.get("/"))
    _, _, rest = page.partition("<nav")
    menu, _, _ = rest.partition("</nav>")
    addresses = [part.partition('"')[0] for part in menu.split('href="')[1:]]
    assert "/cloudapps/activity-log" in addresses
    assert REDIRECTION_PAGE in addresses
    answers = {address: destination.get(address).status_code for address in addresses}
    assert set(answers.values()) == {HTTPStatus.OK}


def test_the_menu_marks_the_page_that_is_open(db: None, destination: Client) -> None:
    page = text(destination.get("/cloudapps/files"))
    assert 'href="/cloudapps/files" aria-current="page"' in page
    assert page.count('aria-current="page"') == 1


def test_without_sample_pages_the_menu_has_the_settings_only(
    ada: Person, destination: Client, settings: Any
) -> None:
    settings.PORTAL_SAMPLE_PAGES = False
    destination.force_login(ada, "redirection.permissions.TenantRolesBackend")
    page = text(destination.get(REDIRECTION_PAGE))
    assert "/cloudapps/activity-log" not in page
    assert f'href="{REDIRECTION_PAGE}" aria-current="page"' in page


def test_posting_to_a_sample_changes_nothing(db: None, destination: Client) -> None:
    assert destination.post("/alerts").status_code == HTTPStatus.METHOD_NOT_ALLOWED
