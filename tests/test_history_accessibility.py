"""What a machine can tell about the history page and the page that tries a link (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser

from portal.models import Person
from redirection.models import RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER
from tests.conftest import PAGE_LOAD, Switch
from tests.test_history_page import add, add_many
from tests.test_sample_accessibility import TAGS, chromium, opened

__all__ = ["chromium"]

ORIGIN = "http://security.localhost"
HISTORY = f"{ORIGIN}/cloudapps/settings/redirection-history"
TRY = f"{ORIGIN}/cloudapps/settings/try-link"
PAGES = {
    "history": f"{HISTORY}?page=6",
    "filtered": f"{HISTORY}?text=number&reason_kind=ready&from_day=2026-03-01",
    "no such page": f"{HISTORY}?page=99",
    "wrong filter": f"{HISTORY}?from_day=yesterday&what=nonsense",
    "nothing found": f"{HISTORY}?text=nobody",
    "try": TRY,
    "wrong link": f"{TRY}?link=javascript:alert(1)",
    "exact": f"{TRY}?link=%23/audits%3Factivity.id=eq(1,)",
    "nearest": f"{TRY}?link=%23/alerts/{'5f1e' * 60}",
    "none": f"{TRY}?link=%23/nobody/knows",
    "no page": f"{TRY}?link=/api/v1/",
    "foreign": f"{TRY}?link=fabrikan.portal.localhost",
    "no legacy host": f"{TRY}?link=https://{'long' * 40}.example/",
}


@pytest.fixture
def site(rita: Person, contoso: Tenant, fabrikam: Tenant, switch: Switch) -> Client:
    """The site as Rita of two organisations sees it, with a long history and it being on."""
    RoleSnapshot.objects.create(
        person=rita, tenant=fabrikam, directory_roles=[GLOBAL_READER],
        taken_at="2026-01-05T08:00:00Z",
    )  # fmt: skip
    switch(contoso, "on")
    add_many(contoso, 600)
    add(contoso, reason="Long" * 100, author_name="Name" * 30)
    add(contoso, reason="A reason of many words " * 20, reason_kind="", channel="admin")
    client = Client(headers=PAGE_LOAD)
    client.force_login(rita, "redirection.permissions.TenantRolesBackend")
    return client


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing_in_light_and_dark_and_every_width_is_enough(
    address: str, chromium: Browser, site: Client
) -> None:
    page = opened(chromium, site, address)
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        # An arrow is no text, so axe cannot judge its contrast; the words beside it count.
        found[scheme] = [
            (rule["id"], node["html"])
            for kind in ("violations", "incomplete")
            for rule in answer.response[kind]
            for node in rule["nodes"]
            if 'class="arrow"' not in node["html"]
        ]
    wanted = [1280, 1221, 1001, 768, 320]
    widths = []
    for width in wanted:
        page.set_viewport_size({"width": width, "height": 640})
        widths.append(page.evaluate("document.documentElement.scrollWidth"))
    small = page.evaluate(
        """[...document.querySelectorAll("button, input, select, nav a, .bar a, .card li a")]
            .filter(element => element.checkVisibility())
            .filter(element => element.getBoundingClientRect().height < 23.9)
            .map(element => element.outerHTML.slice(0, 80))"""
    )
    squeezed = page.evaluate(
        """[...document.querySelectorAll(".history tbody tr > *")]
            .filter(cell => cell.getBoundingClientRect().width < 200)
            .map(cell => cell.outerHTML.slice(0, 80))"""
    )
    page.context.close()
    assert found == {"light": [], "dark": []}
    assert (widths, small, squeezed) == (wanted, [], [])
