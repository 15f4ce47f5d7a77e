"""Several people change one tenant at once: each change is made once, and seen by the others."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from itertools import pairwise

import pytest
from playwright.sync_api import Browser as Chromium, Page, expect

from tests.browser import Demo, sign_in
from tests.demo_process import Browser, loopback_names

SETTINGS = "/cloudapps/settings?tabid=autoRedirection"
ADA = "Ada Cloud App Security Administrator of contoso"
GLORIA = "Gloria Global Administrator of contoso"
POSTS = 50


def confirmation(demo: Demo, page: Page, account: str, wanted: str) -> None:
    """The person has typed why, and is about to press the button."""
    sign_in(page, demo.url("security", SETTINGS), account)
    page.goto(demo.url("security", f"{SETTINGS}&confirm={wanted}"))
    page.get_by_label("Kind of reason").select_option("other")
    page.get_by_label("In your words").fill(f"So says {account.split()[0]}")


@pytest.fixture
def gloria(chromium: Chromium, demo: Demo, off: None) -> Page:
    page = chromium.new_context().new_page()
    confirmation(demo, page, GLORIA, "on")
    return page


def history(demo: Demo) -> list[dict[str, object]]:
    rows = demo.command(
        "shell", "--verbosity", "0", "-c",
        "import json; from redirection.models import Change; print(json.dumps(list("
        "Change.objects.order_by('revision').values('revision', 'what', 'before', 'after', "
        "'reason', 'tenant__name'))))",
    )  # fmt: skip
    found: list[dict[str, object]] = json.loads(rows)
    return found


def test_two_admins_want_the_same_and_one_change_is_made(
    demo: Demo, page: Page, gloria: Page
) -> None:
    before = len(history(demo))
    confirmation(demo, page, ADA, "on")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    gloria.get_by_role("button", name="Switch on").click()
    told = gloria.get_by_role("alert")
    expect(told).to_contain_text("Changed meanwhile")
    expect(told).to_contain_text("So says Ada")
    # Hers was not stored, and is not lost either.
    expect(told).to_contain_text("So says Gloria")
    assert [row["reason"] for row in history(demo)[before:]] == ["So says Ada"]


def test_the_one_who_was_slower_sees_what_happened_and_decides_again(
    demo: Demo, page: Page, gloria: Page
) -> None:
    demo.switch("contoso", "on")
    demo.switch("contoso", "off")
    before = len(history(demo))
    gloria.get_by_role("button", name="Switch on").click()
    told = gloria.get_by_role("alert")
    expect(told).to_contain_text("no longer the one you saw")
    expect(told.get_by_role("listitem")).to_have_count(2)
    assert len(history(demo)) == before
    expect(gloria.get_by_label("In your words")).to_have_value("So says Gloria")
    expect(gloria.get_by_label("Kind of reason")).to_have_value("other")
    gloria.get_by_role("button", name="Switch on").click()
    expect(gloria.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    assert [row["reason"] for row in history(demo)[before:]] == ["So says Gloria"]


def test_a_double_click_is_one_change(demo: Demo, gloria: Page) -> None:
    before = len(history(demo))
    gloria.get_by_role("button", name="Switch on").dblclick()
    expect(gloria.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    expect(gloria.locator(".messages")).to_contain_text("Automatic redirection is on.")
    assert len(history(demo)) == before + 1


def test_fifty_posts_at_once_leave_a_history_without_gaps(demo: Demo, off: None) -> None:
    """Each worker thread reads the page and posts the other state, as fast as it can."""
    before = history(demo)
    address = demo.url("security", SETTINGS)
    with loopback_names():
        ada = Browser()
        page = ada.sign_in(address, ADA)
        tid = re.search(
            r'name="tid" value="([0-9a-f-]{36})"', ada.get(f"{address}&confirm=on").text
        )
        assert page.ok
        assert tid

        def post(number: int) -> HTTPStatus:
            browser = Browser()
            browser.cookies.update(ada.cookies)
            wanted = "off" if number % 2 else "on"
            # The state may change between two questions.
            for asked in ("on", "off") * POSTS:
                form = browser.get(f"{address}&confirm={asked}").text
                if 'name="seen_revision"' in form:
                    break
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            answer = browser.post(
                demo.url("security", "/cloudapps/settings/switch-redirection"),
                {
                    **fields,
                    "wanted": wanted,
                    "reason_kind": "other",
                    "reason": f"post {number}",
                },
                allow_redirects=False,
            )
            return HTTPStatus(answer.status_code)

        with ThreadPoolExecutor(10) as threads:
            answers = Counter(threads.map(post, range(POSTS)))
    assert set(answers) <= {HTTPStatus.FOUND, HTTPStatus.CONFLICT, HTTPStatus.OK}
    after = history(demo)
    made = after[len(before) :]
    assert made
    assert len(made) <= answers[HTTPStatus.FOUND]
    assert [row["revision"] for row in after] == list(range(1, len(after) + 1))
    states = [row["after"] for row in made]
    assert [row["before"] for row in made[1:]] == states[:-1]
    assert all(first != second for first, second in pairwise(states))
    assert len({row["reason"] for row in made}) == len(made)
