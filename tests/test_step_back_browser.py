"""Opening the old page for one task in a real browser, from the permission to the way back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from portal.demo.people import CONTOSO
from tests.browser import Demo, sign_in

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ADA = "Ada Cloud App Security Administrator of contoso"
# A page without an exact counterpart.
ALERT = "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e"
OFFER = "Open the old page for one task"
OFFER_OF_LINK = "Open your old link for one task"
CAPTION = "The old page for one task"

pytestmark = pytest.mark.usefixtures("off", "forbidden_afterwards")


def command(demo: Demo, wanted: str) -> None:
    demo.command(
        "allow_step_back", "contoso", wanted, "--kind", "missing", "--reason", "The test asks"
    )


@pytest.fixture
def forbidden_afterwards(demo: Demo) -> Iterator[None]:
    yield
    command(demo, "off")


def shorten(demo: Demo, context: BrowserContext, seconds: int) -> None:
    """As if the admin had allowed that many seconds: the cookie, signed by the site itself."""
    (cookie,) = [cookie for cookie in context.cookies() if "step_back" in cookie["name"]]
    number, started, _ = str(cookie["value"]).split(":")[0].split(".")
    until = int(time.time() * 1000) + seconds * 1000
    written = demo.command(
        "shell", "--verbosity", "0", "-c",
        "from redirection.step_backs import _signer; "
        f"print(_signer('{CONTOSO}').sign('{number}.{started}.{until:x}'))",
    )  # fmt: skip
    context.add_cookies([{**cookie, "value": written.strip()}])  # type: ignore[list-item, typeddict-item]


def step_back(page: Page, offer: str = OFFER) -> None:
    """Follow the offer, say why, and go."""
    page.get_by_role("link", name=offer).click()
    page.get_by_label("Something is missing").check()
    page.get_by_role("button", name="Open the old page").click()


def test_allowed_followed_worked_and_ended_by_itself(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    sign_in(page, demo.url("security", SETTINGS), ADA)
    page.get_by_role("link", name="Allow it for one task").click()
    page.get_by_label("How long one lasts").select_option("15")
    page.get_by_label("Kind of reason").select_option("missing")
    page.get_by_label("In your words").fill("Exports are missing")
    page.get_by_role("button", name="Allow it").click()
    expect(page.get_by_role("status").first).to_contain_text("People may now open the old page")
    demo.switch("contoso", "on")

    page.goto(demo.url("contoso", ALERT))
    page.wait_for_url(re.compile(r"security\.localhost:\d+/alerts"))
    step_back(page, OFFER_OF_LINK)
    page.wait_for_url(demo.url("contoso", ALERT))
    notice = page.get_by_role("region", name=CAPTION)
    expect(notice).to_contain_text("is open for one task, until")

    # New tabs stay too, and so do forms and links.
    tab = context.new_page()
    tab.goto(demo.url("contoso", "/audits"))
    expect(tab.get_by_role("region", name=CAPTION)).to_be_visible()
    assert tab.url == demo.url("contoso", "/audits")
    tab.get_by_label("Add a note").fill("Half a thought")
    tab.get_by_role("button", name="Add note").click()
    expect(tab.get_by_text("Half a thought")).to_be_visible()

    # The admin sees it.
    seen = context.new_page()
    seen.goto(demo.url("security", SETTINGS))
    card = seen.get_by_role("region", name="Opening the old page for one task")
    expect(card).to_contain_text("1 person does so now.")
    expect(card).to_contain_text("/alerts/*")
    seen.close()

    tab.get_by_label("Add a note").fill("The other half")
    shorten(demo, context, 1)
    time.sleep(1.5)
    # What was being written is sent; the page after it is over there.
    with tab.expect_response(lambda answer: answer.url.endswith("/notes")) as sent:
        tab.get_by_role("button", name="Add note").click()
    assert sent.value.status == HTTPStatus.SEE_OTHER
    tab.wait_for_url(demo.url("security", "/cloudapps/activity-log"))
    page.reload()
    page.wait_for_url(re.compile(r"security\.localhost:\d+/alerts"))


def test_going_back_now_leads_to_the_page_that_is_shown(demo: Demo, page: Page) -> None:
    command(demo, "on")
    sign_in(page, demo.url("security", SETTINGS), ADA)
    demo.switch("contoso", "on")
    page.goto(demo.url("security", "/cloudapps/files"))
    step_back(page)
    page.wait_for_url(demo.url("contoso", "/#/files"))
    page.goto(demo.url("contoso", "/#/audits?activity.id=eq(abc123,)"))
    page.get_by_role("button", name="Go back to").click()
    page.wait_for_url(demo.url("security", "/cloudapps/activity-log?activity.id=eq(abc123,)"))
    # It is over for every tab.
    page.goto(demo.url("contoso", "/files"))
    page.wait_for_url(demo.url("security", "/cloudapps/files"))


def test_forbidding_it_ends_it_at_the_next_page(demo: Demo, page: Page) -> None:
    command(demo, "on")
    sign_in(page, demo.url("security", SETTINGS), ADA)
    demo.switch("contoso", "on")
    page.goto(demo.url("security", "/cloudapps/files"))
    step_back(page)
    page.wait_for_url(demo.url("contoso", "/#/files"))
    command(demo, "off")
    # The worker learns of it within a second.
    for _ in range(50):
        page.goto(demo.url("contoso", "/files"))
        if page.url == demo.url("security", "/cloudapps/files"):
            break
        time.sleep(0.1)
    assert page.url == demo.url("security", "/cloudapps/files")


def test_without_javascript_it_works_too(demo: Demo, context: BrowserContext) -> None:
    command(demo, "on")
    page = context.new_page()
    sign_in(page, demo.url("security", SETTINGS), ADA)
    demo.switch("contoso", "on")
    plain = context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=False, storage_state=context.storage_state()
    )
    page = plain.new_page()
    page.goto(demo.url("contoso", "/security-configuration"))
    page.get_by_role("link", name="Continue to").click()
    step_back(page, OFFER_OF_LINK)
    page.wait_for_url(demo.url("contoso", "/security-configuration"))
    page.get_by_role("button", name="Go back to").click()
    expect(page.get_by_role("heading", name="This page has moved")).to_be_visible()
    plain.close()
