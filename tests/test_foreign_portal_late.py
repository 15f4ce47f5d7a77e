"""A portal that is not ours, whose state comes late: nothing that somebody has begun is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Route, expect

from tests.foreign_portal import ForeignPortal
from tests.portal_behind_gate import allow_django_beside_a_browser, portal
from tests.test_foreign_portal_browser import IS_ON, banner, opened

__all__ = ["allow_django_beside_a_browser", "portal"]

# As an editor does that is no field: no input event, ever.
EDITOR = """addEventListener("DOMContentLoaded", () => {
  const editor = document.querySelector("textarea");
  editor?.addEventListener("keydown", event => { event.preventDefault(); editor.value += "x"; });
  for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault());
})"""
COUNTS_NOTHING = "delete window.EventCounts; delete Performance.prototype.eventCounts"
ASKS = "addEventListener('beforeunload', event => event.preventDefault())"
# An element of the page, in a browser that has nothing else by this name.
SAYS_NOTHING = "Object.defineProperty(window, 'navigation', { value: document.createElement('p') })"


@pytest.fixture
def switched_on(portal: ForeignPortal, page: Page) -> ForeignPortal:
    """Somebody is at work in this browser since before, so the gate moves no tab of it."""
    opened(page, portal)
    portal.switch("on")
    return portal


def answer_late(tab: Page, after: Callable[[], Any] = lambda: None) -> None:
    """The next state comes ``after``, and then is there."""

    def answer(route: Route) -> None:
        after()
        route.continue_()

    tab.route("**/redirection/state?**", answer, times=1)


def load(tab: Page, address: str) -> None:
    """Open ``address`` and wait for its state; looking at the page would count as activity."""
    with tab.expect_response("**/redirection/state?**"):
        tab.goto(address, wait_until="commit")


def stays(tab: Page, address: str) -> None:
    expect(banner(tab)).to_contain_text(IS_ON)
    assert tab.url == address


def type_into(tab: Page) -> None:
    tab.get_by_label("Text").press_sequentially("Half a")


def drop_a_file(tab: Page) -> None:
    """From the desktop: no pointer has gone down in the page, and nobody was active in it."""
    files = {"items": [], "files": [__file__], "dragOperationsMask": 1}
    driver = tab.context.new_cdp_session(tab)
    for name in ("dragEnter", "dragOver", "drop"):
        event = {"type": name, "x": 100, "y": 100, "data": files}
        driver.send("Input.dispatchDragEvent", event)


def type_into_frame(tab: Page) -> None:
    tab.frame_locator("iframe").get_by_label("Text").press_sequentially("Half a")


def send_frame(tab: Page) -> None:
    tab.frame_locator("iframe").get_by_role("button", name="Save", exact=True).click()
    expect(tab.frame_locator("iframe").locator("h1")).to_have_text("/save")


@pytest.mark.parametrize(
    ("path", "scripts", "begin"),
    [
        ("/files", "", type_into),
        ("/files", EDITOR, type_into),
        ("/files", EDITOR, drop_a_file),
        ("/files", COUNTS_NOTHING, type_into),
        ("/framed", "", type_into_frame),
        ("/framed", "", send_frame),
        ("/framed-elsewhere", "", type_into_frame),
    ],
    ids=["field", "editor", "drop", "old browser", "frame", "sent", "frame of another origin"],
)
def test_whoever_has_begun_something_is_not_moved_away_from_it(
    path: str,
    scripts: str,
    begin: Callable[[Page], None],
    switched_on: ForeignPortal,
    context: BrowserContext,
) -> None:
    tab = context.new_page()
    tab.add_init_script(scripts)
    answer_late(tab, lambda: begin(tab))
    load(tab, switched_on.url(path=path))
    stays(tab, switched_on.url(path=path))


@pytest.mark.parametrize("scripts", ["", COUNTS_NOTHING], ids=["new browser", "old browser"])
def test_nor_is_whoever_began_before_the_script_came(
    scripts: str, switched_on: ForeignPortal, context: BrowserContext
) -> None:
    tab = context.new_page()
    tab.add_init_script(scripts)

    def answer(route: Route) -> None:
        type_into(tab)
        route.continue_()

    tab.route("**/redirection/portal-script.js", answer)
    load(tab, switched_on.url(path="/files"))
    stays(tab, switched_on.url(path="/files"))


def test_they_go_on_where_they_were_and_move_with_the_next_page(
    switched_on: ForeignPortal, context: BrowserContext
) -> None:
    tab = context.new_page()
    answer_late(tab, lambda: type_into(tab))
    load(tab, switched_on.url(path="/files"))
    stays(tab, switched_on.url(path="/files"))
    expect(tab.get_by_label("Text")).to_be_focused()
    tab.keyboard.type(" thought")
    expect(tab.get_by_label("Text")).to_have_value("Half a thought")
    tab.get_by_role("link", name="Same tab").click()
    tab.wait_for_url(switched_on.url("security", "/**"))


@pytest.mark.parametrize(
    ("link", "begin"),
    [
        ("Same tab", type_into),
        ("Same tab", drop_a_file),
        ("Same tab", lambda tab: tab.locator("h1").click()),
        ("Frame", type_into_frame),
        ("Frame of another origin", type_into_frame),
    ],
    ids=["editor", "drop", "click", "frame", "frame of another origin"],
)
def test_what_a_click_led_to_is_told_from_what_is_begun_there(
    link: str,
    begin: Callable[[Page], None],
    switched_on: ForeignPortal,
    page: Page,
    context: BrowserContext,
) -> None:
    """Chromium takes it along to the next page that somebody was active in the one before."""
    with context.expect_page() as new:
        page.get_by_role("button", name="Save in a new tab").click()
    tab = new.value
    # An answer to a form never moves; the page behind its link would.
    expect(banner(tab)).to_contain_text(IS_ON)
    tab.add_init_script(EDITOR)
    answer_late(tab, lambda: begin(tab))
    with tab.expect_response("**/redirection/state?**"):
        tab.get_by_role("link", name=link, exact=True).click()
    expect(banner(tab)).to_contain_text(IS_ON)
    assert tab.url.startswith(switched_on.url(path="/f"))


def test_a_form_sent_with_a_click_alone_is_answered(
    switched_on: ForeignPortal, context: BrowserContext
) -> None:
    tab = context.new_page()
    sent: list[Route] = []
    tab.route("**/save", lambda route: sent.append(route))
    answer_late(
        tab,
        lambda: tab.get_by_role("button", name="Save", exact=True).click(no_wait_after=True),
    )
    load(tab, switched_on.url(path="/files"))
    # The portal takes its time with the answer.
    tab.wait_for_timeout(300)
    sent[0].continue_()
    tab.wait_for_url(switched_on.url(path="/save"))
    expect(tab.locator("h1")).to_have_text("/save")


@pytest.mark.parametrize("scripts", ["", SAYS_NOTHING], ids=["new browser", "old browser"])
def test_whoever_answers_that_they_stay_sees_the_page_and_its_banner(
    scripts: str, switched_on: ForeignPortal, page: Page, context: BrowserContext
) -> None:
    with context.expect_page() as new:
        page.get_by_role("button", name="Save in a new tab").click()
    tab = new.value
    expect(banner(tab)).to_contain_text(IS_ON)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tab.on("dialog", stay)
    tab.add_init_script(f"{ASKS}; {scripts}")
    # Somebody was active in the page before, so this one may ask.
    tab.get_by_role("link", name="Same tab").click()
    tab.wait_for_url(switched_on.url(path="/files"))
    expect(banner(tab)).to_contain_text(IS_ON)
    expect(tab.locator("h1")).to_be_visible()
    assert asked == ["beforeunload"]
    assert tab.url == switched_on.url(path="/files")


def test_a_page_that_lets_nobody_leave_is_shown(
    switched_on: ForeignPortal, context: BrowserContext
) -> None:
    tab = context.new_page()
    tab.add_init_script("navigation.addEventListener('navigate', event => event.preventDefault())")
    load(tab, switched_on.url(path="/files"))
    expect(banner(tab)).to_contain_text(IS_ON)
    expect(tab.locator("h1")).to_be_visible()
