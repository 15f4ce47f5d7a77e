"""The operators' pages for deep link rules, as a browser lays them out."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from playwright.sync_api import Browser

from redirection.models import UnmatchedLink
from tests.test_link_rule_changes import changed, numbers
from tests.test_link_rule_pages import RULES, olga, upload
from tests.test_link_rules import exact, prefix
from tests.test_sample_accessibility import chromium, opened

__all__ = ["chromium", "olga"]

ORIGIN = "http://security.localhost"
LONG = "/reports" + "/a-rather-long-name" * 6


@pytest.fixture
def addresses(olga: Client) -> dict[str, str]:
    """Pages with long addresses on them."""
    changed(exact(LONG, LONG, 0, note="word " * 30), prefix("/b", f"{LONG}?a={'b' * 60}", 0))
    file = f"source,target\n{LONG},{LONG}/c\n/new,/x\n"
    UnmatchedLink.objects.add_loads({("/security-configuration/*/edit", dt.date(2026, 1, 5)): 7})
    return {
        "list": RULES,
        "form": f"{RULES}{numbers()['/b']}/change/",
        "delete": f"{RULES}{numbers()['/b']}/delete/",
        "import": f"{RULES}import/",
        "checked": upload(olga, file, "replace")["Location"],
        "unmatched": "/admin/redirection/unmatchedlink/",
    }


def test_a_phone_needs_no_sideways_scrolling(
    chromium: Browser, olga: Client, addresses: dict[str, str]
) -> None:
    widths = {}
    for name, address in addresses.items():
        page = opened(chromium, olga, f"{ORIGIN}{address}", viewport={"width": 320, "height": 640})
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
        page.context.close()
    assert widths == dict.fromkeys(addresses, 320)


def test_the_last_use_is_seen_without_scrolling(
    chromium: Browser, olga: Client, addresses: dict[str, str]
) -> None:
    page = opened(
        chromium, olga, f"{ORIGIN}{addresses['list']}", viewport={"width": 1200, "height": 800}
    )
    cell = page.locator("td.field-last_used").first.bounding_box()
    window = page.locator(".results").bounding_box()
    page.context.close()
    assert cell["x"] + cell["width"] <= window["x"] + window["width"]


def test_the_import_form_has_its_labels_beside_its_fields(
    chromium: Browser, olga: Client, addresses: dict[str, str]
) -> None:
    page = opened(
        chromium, olga, f"{ORIGIN}{addresses['import']}", viewport={"width": 1200, "height": 800}
    )
    boxes = [
        page.locator(f".field-{name} {what}").first.bounding_box()
        for name, control in (("file", "input"), ("mode", ".radiolist"), ("reason", "input"))
        for what in ("label", control)
    ]
    page.context.close()
    labels, controls = boxes[::2], boxes[1::2]
    assert all(
        label["x"] + label["width"] <= control["x"]
        for label, control in zip(labels, controls, strict=True)
    )
    assert max(one["x"] for one in controls) - min(one["x"] for one in controls) < 10


def test_an_address_fits_into_its_field(
    chromium: Browser, olga: Client, addresses: dict[str, str]
) -> None:
    page = opened(
        chromium, olga, f"{ORIGIN}{addresses['form']}", viewport={"width": 1200, "height": 800}
    )
    fields = ("source", "target", "query", "note", "reason")
    widths = [page.locator(f"#id_{name}").bounding_box()["width"] for name in fields]
    page.context.close()
    assert min(widths) > 600
