"""The numbers of the settings page: what was counted, asked for in few, quick questions."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings as hypothesis_settings, strategies as st
from pytest_django import DjangoAssertNumQueries

from redirection.deep_links import Counterpart
from redirection.models import SessionMark, Tenant, Traffic
from redirection.models.traffic import DayLoads, RouteLoads, Shares
from tests.conftest import Switch

TODAY = dt.date(2026, 1, 31)
HOUR = 3_600_000
IDLE, LIMIT = HOUR, 12 * HOUR
NOW = 1_767_600_000_000
UNIT = dt.timedelta(days=1)


def store(tenant: Tenant, days_ago: int, route: str, kept: int = 0, redirected: int = 0) -> None:
    day = TODAY - days_ago * UNIT
    Traffic.objects.add({(str(tenant.tid), day, route): (kept, redirected)})


def session(tenant: Tenant, began: int, seen: int) -> None:
    SessionMark.objects.note({(str(tenant.tid), began): seen})


def test_nothing_counted_is_zero(contoso: Tenant) -> None:
    assert Traffic.objects.counterparts(contoso, TODAY, 30) == Shares()
    assert Traffic.objects.by_day(contoso, TODAY, 2) == [
        DayLoads(TODAY - UNIT, 0, 0),
        DayLoads(TODAY, 0, 0),
    ]


def test_each_day_has_its_loads_also_one_without(
    contoso: Tenant, fabrikam: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    store(contoso, 2, "/audits", kept=3)
    store(contoso, 2, "/files", kept=1, redirected=2)
    store(contoso, 0, "?", kept=-2, redirected=1)
    store(contoso, 3, "/audits", kept=7)
    store(fabrikam, 1, "/audits", kept=7)
    with django_assert_num_queries(1):
        days = Traffic.objects.by_day(contoso, TODAY, 3)
    assert days == [
        DayLoads(TODAY - 2 * UNIT, 4, 2),
        DayLoads(TODAY - UNIT, 0, 0),
        # Never fewer than none, whatever moved over midnight.
        DayLoads(TODAY, 0, 1),
    ]
    assert [day.total for day in days] == [6, 0, 1]


def test_how_well_pages_are_answered(
    contoso: Tenant, fabrikam: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for route, kept in (
        ("/", 5),
        ("/audits", 4),
        ("/users/{id}", 3),
        ("/alerts/*", 20),
        ("/policy/*", 7),
        ("/security-configuration", 7),
        ("/*", 1),
        ("?", 9),
    ):
        store(contoso, 1, route, kept=kept)
    store(contoso, 0, "/alerts/*", redirected=1)
    store(contoso, 30, "/dashboard", kept=100)
    store(fabrikam, 0, "/dashboard", kept=100)
    with django_assert_num_queries(1):
        shares = Traffic.objects.counterparts(contoso, TODAY, 30, most_used=3)
    assert (shares.exact, shares.nearest, shares.none, shares.unknown) == (12, 28, 8, 9)
    assert shares.total == 57
    assert shares.unmatched == (
        RouteLoads("/alerts/*", "One alert", Counterpart.NEAREST, 21),
        RouteLoads("/policy/*", "Policy management", Counterpart.NEAREST, 7),
        RouteLoads("/security-configuration", "Security configuration", Counterpart.NONE, 7),
    )


def test_a_load_that_was_never_counted_is_taken_off_the_others(contoso: Tenant) -> None:
    store(contoso, 1, "/alerts/*", redirected=6)
    store(contoso, 0, "/audits", kept=3)
    store(contoso, 0, "?", kept=-3)
    shares = Traffic.objects.counterparts(contoso, TODAY, 30)
    assert shares == Shares(
        exact=2,
        nearest=4,
        unmatched=(RouteLoads("/alerts/*", "One alert", Counterpart.NEAREST, 4),),
    )


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    rows=st.dictionaries(
        st.tuples(
            st.integers(0, 3), st.sampled_from(["?", "/", "/audits", "/alerts/*", "/*", "/files"])
        ),
        st.tuples(st.integers(-60, 60), st.integers(-60, 60)),
        max_size=12,
    )
)
def test_the_shares_never_add_up_to_more_than_the_days(
    rows: dict[tuple[int, str], tuple[int, int]], contoso: Tenant
) -> None:
    Traffic.objects.all().delete()
    for (days_ago, route), (kept, redirected) in rows.items():
        store(contoso, days_ago, route, kept, redirected)
    shares = Traffic.objects.counterparts(contoso, TODAY, 30)
    assert shares.total <= sum(day.total for day in Traffic.objects.by_day(contoso, TODAY, 30))
    # And no load of a page that was told is lost.
    assert shares.total == max(sum(map(sum, rows.values())), 0)
    assert min(shares.exact, shares.nearest, shares.none, shares.unknown) >= 0
    assert sum(row.loads for row in shares.unmatched) == shares.nearest + shares.none


def test_counts_are_added_in_the_store(contoso: Tenant) -> None:
    for _ in range(2):
        store(contoso, 0, "/audits", kept=2, redirected=1)
    (row,) = Traffic.objects.all()
    assert (row.kept, row.redirected) == (4, 2)


def test_running_sessions(
    contoso: Tenant, fabrikam: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session(contoso, NOW - 2 * HOUR, NOW - HOUR)
    session(contoso, NOW - LIMIT, NOW)
    session(contoso, NOW, NOW)
    # Idle, too old, signed out, and somebody else's.
    session(contoso, NOW - 3 * HOUR, NOW - HOUR - 1)
    session(contoso, NOW - LIMIT - 1, NOW)
    session(contoso, NOW - 5, SessionMark.ended(NOW - 1))
    session(fabrikam, NOW - 6, NOW)
    with django_assert_num_queries(1):
        assert SessionMark.objects.running(contoso, NOW, IDLE, LIMIT) == 3


def test_only_sessions_from_before_the_switch_run_by_design(
    contoso: Tenant, switch: Switch
) -> None:
    switch(contoso, "on")
    since = int(contoso.since.timestamp() * 1000)
    session(contoso, since - 1, since)
    session(contoso, since, since)
    session(contoso, since - 2, SessionMark.ended(since))
    assert SessionMark.objects.running(contoso, since + 1, IDLE, LIMIT) == 2
    assert SessionMark.objects.by_design(contoso, since + 1, IDLE, LIMIT) == 1
    switch(contoso, "off")
    assert SessionMark.objects.by_design(contoso, since + 1, IDLE, LIMIT) == 0


def test_how_the_number_falls_after_the_switch(
    contoso: Tenant, fabrikam: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    since, now = NOW, NOW + 4 * HOUR
    session(contoso, since - 1, since + 4 * HOUR)
    session(contoso, since - 2, since + HOUR)
    session(contoso, since - 3, since - 1)
    session(contoso, since - 4, SessionMark.ended(since + HOUR // 2))
    # It reaches its limit, however busy it is.
    session(contoso, since - LIMIT + 3 * HOUR, now)
    session(contoso, since, now)
    session(fabrikam, since - 1, now)
    with django_assert_num_queries(1):
        falling = SessionMark.objects.falling(contoso, since, now, IDLE, LIMIT, points=5)
    assert [point.ms for point in falling.points] == [since + hour * HOUR for hour in range(5)]
    assert [point.running for point in falling.points] == [5, 3, 3, 2, 1]
    assert falling.ends_ms == since + LIMIT
    assert falling.ends_at.timestamp() * 1000 == since + LIMIT
    assert falling.points[0].at.timestamp() * 1000 == since


@pytest.mark.parametrize(
    ("now", "last"), [(NOW, NOW), (NOW - 5, NOW), (NOW + 99 * HOUR, NOW + LIMIT)]
)
def test_the_curve_stays_between_the_switch_and_the_last_end(
    now: int, last: int, contoso: Tenant
) -> None:
    falling = SessionMark.objects.falling(contoso, NOW, now, IDLE, LIMIT)
    assert len(falling.points) == 12
    assert falling.points[-1].ms == last
    assert {point.running for point in falling.points} == {0}


def explained(ask: Any) -> str:
    """How the store goes about the one question that ``ask`` asks."""
    with CaptureQueriesContext(connection) as queries:
        ask()
    (question,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {question['sql']}")
        return "\n".join(row[-1] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("ask", "plan"),
    [
        (
            lambda tenant: Traffic.objects.by_day(tenant, TODAY, 30),
            "tenant_id=? AND day>? AND day<?",
        ),
        (
            lambda tenant: Traffic.objects.counterparts(tenant, TODAY, 30),
            "tenant_id=? AND day>? AND day<?",
        ),
        (
            lambda tenant: SessionMark.objects.running(tenant, NOW, IDLE, LIMIT),
            "tenant_id=? AND started>? AND started<?",
        ),
        (
            lambda tenant: SessionMark.objects.falling(tenant, NOW, NOW + 5, IDLE, LIMIT),
            "tenant_id=? AND started>? AND started<?",
        ),
        (lambda tenant: list(SessionMark.objects.over_before(NOW).order_by()), "mark_seen"),
    ],
)
def test_every_question_is_answered_from_an_index(ask: Any, plan: str, contoso: Tenant) -> None:
    steps = explained(lambda: ask(contoso))
    assert plan in steps
    assert "SCAN" not in steps
