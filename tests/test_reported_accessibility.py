"""What a machine can tell about what people report, for admins and operators (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from django.test import Client
from playwright.sync_api import Browser
from pytest_django import Settings

from portal.models import Person
from redirection.feedback.answers import announce
from redirection.models import RoleSnapshot, Tenant, Trouble
from redirection.roles import GLOBAL_READER
from tests.conftest import PAGE_LOAD
from tests.reporting import loads, many, report
from tests.test_explain_accessibility import checked
from tests.test_link_rule_pages import operator
from tests.test_sample_accessibility import chromium, opened

__all__ = ["chromium"]

ORIGIN = "http://security.localhost"
REPORTED = f"{ORIGIN}/cloudapps/settings/reported"
QUEUE = f"{ORIGIN}/admin/redirection/trouble/"
PAGES = {
    "groups": REPORTED,
    "last groups": f"{REPORTED}?page=2",
    "wrong filter": f"{REPORTED}?kind=rant&order=x",
    "nothing found": f"{REPORTED}?text=nobody",
    "one trouble": f"{REPORTED}/{{number}}",
}


@pytest.fixture
def number(contoso: Tenant, fabrikam: Tenant, rita: Person, otto: Person, ada: Person) -> int:
    """A trouble with long words and several answers, among many; its number."""
    RoleSnapshot.objects.create(person=rita, tenant=fabrikam, directory_roles=[GLOBAL_READER])
    many(60, tenants=2, troubles=60)
    for trouble in Trouble.objects.all():
        trouble.feedback.update(tenant=contoso)
    for _ in range(27):
        found = report(
            contoso, otto, text="Long" * 100 + "\nand\n\nmore", page=f"/#/audits?x={'5f1e' * 60}",
            rating=1, may_contact=True,
        ).trouble  # fmt: skip
    loads(contoso, "/audits", 1_234_567)
    announce(found, state="planned", text="Later " * 60, page="", author=ada)
    announce(found, state="fixed", text="Now", page=f"/x?{'5f1e' * 60}", author=ada)
    return found.pk


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing_on_what_people_report(
    address: str, chromium: Browser, number: int, rita: Person, settings: Settings
) -> None:
    # With the card that asks whether a summary comes by mail.
    settings.REDIRECTION_SENDS_MAIL = True
    Person.objects.filter(pk=rita.pk).update(email="rita@contoso.example")
    browser = Client(headers=PAGE_LOAD)
    browser.force_login(rita, "redirection.permissions.TenantRolesBackend")
    checked(chromium, browser, address.format(number=number))


def test_axe_finds_nothing_on_the_operators_page(chromium: Browser, number: int) -> None:
    checked(chromium, operator("olga"), f"{QUEUE}{number}/change/")


def test_the_queue_needs_no_sideways_scrolling_on_a_phone(chromium: Browser, number: int) -> None:
    page = opened(
        chromium, operator("olga"), f"{QUEUE}?tenant=contoso&q=long",
        viewport={"width": 320, "height": 640},
    )  # fmt: skip
    width = page.evaluate("document.documentElement.scrollWidth")
    labelled = page.get_by_label("Name, such as contoso").input_value()
    page.context.close()
    assert (width, labelled) == (320, "contoso")
