"""Where somebody who was redirected finds the way to the old page, and who does."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from portal.models import Person
from redirection.models import Tenant
from redirection.roles import CLOUD_APP_SECURITY_ADMINISTRATOR
from tests.conftest import MakePerson, Switch
from tests.test_settings_page import PAGE, sign_in
from tests.test_step_back import ASK, Allow, allow, eight, moved

__all__ = ["allow", "eight", "moved"]

# The list of somebody's organisations.
LIST = 'SELECT "redirection_tenant"."tid"'
OFFER = "Open the old page for one task"
OFFERED = r">Open (?:the old page|your old link) for one task</a>"


def offers(response: Any) -> list[dict[str, str]]:
    """What each link of the page to ask asks for."""
    page = unescape(response.content.decode())
    found = [text.partition('"')[0] for text in page.split(f'href="{ASK}?')[1:]]
    assert len(re.findall(OFFERED, page)) == len(found)
    return [
        {name: value for name, (value,) in parse_qs(query).items() if name != "tid"}
        for query in found
    ]


def arrive(destination: Client, tenant: Tenant, fragment: str) -> Any:
    data = {"tid": str(tenant.tid), "from": "/", "fragment": fragment}
    return destination.post("/redirection/go", data, follow=True)


@pytest.mark.parametrize("who", ["otto", None])
def test_a_page_without_a_counterpart_offers_its_old_one(
    who: str | None, moved: Tenant, destination: Client, request: pytest.FixtureRequest
) -> None:
    if who:
        sign_in(destination, request.getfixturevalue(who))
    page = arrive(destination, moved, "#/never-heard-of?a=1")
    assert offers(page) == [{"page": "/#/never-heard-of?a=1"}]


def test_the_nearest_place_offers_it_beside_its_word(
    moved: Tenant, destination: Client, settings: Settings
) -> None:
    assert offers(arrive(destination, moved, "#/alerts/5f2a")) == [{"page": "/#/alerts/5f2a"}]
    settings.REDIRECTION_DESTINATION_SHOWS_NOTICES = False
    assert offers(arrive(destination, moved, "#/alerts/5f2a")) == [{"page": "/#/alerts/5f2a"}]


def test_every_page_of_the_destination_offers_it_to_people_signed_in(
    moved: Tenant, otto: Person, destination: Client
) -> None:
    address = "/cloudapps/activity-log?activity.id=eq(abc123,)"
    assert offers(destination.get(address)) == []
    sign_in(destination, otto)
    page = destination.get(address)
    assert offers(page) == [{"at": address}]
    # Only now somebody asks where that page was.
    asked = destination.get(ASK, {"at": address})
    assert "<code>/#/audits?activity.id=eq(abc123,)</code>" in unescape(asked.content.decode())


@pytest.mark.parametrize("at", ["/nowhere", "//evil.example", "x", ""])
def test_a_page_with_no_old_one_leads_to_the_start_page(
    at: str, moved: Tenant, otto: Person, destination: Client
) -> None:
    sign_in(destination, otto)
    assert "<code>/</code>" in destination.get(ASK, {"at": at}).content.decode()


def test_feedback_offers_the_page_it_is_about(
    moved: Tenant, otto: Person, destination: Client, legacy: Client
) -> None:
    sign_in(destination, otto)
    for about, offered in (
        ("/#/alerts/5f2a", {"page": "/#/alerts/5f2a"}),
        ("/cloudapps/files", {"at": "/cloudapps/files"}),
    ):
        assert offers(destination.get("/redirection/feedback", {"about": about})) == [offered]
    sign_in(legacy, otto)
    assert offers(legacy.get("/redirection/feedback", {"about": "/#/alerts/5f2a"})) == []


def test_where_it_is_forbidden_or_redirection_is_off_nothing_is_offered(
    moved: Tenant, otto: Person, destination: Client, switch: Switch, allow: Allow
) -> None:
    sign_in(destination, otto)
    pages = ("/alerts", "/redirection/feedback?about=/%23/alerts/1")
    switch(moved, "off")
    for page in pages:
        assert offers(destination.get(page)) == []
    assert offers(arrive(destination, moved, "#/nowhere")) == []
    switch(moved, "on")
    allow(moved, "off")
    for page in pages:
        assert offers(destination.get(page)) == []
    assert offers(arrive(destination, moved, "#/nowhere")) == []


def test_people_of_other_organisations_are_offered_nothing(
    moved: Tenant, fabrikam: Tenant, person: MakePerson, destination: Client
) -> None:
    sign_in(destination, person(fabrikam, "Fay"))
    assert offers(destination.get(f"/alerts?tid={moved.tid}")) == []
    assert offers(destination.get("/alerts")) == []
    assert offers(arrive(destination, moved, "#/nowhere")) == []


def test_a_person_of_two_organisations_is_offered_that_of_the_page(
    moved: Tenant, fabrikam: Tenant, person: MakePerson, destination: Client, switch: Switch,
    allow: Allow,
) -> None:  # fmt: skip
    guest = person(moved, "Gina", roles=[CLOUD_APP_SECURITY_ADMINISTRATOR])
    guest.role_snapshots.create(tenant=fabrikam, directory_roles=[])
    sign_in(destination, guest)

    def named(address: str) -> str:
        page = unescape(destination.get(address).content.decode())
        offered = [part.partition('"')[0] for part in page.split('href="')[1:] if ASK in part]
        return parse_qs(urlsplit(offered[0]).query)["tid"][0] if offered else ""

    assert named("/alerts") == str(moved.tid)
    assert named(f"/alerts?tid={fabrikam.tid}") == ""
    switch(fabrikam, "on")
    allow(fabrikam)
    assert named(f"/alerts?tid={fabrikam.tid}") == str(fabrikam.tid)


def test_where_nobody_allows_it_no_page_asks_the_store(
    contoso: Tenant, ada: Person, destination: Client, allow: Allow, switch: Switch
) -> None:
    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            destination.get("/alerts")
        return [query["sql"] for query in queries if query["sql"].startswith(LIST)]

    sign_in(destination, ada)
    switch(contoso, "on")
    assert len(asked()) == 0
    allow(contoso)
    assert len(asked()) == 1
    assert OFFER in destination.get(PAGE).content.decode()
