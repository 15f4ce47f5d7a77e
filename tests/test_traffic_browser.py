"""A real browser tells which page a load was about, and a load that moves on counts once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser import Demo, running_demo

Loads = dict[str, list[int]]

COUNTED = """
import json
from django.db.models import Sum
from redirection.models import Traffic
rows = Traffic.objects.filter(tenant__name="contoso").order_by().values_list("route")
print(json.dumps({row[0]: row[1:] for row in rows.annotate(Sum("kept"), Sum("redirected"))}))
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that writes what it counted at once."""
    directory = tmp_path_factory.mktemp("counting_demo")
    yield from running_demo(directory, REDIRECTION_REPORT="0.2")


def counted(demo: Demo) -> Loads:
    """Page loads by route, kept and redirected, when nothing more is on its way."""
    before: Loads | None = None
    while (after := json.loads(demo.command("shell", "--verbosity=0", "-c", COUNTED))) != before:
        before = after
        # Longer than from a count to its report.
        threading.Event().wait(0.5)
    return after


@contextmanager
def counts(demo: Demo, expected: Loads) -> Iterator[None]:
    """What is done inside is counted as ``expected``, and as nothing else."""
    before = counted(demo)
    yield
    gained = {
        route: [new - old for new, old in zip(loads, before.get(route, [0, 0]), strict=True)]
        for route, loads in counted(demo).items()
    }
    assert {route: loads for route, loads in gained.items() if loads != [0, 0]} == expected


def test_a_page_behind_the_hash_is_counted_under_its_route(demo: Demo, page: Page) -> None:
    demo.switch("contoso", "off")
    with counts(demo, {"/alerts/*": [2, 0], "/audits": [1, 0], "/": [1, 0]}):
        page.goto(demo.url("contoso", "/#/alerts/5f2a1b3c4d5e6f7a8b9c0d1e"))
        page.reload()
        page.goto(demo.url("contoso", "/audits"))
        page.goto(demo.url("contoso"))


def test_going_back_counts_when_the_page_is_loaded_again(demo: Demo, page: Page) -> None:
    demo.switch("contoso", "off")
    with counts(demo, {"/audits": [2, 0], "/files": [1, 0]}):
        page.goto(demo.url("contoso", "/#/audits"))
        page.goto(demo.url("contoso", "/files"))
        page.go_back()
        expect(page.get_by_role("heading", name="Activity log")).to_be_visible()


def test_a_redirect_is_counted_under_the_page_behind_the_hash(demo: Demo, page: Page) -> None:
    demo.switch("contoso", "on")
    with counts(demo, {"/audits": [0, 1], "/files": [0, 1]}):
        page.goto(demo.url("contoso", "/#/audits?activity.id=eq(abc123,)"))
        page.wait_for_url(demo.url("security", "/cloudapps/activity-log**"))
        page.goto(demo.url("contoso", "/files"))
        page.wait_for_url(demo.url("security", "/cloudapps/files"))


def test_a_new_tab_after_the_switch_is_one_redirected_load(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    demo.switch("contoso", "off")
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    with counts(demo, {"/audits": [0, 1], "/": [1, 0], "/files": [0, 1]}):
        page.reload()
        for path, arrived in (("/#/audits", "activity-log"), ("/files", "files")):
            tab = context.new_page()
            tab.goto(demo.url("contoso", path))
            tab.wait_for_url(demo.url("security", f"/cloudapps/{arrived}"))


def test_an_error_page_says_that_it_was_not_counted(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    demo.switch("contoso", "off")
    page.goto(demo.url("contoso"))
    demo.switch("contoso", "on")
    answer = page.reload()
    assert answer is not None
    text = answer.text()

    def with_error(route: Route) -> None:
        route.fulfill(status=HTTPStatus.NOT_FOUND, body=text, content_type="text/html")

    tab = context.new_page()
    tab.route(demo.url("contoso", "/audits"), with_error)
    with tab.expect_request("**/redirection/page-seen**") as told:
        tab.goto(demo.url("contoso", "/audits"))
    assert told.value.post_data == "path=%2Faudits&fragment=&moved_on=1&counted="


def test_without_javascript_the_page_stays_unknown(demo: Demo, context: BrowserContext) -> None:
    demo.switch("contoso", "off")
    assert context.browser is not None
    with (
        context.browser.new_context(java_script_enabled=False) as plain,
        counts(demo, {"?": [1, 0]}),
    ):
        plain.new_page().goto(demo.url("contoso", "/#/audits"))


def test_opening_the_destination_from_the_banner_redirects_nothing(demo: Demo, page: Page) -> None:
    demo.switch("contoso", "off")
    with counts(demo, {"/audits": [1, 0]}):
        page.goto(demo.url("contoso", "/#/audits"))
        page.get_by_role("link", name="Open this page in Microsoft 365 Defender").click()
        page.wait_for_url(demo.url("security", "/cloudapps/activity-log"))


def test_what_cannot_be_told_breaks_nothing(
    demo: Demo, page: Page, context: BrowserContext
) -> None:
    demo.switch("contoso", "off")
    context.add_init_script("navigator.sendBeacon = undefined; delete window.performance;")
    page.goto(demo.url("contoso", "/#/audits"))
    expect(page.get_by_role("heading", name="Activity log")).to_be_visible()
    demo.switch("contoso", "on")
    tab = context.new_page()
    tab.goto(demo.url("contoso", "/#/audits"))
    tab.wait_for_url(demo.url("security", "/cloudapps/activity-log"))
