"""Choosing a language as a person does, with the keyboard and without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Demo

pytestmark = pytest.mark.usefixtures("off")


def choose(page: Page, key: str) -> None:
    """Only with keys: to the choice, to a language in it, and on to the button."""
    page.get_by_role("combobox").focus()
    page.keyboard.press(key)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def test_the_choice_keeps_the_page_and_counts_for_the_other_hosts(demo: Demo, page: Page) -> None:
    address = demo.url("contoso", "/#/audits?activity.id=eq(abc123,)")
    page.goto(address)
    choose(page, "D")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    assert page.url == address
    page.goto(demo.url("fabrikam"))
    expect(page.locator("html")).to_have_attribute("lang", "de")


def test_a_choice_alone_changes_nothing_until_it_is_sent(demo: Demo, page: Page) -> None:
    page.goto(demo.url("security", "/alerts"))
    page.get_by_role("combobox").select_option("ja")
    page.get_by_role("combobox").press("ArrowUp")
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_arabic_is_laid_out_from_right_to_left_without_a_script(
    demo: Demo, chromium: Browser
) -> None:
    with chromium.new_context(java_script_enabled=False, locale="fr") as context:
        page = context.new_page()
        page.goto(demo.url("security", "/alerts"))
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        # The last one is Arabic.
        choose(page, "End")
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page).to_have_url(re.compile("/alerts$"))
        menu, content = page.locator("nav.menu").bounding_box(), page.locator("main").bounding_box()
        assert menu
        assert content
        assert menu["x"] > content["x"]
