"""What a machine can tell about accessibility, on every kind of page (WCAG 2.2 AA)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Route, sync_playwright

from portal.models import Person
from redirection.models import RoleSnapshot, Tenant
from tests.browser import CHROMIUM_ARGUMENTS
from tests.conftest import PAGE_LOAD, Switch

DESTINATION = "http://security.localhost"
LEGACY = "http://contoso.portal.localhost"
SETTINGS = f"{DESTINATION}/cloudapps/settings?tabid=autoRedirection"
PAGES = {
    "settings": SETTINGS,
    "confirm": f"{SETTINGS}&confirm=on",
    "sample destination": f"{DESTINATION}/cloudapps/activity-log?activity.id=eq(abc123,)",
    "feedback": f"{DESTINATION}/redirection/feedback",
    "no counterpart": f"{DESTINATION}/redirection/go?from=/security-configuration",
    "no such page": f"{DESTINATION}/nowhere",
    "sample legacy": f"{LEGACY}/#/audits?activity.id=eq(abc123,)",
    "legacy feedback": f"{LEGACY}/redirection/feedback",
    "which organisation": "http://portal.localhost/",
    "unknown organisation": "http://nobody.portal.localhost/",
}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread; nothing here is asynchronous.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        path = shutil.which("chromium-headless-shell")
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(
    chromium: Browser, ada: Person, contoso: Tenant, fabrikam: Tenant, switch: Switch
) -> Client:
    """The site as Ada of two organisations sees it, with two lines in the history."""
    before = timezone.now() - timedelta(days=1)
    RoleSnapshot.objects.create(person=ada, tenant=fabrikam, taken_at=before)
    switch(contoso, "on")
    switch(contoso, "off")
    client = Client(headers=PAGE_LOAD)
    client.force_login(ada, "redirection.permissions.TenantRolesBackend")
    return client


def opened(chromium: Browser, site: Client, address: str, **context: Any) -> Any:
    """The page at ``address`` in the browser, as ``site`` serves it; no server is needed."""
    host, _, path = address.removeprefix("http://").partition("/")
    document = site.get(f"/{path.partition('#')[0]}", headers={"host": host})
    return shown(chromium, document, address, **context)


def shown(chromium: Browser, document: HttpResponse, address: str, **context: Any) -> Any:
    """An answer of the site, in the browser, as the page at ``address``."""

    def answer(route: Route) -> None:
        _, static, name = route.request.url.partition("/static/")
        if static:
            route.fulfill(path=finders.find(name))
        else:
            route.fulfill(
                status=document.status_code,
                headers=dict(document.items()),
                body=document.content,
            )

    page = chromium.new_context(**context).new_page()
    page.route("**/*", answer)
    page.goto(address)
    return page


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing_in_light_and_dark(chromium: Browser, site: Client, address: str) -> None:
    page = opened(chromium, site, address)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        found[scheme] = [(rule["id"], rule["nodes"]) for rule in answer.response["violations"]]
    page.context.close()
    assert found == {"light": [], "dark": []}


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_a_phone_needs_no_sideways_scrolling_and_no_fine_fingers(
    chromium: Browser, site: Client, address: str
) -> None:
    """320 pixels are enough (1.4.10), and what is pressed has 24 each way (2.5.8)."""
    page = opened(chromium, site, address, viewport={"width": 320, "height": 640})
    width = page.evaluate("document.documentElement.scrollWidth")
    small = page.evaluate(
        """[...document.querySelectorAll("button, summary, label:has(input), nav a, .bar a")]
            .filter(element => element.checkVisibility())
            .map(element => [element.outerHTML.slice(0, 80), element.getBoundingClientRect()])
            .filter(([, box]) => Math.min(box.width, box.height) < 23.9)
            .map(([html]) => html)"""
    )
    page.context.close()
    assert (width, small) == (320, [])


def test_the_menu_of_a_phone_opens_and_closes_with_the_keyboard(
    chromium: Browser, site: Client
) -> None:
    page = opened(chromium, site, SETTINGS, viewport={"width": 320, "height": 640})
    entry = page.get_by_role("link", name="Activity log")
    assert entry.count() == 0
    page.get_by_role("button", name="Menu").press("Enter")
    assert entry.is_visible()
    page.keyboard.press("Escape")
    assert entry.count() == 0
    page.context.close()


def test_the_first_tab_stop_skips_to_the_content(chromium: Browser, site: Client) -> None:
    page = opened(chromium, site, SETTINGS)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.context.close()


def test_the_switch_is_named_and_says_its_state(chromium: Browser, site: Client) -> None:
    page = opened(chromium, site, SETTINGS)
    switch = page.get_by_role("switch", name="Automatic redirection", exact=True)
    assert switch.get_attribute("aria-checked") == "false"
    switch.focus()
    assert switch.evaluate("element => getComputedStyle(element).outlineStyle") != "none"
    page.context.close()


def test_old_addresses_open_their_section_without_scripts(chromium: Browser, site: Client) -> None:
    page = opened(chromium, site, f"{LEGACY}/#/audits", java_script_enabled=False)
    assert page.locator("section.route:visible h1").all_inner_texts() == ["Activity log"]
    page.context.close()
