"""What happens to a page that is open, in a real browser, on a legacy portal that is not ours."""

from __future__ import annotations

import time
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.http import HttpResponse
from playwright.sync_api import BrowserContext, Page, expect

from redirection import step_backs
from redirection.conf import conf
from redirection.step_backs import RunningStepBack
from tests.foreign_portal import ForeignPortal, allow_django_beside_a_browser, portal

__all__ = ["allow_django_beside_a_browser", "portal"]

CAPTION = "The old page for one task"


@pytest.fixture
def stepped_back(portal: ForeignPortal, context: BrowserContext) -> RunningStepBack:
    """This browser has the old page open for one task, for an hour."""
    portal.switch("on")
    portal.tenant.switch_step_back(
        "on", 60, reason_kind="missing", reason="The test asks for it", channel="command",
        operator="a test",
    )  # fmt: skip
    now = time.time_ns() // 1_000_000
    running = RunningStepBack(str(portal.tenant.tid), uuid4(), now, now + 3_600_000)
    response = HttpResponse()
    step_backs.write(conf(), response, running, now, "")
    ((name, cookie),) = response.cookies.items()
    context.add_cookies(
        [{"name": name, "value": cookie.value, "domain": ".portal.localhost", "path": "/"}]
    )
    return running


def test_going_back_now_leads_on_under_the_strictest_policy(
    portal: ForeignPortal, page: Page, stepped_back: RunningStepBack
) -> None:
    page.goto(portal.url(path="/files#/audits?a=1"))
    page.get_by_role("button", name="Go back to").click()
    page.wait_for_url(portal.url("security", "/cloudapps/activity-log?a=1"))
    response = page.goto(portal.url(path="/files"))
    assert response is not None
    assert page.url == portal.url("security", "/cloudapps/files")


def test_the_banner_goes_from_every_tab_when_the_task_is_over(
    portal: ForeignPortal, page: Page, stepped_back: RunningStepBack, context: BrowserContext
) -> None:
    page.clock.install()
    page.goto(portal.url(path="/files"))
    notice = page.get_by_role("region", name=CAPTION)
    expect(notice).to_be_visible()
    with page.expect_response("**/redirection/here?**") as asked:
        page.clock.run_for(61_000)
    assert asked.value.status == HTTPStatus.OK
    expect(notice).to_be_visible()
    other = context.new_page()
    other.goto(portal.url(path="/audits"))
    other.get_by_role("button", name="Go back to").click()
    other.wait_for_url(portal.url("security", "/**"))
    page.get_by_label("Text").fill("Half a thought")
    page.clock.run_for(61_000)
    expect(notice).to_have_count(0)
    expect(page.get_by_label("Text")).to_have_value("Half a thought")


@pytest.mark.parametrize("scrolled", [0, 150])
def test_a_banner_that_appears_moves_nothing_of_what_somebody_works_in(
    scrolled: int, portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    page.goto(portal.url(path="/files"))
    page.add_style_tag(url=portal.url(path="/static/redirection/banner.css"))
    page.evaluate("document.body.style.minHeight = '3000px'")
    page.get_by_role("button", name="Close").click()
    field = page.get_by_label("Text")
    page.evaluate("document.querySelector('main').style.paddingTop = '300px'")
    field.focus()
    page.evaluate("top => scrollTo(0, top)", scrolled)
    before = field.bounding_box()
    portal.switch("on")
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).to_contain_text("is on since")
    assert field.bounding_box() == before
    expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)
    expect(field).to_be_focused()


def test_a_field_at_the_upper_edge_comes_out_from_under_the_banner(
    portal: ForeignPortal, page: Page
) -> None:
    page.clock.install()
    page.goto(portal.url(path="/files"))
    page.add_style_tag(url=portal.url(path="/static/redirection/banner.css"))
    page.evaluate("document.body.style.minHeight = '3000px'")
    page.get_by_role("button", name="Close").click()
    field = page.get_by_label("Text")
    field.focus()
    page.evaluate("scrollTo(0, document.activeElement.getBoundingClientRect().top)")
    portal.switch("on")
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).to_contain_text("is on since")
    banner, box = page.get_by_role("status").bounding_box(), field.bounding_box()
    assert banner is not None
    assert box is not None
    assert box["y"] >= banner["y"] + banner["height"] - 1


@pytest.mark.parametrize("typing", [True, False])
def test_on_a_small_screen_a_banner_never_covers_what_somebody_types(
    typing: bool, portal: ForeignPortal, page: Page
) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.clock.install()
    page.goto(portal.url(path="/files"))
    page.add_style_tag(url=portal.url(path="/static/redirection/banner.css"))
    page.evaluate("document.body.style.minHeight = '3000px'")
    page.get_by_role("button", name="Close").click()
    field = page.get_by_label("Text")
    if typing:
        field.focus()
    else:
        page.evaluate("document.activeElement.blur()")
    before = field.bounding_box()
    portal.switch("on")
    page.clock.run_for(61_000)
    expect(page.get_by_role("status")).to_contain_text("is on since")
    if typing:
        assert field.bounding_box() == before
    else:
        expect(page.get_by_role("status")).to_be_in_viewport(ratio=1)
