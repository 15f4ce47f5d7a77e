"""The history and the page that tries a link in a real browser, by keyboard alone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import Demo, sign_in

HISTORY = "/cloudapps/settings/redirection-history"
ADA = "Ada Cloud App Security Administrator of contoso"


def test_the_history_is_filtered_and_taken_along_by_keyboard(
    page: Page, demo: Demo, off: None, tmp_path: Path
) -> None:
    demo.switch("contoso", "on")
    demo.switch("contoso", "off")
    sign_in(page, demo.url("security", HISTORY), ADA)
    page.get_by_label("Who or reason").focus()
    page.keyboard.insert_text("the test asks")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Kind of reason")).to_be_focused()
    page.keyboard.type("Trying")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**text=the+test+asks**reason_kind=trial**")
    expect(page.get_by_label("Who or reason")).to_have_value("the test asks")
    changes = page.get_by_role("row").count() - 1
    assert changes >= 2
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").press("Enter")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.startswith("redirection-history-contoso-")
    assert len(file.read_text(encoding="utf-8-sig").splitlines()) == 1 + changes


def test_a_link_is_tried_by_keyboard_and_leads_where_the_page_says(
    page: Page, demo: Demo, off: None
) -> None:
    sign_in(page, demo.url("security", HISTORY), ADA)
    page.get_by_role("link", name="Try a link").press("Enter")
    page.get_by_label("Link into the legacy portal").focus()
    page.keyboard.insert_text(demo.url("contoso", "/#/audits?activity.id=eq(1,)"))
    page.keyboard.press("Enter")
    address = demo.url("security", "/cloudapps/activity-log?activity.id=eq(1,)")
    expect(page.get_by_text(address, exact=True)).to_be_visible()
    new_tab = page.get_by_role("row", name="The same person, in a new tab")
    expect(new_tab.get_by_role("cell").last).to_contain_text("Goes there by the hand-over page.")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open it in a new tab").press("Enter")
    assert opened.value.url == address
