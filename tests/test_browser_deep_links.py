"""Every observed or inferred link shape, followed in a real browser."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from portal.demo.people import CONTOSO
from tests.browser import Demo, sign_in
from tests.test_deep_links import OID, link_shapes

# Addresses of the legacy host that are no pages (facts on the portals).
NOT_PAGES = [
    "/api/v1/activities/",
    "/api/v1/alerts/5f2a/",
    "/cas/api/v1/alerts/",
    "/api/discovery_block_scripts/?format=102&type=banned",
    "/api/oauth/saga",
    "/api/oauth/connect",
    "/oauth2/login",
    "/saml/consumer",
    "/cas/static/files/MSLogos.zip",
]

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
RITA = "Rita Global Reader of contoso"

pytestmark = pytest.mark.usefixtures("off")


def local(demo: Demo, address: str) -> str:
    """The address on the demo's hosts."""
    for name, local_name in (
        ("portal.cloudappsecurity.com", "portal.localhost"),
        ("security.microsoft.com", "security.localhost"),
    ):
        if name in urlsplit(address).netloc:
            address = address.replace(name, f"{local_name}:{demo.port}", 1)
            return address.replace("https:", "http:", 1)
    return ""


def test_every_link_lands_where_its_page_is(demo: Demo, context: BrowserContext) -> None:
    # The settings of the destination are for people who are signed in there.
    sign_in(context.new_page(), demo.url("security", SETTINGS), RITA)
    # A browser that knows its organisation from a visit: the bare domain alone names none.
    context.new_page().goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    followed = 0
    for legacy, destination in link_shapes(CONTOSO):
        address = local(demo, legacy)
        if not address:
            continue  # An older form of the domain, which the demo does not have.
        page = context.new_page()
        page.goto(address)
        page.wait_for_url(local(demo, destination))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.close()
        followed += 1
    assert followed >= 18


def test_a_new_session_follows_links_of_its_organisation(
    demo: Demo, context: BrowserContext
) -> None:
    sign_in(context.new_page(), demo.url("security", SETTINGS), RITA)
    context.new_page().goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    for legacy, destination in link_shapes(CONTOSO):
        if not local(demo, legacy):
            continue
        # As after closing the browser: of the visit only the organisation is remembered.
        context.clear_cookies(name=re.compile("legacy_session"))
        page = context.new_page()
        page.goto(local(demo, legacy))
        page.wait_for_url(local(demo, destination))
        page.close()


def test_the_person_is_told_where_a_link_has_no_exact_counterpart(
    demo: Demo, context: BrowserContext
) -> None:
    demo.switch("contoso", "on")
    page = context.new_page()
    page.goto(demo.url("contoso", "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e"))
    page.wait_for_url(demo.url("security", f"/alerts?tid={CONTOSO}"))
    expect(page.get_by_text("Alerts have new numbers here")).to_be_visible()
    page.goto(demo.url("contoso", "/#/security-configuration"))
    expect(page.get_by_text("You asked for:")).to_contain_text("/#/security-configuration")
    expect(page.get_by_role("link", name="Tell us what is missing")).to_be_visible()


def test_what_is_no_page_is_let_through(demo: Demo, context: BrowserContext) -> None:
    demo.switch("contoso", "on")
    page = context.new_page()
    for path in NOT_PAGES:
        answer = page.goto(demo.url("contoso", path))
        assert answer is not None
        assert answer.url == demo.url("contoso", path)
        assert answer.request.redirected_from is None


def test_a_user_link_names_the_user_by_object_id(demo: Demo, context: BrowserContext) -> None:
    demo.switch("contoso", "on")
    (link,) = [legacy for legacy, _ in link_shapes(CONTOSO) if "/users/" in legacy]
    page = context.new_page()
    page.goto(local(demo, link))
    page.wait_for_url(f"**/user/?aad={OID}&tid={CONTOSO}")
