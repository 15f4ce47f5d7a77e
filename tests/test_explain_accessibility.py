"""What a machine can tell about the explanation and the way back (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser
from pytest_django import Settings

from portal.models import Person
from redirection.models import Tenant
from tests.conftest import PAGE_LOAD, Switch
from tests.test_sample_accessibility import TAGS, chromium, opened

__all__ = ["chromium"]

ORIGIN = "http://security.localhost"
EXPLAIN = f"{ORIGIN}/redirection/explain"
SETTLED = "Promise.allSettled(document.getAnimations().map(one => one.finished)).then(() => null)"
FABRIKAM = "22222222-2222-4222-8222-222222222222"
BACK = f"{ORIGIN}/redirection/way-back"
OPERATOR_PAGES = {
    "form": EXPLAIN,
    "explained": f"{EXPLAIN}?url=contoso.portal.localhost/%23/audits%3Fx={'5f1e' * 60}",
    "stays": f"{EXPLAIN}?url=/audits&tenant=contoso&visitor=running",
    "wrong": f"{EXPLAIN}?url=javascript:1&at=soon&visitor=ghost&header=x&tenant=nobody",
}
PAGES = {
    "empty": BACK,
    "found": f"{BACK}?page=/cloudapps/oauth-apps%3Fx={'5f1e' * 60}%23top",
    "several": f"{BACK}?page=/alerts",
    "none": f"{BACK}?page=/nobody",
    "wrong address": f"{BACK}?page=https://evil.example/",
    "try": f"{ORIGIN}/cloudapps/settings/try-link",
    "sample": f"{ORIGIN}/cloudapps/files",
    "none while off": f"{ORIGIN}/redirection/go?from=/nobody&tid={FABRIKAM}",
}


@pytest.fixture
def people(ada: Person, contoso: Tenant, fabrikam: Tenant, switch: Switch) -> dict[str, Client]:
    """The browsers of an operator and of Ada, with contoso on and fabrikam off."""
    switch(contoso, "on")
    olga = Person.objects.create_superuser("olga", password="a-long-enough-password")
    browsers = {}
    for name, person in (("olga", olga), ("ada", ada)):
        browsers[name] = Client(headers=PAGE_LOAD)
        browsers[name].force_login(person, "redirection.permissions.TenantRolesBackend")
    return browsers


@pytest.mark.parametrize("address", OPERATOR_PAGES.values(), ids=OPERATOR_PAGES.keys())
def test_axe_finds_nothing_on_the_operators_page(
    address: str, chromium: Browser, people: dict[str, Client]
) -> None:
    checked(chromium, people["olga"], address)


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing_on_the_way_back(
    address: str, chromium: Browser, people: dict[str, Client]
) -> None:
    checked(chromium, people["ada"], address)


def test_axe_finds_nothing_on_the_page_before_a_destination_without_notices(
    chromium: Browser, people: dict[str, Client], fabrikam: Tenant, settings: Settings
) -> None:
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    checked(chromium, people["ada"], f"{ORIGIN}/redirection/go?from=/audits&tid={fabrikam.tid}")


def checked(chromium: Browser, browser: Client, address: str) -> None:
    """Nothing found in light and dark; a phone needs no sideways scrolling (1.4.10)."""
    page = opened(chromium, browser, address)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        # The operator pages fade from one colour to the other.
        page.evaluate(SETTLED)
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        found[scheme] = [
            (rule["id"], node["html"])
            for rule in answer.response["violations"]
            for node in rule["nodes"]
        ]
    page.set_viewport_size({"width": 320, "height": 640})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.context.close()
    assert (found, width) == ({"light": [], "dark": []}, 320)
