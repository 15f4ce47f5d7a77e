"""Giving feedback in a browser: with the keyboard alone, with a draft, and for every eye."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from portal.models import Person
from redirection.feedback.giving import record
from redirection.feedback.screenshots import MOST_BYTES, Picture
from redirection.models import Answer, Feedback, Tenant, Trouble
from tests.browser import Demo, off, sign_in
from tests.test_feedback_outage import ADDRESS, TYPED, down
from tests.test_sample_accessibility import chromium, shown
from tests.test_settings_page import sign_in as signed_in
from tests.test_settings_page_accessibility import audited

__all__ = ["chromium", "off"]

FORM = "/redirection/feedback"
WAYS: list[tuple[Any, int]] = [("light", 320), ("dark", 1280)]
Shown = Callable[[Client, Feedback], Any]

STATES: dict[str, tuple[Shown, HTTPStatus]] = {
    "form": (lambda otto, _: otto.get(ADDRESS), HTTPStatus.OK),
    "wrong": (lambda otto, _: otto.post(FORM, {"rating": "9"}), HTTPStatus.BAD_REQUEST),
    "receipt": (lambda otto, sent: otto.get(f"{FORM}/{sent.pk}"), HTTPStatus.OK),
    "my feedback": (lambda otto, _: otto.get("/redirection/my-feedback"), HTTPStatus.OK),
    "news": (lambda otto, _: otto.get("/alerts"), HTTPStatus.OK),
}


@pytest.fixture
def sent(otto: Person, contoso: Tenant, destination: Client) -> Feedback:
    """A report of Otto's, answered twice; he is signed in."""
    said = {"kind": "missing", "text": "W" * 300, "page": "/#/audits", "portal": "legacy"}
    picture = Picture(b"", 1, 1)
    feedback = record(
        contoso,
        otto,
        source="banner",
        rating=2,
        may_contact=True,
        screenshot=picture,
        **said,  # type: ignore[arg-type]
    )
    Trouble.objects.update(state="fixed")
    for state in ("planned", "fixed"):
        answer = {"state": state, "text": "It comes.\n" * 3, "author_name": "Olga"}
        Answer.objects.create(trouble=feedback.trouble, **answer)
    signed_in(destination, otto)
    return feedback


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wrong_on_any_page(
    name: str, sent: Feedback, destination: Client, chromium: Browser
) -> None:
    state, status = STATES[name]
    document = state(destination, sent)
    assert document.status_code == status
    audited(chromium, document, WAYS).context.close()


def test_nor_while_the_store_is_down(
    sent: Feedback, destination: Client, chromium: Browser
) -> None:
    with down():
        document = destination.post(ADDRESS, TYPED)
    page = audited(chromium, document, WAYS)
    expect(page.get_by_role("heading", name="Not sent yet")).to_be_focused()
    page.context.close()


def test_where_no_script_runs_nothing_is_promised_that_one_does(
    sent: Feedback, destination: Client, chromium: Browser
) -> None:
    page = shown(chromium, destination.get(FORM), f"http://a{FORM}", java_script_enabled=False)
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    expect(page.get_by_text("sends it")).to_be_hidden()
    expect(page.get_by_text("typed in this tab before")).to_be_hidden()
    page.context.close()


def test_a_missing_page_is_reported_with_the_keyboard_alone(demo: Demo, page: Page) -> None:
    """From the page without a counterpart: the link, a sentence, and the keys that send it."""
    gone = demo.url("security", "/redirection/go?from=/&fragment=/security-configuration")
    sign_in(page, demo.url("security", "/redirection/my-feedback"), "Otto ordinary member")
    page.goto(gone)
    page.get_by_role("link", name="Tell us what is missing").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/redirection/feedback?**")
    expect(page.get_by_role("radio", name="Missing")).to_be_checked()
    expect(page.get_by_label("What did you like")).to_be_focused()
    page.keyboard.type("I need it every Monday.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_text("I need it every Monday.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_from_the_header_the_keyboard_is_enough_too(demo: Demo, page: Page) -> None:
    sign_in(page, demo.url("security", "/redirection/my-feedback"), "Otto ordinary member")
    page.goto(demo.url("security", "/cloudapps/files"))
    page.get_by_role("link", name="Give feedback").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/redirection/feedback?**")
    expect(page.get_by_label("The page it is about")).to_have_value("/cloudapps/files")
    expect(page.get_by_role("radio", name="Hard to find")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Missing")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("The labels are gone.")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Submit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_a_picture_that_is_too_large_is_refused_before_it_is_sent(
    otto: Person, contoso: Tenant, destination: Client, chromium: Browser
) -> None:
    signed_in(destination, otto)
    page = shown(chromium, destination.get(FORM, {"about": "/audits"}), f"http://a{FORM}")
    picture = page.get_by_label("Picture of the page")

    def choose(size: int) -> Any:
        picture.set_input_files(
            {"name": "page.png", "mimeType": "image/png", "buffer": b"x" * size}
        )
        return picture.evaluate("field => field.validationMessage")

    assert "larger than 5 MB" in choose(MOST_BYTES + 1)
    assert choose(MOST_BYTES) == ""


def test_a_draft_stays_in_its_tab_for_its_person_and_page(
    otto: Person, rita: Person, contoso: Tenant, destination: Client, chromium: Browser
) -> None:
    def form_of(person: Person, about: str) -> Any:
        signed_in(destination, person)
        return destination.get(FORM, {"about": about})

    document = form_of(otto, "/audits")
    page = shown(chromium, document, f"http://a{FORM}")
    words, broken = page.get_by_label("What did you like"), page.get_by_label("Broken or slow")
    broken.check()
    words.fill("Half a sentence")

    def load(other: Any) -> None:
        page.route(
            f"http://a{FORM}",
            lambda route: route.fulfill(
                status=other.status_code, headers=dict(other.items()), body=other.content
            ),
        )
        page.goto("about:blank")
        page.goto(f"http://a{FORM}")

    # Another page has no draft, and does not take away this one's.
    load(form_of(otto, "/files"))
    expect(words).to_have_value("")
    load(form_of(otto, "/audits"))
    expect(words).to_have_value("Half a sentence")
    expect(broken).to_be_checked()
    expect(page.get_by_text("typed in this tab before")).to_be_visible()
    load(form_of(rita, "/audits"))
    expect(words).to_have_value("")
    load(form_of(otto, "/audits"))
    expect(words).to_have_value("")
    page.context.close()
