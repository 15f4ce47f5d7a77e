"""The settings page in every state, for every eye and hand (WCAG 2.2 AA)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser

from portal.models import Person
from redirection.models import LocalRole, Receipt, Revision, SessionMark, Tenant, Traffic
from redirection.roles import LocalRoleName
from tests.conftest import PAGE_LOAD, MakePerson, Switch
from tests.test_sample_accessibility import TAGS, chromium, shown

__all__ = ["chromium"]

HOST = "security.localhost"
PATH = "/cloudapps/settings?tabid=autoRedirection"
POST_TO = "/cloudapps/settings/switch-redirection"
WIDTHS = (320, 768, 1280)
EVERY_WAY = [(scheme, width) for scheme in ("light", "dark") for width in WIDTHS]
# What axe cannot judge, and a person has: its colours are those of texts beside it. The labels
# of a chart are in an image, and one character may be no text.
EXPLAINED = ("<text ", '<span class="arrow"')

State = Callable[["Site"], Any]


class Site:
    """Contoso with a month of traffic and three workers, in a browser signed in as somebody."""

    def __init__(self, tenant: Tenant, switch: Switch, person: Person) -> None:
        self.tenant = tenant
        self.switch = switch
        self.client = Client(headers={**PAGE_LOAD, "host": HOST})
        self.client.force_login(person, "redirection.permissions.TenantRolesBackend")

    def get(self, more: str = "") -> Any:
        return self.client.get(PATH + more)

    def post(self, **fields: Any) -> Any:
        form = {
            "wanted": "on", "reason_kind": "ready", "reason": "Pilot is done",
            "seen_revision": self.tenant.revision, "tid": self.tenant.tid, **fields,
        }  # fmt: skip
        return self.client.post(POST_TO, form)

    def workers(self, *, behind: int = 0, silent: int = 0) -> None:
        """Three workers report; one serves an older revision, or has been silent for a while."""
        newest = Revision.latest()
        for number in range(3):
            Receipt.objects.report(
                UUID(int=number + 1), host="web1", pid=100 + number, started_at=timezone.now(),
                revision=newest - (behind if number == 0 else 0), is_stale=False,
                steps=[[newest - 1, 1], [newest, int(timezone.now().timestamp() * 1000)]],
            )  # fmt: skip
        late = Receipt.objects.filter(worker=UUID(int=1))
        late.update(reported_at=timezone.now() - dt.timedelta(seconds=silent))


def on(site: Site, **workers: int) -> Any:
    site.switch(site.tenant, "on")
    site.workers(**workers)
    return site.get()


def conflict(site: Site) -> Any:
    outdated = site.tenant.revision
    site.switch(site.tenant, "on")
    site.switch(site.tenant, "off")
    return site.post(seen_revision=outdated)


STATES: dict[str, tuple[State, HTTPStatus]] = {
    "off": (lambda site: site.get(), HTTPStatus.OK),
    "confirm": (lambda site: site.get("&confirm=on"), HTTPStatus.OK),
    "on and complete": (on, HTTPStatus.OK),
    "on and pending": (lambda site: on(site, behind=1), HTTPStatus.OK),
    "stale worker": (lambda site: on(site, silent=20), HTTPStatus.OK),
    "conflict": (conflict, HTTPStatus.CONFLICT),
    "error": (lambda site: site.post(reason="", reason_kind=""), HTTPStatus.BAD_REQUEST),
}


@pytest.fixture
def traffic(contoso: Tenant, person: MakePerson) -> None:
    """Numbers in every part of the page."""
    now = timezone.now()
    for back in range(30):
        day = now.astimezone(dt.UTC).date() - dt.timedelta(back)
        routes = {"/audits": (9000, 40), "/alerts/*": (700, 3), "/security-configuration": (5, 0)}
        Traffic.objects.add({(str(contoso.tid), day, route): n for route, n in routes.items()})
    began = int((now - dt.timedelta(minutes=20)).timestamp() * 1000)
    SessionMark.objects.note({(str(contoso.tid), began): int(now.timestamp() * 1000)})
    role = LocalRoleName.APP_INSTANCE_ADMIN
    LocalRole.objects.create(person=person(contoso, "Ines"), tenant=contoso, role=role)


@pytest.fixture
def site(contoso: Tenant, switch: Switch, ada: Person, traffic: None) -> Site:
    return Site(contoso, switch, ada)


def audited(
    chromium: Browser, document: Any, ways: Sequence[tuple[str, int]] = EVERY_WAY, **context: Any
) -> Any:
    """The page, after axe found nothing on it in these schemes and widths."""
    page = shown(chromium, document, f"http://{HOST}{PATH}", **context)
    # What is folded away is read too.
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    found = []
    for scheme, width in ways:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        answer = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
        for kind in ("violations", "incomplete"):
            found += [
                (scheme, width, kind, rule["id"], node["html"])
                for rule in answer.response[kind]
                for node in rule["nodes"]
                if not (rule["id"] == "color-contrast" and node["html"].startswith(EXPLAINED))
            ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide != width:
            found.append((scheme, width, "scrolls sideways", str(wide), ""))
    assert found == []
    return page


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wrong_in_any_state(chromium: Browser, site: Site, name: str) -> None:
    state, status = STATES[name]
    document = state(site)
    assert document.status_code == status
    audited(chromium, document, [("light", 320), ("dark", 1280)]).context.close()


@pytest.mark.long
@pytest.mark.parametrize("name", STATES)
def test_nothing_is_wrong_in_any_state_scheme_and_width(
    chromium: Browser, site: Site, name: str
) -> None:
    audited(chromium, STATES[name][0](site)).context.close()


def test_a_reader_sees_the_same_without_the_switch(
    chromium: Browser, site: Site, rita: Person
) -> None:
    site.client.force_login(rita, "redirection.permissions.TenantRolesBackend")
    page = audited(chromium, on(site), [("dark", 320)])
    assert page.get_by_role("switch").count() == 0
    page.context.close()


def test_whoever_is_refused_gets_a_page_that_is_as_good(
    chromium: Browser, site: Site, otto: Person
) -> None:
    site.client.force_login(otto, "redirection.permissions.TenantRolesBackend")
    document = site.get()
    assert document.status_code == HTTPStatus.FORBIDDEN
    audited(chromium, document).context.close()


@pytest.mark.parametrize("language", ["ar", "ja", "de"])
def test_other_scripts_and_directions_fit_too(chromium: Browser, site: Site, language: str) -> None:
    site.client.defaults["HTTP_ACCEPT_LANGUAGE"] = language
    page = audited(chromium, on(site), [("light", 320)])
    direction = page.evaluate("getComputedStyle(document.body).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")
    page.context.close()


def test_twice_the_size_loses_nothing(chromium: Browser, site: Site) -> None:
    """Resize text (1.4.4): at 200 % of 1280 pixels nothing is cut and nothing scrolls sideways."""
    page = shown(
        chromium, on(site), f"http://{HOST}{PATH}", viewport={"width": 640, "height": 400},
        device_scale_factor=2,
    )  # fmt: skip
    cut = page.evaluate(
        """[...document.querySelectorAll("main *")]
            .filter(element => element.checkVisibility() && element.children.length === 0
                && !element.closest("svg, .visually-hidden"))
            .filter(element => element.scrollWidth > element.clientWidth + 1
                && getComputedStyle(element).overflow === "hidden")
            .map(element => element.outerHTML.slice(0, 80))"""
    )
    assert (cut, page.evaluate("document.documentElement.scrollWidth")) == ([], 640)
    page.context.close()


def test_forced_colours_keep_the_state_of_the_switch_visible(chromium: Browser, site: Site) -> None:
    page = shown(chromium, on(site), f"http://{HOST}{PATH}", forced_colors="active")
    switch = page.get_by_role("switch", name="Automatic redirection")
    colours = switch.evaluate(
        "element => [getComputedStyle(element).backgroundColor,"
        " getComputedStyle(element, '::before').backgroundColor]"
    )
    assert colours[0] != colours[1]
    page.context.close()


def test_less_motion_means_none(chromium: Browser, site: Site) -> None:
    page = shown(chromium, site.get(), f"http://{HOST}{PATH}", reduced_motion="reduce")
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].flatMap(element => ["", "::before", "::after"]
            .map(part => getComputedStyle(element, part || null))
            .filter(style => [...style.transitionDuration.split(","),
                ...style.animationDuration.split(",")].some(time => parseFloat(time) > 0)))
            .length"""
    )
    assert moving == 0
    page.context.close()
