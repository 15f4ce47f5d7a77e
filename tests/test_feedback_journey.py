"""From a report to its answer, in a real browser: two organisations, one trouble, one answer.

A canary word stands in all that people of an organisation type; it is looked for in everything
that the other organisation gets to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal.demo.environment import file_for
from tests.browser import PATIENCE, Demo, sign_in, sign_in_on_legacy

OTTO, OMAR = "Otto ordinary member of contoso", "Omar ordinary member of fabrikam"
ADA = "Ada Cloud App Security Administrator of contoso"
ADAM = "Adam Cloud App Security Administrator of fabrikam"
CANARIES = {"contoso": "Kanarie", "fabrikam": "Canarino"}
LOST = "/#/lost-and-found/12"
REPORTED = "/cloudapps/settings/reported"
# Seconds a practised person takes for a key, or to look where the focus is (the keystroke-level
# model of Card, Moran and Newell: 0.28, and 1.35 to think).
KEY, THOUGHT = 0.28, 1.35


class Keyboard:
    """A person at the keyboard alone, and how long that takes them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seconds = 0.0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.seconds += KEY * len(key.split("+"))

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.seconds += THOUGHT + KEY * len(words)

    def tab_to(self, name: str) -> None:
        """Press Tab until the link or button of this name has the focus."""
        self.seconds += THOUGHT
        for _ in range(30):
            self.press("Tab")
            if self.page.evaluate("document.activeElement.textContent").strip() == name:
                return
        raise AssertionError(f"Tab never comes to {name}")


@pytest.fixture
def browsers(chromium: Browser) -> Iterator[dict[str, Page]]:
    """A browser of their own for each person."""
    contexts: list[BrowserContext] = []
    pages = {}
    for name in ("otto", "omar", "ada", "adam", "operator"):
        context = chromium.new_context()
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        pages[name] = context.new_page()
    yield pages
    for context in contexts:
        context.close()


def operator_password(demo: Demo) -> str:
    lines = file_for(demo.directory).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["DEMO_OPERATOR_PASSWORD"]


@pytest.mark.usefixtures("off")
def test_two_organisations_report_the_same_and_one_answer_reaches_both(
    demo: Demo, browsers: dict[str, Page]
) -> None:
    otto, omar, ada, adam, operator = browsers.values()
    demo.switch("contoso", "on")

    # Somebody who was redirected says what is missing, without a mouse, in 20 seconds.
    sign_in(otto, demo.url("security", "/redirection/my-feedback"), OTTO)
    otto.goto(demo.url("contoso", LOST))
    expect(otto.get_by_role("heading", name="This page has no counterpart yet")).to_be_visible()
    hands = Keyboard(otto)
    hands.tab_to("Tell us what is missing")
    hands.press("Enter")
    expect(otto.get_by_label("What did you like, what could be better?")).to_be_focused()
    hands.type(f"The lost property is gone, {CANARIES['contoso']}")
    hands.press("Control+Enter")
    expect(otto.get_by_role("heading", name="Thank you")).to_be_visible()
    assert hands.seconds < 20, hands.seconds

    # Somebody else says the same of a portal that redirects nobody.
    about = "/redirection/feedback?about=/%23/lost-and-found/99"
    sign_in(omar, demo.url("fabrikam", about), OMAR)
    omar.get_by_role("radio", name="Missing").check()
    omar.get_by_label("What did you like").fill(f"No lost property, {CANARIES['fabrikam']}")
    omar.get_by_role("button", name="Submit").click()
    expect(omar.get_by_role("heading", name="Thank you")).to_be_visible()

    # Their administrators see it, each their own.
    for page, person, own, foreign in (
        (ada, ADA, "contoso", "fabrikam"),
        (adam, ADAM, "fabrikam", "contoso"),
    ):
        sign_in(page, demo.url("security", REPORTED), person)
        row = page.get_by_role("row").filter(has_text="/lost-and-found/*")
        expect(row.get_by_role("cell").nth(0)).to_have_text("Missing")
        expect(row.get_by_role("cell").nth(1)).to_have_text("1")
        expect(row.get_by_role("cell").nth(4)).to_have_text("Open")
        row.get_by_role("link").click()
        expect(page.get_by_text(CANARIES[own])).to_be_visible()
        assert CANARIES[foreign] not in page.content()

    # The operator sees one entry and answers once.
    operator.goto(demo.url("security", "/admin/login/?next=/admin/redirection/trouble/"))
    operator.get_by_label("Username").fill("operator")
    operator.get_by_label("Password").fill(operator_password(demo))
    operator.get_by_role("button", name="Log in").click()
    operator.get_by_role("link", name="/lost-and-found/*").click()
    expect(operator.get_by_role("row", name="Organisations 2")).to_be_visible()
    for canary in CANARIES.values():
        expect(operator.get_by_text(canary)).to_be_visible()
    operator.get_by_label("State").select_option("Fixed")
    operator.get_by_label("Answer:").fill("It is under Cloud apps, Files")
    operator.get_by_label("Page to try").fill("/cloudapps/files")
    operator.get_by_role("button", name="Answer all").click()
    expect(operator.get_by_text("Answered: Fixed.")).to_be_visible()

    # Both senders are told, and led to their own destination.
    for page, host, foreign in ((otto, "security", "fabrikam"), (omar, "fabrikam", "contoso")):
        page.goto(demo.url(host, "/redirection/my-feedback"))
        report = page.get_by_role("region").filter(has_text="lost-and-found")
        expect(report).to_contain_text("It is under Cloud apps, Files")
        assert CANARIES[foreign] not in page.content()
        link = report.get_by_role("link", name="Open the page and try again")
        expect(link).to_have_attribute("href", demo.url("security", "/cloudapps/files"))
    ada.reload()
    expect(ada.get_by_text("It is under Cloud apps, Files")).to_be_visible()


def assert_asks_about(page: Page, about: str, source: str) -> None:
    expect(page.get_by_role("heading", name="Give feedback")).to_be_visible()
    expect(page.get_by_label("The page it is about")).to_have_value(re.compile(about))
    expect(page.locator("[name=source]")).to_have_value(source)


@pytest.mark.usefixtures("off")
def test_banner_header_and_switching_off_ask_about_their_page(
    demo: Demo, browsers: dict[str, Page]
) -> None:
    otto, ada = browsers["otto"], browsers["ada"]
    sign_in_on_legacy(otto, demo, OTTO)
    otto.goto(demo.url("contoso", "/#/files"))
    banner = otto.get_by_role("region", name="Moving to Microsoft 365 Defender")
    banner.get_by_role("link", name="Give feedback").click()
    assert_asks_about(otto, "^/#/files$", "banner")

    demo.switch("contoso", "on")
    settings = demo.url("security", "/cloudapps/settings?tabid=autoRedirection")
    sign_in(ada, settings, ADA)
    ada.get_by_role("banner").get_by_role("link", name="Give feedback").click()
    assert_asks_about(ada, "^/cloudapps/settings", "header")
    ada.goto(f"{settings}&confirm=off")
    confirm = ada.get_by_role("region", name="Switch automatic redirection off?")
    confirm.get_by_role("link", name="Give feedback").click()
    assert_asks_about(ada, "^/cloudapps/settings.*confirm=off", "switch_off")


@pytest.mark.usefixtures("off")
def test_without_scripts_somebody_reports_agrees_and_takes_that_back(
    demo: Demo, chromium: Browser
) -> None:
    with chromium.new_context(
        java_script_enabled=False, viewport={"width": 360, "height": 740}
    ) as (context):
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        sign_in(page, demo.url("security", "/redirection/feedback?about=/alerts"), OTTO)
        page.get_by_role("radio", name="Broken or slow").check()
        page.get_by_label("What did you like").fill("Alerts take a minute without scripts.")
        page.get_by_label("You may contact me").check()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        page.get_by_role("link", name="My feedback").click()
        report = page.get_by_role("region").filter(has_text="without scripts")
        expect(report).to_contain_text("Open")
        report.get_by_role("button", name="Do not contact me any more").click()
        expect(page.get_by_role("status")).to_contain_text("not be contacted about this feedback")
        expect(report.get_by_role("button")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
