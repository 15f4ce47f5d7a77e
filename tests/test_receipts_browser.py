"""A page left open says so when it gets no answer, and is right again when it does."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser import Demo, sign_in

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ADA = "Ada Cloud App Security Administrator of contoso"
SERVED = re.compile(r"Revision \d+ is served by 1 of 1 worker")
SILENCE = re.compile(r"No answer since \d\d:\d\d:\d\d UTC\. This may be out of date\.")
GOES_OLD = re.compile(r"\bunanswered\b")
# What the live region says, each time it changes.
LISTEN = """() => {
    const region = document.querySelector("#receipt [role=status]");
    window.heard = [];
    new MutationObserver(() => heard.push(region.innerText.trim())).observe(region,
        {attributes: true, characterData: true, childList: true, subtree: true});
}"""


@pytest.fixture
def receipt(page: Page, demo: Demo) -> Locator:
    """The part of an open page, whose clock the test can turn."""
    page.clock.install()
    sign_in(page, demo.url("security", SETTINGS), ADA)
    receipt = page.locator("#receipt")
    expect(receipt.get_by_role("status")).to_have_text(SERVED)
    page.evaluate(LISTEN)
    return receipt


def test_without_a_connection_it_says_so_once_until_the_connection_is_back(
    receipt: Locator, page: Page, context: BrowserContext
) -> None:
    status = receipt.get_by_role("status")
    expect(receipt).not_to_have_class(GOES_OLD)
    context.set_offline(True)
    page.clock.run_for(3500)
    expect(receipt).to_have_class(GOES_OLD)
    expect(page.locator("#receipt-sentence")).to_be_visible()
    page.clock.run_for(10_000)
    expect(page.locator("#receipt-sentence")).to_be_hidden()
    expect(status.get_by_text(SILENCE)).to_be_visible()

    context.set_offline(False)
    page.clock.run_for(3000)
    expect(page.locator("#receipt-sentence")).to_be_visible()
    expect(receipt).not_to_have_class(GOES_OLD)
    expect(status.get_by_text(SILENCE)).to_have_count(0)
    silence, back = page.evaluate("heard")
    assert SILENCE.fullmatch(silence)
    assert SERVED.match(back)


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_of_something_on_the_way_is_none_and_ends_nothing(
    status: int, receipt: Locator, page: Page
) -> None:
    def answer(route: Route) -> None:
        route.fulfill(status=status, content_type="text/html", body="<h1>Sign in to the network")

    page.route("**/settings/receipt?**", answer)
    # What comes back takes real time, which the page's own clock does not know.
    for _ in range(4):
        with page.expect_response("**/settings/receipt?**"):
            page.clock.run_for(2100)
    expect(receipt.get_by_text(SILENCE)).to_be_visible()
    expect(receipt.get_by_text("Sign in to the network")).to_have_count(0)

    page.unroute("**/settings/receipt?**")
    page.clock.run_for(3000)
    expect(receipt.get_by_role("status")).to_have_text(SERVED)
    expect(receipt).not_to_have_class(GOES_OLD)


def test_who_is_signed_out_is_told_that_and_no_silence(
    receipt: Locator, page: Page, context: BrowserContext
) -> None:
    context.clear_cookies()
    page.clock.run_for(3000)
    status = receipt.get_by_role("status")
    expect(status).to_have_text("You are signed out. Reload the page to sign in.")
    page.clock.run_for(20_000)
    expect(status).to_have_text("You are signed out. Reload the page to sign in.")
    expect(receipt).not_to_have_class(GOES_OLD)
