"""The whole journey in a real browser: switch on, arrive, stay undisturbed, switch off."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from portal.demo.people import CONTOSO
from tests.browser import Demo, sign_in, sign_in_on_legacy

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
BOOKMARK = "/#/audits?activity.id=eq(abc123,)"
ARRIVED = "/cloudapps/activity-log?activity.id=eq(abc123,)"

pytestmark = pytest.mark.usefixtures("off")


def switch_by_page(page: Page, demo: Demo, wanted: str) -> None:
    """What an admin does on the settings page."""
    page.get_by_role("switch", name="Automatic redirection").click()
    page.get_by_label("Kind of reason").select_option("trial")
    page.get_by_label("In your words").fill(f"Pilot, now {wanted}")
    page.get_by_role("button", name=f"Switch {wanted}").click()
    expect(page.get_by_role("status").first).to_contain_text(f"Automatic redirection is {wanted}.")
    demo.wait_until_served("contoso", wanted)


def test_an_admin_switches_on_a_bookmark_arrives_and_off_again(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    sign_in(page, demo.url("security", SETTINGS), "Ada Cloud App Security Administrator of contoso")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    visitor = context.browser.new_context().new_page()  # type: ignore[union-attr]
    switch_by_page(page, demo, "on")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    visitor.goto(demo.url("contoso", BOOKMARK))
    visitor.wait_for_url(demo.url("security", ARRIVED))
    switch_by_page(page, demo, "off")
    visitor.goto(demo.url("contoso", BOOKMARK))
    expect(visitor.get_by_role("heading", name="Activity log")).to_be_visible()
    assert visitor.url == demo.url("contoso", BOOKMARK)
    visitor.context.close()
    switch_by_page(page, demo, "on")
    newcomer = context.browser.new_context().new_page()  # type: ignore[union-attr]
    newcomer.goto(demo.url("contoso", BOOKMARK))
    newcomer.wait_for_url(demo.url("security", ARRIVED))
    newcomer.context.close()
    rows = page.get_by_role("table", name="History").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Ada")
    expect(rows.nth(1)).to_contain_text("Pilot, now on")


def test_a_tab_open_since_before_goes_on_undisturbed(demo: Demo, page: Page) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    page.reload()
    expect(page.get_by_role("region", name="Microsoft")).to_contain_text("sign out")
    page.goto(demo.url("contoso", BOOKMARK))
    expect(page.get_by_role("heading", name="Activity log")).to_be_visible()
    page.get_by_role("link", name="Activity log in this tab").click()
    assert page.url == demo.url("contoso", "/audits")
    page.get_by_label("Add a note").fill("Half a thought")
    page.get_by_role("button", name="Add note").click()
    expect(page.get_by_text("Half a thought")).to_be_visible()
    page.goto("about:blank")
    page.go_back()
    expect(page.get_by_text("Half a thought")).to_be_visible()
    page.goto(demo.url("contoso", "/files"))
    expect(page.get_by_role("heading", name="Files")).to_be_visible()
    assert page.url == demo.url("contoso", "/files")


def test_a_window_with_an_opener_belongs_to_the_tab(demo: Demo, page: Page) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    page.reload()
    with page.expect_popup() as popup:
        page.evaluate("window.open('/audits')")
    popup.value.wait_for_load_state()
    assert popup.value.url == demo.url("contoso", "/audits")


def test_a_new_tab_goes_to_the_destination(demo: Demo, page: Page, context: BrowserContext) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    page.reload()
    link = page.get_by_role("link", name="One activity in a new tab")
    fragment = (link.get_attribute("href") or "").partition("?")[2]
    arrived = demo.url("security", f"/cloudapps/activity-log?{fragment}")
    with context.expect_page() as blank:
        link.click()
    blank.value.wait_for_url(arrived)
    with context.expect_page() as clicked:
        page.get_by_role("link", name="Activity log in this tab").click(modifiers=["Control"])
    clicked.value.wait_for_url(demo.url("security", "/cloudapps/activity-log"))
    tab = context.new_page()
    tab.goto(demo.url("contoso", BOOKMARK))
    tab.wait_for_url(demo.url("security", ARRIVED))
    # The old tab is still where it was.
    page.reload()
    assert page.url == demo.url("contoso")


def test_nothing_of_the_legacy_page_is_seen_in_a_new_tab(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    tab = context.new_page()
    # The script that leads on is held up: until it has decided, nothing is painted.
    held: list[Route] = []
    tab.route("**/redirection/portal*.js", lambda route: held.append(route))
    tab.goto(demo.url("contoso"), wait_until="commit")
    tab.wait_for_timeout(500)
    assert len(held) == 1
    assert tab.evaluate("document.body") is None
    held[0].continue_()
    tab.wait_for_url(demo.url("security"))


def test_a_page_that_does_not_exist_keeps_no_new_tab(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    missing = page.goto(demo.url("contoso", "/nowhere"))
    assert missing is not None
    assert missing.status == HTTPStatus.NOT_FOUND
    assert page.url == demo.url("contoso", "/nowhere")
    tab = context.new_page()
    tab.goto(demo.url("contoso", "/nowhere"), wait_until="commit")
    tab.wait_for_url(f"{demo.url('security', '/redirection/')}**")
    expect(tab.get_by_role("heading", name="This page has no counterpart yet")).to_be_visible()


def test_the_way_back_leads_to_where_the_person_was(demo: Demo, page: Page) -> None:
    page.goto(demo.url("security", "/alerts"))
    demo.switch("contoso", "on")
    page.goto(demo.url("contoso", BOOKMARK))
    page.wait_for_url(demo.url("security", ARRIVED))
    page.go_back()
    page.wait_for_url(demo.url("security", "/alerts"))


def test_after_signing_out_the_same_browser_moves(demo: Demo, page: Page) -> None:
    sign_in_on_legacy(page, demo, "Otto ordinary member of contoso")
    demo.switch("contoso", "on")
    page.reload()
    assert page.url == demo.url("contoso")
    page.get_by_role("button", name="Sign out").click()
    # Nobody lands over there without a word.
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.get_by_role("link", name="Continue to Microsoft 365 Defender").click()
    page.wait_for_url(demo.url("security"))
    page.goto(demo.url("contoso", BOOKMARK))
    page.wait_for_url(demo.url("security", ARRIVED))


def test_after_the_idle_time_out_the_same_browser_moves(hasty_demo: Demo, page: Page) -> None:
    hasty_demo.switch("contoso", "off")
    page.goto(hasty_demo.url("contoso"))
    hasty_demo.switch("contoso", "on")
    page.wait_for_timeout(2_500)
    page.goto(hasty_demo.url("contoso", BOOKMARK))
    # Another fragment of the page that is open is no page load; asking for the page is.
    page.reload()
    page.wait_for_url(hasty_demo.url("security", ARRIVED))


def test_another_organisation_is_untouched(demo: Demo, page: Page) -> None:
    demo.switch("contoso", "on")
    page.goto(demo.url("fabrikam", BOOKMARK))
    expect(page.get_by_role("heading", name="Activity log")).to_be_visible()
    assert page.url == demo.url("fabrikam", BOOKMARK)


def test_background_calls_and_forms_never_leave_the_legacy_portal(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    # Even without a legacy session: whatever is no page load is none of our business.
    context.clear_cookies(name="legacy_session_6b1f0f4e58a14c0e9d3c2a7f5c1e0a01")
    for path in ("/", "/audits", "/api/v1/alerts/"):
        answered = page.evaluate(
            "path => fetch(path, {redirect: 'follow'}).then(r => [r.url, r.redirected, r.status])",
            path,
        )
        assert answered == [demo.url("contoso", path), False, 200]
    expect(page.get_by_label("Add a note")).to_be_visible()
    with page.expect_response(lambda answer: answer.request.method == "POST") as posted:
        page.get_by_label("Add a note").fill("Sent after the session ended")
        page.get_by_role("button", name="Add note").click()
    # Back to the page it was sent from, on the same host.
    assert posted.value.status == HTTPStatus.SEE_OTHER
    assert posted.value.headers["location"] == "/"


def test_without_javascript_a_link_leads_on(demo: Demo, context: BrowserContext) -> None:
    demo.switch("contoso", "on")
    with context.browser.new_context(java_script_enabled=False) as plain:  # type: ignore[union-attr]
        page = plain.new_page()
        page.goto(demo.url("contoso", "/governancelog"))
        assert page.url == demo.url("security", "/cloudapps/governance-log")
        page.goto(demo.url("contoso", "/"))
        page.get_by_role("link", name="Continue to Microsoft 365 Defender").click()
        assert page.url.startswith(demo.url("security"))


def test_with_storage_blocked_nobody_is_ejected(demo: Demo, context: BrowserContext) -> None:
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', {get() { throw new Error('blocked') }})"
    )
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    page.reload()
    expect(page.get_by_role("link", name="Activity log in this tab")).to_be_visible()
    assert page.url == demo.url("contoso")


def test_the_banner_opens_this_very_page_over_there(demo: Demo, page: Page) -> None:
    page.goto(demo.url("contoso", BOOKMARK))
    page.get_by_role("link", name="Open this page in Microsoft 365 Defender").click()
    page.wait_for_url(demo.url("security", ARRIVED))


def test_the_banner_closes_without_loading_the_page_again(demo: Demo, page: Page) -> None:
    page.goto(demo.url("contoso", BOOKMARK))
    page.get_by_label("Add a note").fill("Half a thought")
    with page.expect_response("**/redirection/close-banner"):
        page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="Open this page")).to_have_count(0)
    expect(page.get_by_label("Add a note")).to_have_value("Half a thought")
    page.reload()
    expect(page.get_by_role("link", name="Open this page")).to_have_count(0)


def test_the_admin_gets_to_the_setting_from_the_banner(demo: Demo, page: Page) -> None:
    sign_in_on_legacy(page, demo, "Lena local Global administrator of contoso")
    page.get_by_role("link", name="Configure automatic redirection").click()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Lena local Global administrator of contoso").click()
    page.wait_for_url(demo.url("security", f"{SETTINGS}&tid={CONTOSO}"))
    expect(page.get_by_role("switch")).to_be_visible()


def test_feedback_is_about_the_page_it_was_given_on(demo: Demo, page: Page) -> None:
    sign_in_on_legacy(page, demo, "Otto ordinary member of contoso")
    page.goto(demo.url("contoso", BOOKMARK))
    page.get_by_role("link", name="Give feedback").first.click()
    expect(page.get_by_label("The page it is about")).to_have_value(BOOKMARK)
    page.get_by_label("Missing").check()
    page.get_by_text("Add a rating or a picture").click()
    page.get_by_label("Neither good nor bad").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_the_links_of_the_portal_itself_stay_as_they_are(demo: Demo, page: Page, off: None) -> None:
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(error.message))
    page.goto(demo.url("contoso", BOOKMARK))
    own = "/help?about=policies&q=a%20b"
    page.evaluate(
        """address => {
            document.addEventListener("click", event => event.preventDefault());
            document.querySelector("main").insertAdjacentHTML(
                "afterbegin", `<a id="own" href="${address}">Help</a> <a id="bare">Bare</a>`);
        }""",
        own,
    )
    page.locator("#own").click()
    page.locator("#bare").click()
    assert page.locator("#own").get_attribute("href") == own
    assert faults == []


def test_the_whole_job_by_keyboard_alone(demo: Demo, page: Page) -> None:
    sign_in(page, demo.url("security", SETTINGS), "Ada Cloud App Security Administrator of contoso")

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate("document.activeElement.outerHTML")
            if name in focused:
                return
        raise AssertionError(f"{name} cannot be reached by keyboard")

    tab_to('role="switch"')
    page.keyboard.press("Space")
    page.wait_for_url("**confirm=on**")
    # What is read next is the question, and after an error the field that has it.
    expect(page.locator("#confirm")).to_be_focused()
    tab_to('name="reason_kind"')
    page.keyboard.type("Ready")
    tab_to('name="reason"')
    page.keyboard.type(" ")
    tab_to("Switch on")
    page.keyboard.press("Enter")
    expect(page.get_by_label("In your words")).to_be_focused()
    page.keyboard.type("By keyboard")
    tab_to("Switch on")
    page.keyboard.press("Enter")
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")


def test_without_javascript_an_admin_switches_too(demo: Demo, context: BrowserContext) -> None:
    with context.browser.new_context(java_script_enabled=False) as plain:  # type: ignore[union-attr]
        page = plain.new_page()
        sign_in(page, demo.url("security", SETTINGS), "Gloria Global Administrator of contoso")
        switch_by_page(page, demo, "on")
