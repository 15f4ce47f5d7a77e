"""What a machine can tell about accessibility, on the pages of local roles (WCAG 2.2 AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser

from portal.models import Person
from redirection.models import LocalRole, RoleSnapshot, Tenant
from redirection.roles import GLOBAL_READER, LocalRoleName
from tests.conftest import PAGE_LOAD, MakePerson
from tests.test_sample_accessibility import TAGS, chromium, opened

__all__ = ["chromium"]

ROLES = "http://security.localhost/cloudapps/permissions/roles"
OBJECT_ID = "99999999-9999-4999-8999-999999999999"
PAGES = {
    "list": ROLES,
    "wrong choice": f"{ROLES}?role=&object_id=nonsense",
    "invitation": f"{ROLES}?role=security_reader&object_id={OBJECT_ID}",
    "last way in": f"{ROLES}?role=none&person=LENA",
    "settings of one of two": "http://security.localhost/cloudapps/settings?tabid=autoRedirection",
    "feedback for one of two": "http://security.localhost/redirection/feedback",
}


@pytest.fixture
def lena(contoso: Tenant, fabrikam: Tenant, person: MakePerson) -> Person:
    """Lena is the one local global admin of contoso, and known to fabrikam."""
    lena = person(contoso, "Lena", local=LocalRoleName.GLOBAL_ADMINISTRATOR)
    RoleSnapshot.objects.create(
        person=lena, tenant=fabrikam, directory_roles=[GLOBAL_READER],
        taken_at="2026-01-05T08:00:00Z",
    )  # fmt: skip
    for name in ("Milo", "Nora " + "of a long name " * 5):
        LocalRole.objects.give_local_role(
            contoso, person(contoso, name, roles=[GLOBAL_READER]), "security_reader",
            reason="Works in the security team " * 8, channel="page", author=lena,
        )  # fmt: skip
    return lena


@pytest.fixture
def site(lena: Person) -> Client:
    client = Client(headers=PAGE_LOAD)
    client.force_login(lena, "redirection.permissions.TenantRolesBackend")
    return client


@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES.keys())
def test_axe_finds_nothing_in_light_and_dark_and_every_width_is_enough(
    chromium: Browser, site: Client, lena: Person, address: str
) -> None:
    page = opened(chromium, site, address.replace("LENA", str(lena.pk)))
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        found[scheme] = [(rule["id"], rule["nodes"]) for rule in answer.response["violations"]]
    wanted = [1280, 1221, 1001, 800, 320]
    widths = []
    for width in wanted:
        page.set_viewport_size({"width": width, "height": 640})
        widths.append(page.evaluate("document.documentElement.scrollWidth"))
    small = page.evaluate(
        """[...document.querySelectorAll("button, label:has(input), nav a, .bar a, td a")]
            .filter(element => element.checkVisibility())
            .filter(element => element.getBoundingClientRect().height < 23.9)
            .map(element => element.outerHTML.slice(0, 80))"""
    )
    page.context.close()
    assert found == {"light": [], "dark": []}
    assert (widths, small) == (wanted, [])
