"""A receipt says what a worker serves; together they say where a change has arrived."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from redirection.deliveries import Delivery, State, is_missing, lag_of
from redirection.models import Receipt, Tenant
from tests.conftest import Switch

Reported = Callable[..., UUID]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


@pytest.fixture
def reported(contoso: Tenant) -> Reported:
    """A worker that reported: ``reported(serves=2, ago=9)``, on the first machine."""

    def report(
        *,
        serves: int,
        ago: float = 0,
        host: str = "web-1",
        pid: int = 1,
        is_stale: bool = False,
        steps: list[list[int]] | None = None,
    ) -> UUID:
        worker = uuid4()
        write(worker, host=host, pid=pid, revision=serves, is_stale=is_stale, steps=steps or [])
        Receipt.objects.filter(worker=worker).update(reported_at=Now() - timedelta(seconds=ago))
        return worker

    return report


def write(worker: UUID, **changed: Any) -> None:
    values = {
        "host": "web-1",
        "pid": 1,
        "started_at": timezone.now(),
        "revision": 1,
        "is_stale": False,
        "steps": [],
    }
    Receipt.objects.report(worker, **{**values, **changed})


def delivery(tenant: Tenant) -> Delivery:
    return Receipt.objects.delivery(tenant)


def states(tenant: Tenant) -> list[State]:
    return [worker.state for worker in delivery(tenant).workers]


def test_a_report_is_one_upsert(
    contoso: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    worker = uuid4()
    write(worker, revision=1, steps=[[1, 5]])
    with django_assert_num_queries(1):
        write(worker, revision=2, is_stale=True, steps=[[1, 5], [2, 9]])

    receipt = Receipt.objects.get()
    assert (receipt.revision, receipt.is_stale, receipt.steps) == (2, True, [[1, 5], [2, 9]])


def test_the_time_of_a_report_is_the_stores(contoso: Tenant) -> None:
    write(uuid4(), started_at=NOON)
    receipt = Receipt.objects.annotate(now=Now()).get()
    assert abs(receipt.now - receipt.reported_at) < timedelta(minutes=1)
    assert receipt.started_at == NOON


def test_a_machines_name_of_any_length_is_kept_short(contoso: Tenant) -> None:
    write(uuid4(), host="w" * 300)
    assert Receipt.objects.get().host == "w" * 100


def test_each_worker_is_applied_or_pending(contoso: Tenant, reported: Reported) -> None:
    reported(serves=contoso.revision, pid=1)
    reported(serves=contoso.revision + 7, pid=2)
    reported(serves=contoso.revision - 1, pid=3)

    assert sorted(states(contoso)) == [State.APPLIED, State.APPLIED, State.PENDING]
    found = delivery(contoso)
    assert (found.applied, found.expected, found.is_complete) == (2, 3, False)


@pytest.mark.parametrize(
    ("ago", "state"),
    [
        (0, State.APPLIED),
        (6, State.APPLIED),
        (9, State.STALE),
        (55, State.STALE),
        (61, State.GONE),
        (80_000, State.GONE),
    ],
)
def test_a_worker_that_does_not_report_is_stale_then_gone(
    ago: float, state: State, contoso: Tenant, reported: Reported
) -> None:
    reported(serves=contoso.revision, ago=ago)
    assert states(contoso) == [state]
    assert delivery(contoso).workers[0].age == pytest.approx(ago, abs=5)


def test_rare_reports_leave_more_time(contoso: Tenant, reported: Reported, settings: Any) -> None:
    settings.REDIRECTION_REPORT = 10
    reported(serves=contoso.revision, ago=20, pid=1)
    reported(serves=contoso.revision, ago=27, pid=2)
    assert sorted(states(contoso)) == [State.APPLIED, State.STALE]


def test_a_worker_that_cannot_read_the_store_is_never_applied(
    contoso: Tenant, reported: Reported
) -> None:
    reported(serves=contoso.revision, is_stale=True)
    [worker] = delivery(contoso).workers
    assert (worker.state, worker.is_silent) == (State.STALE, False)


def test_nobody_waits_for_a_worker_that_is_gone(contoso: Tenant, reported: Reported) -> None:
    reported(serves=contoso.revision)
    reported(serves=0, ago=100)
    found = delivery(contoso)
    assert (found.applied, found.expected, found.is_complete) == (1, 1, True)


@pytest.mark.parametrize(
    ("age", "since_change", "missing"),
    [
        (59, 300, False),
        (61, 0, False),
        (61, 2, True),
        (61, 300, True),
        (359, 300, True),
        # It had gone when the change was made.
        (361, 300, False),
        (61, None, False),
    ],
)
def test_a_worker_gone_since_about_the_change_is_missing(
    age: float, since_change: float | None, missing: bool
) -> None:
    assert is_missing(age, since_change) is missing


def test_a_worker_that_went_missing_is_told_from_one_gone_before(
    contoso: Tenant, reported: Reported, switch: Switch
) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=10)):
        switch(contoso, "on")
    reported(serves=contoso.revision)
    reported(serves=contoso.revision, ago=900)
    assert not delivery(contoso).missing

    reported(serves=contoso.revision, ago=100)
    found = delivery(contoso)
    [missing] = found.missing
    assert (missing.state, missing.is_silent) == (State.GONE, True)
    assert (found.applied, found.expected, found.is_complete) == (1, 1, True)


def test_without_a_worker_nothing_is_complete(contoso: Tenant, reported: Reported) -> None:
    assert not delivery(contoso).is_complete
    reported(serves=contoso.revision, ago=100)
    assert not delivery(contoso).is_complete


def test_the_change_of_this_tenant_counts_not_that_of_another(
    contoso: Tenant, fabrikam: Tenant, reported: Reported
) -> None:
    reported(serves=contoso.revision)
    assert fabrikam.revision > contoso.revision
    assert delivery(contoso).is_complete
    assert not delivery(fabrikam).is_complete


def test_the_lag_is_from_the_change_to_the_first_step_that_has_it(
    contoso: Tenant, reported: Reported, switch: Switch
) -> None:
    switch(contoso, "on")
    change = contoso.changes.latest()
    saved = int(change.at.timestamp() * 1000)
    for pid, late in ((1, 200), (2, 400)):
        steps = [[change.revision - 1, saved - 5000], [change.revision, saved + late]]
        reported(serves=change.revision, pid=pid, steps=steps)

    found = delivery(contoso)
    lags = sorted(worker.lag or 0 for worker in found.workers)
    assert lags == [pytest.approx(0.2, abs=0.01), pytest.approx(0.4, abs=0.01)]
    assert found.slowest_lag == lags[1]


@pytest.mark.parametrize(
    ("steps", "lag"),
    [
        ([[4, NOON_MS - 9], [5, NOON_MS + 250]], 0.25),
        # Several changes at once: the first step behind the wanted one.
        ([[3, NOON_MS - 9], [7, NOON_MS + 500], [8, NOON_MS + 900]], 0.5),
        # Its clock is behind that of the machine that saved.
        ([[4, NOON_MS - 900], [5, NOON_MS - 300]], 0.0),
        # It started with the change, or the steps before are forgotten: nobody knows.
        ([[5, NOON_MS + 3_600_000]], None),
        ([[6, NOON_MS + 10], [7, NOON_MS + 20]], None),
        ([[4, NOON_MS - 9]], None),
        ([], None),
    ],
)
def test_a_lag_is_known_only_where_the_steps_show_it(
    steps: list[list[int]], lag: float | None
) -> None:
    assert lag_of(5, steps, NOON) == (lag if lag is None else pytest.approx(lag))


def test_without_a_change_there_is_no_lag() -> None:
    assert lag_of(5, [[4, 1], [5, 2]], None) is None


def test_any_number_of_workers_costs_two_queries(
    contoso: Tenant, reported: Reported, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for pid in range(30):
        reported(serves=contoso.revision, pid=pid, host=f"web-{pid % 3}")
    with django_assert_num_queries(2):
        found = delivery(contoso)
    assert (found.applied, found.expected) == (30, 30)


def test_a_worker_that_ends_takes_its_receipt_with_it(contoso: Tenant, reported: Reported) -> None:
    first, second = reported(serves=1), reported(serves=1)
    Receipt.objects.withdraw(first)
    assert [receipt.worker for receipt in Receipt.objects.all()] == [second]


def test_receipts_gone_for_a_day_are_forgotten(contoso: Tenant, reported: Reported) -> None:
    kept = reported(serves=1, ago=23 * 3600)
    reported(serves=1, ago=25 * 3600)
    assert Receipt.objects.forget_old() == 1
    assert [receipt.worker for receipt in Receipt.objects.all()] == [kept]


def test_a_receipt_names_its_process(contoso: Tenant, reported: Reported) -> None:
    reported(serves=1, pid=4711)
    receipt = Receipt.objects.get()
    assert str(receipt) == f"{receipt.name}: worker 4711 on web-1"
