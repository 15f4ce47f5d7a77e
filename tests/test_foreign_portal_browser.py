"""The one script in a portal that is not ours: tabs and the banner in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from redirection import step_backs, switches
from redirection.models import StepBack, StepBackGrant
from tests.browser import CHROMIUM_ARGUMENTS
from tests.foreign_portal import ForeignPortal
from tests.portal_behind_gate import allow_django_beside_a_browser, portal
from tests.test_sample_accessibility import TAGS

__all__ = ["allow_django_beside_a_browser", "portal"]

IS_ON = "Automatic redirection is on since"
HOST = "portal-redirection"
FRAME = f"{HOST} .frame"
HERE = "**/redirection/here?**"


@pytest.fixture(autouse=True)
def nothing_is_refused(portal: ForeignPortal, page: Page) -> Iterator[None]:
    """No policy of the portal stands in the way of the script, and no error comes out of it."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield
    assert [text for text in said if "503" not in text] == []


def banner(page: Page) -> Any:
    return page.locator(HOST).get_by_role("status")


def opened(page: Page, portal: ForeignPortal, path: str = "/files", host: str = "contoso") -> None:
    """The page stays, and its script has done its work."""
    with page.expect_response("**/redirection/state?**"):
        page.goto(portal.url(host, path))
    expect(page.locator(HOST)).to_be_attached()
    assert page.url == portal.url(host, path)


def goes(page: Page, portal: ForeignPortal, path: str = "/files") -> None:
    page.goto(portal.url(path=path), wait_until="commit")
    page.wait_for_url(portal.url("security", "/**"))


def test_the_whole_way_of_a_session_and_its_tabs(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    portal.switch("on")
    opened(page, portal)
    expect(banner(page)).to_contain_text(IS_ON)
    page.get_by_role("link", name="Same tab").click()
    expect(banner(page)).to_contain_text(IS_ON)
    with context.expect_page() as new:
        page.get_by_role("link", name="New tab").click()
    new.value.wait_for_url(portal.url("security", "/cloudapps/files"))
    with page.expect_popup() as popup:
        page.evaluate("void window.open('/files')")
    expect(banner(popup.value)).to_contain_text(IS_ON)
    assert popup.value.url == portal.url()[:-1] + "/files"
    portal.switch("off")
    opened(context.new_page(), portal)


def test_a_new_tab_takes_the_part_behind_the_hash_along(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    opened(page, portal)
    portal.switch("on")
    tab = context.new_page()
    with tab.expect_request("**/redirection/page-seen?**") as seen:
        tab.goto(portal.url(path="/#/audits?activity.id=eq(abc123,)"), wait_until="commit")
    tab.wait_for_url(portal.url("security", "/cloudapps/activity-log?activity.id=eq(abc123,)"))
    assert "fragment=%23%2Faudits" in (seen.value.post_data or "")
    assert "moved_on=1&counted=1" in (seen.value.post_data or "")


def test_a_page_behind_the_hash_is_told_to_whoever_counts(
    portal: ForeignPortal, page: Page
) -> None:
    with page.expect_request("**/redirection/page-seen?**") as seen:
        opened(page, portal, "/#/files")
    assert "fragment=%23%2Ffiles&moved_on=&counted=1" in (seen.value.post_data or "")
    assert seen.value.response().status == HTTPStatus.NO_CONTENT  # type: ignore[union-attr]


def test_what_a_form_was_answered_in_a_new_tab_stays(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    opened(page, portal)
    portal.switch("on")
    with context.expect_page() as new:
        page.get_by_role("button", name="Save in a new tab").click()
    tab = new.value
    expect(banner(tab)).to_contain_text(IS_ON)
    assert tab.url == portal.url(path="/save")
    # The next page of that tab is a page as any other, and the tab is a new one.
    tab.get_by_role("link", name="Same tab").click()
    tab.wait_for_url(portal.url("security", "/**"))


def test_another_host_of_the_organisation_carries_on_in_the_same_tab(
    portal: ForeignPortal, page: Page
) -> None:
    opened(page, portal)
    portal.switch("on")
    with page.expect_response("**/redirection/state?**"):
        page.evaluate("address => { location = address }", portal.url("contoso.eu", "/files"))
    expect(banner(page)).to_contain_text(IS_ON)
    assert page.url == portal.url("contoso.eu", "/files")


def test_the_banner_comes_goes_and_stays_closed_while_the_page_is_open(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    page.goto(portal.url(path="/files"))
    expect(page.locator(HOST)).to_be_attached()
    page.clock.run_for(1_000)
    expect(banner(page)).to_contain_text("is moving to")
    page.get_by_label("Text").press_sequentially("Half a thought")
    heading = page.locator("h1").bounding_box()
    portal.switch("on")
    page.clock.run_for(61_000)
    expect(banner(page)).to_contain_text(IS_ON)
    # Nothing moved below the hands of somebody who types.
    assert page.locator("h1").bounding_box() == heading
    expect(page.get_by_label("Text")).to_be_focused()
    with page.expect_response("**/redirection/close-banner") as closed:
        page.locator(HOST).get_by_role("button", name="Close").click()
    assert closed.value.status == HTTPStatus.FOUND
    expect(banner(page)).to_be_empty()
    with page.expect_response("**/redirection/here?**") as asked:
        page.clock.run_for(61_000)
    assert asked.value.status == HTTPStatus.NO_CONTENT
    page.reload()
    page.clock.run_for(1_000)
    expect(banner(page)).to_be_empty()
    portal.switch("off")
    page.clock.run_for(61_000)
    expect(banner(page)).to_contain_text("is moving to")


def test_nobody_in_the_banner_with_the_keyboard_is_disturbed(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    opened(page, portal)
    page.clock.run_for(1_000)
    page.locator(HOST).get_by_role("link", name="Give feedback").focus()
    portal.switch("on")
    with page.expect_response(HERE):
        page.clock.run_for(61_000)
    page.wait_for_timeout(100)
    expect(banner(page)).to_contain_text("is moving to")
    expect(page.locator(HOST).get_by_role("link", name="Give feedback")).to_be_focused()
    page.get_by_label("Text").focus()
    page.clock.run_for(61_000)
    expect(banner(page)).to_contain_text(IS_ON)
    page.locator(HOST).get_by_role("button", name="Close").press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_page_whose_address_has_grown_too_long_asks_without_its_filters_or_not_at_all(
    portal: ForeignPortal, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    opened(page, portal)
    page.clock.run_for(1_000)
    page.evaluate("""history.pushState(null, "", "/files?a=" + '"'.repeat(3000))""")
    with page.expect_response(HERE) as answer:
        page.clock.run_for(61_000)
    assert answer.value.ok
    assert answer.value.url.endswith("page=%2Ffiles")
    before = len(asked)
    page.evaluate("history.pushState(null, '', '/' + 'x'.repeat(6000))")
    page.clock.run_for(61_000)
    page.wait_for_timeout(100)
    assert len(asked) == before
    page.evaluate("history.pushState(null, '', '/short')")
    with page.expect_response(HERE):
        page.clock.run_for(61_000)


def test_a_server_that_answers_nobody_is_left_alone_after_a_while(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    opened(page, portal)
    page.route(HERE, lambda route: route.fulfill(status=HTTPStatus.SERVICE_UNAVAILABLE))
    asked: list[Request] = []
    page.on("requestfinished", lambda request: asked.append(request))
    for _ in range(5):
        with page.expect_event("requestfinished"):
            page.clock.run_for(601_000)
        page.wait_for_timeout(100)
    page.clock.run_for(3_600_000)
    page.wait_for_timeout(100)
    assert len(asked) == 5


def test_links_of_the_banner_are_about_the_page_that_is_shown(
    portal: ForeignPortal, page: Page
) -> None:
    opened(page, portal)
    page.evaluate("history.pushState(null, '', '/audits?a=1#/b')")
    page.route("**/redirection/feedback?**", lambda route: route.fulfill(body="Feedback"))
    page.locator(HOST).get_by_role("link", name="Give feedback").click()
    page.wait_for_url("**/redirection/feedback?about=%2Faudits%3Fa%3D1%23%2Fb&from=banner")


def test_a_step_back_is_shown_and_can_be_ended(portal: ForeignPortal, page: Page) -> None:
    portal.switch("on")
    portal.tenant.switch_step_back(
        "on", minutes=60, reason_kind="missing", reason="The test asks for it",
        channel="command", operator="a test",
    )  # fmt: skip
    switches.refresh()
    portal.tenant.refresh_from_db()
    grant = StepBack.objects.begin(portal.tenant, "missing", "/files", timezone.now())
    token = step_backs.signed_grant(grant)
    page.goto(portal.url(path=f"/redirection/step-back?grant={token}"))
    page.wait_for_url(portal.url(path="/files"))
    notice = page.locator(HOST).get_by_role("region", name="The old page for one task")
    expect(notice).to_contain_text("is open for one task, until")
    page.evaluate("location.hash = '#/audits'")
    notice.get_by_role("button", name="Go back to").click()
    page.wait_for_url(portal.url("security", "/**"))
    assert StepBackGrant.objects.get().is_ended


LOOKS = """() => { const host = document.querySelector("portal-redirection");
  const section = host.shadowRoot.querySelector("section"), look = getComputedStyle(section);
  const box = section.getBoundingClientRect(), around = getComputedStyle(host);
  return { box: [box.left, box.right, box.bottom], look: ["color", "backgroundColor", "fontSize",
    "fontFamily", "textTransform", "direction", "transform", "display"].map(name => look[name]),
    around: ["position", "display", "visibility", "opacity", "pointerEvents", "zIndex", "clipPath"]
      .map(name => around[name]),
    top: host.shadowRoot.elementFromPoint(innerWidth / 2, box.bottom - 5) !== null } }"""


def test_no_style_of_the_portal_reaches_the_banner_and_none_of_the_banner_the_portal(
    portal: ForeignPortal, page: Page
) -> None:
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    own = page.evaluate(LOOKS)
    theirs = page.locator("p.legacy-banner")
    assert theirs.evaluate("p => getComputedStyle(p).display") == "block"
    assert theirs.evaluate("p => getComputedStyle(p).backgroundColor") == "rgba(0, 0, 0, 0)"
    opened(page, portal, "/hostile")
    expect(banner(page)).to_contain_text("is moving to")
    assert page.evaluate(LOOKS) == own
    assert own["top"]
    assert own["around"][:5] == ["static", "block", "visible", "1", "auto"]


def test_a_base_of_the_page_leads_nothing_elsewhere(portal: ForeignPortal, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    opened(page, portal, "/based")
    expect(banner(page)).to_contain_text("is moving to")
    own = (portal.url(path=""), portal.url("security", ""))
    found = page.evaluate(
        """() => [...document.querySelector("portal-redirection").shadowRoot
        .querySelectorAll("a, form")].map(node => [node.href || node.action, node.target])"""
    )
    assert len(found) == 3
    assert all(address.startswith(own) and target == "_self" for address, target in found)
    assert not [address for address in asked if "evil" in address]


@pytest.mark.parametrize("path", ["/clobbered", "/own-script"])
def test_what_somebody_wrote_into_a_page_moves_no_tab(
    path: str, portal: ForeignPortal, page: Page
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(portal.url(path=path))
    page.wait_for_load_state("networkidle")
    assert page.url == portal.url(path=path)
    assert not [address for address in asked if "evil" in address]


def test_a_state_that_leads_elsewhere_leads_nowhere(portal: ForeignPortal, page: Page) -> None:
    page.route(
        "**/redirection/state?**",
        lambda route: route.fulfill(
            content_type="text/html",
            body='<script data-now="2" data-go data-hand-over="http://evil.localhost/"></script>'
            '<div id="legacy-banner-place"><section id="legacy-banner" data-state="1">'
            '<a href="http://evil.localhost/">Out</a><a href="/files">In</a></section></div>',
        ),
    )
    opened(page, portal)
    expect(page.locator(HOST).get_by_role("link")).to_have_text(["In"])


def test_loaded_twice_it_works_once(portal: ForeignPortal, page: Page) -> None:
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    opened(page, portal, "/twice")
    page.wait_for_load_state("networkidle")
    expect(page.locator(HOST)).to_have_count(1)
    assert len([request for request in asked if "/redirection/state" in request.url]) == 1


def test_a_portal_that_replaces_its_body_keeps_the_banner(
    portal: ForeignPortal, page: Page
) -> None:
    go = "kind => dispatchEvent(new CustomEvent('go', { detail: kind }))"
    opened(page, portal, "/single-page")
    expect(banner(page)).to_contain_text("is moving to")
    page.evaluate(go, "body")
    expect(page.get_by_text("Another page")).to_be_visible()
    expect(banner(page)).to_contain_text("is moving to")
    page.evaluate(go, "all")
    expect(banner(page)).to_contain_text("is moving to")
    # Whoever takes it away twice means it.
    page.evaluate(go, "all")
    page.wait_for_timeout(100)
    expect(page.locator(HOST)).to_have_count(0)


def test_in_a_frame_it_is_silent(portal: ForeignPortal, page: Page) -> None:
    opened(page, portal, "/framed")
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_have_text("/files")
    page.wait_for_load_state("networkidle")
    expect(frame.locator(HOST)).to_have_count(0)


@pytest.mark.parametrize("address", ["**/redirection/state?**", "**/redirection/portal-script.js"])
def test_a_script_that_cannot_work_hurts_nobody(
    address: str, portal: ForeignPortal, page: Page
) -> None:
    page.route(address, lambda route: route.fulfill(status=HTTPStatus.SERVICE_UNAVAILABLE))
    page.goto(portal.url(path="/files"))
    page.wait_for_load_state("networkidle")
    page.get_by_label("Text").fill("As ever")
    expect(page.locator("h1")).to_have_text("/files")
    expect(page.locator(HOST)).to_have_count(0)


def test_a_script_that_hangs_keeps_nobody_waiting(portal: ForeignPortal, page: Page) -> None:
    waiting: list[Any] = []
    page.route("**/redirection/portal-script.js", lambda route: waiting.append(route))
    page.goto(portal.url(path="/single-page"), wait_until="domcontentloaded")
    page.get_by_label("Text").fill("As ever")
    page.evaluate("dispatchEvent(new CustomEvent('go', { detail: 'body' }))")
    expect(page.get_by_text("Another page")).to_be_visible()
    for route in waiting:
        route.continue_()
    expect(banner(page)).to_contain_text("is moving to")


def test_without_javascript_the_gate_does_the_work(
    portal: ForeignPortal, context: BrowserContext
) -> None:
    browser = context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False) as plain:
        page = plain.new_page()
        page.goto(portal.url(path="/files"))
        portal.switch("on")
        page.reload()
        expect(page.locator("h1")).to_have_text("/files")
    with browser.new_context(java_script_enabled=False) as plain:
        goes(plain.new_page(), portal)


def test_with_storage_blocked_nobody_is_ejected_on_a_guess(
    portal: ForeignPortal, chromium: Browser, tmp_path: Path
) -> None:
    profile = tmp_path / "Default"
    profile.mkdir()
    (profile / "Preferences").write_text(
        '{"profile": {"default_content_setting_values": {"cookies": 2}}}'
    )
    with chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS
    ) as context:
        page = context.new_page()
        opened(page, portal)
        expect(banner(page)).to_contain_text("is moving to")
        portal.switch("on")
        goes(page, portal)


def test_a_service_worker_that_passes_pages_on_hides_no_switch(
    portal: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    opened(page, portal)
    page.evaluate(
        """() => { const types = trustedTypes.createPolicy("test", { createScriptURL: url => url });
        return navigator.serviceWorker.register(types.createScriptURL("/worker.js"))
          .then(() => navigator.serviceWorker.ready) }"""
    )
    page.wait_for_function("navigator.serviceWorker.controller")
    opened(page, portal)
    portal.switch("on")
    opened(page, portal)
    goes(context.new_page(), portal)
    context.clear_cookies()
    goes(page, portal)


def test_a_destination_that_sends_everybody_back_is_no_endless_loop(
    portal: ForeignPortal, page: Page
) -> None:
    portal.leads_to("back")
    portal.switch("on")
    page.goto(portal.url(path="/files"), wait_until="commit")
    expect(banner(page)).to_contain_text("sent this browser back several times")
    expect(page.locator("h1")).to_have_text("/files")


def test_the_banner_hides_no_field_somebody_is_in(portal: ForeignPortal, page: Page) -> None:
    page.set_viewport_size({"width": 600, "height": 300})
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    inside = "node => node.getBoundingClientRect().toJSON()"
    for label in ("Last", "Text"):
        # At the end of the view: where the banner lies.
        page.get_by_label(label).evaluate("node => node.scrollIntoView(false)")
        page.get_by_label(label).evaluate("node => node.focus({ preventScroll: true })")
        page.wait_for_timeout(100)
        field = page.get_by_label(label).evaluate(inside)
        shown = page.locator(FRAME).evaluate(inside)
        assert field["bottom"] <= shown["top"] or field["top"] >= shown["bottom"]


def test_the_end_of_a_page_can_be_scrolled_off_the_banner(
    portal: ForeignPortal, page: Page
) -> None:
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    page.evaluate("scrollTo(0, 1e6)")
    last = page.get_by_label("Last").bounding_box()
    shown = page.locator(FRAME).bounding_box()
    assert last is not None
    assert shown is not None
    assert last["y"] + last["height"] <= shown["y"]


def test_it_can_be_used_with_the_keyboard(portal: ForeignPortal, page: Page) -> None:
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    page.get_by_label("Last").focus()
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.querySelector('portal-redirection').shadowRoot.activeElement.innerText"
            )
        )
    assert [text.split()[0] for text in reached] == ["Open", "Give", "Close"]
    with page.expect_response("**/redirection/close-banner"):
        page.keyboard.press("Enter")
    expect(banner(page)).to_be_empty()


def test_it_is_not_printed(portal: ForeignPortal, page: Page) -> None:
    opened(page, portal)
    expect(banner(page)).to_contain_text("is moving to")
    page.emulate_media(media="print")
    expect(page.locator(HOST)).to_be_hidden()


WAYS: list[dict[str, Any]] = [
    {"color_scheme": "light", "viewport": {"width": 320, "height": 568}, "locale": "ar"},
    {"color_scheme": "dark", "viewport": {"width": 1280, "height": 720}},
    {"forced_colors": "active", "viewport": {"width": 1280, "height": 720}},
]


@pytest.mark.parametrize("way", WAYS, ids=["arabic phone", "dark", "forced colours"])
def test_a_machine_finds_nothing_wrong_with_it(
    way: dict[str, Any], portal: ForeignPortal, chromium: Browser
) -> None:
    with chromium.new_context(**way) as context:
        page = context.new_page()
        opened(page, portal)
        expect(banner(page).get_by_role("button")).to_be_visible()
        found = Axe().run(page, context=HOST, options={"runOnly": {"type": "tag", "values": TAGS}})
        assert found.response["violations"] == []
        assert found.response["passes"]
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1]
        direction = page.locator(HOST).evaluate("host => getComputedStyle(host).direction")
        assert direction == ("rtl" if way.get("locale") == "ar" else "ltr")
