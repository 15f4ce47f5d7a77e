"""What an admin has to know about the organisation, in numbers: before a switch and after."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from html import unescape

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.models import Person
from redirection.conf import conf
from redirection.models import LocalRole, RoleSnapshot, SessionMark, Tenant, Traffic
from redirection.overview import overview_of
from redirection.roles import GLOBAL_ADMINISTRATOR, LocalRoleName
from tests.conftest import MakePerson, Switch

PAGE = "/cloudapps/settings?tabid=autoRedirection"
NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)
TODAY = NOW.date()
MINUTE = 60_000


def ms(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def count(tenant: Tenant, back: int, route: str, kept: int, redirected: int = 0) -> None:
    day = TODAY - dt.timedelta(back)
    Traffic.objects.add({(str(tenant.tid), day, route): (kept, redirected)})


def mark(tenant: Tenant, began: dt.datetime, seen: dt.datetime) -> None:
    SessionMark.objects.note({(str(tenant.tid), ms(began)): ms(seen)})


def minutes(number: int) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def text(browser: Client, person: Person, page: str = PAGE) -> str:
    browser.force_login(person, "redirection.permissions.TenantRolesBackend")
    return " ".join(unescape(browser.get(page).content.decode()).split())


@pytest.fixture
def now() -> Iterator[dt.datetime]:
    """The page is asked for at NOW."""
    with time_machine.travel(NOW, tick=False):
        yield NOW


def test_page_loads_of_the_week_and_of_the_month(contoso: Tenant) -> None:
    for back, kept in ((0, 1), (6, 10), (7, 100), (29, 1000), (30, 10_000)):
        count(contoso, back, "/audits", kept, kept * 2)
    overview = overview_of(contoso, NOW)
    assert (overview.week.kept, overview.week.redirected) == (11, 22)
    assert (overview.month.kept, overview.month.redirected) == (1111, 2222)


def test_links_are_counted_by_how_well_they_are_answered(contoso: Tenant) -> None:
    count(contoso, 1, "/audits", 70)
    count(contoso, 1, "/alerts/*", 20)
    count(contoso, 1, "/security-configuration", 6)
    count(contoso, 1, "?", 4)
    overview = overview_of(contoso, NOW)
    assert [(share.loads, share.percent) for share in overview.shares] == [
        (70, "70%"),
        (20, "20%"),
        (6, "6%"),
        (4, "4%"),
    ]
    assert [row.route for row in overview.unmatched] == ["/alerts/*", "/security-configuration"]
    assert overview.unmatched_share == "26%"


def test_little_is_not_nothing(contoso: Tenant) -> None:
    count(contoso, 1, "/audits", 1000)
    count(contoso, 1, "/alerts/*", 1)
    assert overview_of(contoso, NOW).unmatched_share == "less than 1%"


def test_without_traffic_nothing_is_made_up(contoso: Tenant) -> None:
    overview = overview_of(contoso, NOW)
    assert overview.shares == overview.unmatched == []
    assert overview.traffic_chart is None
    assert overview.unmatched_share == ""


def test_another_organisations_numbers_stay_with_it(contoso: Tenant, fabrikam: Tenant) -> None:
    count(fabrikam, 1, "/alerts/*", 5)
    mark(fabrikam, NOW - minutes(5), NOW)
    overview = overview_of(contoso, NOW)
    assert overview.month.total == overview.running == 0


def test_sessions_run_until_they_are_idle_or_too_old(contoso: Tenant) -> None:
    idle, limit = conf().session_idle, conf().session_limit
    mark(contoso, NOW - minutes(5), NOW - minutes(1))
    mark(contoso, NOW - minutes(6) - dt.timedelta(seconds=idle), NOW - minutes(61))
    mark(contoso, NOW - minutes(1) - dt.timedelta(seconds=limit), NOW)
    assert overview_of(contoso, NOW).running == 1


def test_after_the_switch_those_from_before_are_shown_falling(contoso: Tenant) -> None:
    contoso.setting = "on"
    contoso.since = NOW - minutes(60)
    mark(contoso, NOW - minutes(100), NOW - minutes(1))
    mark(contoso, NOW - minutes(90), NOW - minutes(90))
    mark(contoso, NOW - minutes(80), NOW - minutes(50) - minutes(60) + minutes(60))
    mark(contoso, NOW - minutes(10), NOW)
    overview = overview_of(contoso, NOW)
    assert overview.by_design == 2
    assert overview.falling is not None
    running = [point.running for point in overview.falling.points]
    assert running[0] == 3
    assert running[-1] == 2
    assert running == sorted(running, reverse=True)
    assert overview.falling.ends_at == contoso.since + dt.timedelta(seconds=conf().session_limit)


def test_people_whose_role_cannot_use_the_destination_are_counted(
    contoso: Tenant, fabrikam: Tenant, person: MakePerson
) -> None:
    ines, igor, gloria = (
        person(contoso, "Ines"),
        person(fabrikam, "Igor"),
        person(contoso, "Gloria"),
    )
    rule = LocalRoleName.APP_INSTANCE_ADMIN
    LocalRole.objects.create(person=ines, tenant=contoso, role=rule)
    LocalRole.objects.create(person=igor, tenant=fabrikam, role=rule)
    # Full access from the directory is not overridden.
    RoleSnapshot.objects.filter(person=gloria).delete()
    RoleSnapshot.objects.create(
        person=gloria, tenant=contoso, directory_roles=[GLOBAL_ADMINISTRATOR]
    )
    LocalRole.objects.create(person=gloria, tenant=contoso, role=rule)
    found = overview_of(contoso, NOW).shut_out
    assert found.by_role == (("App/instance admin", 1),)
    assert found.people == 1


def test_the_charts_bring_no_style_and_no_script(contoso: Tenant) -> None:
    contoso.setting = "on"
    contoso.since = NOW - minutes(60)
    mark(contoso, NOW - minutes(100), NOW)
    count(contoso, 1, "/audits", 3, 4)
    overview = overview_of(contoso, NOW)
    for chart in (overview.traffic_chart, overview.falling_chart):
        assert chart is not None
        assert chart.startswith("<svg")
        assert not re.search(r"style|script|<!--|\son\w+=|href", chart)


def test_ada_reads_before_the_switch_what_it_will_do(
    contoso: Tenant, ada: Person, destination: Client, now: dt.datetime
) -> None:
    mark(contoso, NOW - minutes(5), NOW)
    mark(contoso, NOW - minutes(6), NOW)
    count(contoso, 1, "/audits", 7500)
    count(contoso, 1, "/alerts/*", 2500)
    page = text(destination, ada, PAGE + "&confirm=on")
    assert "2 sessions run there now. None is ended" in page
    assert "25% of the page loads of the last 30 days" in page
    assert "10,000" in page
    assert "/alerts/*" in page


def test_after_the_switch_she_reads_who_is_still_over_there(
    contoso: Tenant, ada: Person, destination: Client, switch: Switch
) -> None:
    moment = timezone.now()
    mark(contoso, moment - minutes(5), moment)
    switch(contoso, "on")
    page = text(destination, ada)
    assert "1 session that began before the switch still runs, as promised." in page
    SessionMark.objects.all().delete()
    assert "No session that began before the switch runs any more." in text(destination, ada)


def test_the_page_costs_the_same_whatever_was_counted(
    contoso: Tenant,
    ada: Person,
    destination: Client,
    switch: Switch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    today = timezone.now().date()
    Traffic.objects.add(
        {
            (str(contoso.tid), today - dt.timedelta(back), route): (400, 400)
            for back in range(30)
            for route in [f"/page-{number}" for number in range(42)]
        }
    )
    for number in range(40):
        switch(contoso, "off" if number % 2 else "on")
    text(destination, ada)

    for _ in range(2):
        with django_assert_max_num_queries(18):
            destination.get(PAGE)
        # Just as many without traffic.
        Traffic.objects.all().delete()


def test_the_curve_ends_with_the_last_session(contoso: Tenant) -> None:
    contoso.setting = "on"
    contoso.since = NOW - dt.timedelta(seconds=conf().session_limit, minutes=1)
    mark(contoso, contoso.since - minutes(1), contoso.since)
    assert overview_of(contoso, NOW).falling is None


def test_none_of_some_is_none(contoso: Tenant) -> None:
    count(contoso, 1, "/audits", 10)
    assert [share.percent for share in overview_of(contoso, NOW).shares] == ["100%", "0%", "0%"]
